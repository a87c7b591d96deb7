//! Progress measures of networks about which everything is known.

use std::f64::consts::TAU;

use clockwork_analysis::{
    Analysis, Claim, CoursePhases, LossMeasures, Measures, Progress, ProgressRow, Summary, Verdict,
    course_claims, key_freqs_of, leads,
};
use clockwork_model::{
    Activation, Architecture, Checkpoint, CheckpointFile, MlpArchitecture, MlpInput, ModelConfig,
    OtherNetwork, SplitRule, Task, clock, initial_weights, names,
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

/// A checkpoint as if it had been read from a file.
fn file(mut checkpoint: Checkpoint, step: u64) -> CheckpointFile {
    checkpoint.metadata.step = step;
    checkpoint.metadata.split = Some(SplitRule { train_fraction: 0.3, seed: 5 });
    CheckpointFile { path: format!("step {step}").into(), sha256: format!("{step:x}"), checkpoint }
}

/// Random weights and then a clock, of the same sizes.
fn course() -> Progress {
    let (config, mut weights) = clock(P, &FREQS, 16);
    weights.w_u.iter_mut().for_each(|w| *w *= 0.05);
    let random = file(Checkpoint::of_weights(config, initial_weights(&config, 0)), 0);
    let clock = file(Checkpoint::of_weights(config, weights), 100);
    let freqs = key_freqs_of(&clock.checkpoint).unwrap();
    let mut progress = Progress::new(freqs.clone(), Some(100));
    progress.rows = [random, clock].iter().map(|file| ProgressRow::of(file, &freqs).unwrap()).collect();
    progress
}

#[test]
fn a_row_of_the_course_has_what_the_analysis_of_its_checkpoint_finds() {
    let course = course();
    assert_eq!(course.key_freqs, FREQS);
    let (config, mut weights) = clock(P, &FREQS, 16);
    weights.w_u.iter_mut().for_each(|w| *w *= 0.05);
    let (summary, measures) = measure(Checkpoint::of_weights(config, weights));
    let [random, clock] = &course.rows[..] else { panic!() };
    assert_eq!(clock.measures, measures);
    assert_eq!((clock.gini_embedding, clock.gini_w_logit), (summary.gini_embedding, summary.gini_w_logit));
    assert_eq!(clock.cluster_sizes, summary.cluster_sizes);
    assert_eq!(clock.arrays.embedding_norm_by_freq, summary.embedding_norm_by_freq);
    assert_eq!(clock.mean_attention, summary.mean_attention);
    assert_eq!((clock.train_accuracy, clock.test_accuracy), (Some(1.0), Some(1.0)));
    assert_close(clock.sum_squared_by_parameter.values().sum(), clock.sum_squared_weights);
    assert!(random.train_accuracy.unwrap() < 0.2 && random.measures.frac_logits_explained_3d < 0.1);
    // It is measured by the clock's frequencies, of which it knows nothing.
    assert_eq!(random.measures.key_freqs, FREQS);
    assert_eq!(course.neurons_that_change(), [clock.arrays.cluster.len()]);
}

#[test]
fn a_course_comes_back_from_its_files_and_what_does_not_fit_is_refused() {
    let (directory, course) = (tempfile::tempdir().unwrap(), course());
    assert_eq!(Progress::read(directory.path()).unwrap(), None);
    course.write(directory.path()).unwrap();
    assert_eq!(Progress::read(directory.path()).unwrap(), Some(course.clone()));
    assert!(course.is_like(&course) && !course.is_like(&Progress::new(vec![3], None)));
    let mut shorter = course.clone();
    shorter.rows.remove(0);
    std::fs::write(directory.path().join("progress.json"), serde_json::to_vec(&shorter).unwrap()).unwrap();
    let error = Progress::read(directory.path()).unwrap_err().to_string();
    assert!(error.contains("step has shape [2] where [1] is expected"), "{error}");
    std::fs::write(directory.path().join("progress.json"), "{").unwrap();
    assert!(Progress::read(directory.path()).is_err());
}

#[test]
fn a_measure_leads_by_how_long_it_has_gone_half_of_its_way_before_the_test_accuracy() {
    let mut course = course();
    let row = course.rows[1].clone();
    // Step, train and test accuracy, restricted loss, Gini coefficient.
    let at = [
        (0, 0.1, 0.1, 4.0, 0.1),
        (10, 1.0, 0.0, 1.0, 0.2),
        (20, 1.0, 0.1, 0.01, 0.2),
        (30, 1.0, 0.8, 0.001, 0.3),
        (40, 1.0, 1.0, 0.0001, 0.9),
    ];
    course.rows = at
        .map(|(step, train, test, restricted, gini)| {
            let mut row = row.clone();
            (row.step, row.train_accuracy, row.test_accuracy) = (step, Some(train), Some(test));
            (row.measures.all.restricted_loss_3d, row.gini_embedding) = (restricted, gini);
            row
        })
        .to_vec();
    let leads = leads(&course);
    let of = |measure: &str| leads.iter().find(|lead| lead.measure == measure).unwrap();
    assert_eq!((of("test accuracy").halfway, of("test accuracy").steps_before_test_accuracy), (30, 0));
    // Half of the way from 1 to 10⁻⁴ is 10⁻², on a logarithmic scale.
    let restricted = of("restricted loss (3d, all)");
    assert_eq!((restricted.halfway, restricted.steps_before_test_accuracy), (20, 10));
    let gini = of("Gini coefficient of the embedding");
    assert_eq!((gini.from, gini.halfway, gini.steps_before_test_accuracy), (0.2, 40, -10));
    assert!(leads.iter().all(|lead| lead.measure != "sum of squared weights"), "it goes no way");
    course.rows.iter_mut().for_each(|row| row.train_accuracy = Some(0.9));
    assert!(clockwork_analysis::leads(&course).is_empty(), "nothing was memorised");
}

/// A run that groks, in round numbers: step, train and test accuracy, train and test loss, restricted loss, excluded loss
/// on the training pairs, and the sum of squared weights.
const GROKS: [(u64, [f64; 7]); 8] = [
    (0, [0.1, 0.1, 4.0, 4.0, 4.0, 4.0, 1000.0]),
    (100, [1.0, 0.1, 0.01, 8.0, 2.0, 1.0, 3000.0]),
    (200, [1.0, 0.2, 1e-3, 8.0, 1.0, 3.0, 2800.0]),
    (300, [1.0, 0.3, 1e-4, 6.0, 1e-5, 6.0, 2600.0]),
    (400, [1.0, 0.8, 1e-5, 1.0, 1e-6, 10.0, 2400.0]),
    (500, [1.0, 1.0, 1e-6, 1e-6, 1e-7, 9.0, 1500.0]),
    (600, [1.0, 1.0, 1e-6, 1e-6, 1e-7, 8.0, 1000.0]),
    (700, [1.0, 1.0, 1e-6, 1e-6, 1e-7, 8.0, 950.0]),
];

fn course_of(rows: &[(u64, [f64; 7])]) -> Progress {
    let mut course = course();
    let row = course.rows[1].clone();
    let of =
        |&(step, [train, test, train_loss, test_loss, restricted, excluded, squares]): &(u64, [f64; 7])| {
            let mut row = row.clone();
            (row.step, row.train_accuracy, row.test_accuracy) = (step, Some(train), Some(test));
            let of_train = row.measures.train.as_mut().unwrap();
            (of_train.loss, of_train.excluded_loss_2d) = (train_loss, excluded);
            row.measures.test.as_mut().unwrap().loss = test_loss;
            row.measures.all.restricted_loss_3d = restricted;
            row.sum_squared_weights = squares;
            row
        };
    course.rows = rows.iter().map(of).collect();
    course
}

/// The claims that fail, by their names.
fn failing(claims: &[Claim]) -> Vec<&str> {
    claims.iter().filter(|claim| claim.fails()).map(|claim| &claim.id[..]).collect()
}

#[test]
fn phases_begin_where_the_excluded_loss_turns_and_where_it_has_risen() {
    let course = course_of(&GROKS);
    let phases = CoursePhases::of(&course);
    // Nine tenths of the way from 1 to 10 is 7.9 on a logarithmic scale, and of that from 2400 to 950 is 1095.
    let expected = CoursePhases { circuit_formation: Some(100), cleanup: Some(400), clean: Some(600) };
    assert_eq!(phases, expected);
    let claims = course_claims(&course);
    assert!(claims.len() == 4 && claims.iter().all(Claim::holds), "{claims:?}");
    let json = serde_json::to_string(&claims).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Claim>>(&json).unwrap(), claims);
}

