//! Networks with noise on their weights, for tests of what is certified of them.

use clockwork_model::{Checkpoint, ModelConfig, Weights};

use crate::AnalysedNetwork;

/// A network with noise on every weight, as large as a share of the largest of its tensor.
pub(crate) fn perturbed((config, weights): (ModelConfig, Weights), noise: f64, seed: u64) -> AnalysedNetwork {
    let mut place = seed as f64;
    let weights = weights.map(|tensor: Vec<f32>| {
        let largest = tensor.iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
        let mut noise = || {
            place += 1.0;
            (noise * f64::from(largest) * (place * 12.9898).sin()) as f32
        };
        tensor.iter().map(|w| w + noise()).collect()
    });
    AnalysedNetwork::of(&Checkpoint::of_weights(config, weights)).unwrap()
}

/// Whether each input is answered right, [n²].
pub(crate) fn answered_right(network: &AnalysedNetwork) -> Vec<bool> {
    let n = network.n();
    let is_right = |(input, row): (usize, &[f64])| {
        let answer = (input / n + input % n) % n;
        (0..n).all(|z| z == answer || row[z] < row[answer])
    };
    network.logits.chunks_exact(n).enumerate().map(is_right).collect()
}
