//! A network whose weights are set by hand to the clock algorithm is recognised with exactly the
//! frequencies put in; one that learned nothing fails the checks.

use std::f64::consts::PI;

use clockwork_analysis::{Analysis, Claim, Summary, claims};
use clockwork_model::{ModelConfig, NAMES, Weights, initial_weights};

/// Neurons per frequency: ReLU(cos(ω_k x + φ) + cos(ω_k y + φ)) for this many angles φ evenly spaced. Of
/// their quadratic terms, those along cos(ω_k(x + y) + 2φ) are read.
const ANGLES: usize = 24;

/// How strongly logits are driven.
const GAIN: f64 = 400.0;

/// The clock, by hand. Residual directions 2i and 2i + 1 hold cos and sin of the i-th frequency's angle,
/// the others one logit each; a single head with a query of zeros averages the embeddings.
fn clock(modulus: usize, freqs: &[usize]) -> (ModelConfig, Weights) {
    let d_model = 2 * freqs.len() + modulus;
    let config = ModelConfig { modulus, d_model, n_heads: 1, d_mlp: ANGLES * freqs.len() };
    let mut weights = NAMES.zip(config.shapes()).map(|(_, shape)| vec![0.0_f32; shape.iter().product()]);
    let omega = |k: usize| 2.0 * PI * k as f64 / modulus as f64;
    for (i, &k) in freqs.iter().enumerate() {
        for x in 0..modulus {
            let angle = omega(k) * x as f64;
            weights.w_e[x * d_model + 2 * i] = angle.cos() as f32;
            weights.w_e[x * d_model + 2 * i + 1] = angle.sin() as f32;
        }
        for n in 0..ANGLES {
            let (neuron, phi) = (i * ANGLES + n, 2.0 * PI * (n as f64 + 0.5) / ANGLES as f64);
            // Attention takes a third of each position, so inputs are scaled by three.
            weights.w_in[2 * i * config.d_mlp + neuron] = (3.0 * phi.cos()) as f32;
            weights.w_in[(2 * i + 1) * config.d_mlp + neuron] = (-3.0 * phi.sin()) as f32;
            for z in 0..modulus {
                // Read cos(ω_k(x + y) + 2φ) as cos(ω_k z + 2φ): summed over φ it gives cos ω_k(x + y − z).
                let read = (omega(k) * z as f64 + 2.0 * phi).cos() * GAIN / ANGLES as f64;
                weights.w_out[neuron * d_model + 2 * freqs.len() + z] = read as f32;
            }
        }
    }
    for i in 0..d_model {
        weights.w_v[i * d_model + i] = 1.0;
        weights.w_o[i * d_model + i] = 1.0;
    }
    for z in 0..modulus {
        weights.w_u[(2 * freqs.len() + z) * modulus + z] = 1.0;
    }
    (config, weights)
}

fn analyse(config: &ModelConfig, weights: &Weights) -> (Summary, Vec<Claim>) {
    let summary = Summary::new(&Analysis::new(weights, config, None, &mut ()).unwrap());
    let claims = claims(&summary);
    (summary, claims)
}

#[test]
fn the_clock_is_recognised_with_the_frequencies_put_in() {
    for (modulus, freqs) in [(29, vec![3, 8, 14]), (31, vec![2, 15]), (30, vec![4, 7, 15]), (12, vec![5])] {
        let (config, weights) = clock(modulus, &freqs);
        let (summary, claims) = analyse(&config, &weights);
        assert_eq!(summary.accuracy, 1.0, "{modulus} {freqs:?} {}", summary.original_loss);
        assert_eq!(summary.key_freqs_by_rule.embedding, freqs);
        assert_eq!(summary.key_freqs_by_rule.neurons, freqs);
        assert_eq!(summary.key_freqs_by_rule.w_logit, freqs);
        assert!(freqs.iter().all(|k| summary.cluster_sizes[&k.to_string()] == ANGLES), "{summary:?}");
        // One ReLU per angle leaves |cos(ω_k(x − y)/2)| in front of the wave, a fifth of its power, and so
        // misses the bounds on pure waves, which are for networks that were trained.
        for name in [
            "it generalises",
            "the three rules name the same key frequencies",
            "the neurons that matter specialise",
            "a neuron's own frequency suffices",
            "every key frequency is used",
            "W_logit reads key frequencies only",
            "and each from its own cluster",
        ] {
            let claim = claims.iter().find(|claim| claim.claim == name).unwrap();
            assert!(claim.holds, "{modulus} {freqs:?} {claim:?}");
        }
        assert!(summary.logits_frac_linear < 1e-6);
        assert!(summary.logit_coefficients.values().all(|&c| c > 0.0));
    }
}

#[test]
fn random_weights_fail() {
    let config = ModelConfig { modulus: 29, d_model: 16, n_heads: 2, d_mlp: 64 };
    let (summary, claims) = analyse(&config, &initial_weights(&config, 0));
    assert!(summary.accuracy < 0.2);
    let failed: Vec<_> = claims.iter().filter(|claim| !claim.holds).map(|claim| claim.claim).collect();
    for claim in ["it generalises", "the embedding is sparse", "the neurons that matter specialise"] {
        assert!(failed.contains(&claim), "{claim} holds: {claims:?}");
    }
}
