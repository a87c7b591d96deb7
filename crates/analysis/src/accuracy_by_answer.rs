use crate::{Arrays, losses::Losses};

/// How often each answer is right: the fraction of the pairs whose answer it is that are answered so.
#[derive(Debug, Clone, PartialEq)]
pub struct AccuracyByAnswer {
    /// The fraction by answer, [p]; 0 where no pair has the answer.
    pub accuracy: Vec<f64>,
    /// How many pairs have it, [p].
    pub pairs: Vec<usize>,
}

impl AccuracyByAnswer {
    /// Counts pairs, and those among them that are answered right.
    pub(crate) fn new(losses: &Losses) -> Self {
        let p = losses.original.len() / losses.answers.len();
        let (mut right, mut pairs) = (vec![0_usize; p], vec![0_usize; p]);
        for (&answer, is_right) in losses.answers.iter().zip(losses.are_right()) {
            pairs[answer] += 1;
            right[answer] += usize::from(is_right);
        }
        let share = |(&right, &of): (&usize, &usize)| right as f64 / of.max(1) as f64;
        Self { accuracy: right.iter().zip(&pairs).map(share).collect(), pairs }
    }

    /// Adds the arrays behind its figure.
    pub(crate) fn insert_into(&self, arrays: &mut Arrays) {
        let p = self.pairs.len();
        arrays.insert("answers.accuracy", &[p], self.accuracy.clone());
        arrays.insert_whole_numbers("answers.pairs", &[p], self.pairs.iter().map(|&n| n as i64).collect());
    }
}
