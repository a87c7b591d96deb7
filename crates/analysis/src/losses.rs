use clockwork_model::loss;
use rayon::prelude::*;

/// How many inputs one task takes; what tasks find is summed in their order.
const INPUTS_AT_ONCE: usize = 256;

/// The logits [p², p] of all inputs with their right answers, and what is asked of logits like them.
#[derive(Debug, Clone, Copy)]
pub struct Losses<'a> {
    /// The modulus.
    pub p: usize,
    /// The network's own logits, [p², p].
    pub original: &'a [f64],
}

impl Losses<'_> {
    /// Mean cross-entropy in nats of logits [p², p] over all inputs.
    #[must_use]
    pub fn of(&self, logits: &[f64]) -> f64 {
        self.over(logits, |_| true)
    }

    /// Mean cross-entropy in nats over the inputs of ascending indices `x · p + y`.
    #[must_use]
    pub fn of_inputs(&self, logits: &[f64], inputs: &[usize]) -> f64 {
        let mut is_among = vec![false; self.p * self.p];
        inputs.iter().for_each(|&input| is_among[input] = true);
        self.over(logits, |input| is_among[input])
    }

    fn over(&self, logits: &[f64], is_among: impl Fn(usize) -> bool + Sync) -> f64 {
        let p = self.p;
        let sums: Vec<(f64, usize)> = logits
            .par_chunks(INPUTS_AT_ONCE * p)
            .enumerate()
            .map(|(i, rows)| {
                let inputs =
                    (i * INPUTS_AT_ONCE..).zip(rows.chunks_exact(p)).filter(|&(input, _)| is_among(input));
                inputs.fold((0.0, 0), |(sum, n), (input, row)| {
                    (sum + loss::of_row(row, (input / p + input % p) % p), n + 1)
                })
            })
            .collect();
        let (sum, n) = sums.into_iter().fold((0.0, 0), |(sum, n), (s, m)| (sum + s, n + m));
        sum / n as f64
    }

    /// Mean cross-entropy after the bias correction: what was removed from the logits is added back as
    /// its mean over all inputs, so that only what depends on the input is lost.
    #[must_use]
    pub fn bias_corrected(&self, logits: &[f64]) -> f64 {
        let p = self.p;
        let mut removed = vec![0.0; p];
        for (original, row) in self.original.chunks_exact(p).zip(logits.chunks_exact(p)) {
            for ((removed, original), logit) in removed.iter_mut().zip(original).zip(row) {
                *removed += original - logit;
            }
        }
        removed.iter_mut().for_each(|r| *r /= (p * p) as f64);
        let mut corrected = logits.to_vec();
        corrected.par_chunks_mut(p).for_each(|row| {
            row.iter_mut().zip(&removed).for_each(|(logit, removed)| *logit += removed);
        });
        self.of(&corrected)
    }

    /// The fraction of all inputs whose answer's logit is above every other.
    #[must_use]
    pub fn accuracy(&self, logits: &[f64]) -> f64 {
        let p = self.p;
        let is_right = |&(input, row): &(usize, &[f64])| {
            let answer = (input / p + input % p) % p;
            row.iter().enumerate().all(|(z, &logit)| z == answer || logit < row[answer])
        };
        logits.par_chunks(p).enumerate().filter(is_right).count() as f64 / (p * p) as f64
    }
}
