//! Progress measures of networks about which everything is known.

use std::f64::consts::TAU;

use clockwork_analysis::{Algorithm, AlgorithmKind, Analysis, LossMeasures, Measures, Summary};
use clockwork_model::{
    Activation, Architecture, Checkpoint, MlpArchitecture, MlpInput, ModelConfig, OtherNetwork, SplitRule,
    Task, clock, initial_weights, names,
};

const FREQS: [usize; 3] = [3, 8, 20];
const P: usize = 41;

fn measure(mut checkpoint: Checkpoint) -> (Summary, Measures) {
    checkpoint.metadata.split = Some(SplitRule { train_fraction: 0.3, seed: 5 });
    let analysis = Analysis::new(&checkpoint, &mut ()).unwrap();
    let measures = Measures::new(&analysis);
    let json = serde_json::to_string(&measures).unwrap();
    assert_eq!(serde_json::from_str::<Measures>(&json).unwrap(), measures);
    (Summary::new(&analysis), measures)
}

fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{found} is not {expected}");
}

/// A clock of neurons that square: their products are exact, and so its logits are Σ C cos ω_k(x + y − z) and nothing else.
fn exact_clock(amplitude: f64) -> Checkpoint {
    const ANGLES: usize = 8;
    let d_mlp = 2 * ANGLES * FREQS.len();
    let of = MlpArchitecture { input: MlpInput::TwoOneHots, d_mlp, activation: Activation::Square };
    let (mut w_in, mut w_out) = (vec![0.0; 2 * P * d_mlp], vec![0.0; d_mlp * P]);
    for n in 0..d_mlp {
        let (k, angle) = (FREQS[n / (2 * ANGLES)], n % (2 * ANGLES) / 2);
        let (sign, phi) = (if n % 2 == 0 { 1.0 } else { -1.0 }, TAU * (angle as f64 + 0.5) / ANGLES as f64);
        for number in 0..P {
            let wave = |phase: f64| (TAU * (k * number) as f64 / P as f64 + phase).cos();
            w_in[number * d_mlp + n] = wave(phi) as f32;
            w_in[(P + number) * d_mlp + n] = (sign * wave(phi)) as f32;
            // Over the angles, cos(a + φ) cos(b + φ) cos(z + 2φ) is a quarter of cos(a + b − z) on average.
            w_out[n * P + number] = (sign * wave(2.0 * phi) * amplitude / ANGLES as f64) as f32;
        }
    }
    let tensors = [
        (names::ONE_HOT_W_IN, w_in),
        (names::ONE_HOT_B_IN, vec![0.0; d_mlp]),
        (names::ONE_HOT_W_OUT, w_out),
        (names::ONE_HOT_B_OUT, vec![0.0; P]),
    ];
    let network = OtherNetwork { architecture: Architecture::TwoInputMlp(of), tensors: tensors.into() };
    Checkpoint::of_network(Task::addition(P), network)
}

#[test]
fn of_a_clock_the_restricted_loss_is_the_loss() {
    let (summary, measures) = measure(exact_clock(2.0));
    assert_eq!(measures.key_freqs, FREQS);
    assert_close(measures.frac_logits_explained_3d, 1.0);
    for k in FREQS {
        assert_close(measures.logit_coefficients[&k], 2.0);
        assert!(measures.phase_misalignment[&k] < 1e-6);
    }
    assert_close(measures.all.loss, summary.original_loss);
    for of in [Some(&measures.all), measures.train.as_ref(), measures.test.as_ref()].into_iter().flatten() {
        assert_close(of.loss, summary.original_loss);
        for restricted in
            [Some(of.restricted_loss_2d), Some(of.restricted_loss_3d), of.restricted_loss_hidden]
        {
            assert_close(restricted.unwrap(), of.loss);
        }
        // Nothing is left without the waves, and all answers are alike.
        assert_close(of.excluded_loss_2d, (P as f64).ln());
        assert_close(of.excluded_loss_3d, (P as f64).ln());
        for (i, without) in of.excluded_loss_2d_of_any.iter().enumerate() {
            match FREQS.contains(&(i + 1)) {
                true => assert!(*without > 2.0 * of.loss),
                false => assert_close(*without, of.loss),
            }
        }
    }
    assert_close(measures.ipr_output.unwrap(), 1.0);
    // Each neuron adds a wave of x to one of y, of any two phases: all four waves of a frequency are there alike, of which
    // the disc has two. Its logits are circles.
    for of in measures.cka.as_ref().unwrap().values() {
        for (found, expected) in [
            (of.torus, 1.0),
            (of.disc, 0.5_f64.sqrt()),
            (of.circle, 0.0),
            (of.logits_circle, 1.0),
            (of.logits_disc, 0.0),
        ] {
            assert!((found - expected).abs() < 1e-9, "{of:?}");
        }
    }
}

