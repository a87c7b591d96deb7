use serde::{Deserialize, Serialize};

use crate::{Progress, ProgressRow, curve::Curve};

/// How many times its lowest value the excluded loss must reach for a circuit to have formed. Where a network only gets
/// surer of the pairs that it memorised, the excluded loss falls with the training loss.
pub(crate) const RISES: f64 = 2.0;

/// Excluded losses below this, in nats, are told apart no more: their ratios would be no numbers.
const LEAST: f64 = 1e-300;

/// The share of its way, on a logarithmic scale, after which the excluded loss has risen: it levels off where cleanup
/// begins, so that its very highest value comes at a step of chance.
const RISEN: f64 = 0.9;

/// The share of the sum of squared weights that may be left at the end, of what it was when cleanup began. A network that
/// keeps more keeps what it memorised.
const LEFT_BY_CLEANUP: f64 = 0.9;

/// The share of its way from cleanup's beginning to the last checkpoint after which the sum of squared weights has fallen:
/// the rest is its slow end.
const FALLEN: f64 = 0.9;

/// The phases of a run that comes to generalise (after Nanda et al. 2023, section 5.2), by the step at which each begins:
/// memorisation from the start, then circuit formation, then cleanup. They are told from the excluded loss on the training
/// pairs (`2d`) and the sum of squared weights, and not from accuracies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoursePhases {
    /// The step with the lowest excluded loss. The circuit has begun to form by then: until there, what is memorised lowers
    /// that loss faster than the circuit raises it. Nothing where it does not rise again to twice its lowest value.
    pub circuit_formation: Option<u64>,
    /// The first step at which the excluded loss has gone nine tenths of its rise, on a straight line between two
    /// checkpoints on a logarithmic scale. Nothing where less than a tenth of the sum of squared weights goes afterwards.
    pub cleanup: Option<u64>,
    /// The first step at which the sum of squared weights has gone nine tenths of its way from there to its last value, on a
    /// straight line between two checkpoints: cleanup ends.
    pub settled: Option<u64>,
}

/// How the excluded loss on the training pairs falls and rises again.
#[derive(Clone, Copy)]
pub(crate) struct ExcludedLoss {
    /// The row in which it is lowest.
    pub turns_at: usize,
    pub lowest: f64,
    /// The row in which it is highest from there on.
    highest_at: usize,
    pub highest: f64,
}

fn excluded(row: &ProgressRow) -> Option<f64> {
    row.measures.train.as_ref().map(|train| train.excluded_loss_2d)
}

impl ExcludedLoss {
    /// That of some rows; none where it is not known which pairs were trained on.
    pub fn of(rows: &[ProgressRow]) -> Option<Self> {
        let losses = rows.iter().map(|row| Some(excluded(row)?.max(LEAST))).collect::<Option<Vec<f64>>>()?;
        let (turns_at, &lowest) = losses.iter().enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        // The first of those as high.
        let risen = losses[turns_at..].iter().enumerate().rev().max_by(|(_, a), (_, b)| a.total_cmp(b));
        let (later, &highest) = risen?;
        Some(Self { turns_at, lowest, highest_at: turns_at + later, highest })
    }

    fn rises(self) -> bool {
        self.highest >= RISES * self.lowest
    }
}

impl CoursePhases {
    /// The phases of a course; nothing where it is not known which pairs were trained on, or no frequency is key.
    #[must_use]
    pub fn of(progress: &Progress) -> Option<Self> {
        let rows = &progress.rows;
        let loss = ExcludedLoss::of(rows).filter(|_| !progress.key_freqs.is_empty())?;
        let mut phases = Self { circuit_formation: None, cleanup: None, settled: None };
        if !loss.rises() {
            return Some(phases);
        }
        phases.circuit_formation = Some(rows[loss.turns_at].step);
        let rise = Curve::of(&rows[loss.turns_at..=loss.highest_at], excluded, true)?;
        let cleanup = rise.has_gone(RISEN)?;
        let squares = Curve::of(rows, |row| Some(row.sum_squared_weights), false)?.from(cleanup);
        if squares.last() <= LEFT_BY_CLEANUP * squares.first() {
            phases.cleanup = Some(cleanup.round() as u64);
            phases.settled = squares.has_gone(FALLEN).map(|step| step.round() as u64);
        }
        Some(phases)
    }
}
