use clockwork_model::loss;
use rayon::prelude::*;

use crate::{
    all_pairs::SplitInputs,
    logits_by_sum::BySum,
    product::{product, rows_of},
};

/// A loss over all inputs and, where they are known, over those trained on and those held out, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LossOver {
    pub all: f64,
    pub train_and_test: Option<[f64; 2]>,
}

/// Parts above this, in nats, are left out logit by logit: exponentials that vanish may be of logits that they make large.
const MODERATE: f64 = 300.0;

/// The logits of all inputs, made ready for leaving parts of them out.
///
/// What a part takes off a logit depends on the sum and the answer alone, so the exponentials of the logits are computed
/// once, and for the inputs of one sum all parts are one matrix product. Its sums have positive terms only, none of them the
/// right answer's: they are exact where an answer is all but certain. Inputs are in the order of their sums, and of x among
/// those of one sum.
pub(crate) struct LogitsToExclude<'a> {
    n: usize,
    logits: &'a [f64],
    /// e to the power of each logit less the largest of its input, but 0 for the right answer, [n², n].
    others: Vec<f64>,
    /// The right answer's logit less the largest of its input, [n²].
    of_answers: Vec<f64>,
    /// e to the power of minus that: the odds of the answer with the largest logit against the right one, [n²].
    against_answers: Vec<f64>,
    split: Option<SplitInputs>,
}

/// The inputs in the order of their sums.
fn by_sum(n: usize) -> impl Iterator<Item = usize> {
    (0..n).flat_map(move |sum| (0..n).map(move |x| x * n + (sum + n - x) % n))
}

impl<'a> LogitsToExclude<'a> {
    /// Those of logits [n², n].
    pub fn new(n: usize, logits: &'a [f64], split: Option<&SplitInputs>) -> Self {
        let inputs: Vec<usize> = by_sum(n).collect();
        let row = |input: usize| &logits[input * n..][..n];
        let largest = |input: usize| row(input).iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut others = vec![0.0; logits.len()];
        others.par_chunks_mut(n).enumerate().for_each(|(i, others)| {
            let (input, answer) = (inputs[i], i / n);
            let largest = largest(input);
            others.iter_mut().zip(row(input)).for_each(|(e, logit)| *e = (logit - largest).exp());
            others[answer] = 0.0;
        });
        let of_answer = |(i, &input): (usize, &usize)| row(input)[i / n] - largest(input);
        let of_answers: Vec<f64> = inputs.iter().enumerate().map(of_answer).collect();
        let against_answers = of_answers.iter().map(|logit| (-logit).exp()).collect();
        let reordered = |is_among: &[bool]| inputs.iter().map(|&input| is_among[input]).collect();
        let split =
            split.map(|split| SplitInputs { train: reordered(&split.train), test: reordered(&split.test) });
        Self { n, logits, others, of_answers, against_answers, split }
    }

    /// The loss of the logits less each of some parts of them.
    pub fn losses_without(&self, parts: &[BySum]) -> Vec<LossOver> {
        let n = self.n;
        let of_sum = |sum: usize| {
            // What the exponentials of other answers than the right one are multiplied by.
            let factor = |(z, part): (usize, &f64)| if z == sum { 0.0 } else { (-part).exp() };
            let factors: Vec<f64> =
                parts.iter().flat_map(|part| part.row(sum).iter().enumerate().map(factor)).collect();
            let rows = &self.others[sum * n * n..][..n * n];
            let others = product(rows_of(rows, n), rows_of(&factors, n).transpose()); // [n, parts]
            let of_part = |(i, part): (usize, &BySum)| {
                let of_answer = part.row(sum)[sum];
                let factor = (-of_answer).exp();
                let is_moderate = part.row(sum).iter().all(|part| part.abs() < MODERATE);
                self.sums_of(sum, |x| match (is_moderate, others[x * parts.len() + i]) {
                    (true, others) if others.is_normal() => {
                        self.loss(sum * n + x, others, [of_answer, factor])
                    }
                    _ => self.loss_of_row(sum, x, part.row(sum)),
                })
            };
            parts.iter().enumerate().map(of_part).collect()
        };
        let of_sums: Vec<Vec<[f64; 3]>> = (0..n).into_par_iter().map(of_sum).collect();
        (0..parts.len()).map(|i| self.means(of_sums.iter().map(|of| of[i]))).collect()
    }