#[test]
fn a_run_that_only_memorises_has_no_circuit_and_one_that_keeps_its_weights_no_cleanup() {
    let all =
        ["circuit-forms-under-memory", "restricted-leads", "weights-shrink-in-cleanup", "phases-in-order"];
    // Without weight decay a network gets surer of what it knows, and the excluded loss falls with the training loss.
    let memorises = course_of(&GROKS.map(|(step, [train, _, loss, _, _, _, squares])| {
        (step, [train, 0.1, loss, 9.0, 4.0, 2.0 * loss, squares.max(3000.0)])
    }));
    let none = CoursePhases { circuit_formation: None, cleanup: None, clean: None };
    assert_eq!(CoursePhases::of(&memorises), none);
    let claims = course_claims(&memorises);
    assert_eq!(failing(&claims), all, "{claims:?}");
    let json = serde_json::to_string(&claims).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Claim>>(&json).unwrap(), claims, "every figure is a number");
    let keeps = course_of(&GROKS.map(|(step, [a, b, c, d, e, f, _])| (step, [a, b, c, d, e, f, 3000.0])));
    assert_eq!(CoursePhases::of(&keeps), CoursePhases { circuit_formation: Some(100), ..none });
    assert_eq!(failing(&course_claims(&keeps)), all[2..]);
}