#[test]
fn a_clock_whose_right_logit_never_varies_is_told_by_symmetricity_alone() {
    let checkpoint = exact_clock(2.0);
    let analysis = Analysis::new(&checkpoint, &mut ()).unwrap();
    let algorithm = Algorithm::new(&checkpoint, &analysis, &Measures::new(&analysis)).unwrap();
    assert_eq!((algorithm.verdict, algorithm.tests.distance_irrelevance), (AlgorithmKind::Clock, None));
    let told_by: Vec<&str> = algorithm.told_by.iter().map(|check| check.quantity.as_str()).collect();
    assert_eq!(told_by, ["gradient symmetricity"]);
    assert_eq!(algorithm.wave_certificate.accuracy(), 1.0);
    assert_eq!(algorithm.neuron_certificate, None, "its neurons square");
}

#[test]
fn measures_are_those_of_the_analysis_where_it_has_them_too() {
    let (config, mut weights) = clock(P, &FREQS, 16);
    weights.w_u.iter_mut().for_each(|w| *w *= 0.05);
    let (summary, measures) = measure(Checkpoint::of_weights(config, weights));
    let LossMeasures { loss, restricted_loss_2d, excluded_loss_2d_by_freq, restricted_loss_3d, .. } =
        &measures.all;
    assert_close(*loss, summary.original_loss);
    assert_close(*restricted_loss_2d, summary.loss_trig_only);
    assert_close(*restricted_loss_3d, summary.loss_waves);
    assert_close(measures.train.as_ref().unwrap().loss, summary.train_loss.unwrap());
    assert_close(measures.test.as_ref().unwrap().loss, summary.test_loss.unwrap());
    let train = measures.train.as_ref().unwrap();
    for k in FREQS {
        assert_close(excluded_loss_2d_by_freq[&k], summary.excluded_loss[&k]);
        assert_close(train.excluded_loss_2d_by_freq[&k], summary.excluded_train_loss.as_ref().unwrap()[&k]);
        assert_close(measures.logit_coefficients[&k], summary.logit_coefficients[&k]);
    }
    assert_eq!(measures.accuracy, summary.accuracy);
}

#[test]
fn of_random_weights_nothing_is_explained() {
    let config = ModelConfig { modulus: 29, d_model: 16, n_heads: 2, d_mlp: 64 };
    let (_, measures) = measure(Checkpoint::of_weights(config, initial_weights(&config, 0)));
    assert_eq!((measures.key_freqs.len(), measures.frac_logits_explained_3d), (0, 0.0));
    // Without waves all answers are alike, and nothing is left out.
    assert_close(measures.all.restricted_loss_3d, 29_f64.ln());
    assert_eq!(measures.all.excluded_loss_3d, measures.all.loss);
    // Its neurons are spread over all frequencies: over at least a half of the fourteen.
    assert!(measures.ipr_input.unwrap() < 2.0 / 14.0 && measures.ipr_output.unwrap() < 2.0 / 14.0);
}

#[test]
fn weights_that_have_all_decayed_give_measures_that_are_numbers() {
    let config = ModelConfig { modulus: 8, d_model: 4, n_heads: 1, d_mlp: 5 };
    let weights = initial_weights(&config, 0).map(|w| vec![0.0; w.len()]);
    let (_, measures) = measure(Checkpoint::of_weights(config, weights));
    assert_eq!((measures.ipr_input, measures.ipr_output), (None, None));
    assert_close(measures.all.loss, 8_f64.ln());
}
