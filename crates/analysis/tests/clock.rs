//! A network whose weights are set by hand to the clock algorithm is recognised with exactly the
//! frequencies put in; one that learned nothing fails the checks.

use clockwork_analysis::{Analysis, Claim, Cluster, Summary, claims};
use clockwork_model::{Checkpoint, ModelConfig, Weights, clock, initial_weights};

/// Angles per frequency.
const ANGLES: usize = 16;

fn analyse((config, weights): (ModelConfig, Weights)) -> (Summary, Vec<Claim>) {
    let checkpoint = Checkpoint::of_weights(config, weights);
    let summary = Summary::new(&Analysis::new(&checkpoint, &mut ()).unwrap());
    let claims = claims(&summary);
    (summary, claims)
}

#[test]
fn the_clock_is_recognised_with_the_frequencies_put_in() {
    for (modulus, freqs) in [(41, vec![3, 8, 20]), (37, vec![2, 18]), (40, vec![4, 7, 20]), (12, vec![5])] {
        let (summary, claims) = analyse(clock(modulus, &freqs, ANGLES));
        assert_eq!(summary.key_freqs_by_rule.embedding, freqs);
        assert_eq!(summary.key_freqs_by_rule.neurons, freqs);
        assert_eq!(summary.key_freqs_by_rule.w_logit, freqs);
        let size = |&k: &usize| summary.cluster_sizes[&Cluster::Frequency(k)];
        assert!(freqs.iter().all(|k| size(k) == 2 * ANGLES), "{summary:?}");
        let others: Vec<_> = claims.iter().filter(|claim| !claim.holds()).collect();
        assert!(others.is_empty(), "{modulus} {freqs:?} {others:#?}");
    }
}

#[test]
fn random_weights_fail() {
    let config = ModelConfig { modulus: 29, d_model: 16, n_heads: 2, d_mlp: 64 };
    let (summary, claims) = analyse((config, initial_weights(&config, 0)));
    assert!(summary.accuracy < 0.2 && summary.key_freqs.is_empty());
    let of = |id: &str| claims.iter().find(|claim| claim.id == id).unwrap();
    for id in ["generalises", "rules-agree", "embedding-sparse"] {
        assert!(of(id).fails(), "{:?}", of(id));
    }
    let specialise = of("neurons-specialise");
    assert!(
        !specialise.holds() && !specialise.fails(),
        "{specialise:?} is about clusters, and there is none"
    );
}

#[test]
fn weights_that_have_all_decayed_give_figures_that_are_numbers() {
    let config = ModelConfig { modulus: 8, d_model: 4, n_heads: 1, d_mlp: 5 };
    let weights = initial_weights(&config, 0).map(|w| vec![0.0; w.len()]);
    let (summary, claims) = analyse((config, weights));
    assert_eq!((summary.dead_neurons, summary.key_freqs.len()), (5, 0));
    let hold: Vec<&str> =
        claims.iter().filter(|claim| claim.holds()).map(|claim| claim.id.as_str()).collect();
    assert_eq!(hold, ["relu-product"], "it is about no weight");
    let json = serde_json::to_string(&(&summary, &claims)).unwrap();
    assert_eq!(serde_json::from_str::<(Summary, Vec<Claim>)>(&json).unwrap(), (summary, claims));
}
