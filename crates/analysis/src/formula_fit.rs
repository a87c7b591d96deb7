use std::{collections::BTreeMap, f64::consts::PI};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Alignment, AnalysedNetwork, FourierBasis, Result, principal_components::PrincipalComponents, share::share,
};

/// The share of the variance of a frequency's logits that each algorithm's formula explains ("The Clock and the Pizza", Zhong
/// et al. 2023, section 4.3). Where x and y have embeddings of their own, ω(x − y) is less the phase between the two. The logits are those of the network with nothing in the embedding but the
/// principal components that have most of the frequency, centred over answers; each formula is too, and may be multiplied by
/// a positive number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FormulaFit {
    /// The clock's cos ω(x + y − z).
    pub clock: f64,
    /// The pizza's |cos ω(x − y)/2| cos ω(x + y − z).
    pub pizza: f64,
    /// What a pizza's absolute values compute, |cos ω(x − y)/2| (|cos ω(x + y − z)/2| − |sin ω(x + y − z)/2|).
    pub pizza_of_absolute_values: f64,
}

/// That of each key frequency of a network, whose discs are known, over some inputs.
///
/// # Errors
///
/// [`Error::SingularValues`](crate::Error::SingularValues) where principal components do not converge, and those of
/// [`Network::run`](crate::Network::run).
pub(crate) fn formula_fits(
    basis: &FourierBasis,
    network: &AnalysedNetwork,
    discs: &BTreeMap<usize, Alignment>,
    inputs: &[usize],
) -> Result<BTreeMap<usize, FormulaFit>> {
    let of_freq = |(&k, disc): (&usize, &Alignment)| {
        Ok((k, FormulaFit::new(basis, network, (k, disc.disc_phase.unwrap_or(0.0)), inputs)?))
    };
    discs.par_iter().map(of_freq).collect()
}

impl FormulaFit {
    fn new(
        basis: &FourierBasis,
        network: &AnalysedNetwork,
        (k, phase): (usize, f64),
        inputs: &[usize],
    ) -> Result<Self> {
        let isolated =
            |embedding: &[f64]| Ok(PrincipalComponents::new(basis.modulus(), embedding)?.isolated(basis, k));
        let isolated = network.with_embedding(isolated)?;
        Ok(Self::of_logits(basis.modulus(), (k, phase), inputs, &isolated.logits(inputs)?))
    }

    /// That of logits [inputs, n] at a frequency k, where y's waves are turned by a phase against x's.
    fn of_logits(n: usize, (k, phase): (usize, f64), inputs: &[usize], logits: &[f64]) -> Self {
        let half = |v: usize| PI * (k * v % (2 * n)) as f64 / n as f64;
        let centred = |of: &dyn Fn(usize) -> f64| {
            let values: Vec<f64> = (0..n).map(of).collect();
            let mean = values.iter().sum::<f64>() / n as f64;
            values.into_iter().map(|value| value - mean).collect::<Vec<f64>>()
        };
        // By x + y − z, and by x − y.
        let wave = centred(&|e| half(2 * e).cos());
        let absolute = centred(&|e| half(e).cos().abs() - half(e).sin().abs());
        let near: Vec<f64> = (0..n).map(|d| (half(d) - phase / 2.0).cos().abs()).collect();
        let sum_of_squares = |of: &[f64]| of.iter().map(|value| value * value).sum::<f64>();
        let (of_wave, of_absolute) = (sum_of_squares(&wave), sum_of_squares(&absolute));
        let mut squares = 0.0;
        // Products of the logits with each formula, and of each formula with itself.
        let (mut products, mut norms) = ([0.0; 3], [0.0; 3]);
        for (&input, row) in inputs.iter().zip(logits.chunks_exact(n)) {
            let (x, y) = (input / n, input % n);
            let mean = row.iter().sum::<f64>() / n as f64;
            let mut along = [0.0; 2];
            for (z, logit) in row.iter().enumerate() {
                let (e, logit) = ((x + y + n - z) % n, logit - mean);
                squares += logit * logit;
                along[0] += wave[e] * logit;
                along[1] += absolute[e] * logit;
            }
            let near = near[(x + n - y) % n];
            let of_input = [along[0], near * along[0], near * along[1]];
            let norm_of_input = [of_wave, near * near * of_wave, near * near * of_absolute];
            products.iter_mut().zip(of_input).for_each(|(sum, product)| *sum += product);
            norms.iter_mut().zip(norm_of_input).for_each(|(sum, norm)| *sum += norm);
        }
        let explained = |formula: usize| share(products[formula].max(0.0).powi(2), norms[formula] * squares);
        Self { clock: explained(0), pizza: explained(1), pizza_of_absolute_values: explained(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_formula_explains_all_of_itself() {
        let (n, k) = (13, 3);
        let half = |v: usize| PI * (k * v) as f64 / n as f64;
        let logits = |of: &dyn Fn(usize, usize) -> f64| {
            let at = |input: usize, z: usize| {
                let (x, y) = (input / n, input % n);
                // What is the same for all answers of an input changes nothing.
                5.0 * of(x + n - y, x + y + n - z) + (input as f64).sin()
            };
            (0..n * n).flat_map(|input| (0..n).map(move |z| at(input, z))).collect::<Vec<f64>>()
        };
        let near = |d: usize| half(d % n).cos().abs();
        let absolute = |e: usize| half(e).cos().abs() - half(e).sin().abs();
        let inputs: Vec<usize> = (0..n * n).collect();
        let fit = |of: &dyn Fn(usize, usize) -> f64| FormulaFit::of_logits(n, (k, 0.0), &inputs, &logits(of));
        let clock = fit(&|_, e| half(2 * e).cos());
        // A clock is that share of a pizza: the mean of |cos| squared by the mean of its square, of n angles.
        let angles = || (0..n).map(|d| half(d).cos().abs());
        let of_other =
            (angles().sum::<f64>() / n as f64).powi(2) / (angles().map(|c| c * c).sum::<f64>() / n as f64);
        assert!((clock.clock - 1.0).abs() < 1e-12 && (clock.pizza - of_other).abs() < 1e-12, "{clock:?}");
        let pizza = fit(&|d, e| near(d) * half(2 * e).cos());
        assert!((pizza.pizza - 1.0).abs() < 1e-12 && (pizza.clock - of_other).abs() < 1e-12, "{pizza:?}");
        let of_absolute = fit(&|d, e| near(d) * absolute(e));
        assert!((of_absolute.pizza_of_absolute_values - 1.0).abs() < 1e-12, "{of_absolute:?}");
        assert!(of_absolute.pizza > 0.98 && of_absolute.pizza < 1.0, "{of_absolute:?}");
        // Upside down is no fit, and nothing has none.
        for none in [fit(&|_, e| -half(2 * e).cos()), fit(&|_, _| 0.0)] {
            assert!(none.clock.max(none.pizza).max(none.pizza_of_absolute_values) < 1e-20, "{none:?}");
        }
    }
}
