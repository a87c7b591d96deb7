use std::fmt;

use crate::Evaluation;

/// The accuracy that counts as having learned: a few of thousands of pairs may still be wrong.
pub const LEARNED_ACCURACY: f64 = 0.99;

/// The test accuracy that ends the plateau: half of the pairs held out. While the circuit forms the
/// accuracy creeps up to some tens of per cent; above that it rises steeply.
pub const GROKKING_ACCURACY: f64 = 0.5;

/// Where a run is on its way from memorising to generalising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The training pairs are being learned by heart.
    Memorising,
    /// They are known; nothing shows yet on the pairs held out.
    Plateau,
    /// The pairs held out are being understood.
    Grokking,
    /// They are understood; weight decay removes what was memorised.
    CleaningUp,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memorising => "memorising",
            Self::Plateau => "plateau",
            Self::Grokking => "grokking",
            Self::CleaningUp => "cleaning up",
        })
    }
}

/// When a run passed its milestones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Milestones {
    /// First evaluated step whose train accuracy is [`LEARNED_ACCURACY`] or more.
    pub memorised: Option<u64>,
    /// First evaluated step whose test accuracy is [`GROKKING_ACCURACY`] or more.
    pub grokking: Option<u64>,
    /// First evaluated step whose test accuracy is [`LEARNED_ACCURACY`] or more.
    pub generalised: Option<u64>,
}

impl Milestones {
    /// Takes note of the next evaluation.
    pub fn observe(&mut self, step: u64, train_accuracy: f64, test_accuracy: f64) {
        for (milestone, accuracy, bound) in [
            (&mut self.memorised, train_accuracy, LEARNED_ACCURACY),
            (&mut self.grokking, test_accuracy, GROKKING_ACCURACY),
            (&mut self.generalised, test_accuracy, LEARNED_ACCURACY),
        ] {
            if accuracy >= bound {
                milestone.get_or_insert(step);
            }
        }
    }

    /// The phase after the evaluations so far.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self { memorised: None, .. } => Phase::Memorising,
            Self { generalised: Some(_), .. } => Phase::CleaningUp,
            Self { grokking: Some(_), .. } => Phase::Grokking,
            _ => Phase::Plateau,
        }
    }
}

impl<'a> FromIterator<&'a Evaluation> for Milestones {
    fn from_iter<I: IntoIterator<Item = &'a Evaluation>>(evaluations: I) -> Self {
        let mut milestones = Self::default();
        for e in evaluations {
            milestones.observe(e.step, e.train_accuracy, e.test_accuracy);
        }
        milestones
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Phase::{CleaningUp, Grokking, Memorising, Plateau},
        *,
    };

    #[test]
    fn phases_follow_the_accuracies_and_never_go_back() {
        let mut milestones = Milestones::default();
        let mut phases = Vec::new();
        let accuracies = [(0.0, 0.0), (0.995, 0.01), (1.0, 0.01), (1.0, 0.6), (1.0, 0.999), (0.9, 0.9)];
        for (i, (train_accuracy, test_accuracy)) in (0..).zip(accuracies) {
            milestones.observe(100 * i, train_accuracy, test_accuracy);
            phases.push(milestones.phase());
        }
        assert_eq!(phases, [Memorising, Plateau, Plateau, Grokking, CleaningUp, CleaningUp]);
        assert_eq!(
            milestones,
            Milestones { memorised: Some(100), grokking: Some(300), generalised: Some(400) }
        );
    }
}
