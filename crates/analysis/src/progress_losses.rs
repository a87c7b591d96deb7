use std::ops::Range;

use clockwork_model::loss;
use rayon::prelude::*;

use crate::{analysed_network::SplitInputs, logits_by_sum::BySum};

/// How many inputs one task takes; what tasks find is summed in their order.
const INPUTS_AT_ONCE: usize = 1024;

/// A loss over all inputs and, where they are known, over those trained on and those held out, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LossOver {
    pub all: f64,
    pub train_and_test: Option<[f64; 2]>,
}

/// The logits of all inputs, made ready for leaving parts of them out.
///
/// What a part takes off a logit depends on the sum and the answer alone, so the exponentials of the logits are computed
/// once, and each part takes one product per logit and one logarithm per input. Sums have positive terms only: they are exact where an answer is all
/// but certain.
pub(crate) struct LogitsToExclude<'a> {
    n: usize,
    /// e to the power of each logit less the largest of its input, [n², n].
    exponentials: Vec<f64>,
    /// The right answer's logit less the largest of its input, [n²].
    of_answers: Vec<f64>,
    /// e to the power of minus that: the odds of the answer with the largest logit against the right one, [n²].
    against_answers: Vec<f64>,
    split: Option<&'a SplitInputs>,
}

/// The sum of an input's numbers, which is its right answer.
fn sum_of(n: usize, input: usize) -> usize {
    (input / n + input % n) % n
}

/// How many sums a product of two rows is split into, so that the processor takes as many elements at once.
const LANES: usize = 8;

/// The scalar product of two rows.
fn product(row: &[f64], factors: &[f64]) -> f64 {
    let (row, factors) = (row.chunks_exact(LANES), factors.chunks_exact(LANES));
    let rest: f64 = row.remainder().iter().zip(factors.remainder()).map(|(a, b)| a * b).sum();
    let add = |sums: [f64; LANES], (a, b): (&[f64], &[f64])| std::array::from_fn(|i| sums[i] + a[i] * b[i]);
    rest + row.zip(factors).fold([0.0; LANES], add).iter().sum::<f64>()
}

impl<'a> LogitsToExclude<'a> {
    /// Those of logits [n², n].
    pub fn new(n: usize, logits: &[f64], split: Option<&'a SplitInputs>) -> Self {
        let mut exponentials = vec![0.0; logits.len()];
        exponentials.par_chunks_mut(n).zip(logits.par_chunks(n)).for_each(|(exponentials, row)| {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            exponentials.iter_mut().zip(row).for_each(|(e, logit)| *e = (logit - largest).exp());
        });
        let of_answer = |(input, row): (usize, &[f64])| {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row[sum_of(n, input)] - largest
        };
        let of_answers: Vec<f64> = logits.chunks_exact(n).enumerate().map(of_answer).collect();
        let against_answers = of_answers.iter().map(|logit| (-logit).exp()).collect();
        Self { n, exponentials, of_answers, against_answers, split }
    }

    /// The loss of the logits less a part of them.
    pub fn loss_without(&self, part: &BySum) -> LossOver {
        let n = self.n;
        let factors: Vec<f64> =
            (0..n).flat_map(|sum| part.row(sum).iter().map(|part| (-part).exp())).collect();
        let of_input = |input: usize| {
            let answer = sum_of(n, input);
            let row = &self.exponentials[input * n..][..n];
            let factors = &factors[answer * n..][..n];
            let others = |range: Range<usize>| product(&row[range.clone()], &factors[range]);
            let others = others(0..answer) + others(answer + 1..n);
            // The loss is ln(1 + odds), the odds of any other answer against the right one.
            let odds = others * self.against_answers[input] / factors[answer];
            if odds.is_normal() {
                return odds.ln_1p();
            }
            // They are too large or too small for a number of 64 bits, and their logarithm is not.
            let t = others.ln() - (self.of_answers[input] - part.row(answer)[answer]);
            t.max(0.0) + (-t.abs()).exp().ln_1p()
        };
        self.over(&of_input)
    }

