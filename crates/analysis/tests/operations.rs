//! Every operation that has coordinates is seen in them: a clock set by hand is recognised with exactly the frequencies put
//! in. Where there are none, no frequency is invented.

mod hand_set_clock;

use std::path::PathBuf;

use clockwork_analysis::{Analysis, AnalysisFiles, Basis, Claim, Error, Progress, Summary};
use clockwork_model::{
    Activation, Checkpoint, CheckpointFile, CoordinatesOf, MlpInput, ModelConfig, Operation, Task,
    TransformerArchitecture, initial_weights,
};

use hand_set_clock::{Clock, analyse, assert_clock, assert_frequencies, plain};

fn task(p: usize, text: &str) -> Task {
    Task::new(p, text.parse().unwrap())
}

fn file(checkpoint: Checkpoint) -> CheckpointFile {
    CheckpointFile { path: PathBuf::from("by hand"), sha256: String::new(), checkpoint }
}

#[test]
fn a_clock_is_recognised_in_the_coordinates_of_every_operation() {
    let without_zero = Task { zero: false, ..task(43, "multiply") };
    for (task, freqs) in [
        (task(41, "subtract"), [3, 8, 20]),
        (task(43, "multiply"), [5, 8, 19]),
        (without_zero, [5, 8, 19]),
        (task(43, "divide"), [5, 8, 19]),
        (task(41, "2x + 3y + 1"), [3, 8, 19]),
        (task(41, "y - x"), [3, 8, 20]),
        (task(40, "3x + 11y"), [3, 9, 20]),
        (task(41, "(x + y)^3"), [3, 8, 20]),
    ] {
        let clock = Clock { task, freqs: &freqs };
        let own = TransformerArchitecture { own_vocabularies: true, ..plain("x y") };
        let with_zero = task.zero && task.operation == Operation::Multiply;
        for choices in [plain("x y ="), plain("x y"), own] {
            // The clock with a 0 keeps its own direction for it in one vocabulary alone.
            if with_zero && choices.own_vocabularies {
                continue;
            }
            let checkpoint = clock.transformer(&choices);
            assert_clock(&checkpoint, &freqs, &format!("{task} {choices:?}"));
            let (summary, _) = analyse(&checkpoint);
            assert_eq!(summary.loss_in_coordinates.is_some(), summary.n < summary.p);
        }
        if !with_zero {
            let mlp = clock.mlp(MlpInput::Embedded { d_embed: 0 }, Activation::Relu);
            assert_clock(&mlp, &freqs, &format!("{task} mlp"));
        }
    }
}

/// Of 42 logarithms the largest frequency, 21, has a cosine only: it tells squares from other numbers.
#[test]
fn the_largest_frequency_of_products_is_found() {
    for text in ["multiply", "divide"] {
        let task = Task { zero: false, ..task(43, text) };
        let freqs = [5, 8, 21];
        let clock = Clock { task, freqs: &freqs };
        assert_frequencies(&clock.transformer(&plain("x y =")), &freqs, text);
        assert_frequencies(&clock.mlp(MlpInput::Embedded { d_embed: 0 }, Activation::Relu), &freqs, text);
    }
}

/// Where one embedding serves x and y in two ways, gradients with respect to both are no more alike in a pizza than in a clock:
/// distance irrelevance tells alone.
#[test]
fn symmetricity_does_not_tell_where_one_embedding_serves_x_and_y_in_two_ways() {
    for (text, quantities) in [
        ("add", &["gradient symmetricity", "distance irrelevance"][..]),
        ("subtract", &["distance irrelevance"]),
        ("2x + 3y + 1", &["distance irrelevance"]),
    ] {
        let checkpoint = Clock { task: task(41, text), freqs: &[3, 8, 19] }.transformer(&plain("x y ="));
        let algorithm = AnalysisFiles::of(&file(checkpoint), &mut ()).unwrap().findings.algorithm.unwrap();
        let told: Vec<&str> = algorithm.told_by.iter().map(|check| &check.quantity[..]).collect();
        assert_eq!(told, quantities, "{text}: {}", algorithm.verdict);
        // Waves of x and of y are kept in the coordinates of each.
        let kept = algorithm.sufficiency.keeps_all.unwrap();
        assert!(!kept.freqs.is_empty() && kept.accuracy == 1.0, "{text}: {kept:?}");
    }
}

