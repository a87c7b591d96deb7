use std::{collections::BTreeMap, fmt};

use clockwork_model::{Checkpoint, StoredNetwork, initial_weights};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    AlgorithmTests, AnalysedNetwork, FourierBasis, NeuronClusters, Result, logits_by_sum::waves_by_difference,
};

/// What tests of the algorithm are tried on, of which it is known what it is: they show what a test says of nothing, and of
/// nothing else than waves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The weights that the run began with.
    InitialWeights,
    /// Random weights, with the norm of each of the network's tensors.
    RandomWeights,
    /// Logits that are Σ C_k cos ω_k(x + y − z), with the network's C_k.
    Waves,
    /// Logits that are drawn one by one.
    Noise,
}

impl Control {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::InitialWeights, Self::RandomWeights, Self::Waves, Self::Noise];
}

impl fmt::Display for Control {
    /// Writes it as the head of a column.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InitialWeights => "initial weights",
            Self::RandomWeights => "random weights",
            Self::Waves => "waves alone",
            Self::Noise => "noise",
        })
    }
}

/// The seed of random weights and of noise.
const SEED: u64 = 0;

/// What all tests say of each control that there is for a network.
///
/// # Errors
///
/// Those of [`Network::run`](crate::Network::run).
pub(crate) fn controls(
    basis: &FourierBasis,
    checkpoint: &Checkpoint,
    clusters: &NeuronClusters,
    amplitudes: &BTreeMap<usize, f64>,
) -> Result<BTreeMap<Control, AlgorithmTests>> {
    let n = basis.modulus();
    let of_weights = |network: Option<StoredNetwork>| {
        let network = AnalysedNetwork::of(&Checkpoint { network: network?, ..checkpoint.clone() });
        Some(network.and_then(|network| AlgorithmTests::of_network(basis, &network, clusters)))
    };
    let of_logits =
        |logits: &[f64]| Some(Ok(AlgorithmTests::of_logits(basis, logits, &clusters.key_freqs, Some(0.0))));
    let of = |control| match control {
        Control::InitialWeights => of_weights(initial(checkpoint)),
        Control::RandomWeights => of_weights(Some(random_weights(&checkpoint.network))),
        Control::Waves => of_logits(&waves(n, amplitudes)),
        Control::Noise => of_logits(&noise(n)),
    };
    Control::ALL
        .into_par_iter()
        .filter_map(|control| Some(of(control)?.map(|tests| (control, tests))))
        .collect()
}

/// The weights that a run of ours began with.
fn initial(checkpoint: &Checkpoint) -> Option<StoredNetwork> {
    let metadata = &checkpoint.metadata;
    let seed = metadata.config.pointer("/training/seed")?.as_u64()?;
    let is_ours = metadata.imported.is_none() && checkpoint.network.architecture().is_none();
    is_ours.then(|| StoredNetwork::Paper(initial_weights(&metadata.model, seed)))
}

/// Weights of the normal distribution, each tensor with the norm of the network's.
fn random_weights(of: &StoredNetwork) -> StoredNetwork {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let norm = |of: &[f32]| of.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt();
    of.map_tensors(|tensor| {
        let drawn: Vec<f32> = normal(&mut rng).take(tensor.len()).map(|w| w as f32).collect();
        let factor = norm(tensor) / norm(&drawn).max(f64::MIN_POSITIVE);
        drawn.iter().map(|&w| (f64::from(w) * factor) as f32).collect()
    })
}

fn normal(rng: &mut ChaCha8Rng) -> impl Iterator<Item = f64> + '_ {
    std::iter::repeat_with(move || StandardNormal.sample(rng))
}

/// Logits [n², n] that are waves of x + y − z alone.
fn waves(n: usize, amplitudes: &BTreeMap<usize, f64>) -> Vec<f64> {
    let by_difference = waves_by_difference(n, &amplitudes.iter());
    let difference = |input: usize, z: usize| (input / n + input % n + n - z) % n;
    (0..n * n).flat_map(|input| (0..n).map(move |z| difference(input, z))).map(|e| by_difference[e]).collect()
}

/// Logits [n², n] of the normal distribution.
fn noise(n: usize) -> Vec<f64> {
    normal(&mut ChaCha8Rng::seed_from_u64(SEED)).take(n * n * n).collect()
}
