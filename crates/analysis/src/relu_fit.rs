use serde::{Deserialize, Serialize};

use crate::{Arrays, FourierBasis};

/// The fit of ReLU(0.5/√p + cos ω_k x + cos ω_k y), the cosines of unit norm, by terms of unit norm.
///
/// It is how neurons multiply: a ReLU of a sum has a component along the product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReluFit {
    /// The frequency k.
    pub freq: usize,
    /// Of the constant, cos ω_k x, cos ω_k y and cos ω_k x · cos ω_k y.
    pub coefficients: [f64; 4],
    /// The share of variance that all four explain.
    pub r2: f64,
    /// The share without the product.
    pub r2_without_quadratic: f64,
}

impl ReluFit {
    /// The function that is fitted, [p²].
    pub(crate) fn relu(basis: &FourierBasis, freq: usize) -> Vec<f64> {
        let wave = basis.row(2 * freq - 1);
        let bias = 0.5 / (basis.modulus() as f64).sqrt();
        wave.iter().flat_map(|x| wave.iter().map(move |y| (bias + x + y).max(0.0))).collect()
    }

    /// The fit over all inputs, [p²], with the product or without.
    pub(crate) fn fitted(&self, basis: &FourierBasis, with_quadratic: bool) -> Vec<f64> {
        let row = 2 * self.freq - 1;
        let terms = [(0, 0), (row, 0), (0, row), (row, row)];
        let mut fitted = vec![0.0; basis.modulus() * basis.modulus()];
        for (term, coefficient) in
            terms.into_iter().zip(self.coefficients).take(3 + usize::from(with_quadratic))
        {
            basis.add_term(&mut fitted, term, &[coefficient]);
        }
        fitted
    }

    /// Fits the function of a frequency.
    pub(crate) fn new(basis: &FourierBasis, freq: usize) -> Self {
        let (p, row) = (basis.modulus(), 2 * freq - 1);
        let transformed = basis.transform_2d(&Self::relu(basis, freq), 1);
        let coefficients = [(0, 0), (row, 0), (0, row), (row, row)].map(|(i, j)| transformed[i * p + j]);
        // The terms are orthonormal, so each takes the square of its coefficient off the variance.
        let variance: f64 = transformed.iter().skip(1).map(|c| c * c).sum();
        let [_, x, y, xy] = coefficients.map(|c| c * c / variance);
        Self { freq, coefficients, r2: x + y + xy, r2_without_quadratic: x + y }
    }

    /// Adds the arrays behind its figure.
    pub(crate) fn insert_into(&self, arrays: &mut Arrays, basis: &FourierBasis) {
        let p = basis.modulus();
        arrays.insert("relu_fit.relu", &[p, p], Self::relu(basis, self.freq));
        arrays.insert("relu_fit.fitted", &[p, p], self.fitted(basis, true));
        arrays.insert("relu_fit.fitted_linear", &[p, p], self.fitted(basis, false));
    }

    /// The frequency that the published analysis takes for p = 113, and one in the middle for others.
    pub(crate) fn default_freq(p: usize) -> usize {
        if p == 113 { 42 } else { (p / 2 / 3).max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_figures() {
        let fit = ReluFit::new(&FourierBasis::new(113), 42);
        for (found, published) in fit.coefficients.iter().zip([9.190, 6.807, 6.807, 3.566]) {
            assert!((found - published).abs() < 5e-4, "{fit:?}");
        }
        assert!((fit.r2 - 0.966).abs() < 5e-4 && (fit.r2_without_quadratic - 0.849).abs() < 5e-4, "{fit:?}");
    }

    #[test]
    fn r2_is_what_the_fitted_values_leave_over() {
        for (p, freq) in [(11, 3), (12, 6), (12, 1)] {
            let basis = FourierBasis::new(p);
            let (relu, fit) = (ReluFit::relu(&basis, freq), ReluFit::new(&basis, freq));
            let mean = relu.iter().sum::<f64>() / relu.len() as f64;
            let squares = |of: &mut dyn Iterator<Item = f64>| of.map(|d| d * d).sum::<f64>();
            let variance = squares(&mut relu.iter().map(|v| v - mean));
            for (with_quadratic, r2) in [(true, fit.r2), (false, fit.r2_without_quadratic)] {
                let fitted = fit.fitted(&basis, with_quadratic);
                let left = squares(&mut relu.iter().zip(fitted).map(|(v, f)| v - f));
                assert!((1.0 - left / variance - r2).abs() < 1e-12, "{p} {freq}");
            }
        }
    }
}
