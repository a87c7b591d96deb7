//! The two algorithms set by hand are told apart, and proven of every input; random weights are neither.

use std::collections::BTreeSet;

use clockwork_analysis::{Algorithm, AlgorithmKind, Analysis, AnalysisFiles, Control, Measures};
use clockwork_model::{Checkpoint, CheckpointFile, ModelConfig, Weights, clock, initial_weights, pizza};

const P: usize = 41;

const FREQS: [usize; 3] = [3, 8, 20];

/// Angles per frequency of a clock.
const ANGLES: usize = 16;

/// Angles per frequency of a pizza: enough for the spacing of phases to prove something.
const MANY_ANGLES: usize = 100;

fn algorithm(checkpoint: &Checkpoint) -> (Measures, Algorithm) {
    let analysis = Analysis::new(checkpoint, &mut ()).unwrap();
    let measures = Measures::new(&analysis);
    let algorithm = Algorithm::new(checkpoint, &analysis, &measures).unwrap();
    let json = serde_json::to_string(&algorithm).unwrap();
    assert_eq!(serde_json::from_str::<Algorithm>(&json).unwrap(), algorithm);
    (measures, algorithm)
}

fn algorithm_of((config, weights): (ModelConfig, Weights)) -> Algorithm {
    algorithm(&Checkpoint::of_weights(config, weights)).1
}

#[test]
fn the_clock_is_a_clock_and_its_waves_answer_every_input() {
    let of = algorithm_of(clock(P, &FREQS, ANGLES));
    assert_eq!(of.verdict, AlgorithmKind::Clock, "{:#?}", of.told_by);
    assert_eq!(of.wave_certificate.accuracy(), 1.0);
    assert!(of.symmetricity.mean.abs() < 0.1 && of.symmetricity.triples == P * P * P);
    assert!(of.tests.distance_irrelevance.unwrap() > 0.9);
    // Its neurons see x and y with a phase of their own between them: all four waves.
    assert!((of.tests.inputs_torus.unwrap() - 1.0).abs() < 1e-9);
    // Any of its frequencies answers all inputs by itself, which is less than without others.
    assert_eq!(of.sufficiency.subsets.len(), 8);
    let keeps_all = of.sufficiency.keeps_all.unwrap();
    assert_eq!((keeps_all.freqs.len(), keeps_all.accuracy), (1, 1.0));
    assert!(of.sufficiency.subsets[0].accuracy < 0.05, "nothing is left that tells numbers apart");
    assert!(of.sufficiency.without_key_freqs.accuracy < 0.05);
    let without_others = of.sufficiency.without_others.unwrap();
    assert_eq!((without_others.draws, without_others.least_accuracy), (100, 1.0));
}

#[test]
fn the_pizza_is_a_pizza_and_its_weights_alone_answer_every_input() {
    let of = algorithm_of(pizza(P, &FREQS, MANY_ANGLES));
    assert_eq!(of.verdict, AlgorithmKind::Pizza, "{:#?}", of.told_by);
    assert!(of.against().next().is_none(), "{:#?}", of.beside);
    assert!((of.symmetricity.mean - 1.0).abs() < 1e-9 && of.symmetricity.standard_deviation < 1e-6);
    assert!(of.tests.distance_irrelevance.unwrap() < 0.01);
    assert!((of.tests.inputs_disc.unwrap() - 1.0).abs() < 1e-9);
    for fit in of.formulas.values() {
        assert!((fit.pizza - 1.0).abs() < 1e-3 && fit.clock < 0.82, "{fit:?}");
    }
    let certificate = of.neuron_certificate.unwrap();
    assert_eq!(certificate.certified_by_spacing, P * P);
    assert!(of.cost.neurons.unwrap() < of.cost.all_inputs / 2 && of.cost.all_inputs < of.cost.waves);
    // With all frequencies, their waves prove it too: what varies with x − y averages out.
    let all: Vec<usize> = (1..=P / 2).collect();
    assert_eq!(algorithm_of(pizza(P, &all, ANGLES)).wave_certificate.accuracy(), 1.0);
}

