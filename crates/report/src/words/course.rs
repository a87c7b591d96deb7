//! How a run's course reads.

use clockwork_analysis::{CoursePhases, KeyFreqsRule, Lead, Progress, short};

use super::list;

/// The phases of a run's course, and what of them is missing.
#[must_use]
pub fn phases(of: Option<&CoursePhases>) -> String {
    let Some(CoursePhases { circuit_formation, cleanup, settled }) = of else {
        return "not told: it is not known which pairs were trained on, or no frequency is key".to_owned();
    };
    match (circuit_formation, cleanup, settled) {
        (None, ..) => "memorisation, and no circuit that forms".to_owned(),
        (Some(formation), Some(cleanup), Some(settled)) => format!(
            "memorisation until step {formation}, circuit formation until {cleanup}, cleanup until {settled}"
        ),
        (Some(formation), ..) => {
            format!("memorisation until step {formation}, circuit formation since, and no cleanup")
        }
    }
}

/// By which frequencies a course is measured: `by the key frequencies of step 2200 (neurons' rule): 4, 22 and 35`.
#[must_use]
pub fn measured_by(of: &Progress) -> String {
    let rule = match of.key_freqs_rule {
        KeyFreqsRule::Neurons => "neurons' rule",
        KeyFreqsRule::WLogit => "W_logit's rule, as none has a cluster",
        KeyFreqsRule::Chosen => return format!("by the frequencies chosen: {}", list(&of.key_freqs)),
    };
    let step = of.key_freqs_of_step.map_or(String::new(), |step| format!(" of step {step}"));
    format!("by the key frequencies{step} ({rule}): {}", list(&of.key_freqs))
}

/// What the columns of a table of leads are called.
pub const LEAD_COLUMNS: [&str; 5] =
    ["measure", "from", "to", "half of its way at", "before the test accuracy"];

/// The cells of a lead in such a table.
#[must_use]
pub fn lead(of: &Lead) -> [String; 5] {
    let before = before_test_accuracy(of.steps_before_test_accuracy);
    [of.measure.clone(), short(of.from), short(of.to), of.halfway.to_string(), before]
}

/// By how many steps something comes before the test accuracy has gone half of its way: `200 steps before`.
#[must_use]
pub fn before_test_accuracy(steps: i64) -> String {
    match steps {
        0 => "at the same step".to_owned(),
        steps if steps > 0 => format!("{steps} steps before"),
        steps => format!("{} steps behind", -steps),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_that_are_missing_are_told() {
        let of = |circuit_formation, cleanup, settled| {
            phases(Some(&CoursePhases { circuit_formation, cleanup, settled }))
        };
        assert_eq!(
            of(Some(200), Some(800), Some(1600)),
            "memorisation until step 200, circuit formation until 800, cleanup until 1600"
        );
        assert!(of(Some(200), None, None).ends_with("circuit formation since, and no cleanup"));
        assert_eq!(of(None, None, None), "memorisation, and no circuit that forms");
        assert!(phases(None).starts_with("not told"));
        assert_eq!(
            [200, 0, -5].map(before_test_accuracy),
            ["200 steps before", "at the same step", "5 steps behind"]
        );
    }

    #[test]
    fn a_course_says_by_which_frequencies_it_is() {
        let mut progress = Progress::by_chosen(vec![4, 22]);
        assert_eq!(measured_by(&progress), "by the frequencies chosen: 4 and 22");
        (progress.key_freqs_rule, progress.key_freqs_of_step) = (KeyFreqsRule::Neurons, Some(2200));
        assert_eq!(measured_by(&progress), "by the key frequencies of step 2200 (neurons' rule): 4 and 22");
        progress.key_freqs_rule = KeyFreqsRule::WLogit;
        assert!(measured_by(&progress).contains("W_logit's rule, as none has a cluster"));
    }
}
