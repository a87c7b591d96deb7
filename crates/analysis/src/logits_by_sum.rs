use std::{collections::BTreeMap, f64::consts::PI};

use crate::FourierBasis;

/// A function of the sum x + y and of the answer z, [n, n] with the sum first.
///
/// All that the restricted and the excluded loss keep or leave out of the logits is one: waves of the sum for each answer
/// ("2d"), and waves of x + y − z ("3d").
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BySum {
    n: usize,
    values: Vec<f64>,
}

/// Σ C_k cos ω_k e by the difference e = x + y − z, [n], of the amplitudes of some waves.
pub(crate) fn waves_by_difference<'a>(
    n: usize,
    amplitudes: &(impl Iterator<Item = (&'a usize, &'a f64)> + Clone),
) -> Vec<f64> {
    let wave = |k: usize, c: f64, e: usize| c * (2.0 * PI * ((k * e) % n) as f64 / n as f64).cos();
    (0..n).map(|e| amplitudes.clone().map(|(&k, &c)| wave(k, c, e)).sum()).collect()
}

/// Which parts of the logits are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dimensions {
    /// Along unit cos ω_k(x + y) and sin ω_k(x + y) over inputs, for each answer by itself.
    Two,
    /// Along unit cos ω_k(x + y − z) over inputs and answers.
    Three,
}

impl BySum {
    /// Zero everywhere.
    pub fn zero(n: usize) -> Self {
        Self { n, values: vec![0.0; n * n] }
    }

    /// The mean over the inputs of each sum of data over the inputs, [n², width]: [n, width]. It is a function of this
    /// kind where there is one column for each answer.
    pub fn means(n: usize, data: &[f64]) -> Vec<f64> {
        let width = data.len() / (n * n);
        let mut means = vec![0.0; n * width];
        for (input, row) in data.chunks_exact(width).enumerate() {
            let sum = (input / n + input % n) % n;
            means[sum * width..][..width]
                .iter_mut()
                .zip(row)
                .for_each(|(mean, value)| *mean += value / n as f64);
        }
        means
    }

    /// The mean of the logits, [n², n], by the sum and the answer.
    pub fn of_logits(n: usize, logits: &[f64]) -> Self {
        Self { n, values: Self::means(n, logits) }
    }

    /// The values of a sum, one for each answer, [n].
    pub fn row(&self, sum: usize) -> &[f64] {
        &self.values[sum * self.n..][..self.n]
    }

    /// The part of some frequencies.
    pub fn part(&self, basis: &FourierBasis, freqs: &[usize], dimensions: Dimensions) -> Self {
        match dimensions {
            Dimensions::Two => Self::zero(self.n).plus_waves(basis, freqs, &self.values),
            Dimensions::Three => {
                let n = self.n;
                let by_difference = basis.cosines_of(&self.by_difference(), freqs);
                let values = (0..n * n).map(|i| by_difference[(i / n + n - i % n) % n]).collect();
                Self { n, values }
            }
        }
    }

    /// The mean by x + y − z, [n].
    pub fn by_difference(&self) -> Vec<f64> {
        let n = self.n;
        let mut means = vec![0.0; n];
        for (i, value) in self.values.iter().enumerate() {
            means[(i / n + n - i % n) % n] += value / n as f64;
        }
        means
    }

    /// C_k, the amplitudes of the waves cos ω_k(x + y − z), by frequency.
    pub fn amplitudes(&self, freqs: &[usize]) -> BTreeMap<usize, f64> {
        let n = self.n;
        let by_difference = self.by_difference();
        let amplitude = |&k: &usize| {
            let wave: Vec<f64> = (0..n).map(|e| (2.0 * PI * ((k * e) % n) as f64 / n as f64).cos()).collect();
            let product: f64 = wave.iter().zip(&by_difference).map(|(w, mean)| w * mean).sum();
            (k, product / wave.iter().map(|w| w * w).sum::<f64>())
        };
        freqs.iter().map(amplitude).collect()
    }

    /// Adds the waves of some frequencies in data by the sum, [n, n].
    pub fn plus_waves(mut self, basis: &FourierBasis, freqs: &[usize], data: &[f64]) -> Self {
        for row in freqs.iter().flat_map(|&k| basis.rows_of(k)) {
            let component = basis.component(row, data, self.n);
            self.add_wave(basis, row, &component);
        }
        self
    }

    /// Adds a basis vector of the sum times a vector over the answers, [n].
    pub fn add_wave(&mut self, basis: &FourierBasis, row: usize, component: &[f64]) {
        for (values, wave) in self.values.chunks_exact_mut(self.n).zip(basis.row(row)) {
            values.iter_mut().zip(component).for_each(|(value, c)| *value += wave * c);
        }
    }

    /// Adds the same to every sum, one value for each answer, [n].
    pub fn plus_mean(mut self, mean: &[f64]) -> Self {
        self.values
            .chunks_exact_mut(self.n)
            .for_each(|row| row.iter_mut().zip(mean).for_each(|(v, m)| *v += m));
        self
    }

    /// The mean over sums, [n].
    pub fn mean_by_answer(&self) -> Vec<f64> {
        let mut mean = vec![0.0; self.n];
        for row in self.values.chunks_exact(self.n) {
            mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / self.n as f64);
        }
        mean
    }
}

impl FourierBasis {
    /// What of a function on the numbers is cosines of some frequencies.
    fn cosines_of(&self, function: &[f64], freqs: &[usize]) -> Vec<f64> {
        let mut cosines = vec![0.0; function.len()];
        for &k in freqs {
            let cosine = self.row(2 * k - 1);
            let component: f64 = cosine.iter().zip(function).map(|(c, f)| c * f).sum();
            cosines.iter_mut().zip(cosine).for_each(|(sum, c)| *sum += component * c);
        }
        cosines
    }
}