#[test]
fn random_weights_are_neither_and_prove_nothing() {
    let config = ModelConfig { modulus: 29, d_model: 16, n_heads: 2, d_mlp: 64 };
    let of = algorithm_of((config, initial_weights(&config, 0)));
    assert_eq!(of.verdict, AlgorithmKind::Neither);
    let lacks = |quantity: &str| of.told_by.iter().any(|check| !check.holds() && check.quantity == quantity);
    assert!(lacks("key frequencies") && lacks("accuracy") && of.beside.is_empty());
    // They look like a pizza by the one figure and like a clock by the other.
    assert!(of.symmetricity.mean > 0.9 && of.tests.distance_irrelevance.unwrap() > 0.9);
    assert_eq!((of.wave_certificate.certified, of.neuron_certificate), (0, None));
    assert!(of.formulas.is_empty() && of.sufficiency.without_others.is_none());
}

#[test]
fn weights_that_have_all_decayed_have_figures_that_are_numbers() {
    let config = ModelConfig { modulus: 8, d_model: 4, n_heads: 1, d_mlp: 5 };
    let of = algorithm_of((config, initial_weights(&config, 0).map(|w| vec![0.0; w.len()])));
    assert_eq!((of.verdict, of.wave_certificate.certified), (AlgorithmKind::Neither, 0));
    // No gradient has a direction.
    assert_eq!((of.symmetricity.triples, of.symmetricity.mean), (0, 0.0));
}

#[test]
fn frequencies_that_cannot_tell_numbers_apart_have_figures_that_are_numbers() {
    // 4 · 3 = 12: three answers have each wave's value.
    for freqs in [&[4][..], &[6]] {
        let of = algorithm_of(pizza(12, freqs, ANGLES));
        assert_eq!((of.verdict, of.wave_certificate.certified), (AlgorithmKind::Neither, 0), "{freqs:?}");
        let certificate = of.neuron_certificate.unwrap();
        assert_eq!((certificate.least_slack_by_margin, certificate.certified_by_evaluation), (None, 0));
    }
}

#[test]
fn controls_show_what_a_test_says_of_nothing() {
    let (config, weights) = clock(P, &FREQS, ANGLES);
    let mut checkpoint = Checkpoint::of_weights(config, weights);
    let controls_of = |checkpoint: &Checkpoint| algorithm(checkpoint).1.controls;
    assert!(!controls_of(&checkpoint).contains_key(&Control::InitialWeights), "no run made it");
    checkpoint.metadata.config = serde_json::json!({"training": {"seed": 3}});
    let controls = controls_of(&checkpoint);
    assert_eq!(controls.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from(Control::ALL));
    for weights in [Control::InitialWeights, Control::RandomWeights] {
        let of = controls[&weights];
        assert_eq!(of.certified_accuracy, 0.0, "{weights}");
        assert!(of.frac_logits_explained < 0.01 && of.distance_irrelevance.unwrap() > 0.9, "{of:?}");
        assert!(of.formulas.unwrap().clock < 0.05, "{of:?}");
    }
    let initial = algorithm_of((config, initial_weights(&config, 3)));
    assert_eq!(controls[&Control::InitialWeights].gradient_symmetricity, initial.tests.gradient_symmetricity);
    let waves = controls[&Control::Waves];
    assert_eq!((waves.certified_accuracy, waves.distance_irrelevance), (1.0, None));
    assert!((waves.frac_logits_explained - 1.0).abs() < 1e-9 && waves.logits_circle.unwrap() > 0.999);
    let noise = controls[&Control::Noise];
    assert!(noise.frac_logits_explained < 0.01 && noise.distance_irrelevance.unwrap() > 0.9, "{noise:?}");
    assert_eq!(noise.gradient_symmetricity, None, "logits have no weights");
}

#[test]
fn the_whole_analysis_has_it_and_the_quick_one_has_not() {
    let (config, weights) = clock(23, &[2, 7, 9], ANGLES);
    let file = CheckpointFile {
        path: "clock".into(),
        sha256: String::new(),
        checkpoint: Checkpoint::of_weights(config, weights),
    };
    let whole = AnalysisFiles::of(&file, &mut ()).unwrap().findings;
    let algorithm = whole.algorithm.as_ref().unwrap();
    let measures = whole.measures.as_ref().unwrap();
    assert_eq!(measures.gradient_symmetricity_all, Some(algorithm.symmetricity.mean));
    assert_eq!(measures.certified_accuracy, Some(algorithm.wave_certificate.accuracy()));
    let quick = AnalysisFiles::quick(&file, &mut ()).unwrap().findings;
    assert!(quick.algorithm.is_none());
    assert_eq!((quick.summary, quick.claims), (whole.summary, whole.claims));
}