    /// The loss of an input, by the exponentials of all answers but the right one once a part is left out, and by the part
    /// that is left out of the right one's logit, with e to the power of minus it.
    fn loss(&self, input: usize, others: f64, [of_answer, factor]: [f64; 2]) -> f64 {
        // The loss is ln(1 + odds), the odds of any other answer against the right one.
        let odds = others * self.against_answers[input] / factor;
        if odds.is_normal() {
            return odds.ln_1p();
        }
        // They are too large or too small for a number of 64 bits, and their logarithm is not.
        let t = others.ln() - (self.of_answers[input] - of_answer);
        t.max(0.0) + (-t.abs()).exp().ln_1p()
    }

    /// The loss of the input of a sum with some x, logit by logit.
    fn loss_of_row(&self, sum: usize, x: usize, part: &[f64]) -> f64 {
        let input = x * self.n + (sum + self.n - x) % self.n;
        let logits = &self.logits[input * self.n..][..self.n];
        let without: Vec<f64> = logits.iter().zip(part).map(|(logit, part)| logit - part).collect();
        loss::of_row(&without, sum)
    }

    /// The loss of logits that depend on the sum and the answer alone.
    pub fn loss_of(&self, logits: &BySum) -> LossOver {
        let of_sum = |sum: usize| {
            let loss = loss::of_row(logits.row(sum), sum);
            self.sums_of(sum, |_| loss)
        };
        self.means((0..self.n).map(of_sum))
    }

    /// The sums of a loss over the inputs of one sum, by their x: of all, of those trained on and of those held out.
    fn sums_of(&self, sum: usize, loss: impl Fn(usize) -> f64) -> [f64; 3] {
        let mut sums = [0.0; 3];
        for x in 0..self.n {
            let (loss, input) = (loss(x), sum * self.n + x);
            sums[0] += loss;
            if let Some(SplitInputs { train, test }) = &self.split {
                sums[1] += if train[input] { loss } else { 0.0 };
                sums[2] += if test[input] { loss } else { 0.0 };
            }
        }
        sums
    }

    /// The means over inputs, of what was summed over those of each sum.
    fn means(&self, of_sums: impl Iterator<Item = [f64; 3]>) -> LossOver {
        let sums = of_sums.fold([0.0; 3], |a, b| std::array::from_fn(|i| a[i] + b[i]));
        let count = |is_among: &[bool]| is_among.iter().filter(|is| **is).count() as f64;
        let of_split = |split: &SplitInputs| [sums[1] / count(&split.train), sums[2] / count(&split.test)];
        LossOver {
            all: sums[0] / (self.n * self.n) as f64,
            train_and_test: self.split.as_ref().map(of_split),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            scale in 0.1_f64..2_000.0,
            in_three in any::<bool>(),
        ) {
            let basis = FourierBasis::new(n);
            let logits = noise(n * n * n, scale);
            let freqs: Vec<usize> = basis.frequencies().step_by(2).collect();
            let dimensions = if in_three { Dimensions::Three } else { Dimensions::Two };
            let part = BySum::of_logits(n, &logits).part(&basis, &freqs, dimensions);
            let row = |input: usize| part.row((input / n + input % n) % n);
            let without: Vec<f64> = logits.chunks_exact(n).enumerate().flat_map(|(input, logits)| {
                logits.iter().zip(row(input)).map(|(logit, part)| logit - part).collect::<Vec<_>>()
            }).collect();
            let alone: Vec<f64> = (0..n * n).flat_map(|input| row(input).to_vec()).collect();
            let split = SplitInputs {
                train: (0..n * n).map(|input| input % 3 == 0).collect(),
                test: (0..n * n).map(|input| input % 3 == 1).collect(),
            };
            let answers: Vec<usize> = (0..n * n).map(|input| (input / n + input % n) % n).collect();
            let losses = Losses { answers: &answers, original: &logits };
            let to_exclude = LogitsToExclude::new(n, &logits, Some(&split));
            for (found, expected) in
                [(to_exclude.losses_without(std::slice::from_ref(&part))[0], &without), (to_exclude.loss_of(&part), &alone)]
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
