//! The course of runs about which everything is known.

use clockwork_analysis::{
    Analysis, AnalysisFiles, CheckpointMaps, Claim, CourseMaps, CoursePhases, KeyFreqsRule, Measures,
    Progress, ProgressRow, Summary, Verdict, course_claims, leads,
};
use clockwork_model::{Checkpoint, CheckpointFile, SplitRule, clock, initial_weights};

const FREQS: [usize; 3] = [3, 8, 20];
const P: usize = 41;

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
    let mut progress = Progress::by_key_freqs_of(&clock.checkpoint).unwrap();
    let freqs = progress.key_freqs.clone();
    // They may come in any order.
    let files = [clock, random];
    progress.take_rows(files.iter().map(|file| ProgressRow::of(file, &freqs).unwrap()).collect());
    let mut maps = CourseMaps::wanted(&progress);
    let of_file = |file: &CheckpointFile| CheckpointMaps::of(&file.checkpoint, &maps.neurons).unwrap();
    maps.maps = files.iter().rev().map(of_file).collect();
    progress.maps = Some(maps);
    progress
}

#[test]
fn a_row_of_the_course_has_what_the_analysis_of_its_checkpoint_finds() {
    let course = course();
    assert_eq!((&course.key_freqs[..], course.key_freqs_rule), (&FREQS[..], KeyFreqsRule::Neurons));
    let (config, mut weights) = clock(P, &FREQS, 16);
    weights.w_u.iter_mut().for_each(|w| *w *= 0.05);
    let analysis =
        Analysis::new(&file(Checkpoint::of_weights(config, weights), 100).checkpoint, &mut ()).unwrap();
    let (summary, measures) = (Summary::new(&analysis), Measures::new(&analysis));
    let [random, clock] = &course.rows[..] else { panic!() };
    assert_eq!(clock.measures, Measures { circularity: None, cka: None, ..measures });
    assert_eq!((clock.gini_embedding, clock.gini_w_logit), (summary.gini_embedding, summary.gini_w_logit));
    assert_eq!(clock.cluster_sizes, summary.cluster_sizes);
    assert_eq!(clock.arrays.embedding_norm_by_freq, summary.embedding_norm_by_freq);
    assert_eq!(clock.mean_attention, summary.mean_attention);
    assert_eq!(clock.arrays.best_freq, analysis.clusters.best_freq);
    assert_eq!(clock.arrays.frac_explained, analysis.clusters.frac_explained);
    assert_eq!((clock.train_accuracy, clock.test_accuracy), (Some(1.0), Some(1.0)));
    let by_parameter: f64 = clock.sum_squared_by_parameter.values().sum();
    assert!((by_parameter / clock.sum_squared_weights - 1.0).abs() < 1e-12, "{by_parameter}");
    assert!(random.train_accuracy.unwrap() < 0.2 && random.measures.frac_logits_explained_3d < 0.1);
    // It is measured by the clock's frequencies, of which it knows nothing.
    assert_eq!(random.measures.key_freqs, FREQS);
    assert_eq!((random.neurons_changed, clock.neurons_changed), (None, Some(clock.arrays.cluster.len())));
    assert_eq!(
        [clock.neurons_frac_quadratic, clock.neurons_frac_linear],
        [summary.neurons_frac_quadratic, summary.neurons_frac_linear]
    );
    // What goes into a clock's neurons is linear, and what comes out of them has products.
    assert!(clock.neuron_inputs_frac_linear > 0.99 && clock.neuron_inputs_frac_quadratic < 0.01, "{clock:?}");
    assert!(clock.neurons_frac_quadratic > 0.1, "{clock:?}");
    assert!(random.neurons_frac_quadratic < 0.1 && random.neuron_inputs_frac_linear < 0.5, "{random:?}");
}

#[test]
fn maps_of_a_checkpoint_are_those_of_its_analysis() {
    let (course, (config, weights)) = (course(), clock(P, &FREQS, 16));
    let maps = course.maps.unwrap();
    let arrays =
        AnalysisFiles::of(&file(Checkpoint::of_weights(config, weights), 0), &mut ()).unwrap().arrays;
    assert_eq!((&maps.steps[..], maps.sha256.len(), maps.freq), (&[0, 100][..], 2, Some(FREQS[0])));
    let [random, clock] = &maps.maps[..] else { panic!() };
    assert_eq!(clock.embedding, arrays.floats("embedding.W_E_fourier", &[P, config.d_model]).unwrap());
    let name = format!("neurons.mean_squared.{}", FREQS[0]);
    for (found, expected) in clock.mean_squared.iter().zip(arrays.floats(&name, &[P, P]).unwrap()) {
        assert!(
            (found - expected).abs() < 1e-12 * clock.mean_squared.iter().sum::<f64>(),
            "{found}, {expected}"
        );
    }
    assert_eq!((random.mean_squared.len(), random.embedding.len()), (P * P, P * config.d_model));
}

