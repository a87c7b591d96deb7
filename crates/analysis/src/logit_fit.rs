use std::{collections::BTreeMap, f64::consts::PI};

use clockwork_model::{Task, loss};

use crate::{Arrays, logits_by_sum::waves_by_difference, share::share};

/// The least-squares fit logits ≈ Σ C_k cos ω_k(x + y − z) over key frequencies, after the logits' mean
/// per answer and per input is taken off.
#[derive(Debug, Clone)]
pub struct LogitFit {
    /// C_k by frequency.
    pub coefficients: BTreeMap<usize, f64>,
    /// The share of the centred logits' variance that the fit explains.
    pub frac_variance_explained: f64,
    /// Mean of the centred logits by x + y − z mod p, [p]: the right answer's is the first.
    pub mean_by_difference: Vec<f64>,
    /// Standard deviation of the centred logits about those means, [p].
    pub sd_by_difference: Vec<f64>,
    /// The fit by x + y − z, [p].
    pub fitted_by_difference: Vec<f64>,
}

impl LogitFit {
    /// Fits logits [p², p].
    pub(crate) fn new(p: usize, key_freqs: &[usize], logits: &[f64]) -> Self {
        let n = (p * p) as f64;
        let mut mean_of_answer = vec![0.0; p];
        for row in logits.chunks_exact(p) {
            mean_of_answer.iter_mut().zip(row).for_each(|(sum, logit)| *sum += logit / n);
        }
        // The waves depend on x + y − z alone, so logits are summed over inputs alike in it.
        let (mut sums, mut squares) = (vec![0.0; p], vec![0.0; p]);
        let addition = Task::addition(p);
        for (pair, row) in addition.pairs().zip(logits.chunks_exact(p)) {
            let sum = addition.answer(pair);
            let mean = row.iter().zip(&mean_of_answer).map(|(l, m)| l - m).sum::<f64>() / p as f64;
            for (z, (logit, of_answer)) in row.iter().zip(&mean_of_answer).enumerate() {
                let centred = logit - of_answer - mean;
                let difference = (sum + p - z) % p;
                sums[difference] += centred;
                squares[difference] += centred * centred;
            }
        }
        let mut explained = 0.0;
        let mut fitted_by_difference = vec![0.0; p];
        let of = |&k: &usize| {
            let wave: Vec<f64> = (0..p).map(|d| (2.0 * PI * ((k * d) % p) as f64 / p as f64).cos()).collect();
            // Waves of different frequencies are orthogonal, so each is fitted alone.
            let norm = n * wave.iter().map(|w| w * w).sum::<f64>();
            let coefficient = sums.iter().zip(&wave).map(|(l, w)| l * w).sum::<f64>() / norm;
            explained += coefficient * coefficient * norm;
            fitted_by_difference.iter_mut().zip(&wave).for_each(|(sum, w)| *sum += coefficient * w);
            (k, coefficient)
        };
        let coefficients = key_freqs.iter().map(of).collect();
        let mean_by_difference: Vec<f64> = sums.iter().map(|sum| sum / n).collect();
        let about = |(square, mean): (&f64, &f64)| (square / n - mean * mean).max(0.0).sqrt();
        Self {
            coefficients,
            frac_variance_explained: share(explained, squares.iter().sum()),
            sd_by_difference: squares.iter().zip(&mean_by_difference).map(about).collect(),
            mean_by_difference,
            fitted_by_difference,
        }
    }

    /// The mean loss over all inputs of the waves alone, in nats, or of those that are left without a frequency.
    #[must_use]
    pub fn loss_of_waves(&self, without: Option<usize>) -> f64 {
        let p = self.mean_by_difference.len();
        let left = self.coefficients.iter().filter(|(k, _)| Some(**k) != without);
        // The logits depend on x + y − z alone, so the loss is that of any input. The right answer is at 0.
        loss::of_row(&waves_by_difference(p, &left), 0)
    }

    /// Adds the arrays behind its figure.
    pub(crate) fn insert_into(&self, arrays: &mut Arrays) {
        let p = self.mean_by_difference.len();
        arrays.insert("logits.mean_by_difference", &[p], self.mean_by_difference.clone());
        arrays.insert("logits.sd_by_difference", &[p], self.sd_by_difference.clone());
        arrays.insert("logits.fitted_by_difference", &[p], self.fitted_by_difference.clone());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_was_put_in_is_found(p in 5_usize..14, c_1 in 0.5_f64..9.0, c_2 in -9.0_f64..9.0, bias in -3.0_f64..3.0) {
            let wave = |k: usize, d: usize| (2.0 * PI * (k * d) as f64 / p as f64).cos();
            let logit = |input: usize, z: usize| {
                let d = (input / p + input % p + p - z) % p;
                c_1 * wave(1, d) + c_2 * wave(2, d) + bias * (z * z) as f64 + (input as f64).sin()
            };
            let logits: Vec<f64> = (0..p * p).flat_map(|i| (0..p).map(move |z| logit(i, z))).collect();
            let fit = LogitFit::new(p, &[1, 2], &logits);
            prop_assert!((fit.coefficients[&1] - c_1).abs() < 1e-9, "{:?}", fit.coefficients);
            prop_assert!((fit.coefficients[&2] - c_2).abs() < 1e-9, "{:?}", fit.coefficients);
            prop_assert!((fit.frac_variance_explained - 1.0).abs() < 1e-9);
            for (mean, fitted) in fit.mean_by_difference.iter().zip(&fit.fitted_by_difference) {
                prop_assert!((mean - fitted).abs() < 1e-9);
            }
            prop_assert!(fit.sd_by_difference.iter().all(|&sd| sd < 1e-4));
        }

        #[test]
        fn the_loss_of_waves_is_that_of_logits_made_of_them(p in 5_usize..14, c_1 in 0.5_f64..9.0, c_2 in 0.5_f64..9.0) {
            let wave = |k: usize, d: usize| (2.0 * PI * (k * d) as f64 / p as f64).cos();
            let task = Task::addition(p);
            let logits = |c_1: f64, c_2: f64| -> Vec<f64> {
                let of = |z: usize, sum: usize| (sum + p - z) % p;
                let row = |pair| (0..p).map(move |z| of(z, task.answer(pair)));
                task.pairs().flat_map(row).map(|d| c_1 * wave(1, d) + c_2 * wave(2, d)).collect()
            };
            let answers: Vec<usize> = task.pairs().map(|pair| task.answer(pair)).collect();
            let loss = |logits: &[f64]| crate::losses::Losses { answers: &answers, original: logits }.of(logits);
            let whole = logits(c_1, c_2);
            let fit = LogitFit::new(p, &[1, 2], &whole);
            for (without, expected) in
                [(None, loss(&whole)), (Some(1), loss(&logits(0.0, c_2))), (Some(2), loss(&logits(c_1, 0.0)))]
            {
                let found = fit.loss_of_waves(without);
                prop_assert!((found - expected).abs() < 1e-9 * (1.0 + expected), "{found} is not {expected}");
            }
        }
    }
}
