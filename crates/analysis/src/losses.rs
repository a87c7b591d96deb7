use clockwork_model::loss;
use rayon::prelude::*;

use crate::all_pairs::SplitInputs;

/// How many inputs one task takes; what tasks find is summed in their order.
const INPUTS_AT_ONCE: usize = 256;

/// The logits of some inputs with their right answers, and what is asked of logits like them: [inputs, answers].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Losses<'a> {
    /// The right answer to each input, [inputs].
    pub answers: &'a [usize],
    /// The network's own logits.
    pub original: &'a [f64],
}

impl Losses<'_> {
    /// Mean cross-entropy in nats of logits over all inputs.
    pub fn of(&self, logits: &[f64]) -> f64 {
        self.over(logits, |_| true)
    }

    /// Mean cross-entropy in nats over some of the inputs, [inputs].
    pub fn of_inputs(&self, logits: &[f64], is_among: &[bool]) -> f64 {
        self.over(logits, |input| is_among[input])
    }

    /// Mean cross-entropy in nats over the inputs trained on, and over those held out.
    pub fn of_split(&self, logits: &[f64], split: &SplitInputs) -> [f64; 2] {
        [&split.train, &split.test].map(|is_among| self.of_inputs(logits, is_among))
    }

    /// How many answers there are.
    fn n_answers(&self) -> usize {
        self.original.len() / self.answers.len()
    }

    fn over(&self, logits: &[f64], is_among: impl Fn(usize) -> bool + Sync) -> f64 {
        let n = self.n_answers();
        let sums: Vec<(f64, u32)> = logits
            .par_chunks(INPUTS_AT_ONCE * n)
            .enumerate()
            .map(|(i, rows)| {
                let inputs =
                    (i * INPUTS_AT_ONCE..).zip(rows.chunks_exact(n)).filter(|&(input, _)| is_among(input));
                inputs.fold((0.0, 0), |(sum, count), (input, row)| {
                    (sum + loss::of_row(row, self.answers[input]), count + 1_u32)
                })
            })
            .collect();
        let (sum, count) = sums.into_iter().fold((0.0, 0), |(sum, count), (s, c)| (sum + s, count + c));
        sum / f64::from(count)
    }

    /// Mean cross-entropy in nats of ablated logits after the bias correction: the mean over inputs
    /// of what the ablation removed is added back to each answer's logit, so that only what depends on the
    /// input is lost.
    pub fn bias_corrected(&self, logits: &[f64]) -> f64 {
        let n = self.n_answers();
        let mut removed = vec![0.0; n];
        for (original, row) in self.original.chunks_exact(n).zip(logits.chunks_exact(n)) {
            for ((removed, original), logit) in removed.iter_mut().zip(original).zip(row) {
                *removed += original - logit;
            }
        }
        removed.iter_mut().for_each(|r| *r /= self.answers.len() as f64);
        let mut corrected = logits.to_vec();
        corrected.par_chunks_mut(n).for_each(|row| {
            row.iter_mut().zip(&removed).for_each(|(logit, removed)| *logit += removed);
        });
        self.of(&corrected)
    }

    /// The fraction of all inputs whose answer's logit is above every other.
    pub fn accuracy(&self, logits: &[f64]) -> f64 {
        self.accuracy_over(logits, |_| true)
    }

    /// The same over the inputs trained on, and over those held out.
    pub fn accuracy_of_split(&self, logits: &[f64], split: &SplitInputs) -> [f64; 2] {
        [&split.train, &split.test].map(|is_among| self.accuracy_over(logits, |input| is_among[input]))
    }

    /// Of each input whether its answer's logit is above every other.
    pub fn are_right(&self) -> impl Iterator<Item = bool> {
        let rows = self.original.chunks_exact(self.n_answers());
        rows.zip(self.answers).map(|(row, &answer)| is_above_all(row, answer))
    }

    fn accuracy_over(&self, logits: &[f64], is_among: impl Fn(usize) -> bool + Sync) -> f64 {
        let n = self.n_answers();
        let is_right = |&(input, row): &(usize, &[f64])| is_above_all(row, self.answers[input]);
        let among = logits.par_chunks(n).enumerate().filter(|(input, _)| is_among(*input));
        let right = among.clone().filter(is_right).count() as f64;
        right / among.count() as f64
    }
}

/// Whether an answer's logit is above every other.
pub(crate) fn is_above_all(row: &[f64], answer: usize) -> bool {
    row.iter().enumerate().all(|(z, &logit)| z == answer || logit < row[answer])
}
