//! How results read: numbers, lists, claims and compared runs in words, for the page and for tables.

use clockwork_analysis::{Check, Claim, ComparedRun, Verdict};

/// Frequencies that are named before the others are only counted.
const MOST_NAMED: usize = 8;

/// Digits beyond which a value and its bound are not told apart.
const MOST_DIGITS: usize = 9;

/// A number in three digits.
#[must_use]
pub fn short(value: f64) -> String {
    in_digits(value, 3)
}

/// A number in some digits, without zeros at the end.
fn in_digits(value: f64, digits: usize) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-2..1e4).contains(&size) => {
            let decimals = (digits as f64 - 1.0 - size.log10().floor()).max(0.0) as usize;
            let text = format!("{value:.decimals$}");
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
        _ => format!("{value:.*e}", digits - 1),
    }
}

/// Numbers as one would say them: `none`, `5`, `5 and 7`, `2, 5 and 7`.
#[must_use]
pub fn list(numbers: &[usize]) -> String {
    match numbers {
        [] => "none".to_owned(),
        [only] => only.to_string(),
        [first @ .., last] => format!("{} and {last}", with_commas(first)),
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

fn with_commas(numbers: &[usize]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What a claim's checks found: `quadratic share 0.98, linear share 0.001`; why it does not apply if it does
/// not.
#[must_use]
pub fn found(claim: &Claim) -> String {
    match &claim.verdict {
        Verdict::DoesNotApply { reason } => reason.clone(),
        _ => joined(claim, |check| format!("{} {}", check.quantity, told_apart(check).0)),
    }
}

/// The bounds of a claim's checks: `> 0.9, < 0.01`.
#[must_use]
pub fn bounds(claim: &Claim) -> String {
    joined(claim, |check| format!("{} {}", check.relation, told_apart(check).1))
}

/// Where the bounds of a claim's checks come from.
#[must_use]
pub fn sources(claim: &Claim) -> String {
    joined(claim, |check| format!("{} {}: {}", check.relation, told_apart(check).1, check.source))
}

/// `holds`, `fails` or `does not apply`, with a sign.
#[must_use]
pub fn verdict(claim: &Claim) -> &'static str {
    match claim.verdict {
        Verdict::Holds => "✓ holds",
        Verdict::Fails => "✗ fails",
        Verdict::DoesNotApply { .. } => "– does not apply",
    }
}

fn joined(claim: &Claim, word: impl Fn(&Check) -> String) -> String {
    claim.checks.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// A value and its bound in three digits, or as many more as it takes to tell them apart.
fn told_apart(check: &Check) -> (String, String) {
    // Bounds are mostly round: 1e-5, not 1.00e-5.
    let bound = short(check.bound).replace(".00e", "e");
    let pair = |digits| (in_digits(check.value, digits), bound.clone());
    let tells =
        |digits: &usize| check.value == check.bound || in_digits(check.value, *digits) != short(check.bound);
    pair((3..=MOST_DIGITS).find(tells).unwrap_or(MOST_DIGITS))
}

/// Whether the three rules for key frequencies agree, and what those say that disagree with the neurons'.
#[must_use]
pub fn rules(run: &ComparedRun) -> String {
    let rules = &run.key_freqs_by_rule;
    let others = [("embedding", &rules.embedding), ("W_logit", &rules.w_logit)];
    let others = others.into_iter().filter(|(_, freqs)| **freqs != rules.neurons);
    let others: Vec<String> = others.map(|(rule, freqs)| format!("{rule}: {}", few(freqs))).collect();
    match (run.rules_agree, others.is_empty()) {
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
    use clockwork_analysis::Relation;

    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.5, "0.5"),
            (0.032_19, "0.0322"),
            (123.456, "123"),
            (9_999.0, "9999"),
            (12_345.0, "1.23e4"),
            (2.412e-7, "2.41e-7"),
            (-0.5, "-0.5"),
        ] {
            assert_eq!(short(value), text);
        }
    }

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
}