    /// The loss of logits that depend on the sum and the answer alone.
    pub fn loss_of(&self, logits: &BySum) -> LossOver {
        let by_sum: Vec<f64> = (0..self.n).map(|sum| loss::of_row(logits.row(sum), sum)).collect();
        self.over(&|input| by_sum[sum_of(self.n, input)])
    }

    /// The means of a loss over inputs.
    fn over(&self, of_input: &(dyn Fn(usize) -> f64 + Sync)) -> LossOver {
        let inputs: Vec<usize> = (0..self.n * self.n).collect();
        let some = |inputs: &[usize]| {
            let mut sums = [0.0; 3];
            for &input in inputs {
                let loss = of_input(input);
                sums[0] += loss;
                if let Some(SplitInputs { train, test }) = self.split {
                    sums[1] += if train[input] { loss } else { 0.0 };
                    sums[2] += if test[input] { loss } else { 0.0 };
                }
            }
            sums
        };
        let parts: Vec<[f64; 3]> = inputs.par_chunks(INPUTS_AT_ONCE).map(some).collect();
        let sums = parts.into_iter().fold([0.0; 3], |a, b| std::array::from_fn(|i| a[i] + b[i]));
        let count = |is_among: &[bool]| is_among.iter().filter(|is| **is).count() as f64;
        let of_split = |split: &SplitInputs| [sums[1] / count(&split.train), sums[2] / count(&split.test)];
        LossOver { all: sums[0] / inputs.len() as f64, train_and_test: self.split.map(of_split) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use clockwork_model::Task;

    use super::*;
    use crate::{FourierBasis, logits_by_sum::Dimensions, losses::Losses};

    fn noise(n: usize, scale: f64) -> Vec<f64> {
        (0..n).map(|i| scale * ((i as f64 * 12.9898).sin() * 43_758.545_3).fract()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn leaving_a_part_out_costs_what_the_logits_without_it_cost(
            n in 3_usize..12,
            scale in 0.1_f64..60.0,
            in_three in any::<bool>(),
        ) {
            let basis = FourierBasis::new(n);
            let logits = noise(n * n * n, scale);
            let freqs: Vec<usize> = basis.frequencies().step_by(2).collect();
            let dimensions = if in_three { Dimensions::Three } else { Dimensions::Two };
            let part = BySum::of_logits(n, &logits).part(&basis, &freqs, dimensions);
            let row = |input: usize| part.row(sum_of(n, input));
            let without: Vec<f64> = logits.chunks_exact(n).enumerate().flat_map(|(input, logits)| {
                logits.iter().zip(row(input)).map(|(logit, part)| logit - part).collect::<Vec<_>>()
            }).collect();
            let alone: Vec<f64> = (0..n * n).flat_map(|input| row(input).to_vec()).collect();
            let split = SplitInputs {
                train: (0..n * n).map(|input| input % 3 == 0).collect(),
                test: (0..n * n).map(|input| input % 3 == 1).collect(),
            };
            let losses = Losses { task: Task::addition(n), original: &logits };
            let to_exclude = LogitsToExclude::new(n, &logits, Some(&split));
            for (found, expected) in
                [(to_exclude.loss_without(&part), &without), (to_exclude.loss_of(&part), &alone)]
            {
                let [train, test] = losses.of_split(expected, &split);
                let [found_train, found_test] = found.train_and_test.unwrap();
                for (found, expected) in [(found.all, losses.of(expected)), (found_train, train), (found_test, test)] {
                    prop_assert!((found - expected).abs() <= 1e-9 * expected.max(1e-12), "{} is not {}", found, expected);
                }
            }
            // The part is a projection: what is left has none of it.
            let rest = BySum::of_logits(n, &without).part(&basis, &freqs, dimensions);
            prop_assert!((0..n).all(|sum| rest.row(sum).iter().all(|value| value.abs() < 1e-9 * (1.0 + scale))));
        }
    }
}
