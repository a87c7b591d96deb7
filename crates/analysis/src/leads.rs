use serde::{Deserialize, Serialize};

use crate::{Progress, ProgressRow, curve::Curve};

/// The training accuracy from which on a network knows its pairs: what measures do afterwards is what is told.
pub const MEMORISED: f64 = 0.99;

/// The test accuracy from which on a network has generalised: of others nothing is told that leads to it.
pub const GENERALISED: f64 = 0.99;

/// What the measure is called that all others are compared with.
pub const TEST_ACCURACY: &str = "test accuracy";

/// What the network's own loss over the pairs held out is called.
pub const TEST_LOSS: &str = "test loss";

/// What the loss of the waves cos ω_k(x + y − z) alone is called.
pub const RESTRICTED_LOSS: &str = "restricted loss (3d, all)";

/// What the loss over the training pairs without the waves of x + y is called.
pub const EXCLUDED_LOSS: &str = "excluded loss (2d, train)";

/// By how many steps a measure goes its way before the test accuracy does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lead {
    /// What is measured.
    pub measure: String,
    /// Its value at the first checkpoint whose training accuracy is 99 %.
    pub from: f64,
    /// Its value at the last checkpoint.
    pub to: f64,
    /// The first step at which it has gone half of its way, on a straight line between two checkpoints; on a logarithmic
    /// scale for losses.
    pub halfway: u64,
    /// By how many steps that comes before the test accuracy has gone half of its own; negative behind it.
    pub steps_before_test_accuracy: i64,
}

/// A measure that is followed: its name, how it is read off a row, and whether it goes its way on a logarithmic scale.
type Followed = (&'static str, fn(&ProgressRow) -> Option<f64>, bool);

/// The measures that are followed, in the order in which they are told.
const FOLLOWED: [Followed; 12] = [
    (TEST_ACCURACY, |row| row.test_accuracy, false),
    (TEST_LOSS, |row| row.measures.test.as_ref().map(|test| test.loss), true),
    (RESTRICTED_LOSS, |row| Some(row.measures.all.restricted_loss_3d), true),
    ("restricted loss (2d, all)", |row| Some(row.measures.all.restricted_loss_2d), true),
    (EXCLUDED_LOSS, |row| row.measures.train.as_ref().map(|train| train.excluded_loss_2d), true),
    ("share of the logits explained", |row| Some(row.measures.frac_logits_explained_3d), false),
    ("neurons in clusters", |row| Some(row.share_in_clusters()), false),
    ("Gini coefficient of the embedding", |row| Some(row.gini_embedding), false),
    ("Gini coefficient of W_logit", |row| Some(row.gini_w_logit), false),
    ("inverse participation ratio of inputs", |row| row.measures.ipr_input, false),
    ("inverse participation ratio of outputs", |row| row.measures.ipr_output, false),
    ("sum of squared weights", |row| Some(row.sum_squared_weights), false),
];

/// What leads and what follows, from the first checkpoint that has memorised on; nothing where none has, where the last has
/// not generalised, where the test accuracy does not change, or where it is not known which pairs were trained on.
#[must_use]
pub fn leads(progress: &Progress) -> Vec<Lead> {
    let rows = rows_from_memorised(progress);
    let last = rows.last().and_then(|row| row.test_accuracy);
    if last.is_none_or(|accuracy| accuracy < GENERALISED) {
        return Vec::new();
    }
    let halfways: Vec<(&str, [f64; 2], u64)> = FOLLOWED.iter().filter_map(|of| halfway(rows, of)).collect();
    let Some(&(TEST_ACCURACY, _, of_accuracy)) = halfways.first() else { return Vec::new() };
    let lead = |(measure, [from, to], halfway): (&str, [f64; 2], u64)| Lead {
        measure: measure.to_owned(),
        from,
        to,
        halfway,
        steps_before_test_accuracy: of_accuracy as i64 - halfway as i64,
    };
    halfways.into_iter().map(lead).collect()
}

/// The rows from the first on whose training accuracy is 99 %; none where there is no such.
pub(crate) fn rows_from_memorised(progress: &Progress) -> &[ProgressRow] {
    let has_memorised = |row: &ProgressRow| row.train_accuracy.is_some_and(|accuracy| accuracy >= MEMORISED);
    progress.rows.iter().position(has_memorised).map_or(&[], |start| &progress.rows[start..])
}

/// A measure that is followed over some rows.
pub(crate) fn curve_of(rows: &[ProgressRow], measure: &str) -> Option<Curve> {
    let &(_, read, is_log) = FOLLOWED.iter().find(|(name, ..)| *name == measure)?;
    Curve::of(rows, read, is_log)
}

/// A measure's name, its first and last value, and the first step at which it has gone half of its way.
fn halfway(rows: &[ProgressRow], &(name, read, is_log): &Followed) -> Option<(&'static str, [f64; 2], u64)> {
    let (from, to) = (read(rows.first()?)?, read(rows.last()?)?);
    let halfway = Curve::of(rows, read, is_log)?.has_gone(0.5)?;
    Some((name, [from, to], halfway.round() as u64))
}

/// The measures that are followed, over the checkpoints of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct CourseCurves {
    /// The steps of the checkpoints.
    pub steps: Vec<u64>,
    /// Each measure.
    pub measures: Vec<MeasureCurve>,
}

/// A measure over the checkpoints of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasureCurve {
    /// What is measured.
    pub measure: &'static str,
    /// Whether it is a loss, in nats.
    pub is_loss: bool,
    /// Its values, where they are known.
    pub values: Vec<Option<f64>>,
}

impl CourseCurves {
    /// Those of a course.
    #[must_use]
    pub fn of(progress: &Progress) -> Self {
        let curve = |&(measure, read, is_loss): &Followed| MeasureCurve {
            measure,
            is_loss,
            values: progress.rows.iter().map(read).collect(),
        };
        let steps = progress.rows.iter().map(|row| row.step).collect();
        Self { steps, measures: FOLLOWED.iter().map(curve).collect() }
    }
}