#[test]
fn each_claim_about_the_course_fails_by_its_own_figure() {
    let with = |row: usize, column: usize, value: f64| {
        let mut rows = GROKS;
        rows[row].1[column] = value;
        course_claims(&course_of(&rows))
    };
    // The training loss while the circuit forms, against a tenth of the lowest excluded loss.
    assert_eq!(failing(&with(2, 2, 0.09)), Vec::<&str>::new());
    assert_eq!(failing(&with(2, 2, 0.11)), ["circuit-forms-under-memory"]);
    // The fastest fall, before cleanup.
    assert_eq!(failing(&with(1, 6, 6000.0)), ["weights-shrink-in-cleanup"]);
    // A restricted loss that falls with the test loss.
    let mut late = GROKS;
    late[..5].iter_mut().for_each(|(_, row)| row[4] = 4.0);
    assert_eq!(failing(&course_claims(&course_of(&late))), ["restricted-leads"]);
    // A test accuracy that comes when all is clean.
    let mut after = GROKS;
    after[..7].iter_mut().for_each(|(_, row)| row[1] = 0.1);
    assert_eq!(failing(&course_claims(&course_of(&after))), ["phases-in-order"]);
}

#[test]
fn claims_about_a_course_do_not_apply_without_a_split_or_known_pairs() {
    let of = |change: &dyn Fn(&mut Progress)| {
        let mut course = course_of(&GROKS);
        change(&mut course);
        let claims = course_claims(&course);
        assert!(
            claims.len() == 4 && claims.iter().all(|claim| !claim.holds() && !claim.fails()),
            "{claims:?}"
        );
        claims[0].verdict.clone()
    };
    let reasons = [
        of(&|course| course.rows.iter_mut().for_each(|row| row.measures.train = None)),
        of(&|course| course.rows.iter_mut().for_each(|row| row.train_accuracy = Some(0.5))),
    ];
    let words =
        ["it is not known which pairs were trained on", "the training pairs are not known at any checkpoint"];
    assert_eq!(reasons, words.map(|reason| Verdict::DoesNotApply { reason: reason.to_owned() }));
}