/// Products are sparse in the multiplicative basis alone, and sums in the additive.
#[test]
fn the_embedding_is_sparse_in_the_basis_of_its_operation() {
    let gini = |text: &str| {
        let checkpoint = Clock { task: task(43, text), freqs: &[5, 8, 19] }.transformer(&plain("x y ="));
        let summary = analyse(&checkpoint).0;
        [summary.gini_by_basis[&Basis::Additive], summary.gini_by_basis[&Basis::Multiplicative]]
    };
    let ([additive, flat], [noise, multiplicative]) = (gini("add"), gini("multiply"));
    assert!(additive > 0.8 && multiplicative > 0.8, "{additive} {multiplicative}");
    assert!(flat < 0.4 && noise < 0.4, "{flat} {noise}");
    let composite = Clock { task: Task::addition(40), freqs: &[5, 8, 19] }.transformer(&plain("x y ="));
    assert_eq!(analyse(&composite).0.gini_by_basis.len(), 1, "40 offers no multiplicative basis");
}

/// A square has the coordinates of its sum: the clock is found in them, and what is about waves of answers does not apply.
#[test]
fn a_function_of_a_sum_is_seen_in_the_coordinates_of_the_sum() {
    // Two sums share an answer, so that it takes more waves to tell answers apart.
    let freqs = [1, 4, 7, 9, 13, 16, 20];
    let clock = Clock { task: task(41, "(x + 2y)^2"), freqs: &freqs };
    let checkpoint = clock.transformer(&TransformerArchitecture { own_vocabularies: true, ..plain("x y") });
    let (summary, claims) = analyse(&checkpoint);
    assert_frequencies(&checkpoint, &freqs, "a square");
    assert_eq!(summary.coordinates, CoordinatesOf::Inputs);
    let lacking: Vec<&str> =
        claims.iter().filter(|claim| !claim.holds()).map(|claim| &claim.id[..]).collect();
    assert_eq!(lacking, ["embedding-sparse", "neurons-supply-sum", "logits-are-waves"]);
    // Seven of twenty frequencies are not few.
    let failing: Vec<&str> = claims.iter().filter(|claim| claim.fails()).map(|claim| &claim.id[..]).collect();
    assert_eq!(failing, ["embedding-sparse"]);
    let findings = AnalysisFiles::of(&file(checkpoint), &mut ()).unwrap().findings;
    assert!(findings.measures.is_none() && findings.algorithm.is_none());
}

#[test]
fn where_there_are_no_coordinates_no_frequency_is_invented() {
    let config = ModelConfig { modulus: 13, d_model: 16, n_heads: 2, d_mlp: 32 };
    let periodic = Clock { task: Task::addition(13), freqs: &[2, 5] }.transformer(&plain("x y ="));
    for text in ["x^2 + x*y + y^2", "x^3 + x*y", "random"] {
        // Neurons of one frequency each are no reason to call it key.
        for mut checkpoint in [Checkpoint::of_weights(config, initial_weights(&config, 0)), periodic.clone()]
        {
            checkpoint.metadata.task = task(13, text);
            let (summary, claims) = analyse(&checkpoint);
            assert_eq!(summary.coordinates, CoordinatesOf::Nothing);
            assert!(summary.key_freqs_by_rule.named_by_any().is_empty() && summary.key_freqs.is_empty());
            assert!(!claims.iter().any(Claim::holds), "{claims:#?}");
            let failing: Vec<&str> =
                claims.iter().filter(|claim| claim.fails()).map(|claim| &claim.id[..]).collect();
            assert_eq!(failing, ["generalises"], "all others do not apply");
            let answered = Analysis::new(&checkpoint, &mut ()).unwrap().accuracy_by_answer;
            assert_eq!(answered.pairs.iter().sum::<usize>(), 169);
            let right: f64 =
                answered.accuracy.iter().zip(&answered.pairs).map(|(share, &n)| share * n as f64).sum();
            assert!((right / 169.0 - summary.accuracy).abs() < 1e-12);
            let findings = AnalysisFiles::of(&file(checkpoint.clone()), &mut ()).unwrap().findings;
            assert!(findings.measures.is_none() && findings.algorithm.is_none());
            let error = Progress::by_key_freqs_of(&checkpoint).unwrap_err();
            assert!(matches!(error, Error::NoCoordinates { .. }), "{error}");
        }
    }
}

/// The answers that a network is held to are those of its task: a clock that adds is right of a square where both agree.
#[test]
fn losses_are_those_of_the_task() {
    let p = 13;
    let mut adds = Clock { task: Task::addition(p), freqs: &[2, 5] }.transformer(&plain("x y ="));
    for text in ["x^2 + x*y + y^2", "(x + y)^2", "2x + 3y", "divide", "random"] {
        let task = task(p, text);
        adds.metadata.task = task;
        let agree = task.pairs().filter(|&(x, y)| (x + y) % p == task.answer((x, y))).count();
        let summary = Summary::new(&Analysis::new(&adds, &mut ()).unwrap());
        assert!((summary.accuracy - agree as f64 / task.n_pairs() as f64).abs() < 1e-12, "{text}");
    }
}