#[test]
fn maps_are_made_of_few_checkpoints_and_stay_those_as_others_are_added() {
    let course = course();
    let steps_of = |rows: u64| {
        let mut longer = course.clone();
        longer.rows = (0..rows).map(|step| ProgressRow { step, ..course.rows[1].clone() }).collect();
        CourseMaps::wanted(&longer).steps
    };
    assert_eq!((steps_of(1), steps_of(3)), (vec![0], vec![0, 1, 2]));
    let (some, more) = (steps_of(50), steps_of(57));
    assert_eq!(some, (0..49).step_by(4).chain([49]).collect::<Vec<_>>());
    assert!(some[..some.len() - 1].iter().all(|step| more.contains(step)) && more.len() <= 16);
    assert!((9..=16).contains(&steps_of(150).len()) && steps_of(150).ends_with(&[149]));
    assert!(CourseMaps::wanted(&Progress::by_chosen(vec![])).steps.is_empty());
}

#[test]
fn a_course_comes_back_from_its_files_and_what_does_not_fit_is_refused() {
    let (directory, course) = (tempfile::tempdir().unwrap(), course());
    assert_eq!(Progress::read(directory.path()).unwrap(), None);
    course.write(directory.path()).unwrap();
    assert_eq!(Progress::read(directory.path()).unwrap(), Some(course.clone()));
    assert!(course.is_like(&course) && !course.is_like(&Progress::by_chosen(vec![3])));
    // Maps of no number.
    let mut empty = course.clone();
    for maps in &mut empty.maps.as_mut().unwrap().maps {
        (maps.n, maps.embedding, maps.mean_squared) = (0, vec![], vec![]);
    }
    empty.write(directory.path()).unwrap();
    let error = Progress::read(directory.path()).unwrap_err().to_string();
    assert!(error.contains("has 20 frequencies, and maps of 0 numbers"), "{error}");
    course.write(directory.path()).unwrap();
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
    // Half of the way from 0 to 1 lies between 0.1 at step 20 and 0.8 at step 30.
    assert_eq!((of("test accuracy").halfway, of("test accuracy").steps_before_test_accuracy), (26, 0));
    // Half of the way from 1 to 10⁻⁴ is 10⁻², on a logarithmic scale.
    let restricted = of("restricted loss (3d, all)");
    assert_eq!((restricted.halfway, restricted.steps_before_test_accuracy), (20, 6));
    let gini = of("Gini coefficient of the embedding");
    assert_eq!((gini.from, gini.halfway, gini.steps_before_test_accuracy), (0.2, 34, -8));
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
    // Nine tenths of the way from 1 to 10 is 7.9 on a logarithmic scale, between 6 at step 300 and 10 at step 400; the
    // squares are 2490 there, and have gone nine tenths of their way to 950 at 1104.
    let expected = CoursePhases { circuit_formation: Some(100), cleanup: Some(355), settled: Some(579) };
    assert_eq!(phases, Some(expected));
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
    let none = CoursePhases { circuit_formation: None, cleanup: None, settled: None };
    assert_eq!(CoursePhases::of(&memorises), Some(none));
    let claims = course_claims(&memorises);
    assert_eq!(failing(&claims), all, "{claims:?}");
    let json = serde_json::to_string(&claims).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Claim>>(&json).unwrap(), claims, "every figure is a number");
    let keeps = course_of(&GROKS.map(|(step, [a, b, c, d, e, f, _])| (step, [a, b, c, d, e, f, 3000.0])));
    assert_eq!(CoursePhases::of(&keeps), Some(CoursePhases { circuit_formation: Some(100), ..none }));
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
    late[..6].iter_mut().for_each(|(_, row)| row[4] = 4.0);
    assert_eq!(failing(&course_claims(&course_of(&late))), ["restricted-leads"]);
    // A test accuracy that comes when all is clean.
    let mut after = GROKS;
    after[..7].iter_mut().for_each(|(_, row)| row[1] = 0.1);
    assert_eq!(failing(&course_claims(&course_of(&after))), ["phases-in-order"]);
}

/// The figures of a claim about a course, and whether it holds.
fn checked(course: &Progress, id: &str) -> (Vec<String>, bool) {
    let claims = course_claims(course);
    let claim = claims.iter().find(|claim| claim.id == id).unwrap();
    (claim.checks.iter().map(|check| check.quantity.clone()).collect(), claim.holds())
}

