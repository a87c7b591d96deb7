use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::{ModelConfig, NAMES, Parameters, Weights};

/// Of the generator's independent streams, the one that weights are drawn from; the split of the
/// pairs has stream 0 ([`Split`](crate::Split)).
const WEIGHTS_STREAM: u64 = 1;

/// Random weights: every matrix N(0, 1/d_model), but the unembedding N(0, 1/(p + 1)); biases zero.
///
/// The generator is ours, not the device's, so that a seed means the same network on every device.
#[must_use]
pub fn initial_weights(config: &ModelConfig, seed: u64) -> Weights {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(WEIGHTS_STREAM);
    NAMES.zip(config.shapes()).map(|(name, shape)| {
        let std = standard_deviation(name, config);
        let normal = |_| std * <StandardNormal as Distribution<f64>>::sample(&StandardNormal, &mut rng);
        (0..shape.iter().product()).map(normal).map(|w| w as f32).collect()
    })
}

fn standard_deviation(name: &str, config: &ModelConfig) -> f64 {
    const BIASES: [&str; 2] = [NAMES.b_in, NAMES.b_out];
    let Parameters { w_u: unembedding, .. } = NAMES;
    match name {
        bias if BIASES.contains(&bias) => 0.0,
        name if name == unembedding => 1.0 / ((config.modulus + 1) as f64).sqrt(),
        _ => 1.0 / (config.d_model as f64).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: ModelConfig = ModelConfig { modulus: 113, d_model: 128, n_heads: 4, d_mlp: 512 };

    #[test]
    fn scales_are_those_of_the_design() {
        let weights = initial_weights(&CONFIG, 0);
        let mean_square = |w: &[f32]| w.iter().map(|w| f64::from(w * w)).sum::<f64>() / w.len() as f64;
        for w in [&weights.w_e, &weights.w_q, &weights.w_o, &weights.w_in, &weights.w_out] {
            assert!((mean_square(w) * 128.0 - 1.0).abs() < 0.05);
        }
        assert!((mean_square(&weights.w_u) * 114.0 - 1.0).abs() < 0.05);
        assert!(weights.b_in.iter().chain(&weights.b_out).all(|&b| b == 0.0));
    }

    #[test]
    fn a_seed_names_one_network() {
        assert_eq!(initial_weights(&CONFIG, 3), initial_weights(&CONFIG, 3));
        assert_ne!(initial_weights(&CONFIG, 3).w_e, initial_weights(&CONFIG, 4).w_e);
    }
}
