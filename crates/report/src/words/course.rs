//! How a run's course reads.

use clockwork_analysis::{CoursePhases, Lead, short};

/// The phases of a run's course, and what of them is missing.
#[must_use]
pub fn phases(of: &CoursePhases) -> String {
    match (of.circuit_formation, of.cleanup, of.clean) {
        (None, ..) => "memorisation, and no circuit that forms".to_owned(),
        (Some(formation), Some(cleanup), Some(clean)) => format!(
            "memorisation until step {formation}, circuit formation until {cleanup}, cleanup until {clean}"
        ),
        (Some(formation), ..) => {
            format!("memorisation until step {formation}, circuit formation since, and no cleanup")
        }
    }
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
        0 => "at once".to_owned(),
        steps if steps > 0 => format!("{steps} steps before"),
        steps => format!("{} steps behind", -steps),
    }
}
