//! A network whose weights are set by hand to the clock algorithm is recognised with exactly the
//! frequencies put in; one that learned nothing fails the checks.

#[path = "clock/network.rs"]
mod network;

use clockwork_analysis::{Analysis, Claim, Summary, claims};
use clockwork_model::{ModelConfig, Weights, initial_weights};
use network::clock;

/// Angles per frequency.
const ANGLES: usize = 16;

fn analyse(config: &ModelConfig, weights: &Weights) -> (Summary, Vec<Claim>) {
    let summary = Summary::new(&Analysis::new(weights, config, None, &mut ()).unwrap());
    let claims = claims(&summary);
    (summary, claims)
}

#[test]
fn the_clock_is_recognised_with_the_frequencies_put_in() {
    for (modulus, freqs) in [(41, vec![3, 8, 20]), (37, vec![2, 18]), (40, vec![4, 7, 20]), (12, vec![5])] {
        let (config, weights) = clock(modulus, &freqs, ANGLES);
        let (summary, claims) = analyse(&config, &weights);
        assert_eq!(summary.key_freqs_by_rule.embedding, freqs);
        assert_eq!(summary.key_freqs_by_rule.neurons, freqs);
        assert_eq!(summary.key_freqs_by_rule.w_logit, freqs);
        assert!(freqs.iter().all(|k| summary.cluster_sizes[&k.to_string()] == 2 * ANGLES), "{summary:?}");
        let failed: Vec<_> = claims.iter().filter(|claim| !claim.holds).collect();
        assert!(failed.is_empty(), "{modulus} {freqs:?} {failed:#?}");
    }
}

#[test]
fn random_weights_fail() {
    let config = ModelConfig { modulus: 29, d_model: 16, n_heads: 2, d_mlp: 64 };
    let (summary, claims) = analyse(&config, &initial_weights(&config, 0));
    assert!(summary.accuracy < 0.2);
    let failed: Vec<_> =
        claims.iter().filter(|claim| !claim.holds).map(|claim| claim.claim.clone()).collect();
    for claim in ["it generalises", "the embedding is sparse", "the neurons that matter specialise"] {
        assert!(failed.contains(&claim.to_owned()), "{claim} holds: {claims:?}");
    }
}

#[test]
fn weights_that_have_all_decayed_give_figures_that_are_numbers() {
    let config = ModelConfig { modulus: 8, d_model: 4, n_heads: 1, d_mlp: 5 };
    let weights = initial_weights(&config, 0).map(|w| vec![0.0; w.len()]);
    let (summary, claims) = analyse(&config, &weights);
    assert_eq!((summary.dead_neurons, summary.key_freqs.len()), (5, 0));
    assert!(claims.iter().filter(|claim| claim.claim != "ReLU makes a product").all(|claim| !claim.holds));
    let json = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);
}
