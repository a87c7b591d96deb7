//! How results read: numbers, lists, claims and compared runs in words, for the page and for tables.

mod algorithm;
mod course;
mod operations;
mod other_networks;
mod task;

use std::path::Path;

pub use clockwork_analysis::short;
use clockwork_analysis::{
    Check, Claim, ComparedRun, FailureKind, Findings, HoldAtLoss, Role, Summary, Verdict,
};
use serde_json::Value;

pub use self::{
    algorithm::{algorithm, certificates, sufficiency},
    course::{LEAD_COLUMNS, before_test_accuracy, lead, measured_by, phases},
    operations::{key_freqs_of_operation, range, steps},
    other_networks::{DOUBTFUL_ACCURACY, conditions, reading},
    task::{bases, coordinates},
};

/// Frequencies that are named before the others are only counted.
const MOST_NAMED: usize = 8;

/// Numbers as one would say them: `none`, `5`, `5 and 7`, `2, 5 and 7`.
#[must_use]
pub fn list(numbers: &[usize]) -> String {
    match numbers {
        [] => "none".to_owned(),
        numbers => and(&numbers.iter().map(ToString::to_string).collect::<Vec<_>>()),
    }
}

/// Things as one would say them: `x`, `x and y`, `x, y and =`.
#[must_use]
pub fn and(things: &[String]) -> String {
    match things {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Frequencies in a cell of a table, the first of them where there are many: `2, 5, 11`.
#[must_use]
pub fn few(freqs: &[usize]) -> String {
    match freqs.len() {
        0 => "none".to_owned(),
        n if n <= MOST_NAMED + 1 => with_commas(freqs),
        n => format!("{} and {} others", with_commas(&freqs[..MOST_NAMED]), n - MOST_NAMED),
    }
}

/// The first few of many names.
#[must_use]
pub fn some(names: &[String]) -> String {
    match names.len() {
        n if n <= MOST_NAMED + 1 => names.join(", "),
        n => format!("{} and {} others", names[..MOST_NAMED].join(", "), n - MOST_NAMED),
    }
}

fn with_commas(numbers: &[usize]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What a claim's checks found: `quadratic share 0.98, linear share 0.001`; why it does not apply if it does
/// not.
#[must_use]
pub fn found(claim: &Claim) -> String {
    match &claim.verdict {
        Verdict::DoesNotApply { reason } => reason.clone(),
        _ => joined(claim, |check| {
            format!("{} {}{}", check.quantity, check.value_and_bound().0, check.of_freq())
        }),
    }
}

/// The bounds of a claim's checks: `> 0.9, < 0.01`.
#[must_use]
pub fn bounds(claim: &Claim) -> String {
    joined(claim, |check| format!("{} {}", check.relation, check.value_and_bound().1))
}

/// Where the bounds of a claim's checks come from.
#[must_use]
pub fn sources(claim: &Claim) -> String {
    joined(claim, |check| format!("{} {}: {}", check.relation, check.value_and_bound().1, check.source))
}

/// An interval of shares: `41 to 93 %`.
#[must_use]
pub fn interval(of: Option<[f64; 2]>) -> String {
    of.map_or("–".to_owned(), |[low, high]| format!("{:.0} to {:.0} %", 100.0 * low, 100.0 * high))
}

/// A decade of losses by its upper end: `loss 1e-7 to 1e-6`.
#[must_use]
pub fn decade(HoldAtLoss { below, .. }: &HoldAtLoss) -> String {
    format!("loss 1e{} to 1e{below}", below - 1)
}

/// Why claims fail, one sentence a reason, however many claims it breaks: `not clean, 3 claims: neurons
/// that serve no one frequency have 12 % of all neurons' effect`.
#[must_use]
pub fn reasons(claims: &[Claim]) -> Vec<String> {
    let mut broken: Vec<((FailureKind, &str), usize)> = Vec::new();
    for failure in claims.iter().filter_map(Claim::failure) {
        match broken.iter_mut().find(|(of, _)| *of == failure) {
            Some((_, count)) => *count += 1,
            None => broken.push((failure, 1)),
        }
    }
    let sentence = |((kind, reason), count): ((FailureKind, &str), usize)| {
        let claims = if count == 1 { "1 claim".to_owned() } else { format!("{count} claims") };
        format!("{kind}, {claims}: {reason}")
    };
    broken.into_iter().map(sentence).collect()
}

/// The command that trains a run on, as far as was planned or twice as far, where that is known to mend a claim that
/// fails. `newest` is the step that the run is at, if it is one: an earlier checkpoint is not gone on with.
#[must_use]
pub fn train_on(findings: &Findings, newest: Option<u64>, program: &str) -> Option<String> {
    let Findings { claims, provenance, .. } = findings;
    let is_helped = claims.iter().filter_map(Claim::failure).any(|(kind, _)| kind.is_helped_by_steps());
    let training = provenance.config.get("training")?;
    let run = Path::new(&provenance.checkpoint).parent()?.parent()?.display().to_string();
    let planned = training.get("max_steps").and_then(Value::as_u64).unwrap_or(0);
    let may_stop = training.get("stop_below_test_loss").and_then(Value::as_f64) != Some(0.0);
    let stopped_early = may_stop && planned > provenance.step;
    let never = if stopped_early { " --set training.stop_below_test_loss=0" } else { "" };
    let steps = planned.max(2 * provenance.step);
    (is_helped && newest == Some(provenance.step) && !run.is_empty())
        .then(|| format!("{program} resume {run} --max-steps {steps}{never}"))
}

/// What there is to know of a network before its claims: how far its cleanup has come, and what it does with
/// frequencies that it does not use as the published circuit does.
#[must_use]
pub fn peculiarities(summary: &Summary) -> Vec<String> {
    if !summary.coordinates.has_inputs() {
        // No circuit is clean or not where frequencies mean nothing.
        return Vec::new();
    }
    let is_clean = if summary.cleanliness.is_clean() { "clean" } else { "not clean" };
    let mut sentences = vec![format!("{is_clean}: {}", summary.cleanliness)];
    let peculiar = summary.named_freqs().into_iter().filter(|named| named.role != Role::Used);
    sentences.extend(peculiar.map(|named| named.to_string()));
    sentences
}

/// `holds`, `fails` or `does not apply`, with a sign.
#[must_use]
pub fn verdict(claim: &Claim) -> &'static str {
    match claim.verdict {
        Verdict::Holds => "✓ holds",
        Verdict::Fails { .. } => "✗ fails",
        Verdict::DoesNotApply { .. } => "– does not apply",
    }
}

fn joined(claim: &Claim, word: impl Fn(&Check) -> String) -> String {
    claim.checks.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Whether the three rules for key frequencies agree, and what those say that disagree with the neurons'.
#[must_use]
pub fn rules(run: &ComparedRun) -> String {
    let rules = &run.key_freqs_by_rule;
    let others = [("embedding", &rules.embedding), ("W_logit", &rules.w_logit)];
    let others = others.into_iter().filter(|(_, freqs)| **freqs != rules.neurons);
    let others: Vec<String> = others.map(|(rule, freqs)| format!("{rule}: {}", few(freqs))).collect();
    match (run.rules_name_the_same, others.is_empty()) {
        (true, _) => "agree".to_owned(),
        (false, true) => "find none".to_owned(),
        (false, false) => others.join("; "),
    }
}

/// The step, and what state the run is in where it could still go on.
#[must_use]
pub fn step(run: &ComparedRun) -> String {
    match run.state.as_deref() {
        Some(state @ ("running" | "stopped")) => format!("{} ({state})", run.step),
        _ => run.step.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use clockwork_analysis::{AnalysisFiles, Relation};
    use clockwork_model::{Checkpoint, CheckpointFile, clock};

    use super::*;

    #[test]
    fn lists_read_as_one_would_say_them() {
        for (numbers, words) in
            [(&[][..], "none"), (&[5], "5"), (&[5, 7], "5 and 7"), (&[2, 5, 7], "2, 5 and 7")]
        {
            assert_eq!(list(numbers), words);
        }
    }

    #[test]
    fn many_frequencies_are_counted() {
        assert_eq!(few(&[]), "none");
        assert_eq!(few(&[2, 5]), "2, 5");
        assert_eq!(few(&(1..=9).collect::<Vec<_>>()), "1, 2, 3, 4, 5, 6, 7, 8, 9");
        assert_eq!(few(&(1..=56).collect::<Vec<_>>()), "1, 2, 3, 4, 5, 6, 7, 8 and 48 others");
    }

    #[test]
    fn a_claims_figures_stand_beside_their_bounds() {
        let check = |quantity: &str, value, relation, bound| Check {
            quantity: quantity.to_owned(),
            freq: None,
            value,
            relation,
            bound,
            source: "by hand".to_owned(),
        };
        let claim = Claim::new(
            "a",
            "it is so",
            vec![
                check("accuracy", 0.999_97, Relation::AtLeast, 1.0),
                check("loss", 2.412e-7, Relation::Below, 1e-5),
            ],
        );
        assert_eq!(found(&claim), "accuracy 0.99997, loss 2.41e-7");
        assert_eq!(bounds(&claim), "≥ 1, < 1e-5");
        assert_eq!(sources(&claim), "≥ 1: by hand, < 1e-5: by hand");
        assert_eq!(verdict(&claim), "✗ fails");
        let neither = Claim::does_not_apply("a", "it is so", "there is none");
        assert_eq!((found(&neither), bounds(&neither)), ("there is none".to_owned(), String::new()));
        assert_eq!(verdict(&neither), "– does not apply");
    }

    #[test]
    fn one_reason_is_told_once() {
        let fails = |id: &str, kind, reason: &str| {
            let check = Check {
                quantity: "loss".to_owned(),
                freq: None,
                value: 1.0,
                relation: Relation::Below,
                bound: 0.5,
                source: "by hand".to_owned(),
            };
            Claim::new(id, "it is so", vec![check]).because(kind, reason)
        };
        let claims = [
            fails("a", FailureKind::NotClean, "it is noisy"),
            fails("b", FailureKind::Unread, "5 is hardly read"),
            Claim::new("c", "it is so", vec![]).because(FailureKind::Weak, "it holds"),
            fails("d", FailureKind::NotClean, "it is noisy"),
        ];
        let expected =
            ["not clean, 2 claims: it is noisy", "a frequency read too little, 1 claim: 5 is hardly read"];
        assert_eq!(reasons(&claims), expected);
    }

    #[test]
    fn how_to_train_on_is_told_of_a_run_that_it_would_help() {
        let (config, mut weights) = clock(23, &[2, 7, 9], 16);
        // The read-out of 7 is removed.
        for row in weights.w_out.chunks_exact_mut(config.d_model).skip(32).take(32) {
            row.iter_mut().for_each(|w| *w = 0.0);
        }
        let mut checkpoint = Checkpoint::of_weights(config, weights);
        checkpoint.metadata.step = 1_200;
        let path = "runs/a/checkpoints/step-0001200.safetensors".into();
        let file = CheckpointFile { path, sha256: String::new(), checkpoint };
        let mut findings = AnalysisFiles::of(&file, &mut ()).unwrap().findings;
        let sentences = peculiarities(&findings.summary);
        assert!(
            sentences[0].starts_with("not clean: 100 % of the effect serves one frequency"),
            "{sentences:?}"
        );
        assert!(sentences[1].starts_with("7 is kept by 32 neurons and hardly read"), "{sentences:?}");
        let train_on = |findings: &Findings| super::train_on(findings, Some(1_200), "clockwork");
        assert_eq!(train_on(&findings), None, "nobody knows how it was trained");
        let on = "clockwork resume runs/a --max-steps 2400";
        let never = "--set training.stop_below_test_loss=0";
        for (stops_below, planned, expected) in [
            (0.0, 1_200, on.to_owned()),
            // It took all steps that were planned.
            (1e-6, 1_200, on.to_owned()),
            (1e-6, 2_000, format!("{on} {never}")),
            (1e-6, 5_000, format!("clockwork resume runs/a --max-steps 5000 {never}")),
        ] {
            let training = serde_json::json!({"stop_below_test_loss": stops_below, "max_steps": planned});
            findings.provenance.config = serde_json::json!({ "training": training });
            assert_eq!(train_on(&findings), Some(expected));
        }
        assert_eq!(super::train_on(&findings, Some(1_400), "clockwork"), None, "there is a newer checkpoint");
        assert_eq!(super::train_on(&findings, None, "clockwork"), None, "it is no run's");
        findings.claims.retain(Claim::holds);
        assert_eq!(train_on(&findings), None, "there is nothing to mend");
    }
}