#[test]
fn what_is_missing_fails_a_claim_and_is_its_figure() {
    let quantities = |course: &Progress, id: &str| {
        let (quantities, holds) = checked(course, id);
        assert!(!holds, "{id}: {quantities:?}");
        quantities.last().unwrap().clone()
    };
    // Without a key frequency no component is left out.
    let no_key = Progress { key_freqs: vec![], ..course_of(&GROKS) };
    assert_eq!(CoursePhases::of(&no_key), None);
    for claim in course_claims(&no_key) {
        assert_eq!(quantities(&no_key, &claim.id), "key frequencies");
    }
    // A run that is stopped before a circuit forms has no cleanup, however far its weights have shrunk.
    let mut stopped = [GROKS[0], GROKS[1], GROKS[2]];
    (stopped[2].1[5], stopped[2].1[6]) = (0.9, 1000.0);
    let stopped = course_of(&stopped);
    assert_eq!(quantities(&stopped, "weights-shrink-in-cleanup"), "cleanups found");
    assert_eq!(quantities(&stopped, "phases-in-order"), "phases found");
    // Of a network that has not generalised no order is told.
    let mut fails = GROKS;
    fails[4..].iter_mut().for_each(|(_, row)| row[1] = 0.9);
    assert_eq!(quantities(&course_of(&fails), "phases-in-order"), "test accuracy in the end");
    assert!(leads(&course_of(&fails)).is_empty() && !leads(&course_of(&GROKS)).is_empty());
    // An excluded loss of nothing has phases all the same, and figures that are numbers.
    let mut nothing = GROKS;
    nothing.iter_mut().for_each(|(_, row)| row[5] = 0.0);
    let nothing = course_of(&nothing);
    assert_eq!(CoursePhases::of(&nothing).unwrap().circuit_formation, None);
    assert_eq!(quantities(&nothing, "phases-in-order"), "phases found");
    let mut touches = GROKS;
    touches[1].1[5] = 0.0;
    touches[7].1[6] = 0.0;
    let claims = course_claims(&course_of(&touches));
    let json = serde_json::to_string(&claims).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Claim>>(&json).unwrap(), claims, "every figure is a number");
    // Cleanup follows at once where the excluded loss turns.
    let mut at_once = GROKS;
    at_once[2].1[5] = 10.0;
    let meanwhile = "checkpoints meanwhile that know the training pairs";
    assert_eq!(quantities(&course_of(&at_once), "circuit-forms-under-memory"), meanwhile);
    // A restricted loss that stays, and a test loss that does.
    let mut stays = GROKS;
    stays.iter_mut().for_each(|(_, row)| row[4] = 4.0);
    assert_eq!(quantities(&course_of(&stays), "restricted-leads"), "restricted loss in the end");
    stays.iter_mut().for_each(|(_, row)| row[3] = 8.0);
    assert_eq!(quantities(&course_of(&stays), "restricted-leads"), "fall of the test loss");
}

#[test]
fn the_fall_between_two_checkpoints_counts_for_cleanup_where_some_of_it_lies_there() {
    // Cleanup begins at 355 and ends between two checkpoints; the fastest fall is from 300 to 400.
    let mut rows = GROKS;
    [3500.0, 3300.0, 3100.0, 1500.0, 1200.0, 1000.0, 950.0]
        .into_iter()
        .zip(&mut rows[1..])
        .for_each(|(squares, (_, row))| row[6] = squares);
    let course = course_of(&rows);
    assert_eq!(CoursePhases::of(&course).unwrap().cleanup, Some(355));
    assert!(checked(&course, "weights-shrink-in-cleanup").1);
    // One that lies before cleanup does not.
    rows[2].1[6] = 1600.0;
    rows[3].1[6] = 1550.0;
    assert!(!checked(&course_of(&rows), "weights-shrink-in-cleanup").1);
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
        of(&|course| course.rows.truncate(2)),
    ];
    let mut at_once = course_of(&GROKS);
    at_once.rows.iter_mut().for_each(|row| row.test_accuracy = Some(1.0));
    let order = course_claims(&at_once).into_iter().find(|claim| claim.id == "phases-in-order").unwrap();
    assert!(!order.holds() && !order.fails(), "{order:?}");
    let few = "fewer than two checkpoints know the training pairs";
    let words = ["it is not known which pairs were trained on", few, few];
    assert_eq!(reasons, words.map(|reason| Verdict::DoesNotApply { reason: reason.to_owned() }));
}
