//! How many frequencies a neuron's waves are spread over: the inverse participation ratio Σ P_k² / (Σ P_k)², with P_k the
//! power of frequency k. It is 1 for one frequency and 1/m for m frequencies alike.

use crate::{AnalysedNetwork, FourierBasis, NeuronClusters, WLogit};

/// The waves of the neurons' inputs: the linear terms of their pre-activations in the Fourier basis.
#[derive(Debug, Clone)]
pub(crate) struct InputWaves {
    d_mlp: usize,
    /// Those of x and of y, [n, d_mlp] each: one Fourier component a row.
    pub of_x: Vec<f64>,
    pub of_y: Vec<f64>,
}

impl InputWaves {
    /// Averages the pre-activations over y and over x, and transforms them.
    pub fn new(basis: &FourierBasis, network: &AnalysedNetwork) -> Self {
        let (n, d_mlp) = (network.n(), network.d_mlp);
        let (mut of_x, mut of_y) = (vec![0.0; n * d_mlp], vec![0.0; n * d_mlp]);
        for (input, row) in network.neuron_acts_pre.chunks_exact(d_mlp).enumerate() {
            for (means, number) in [(&mut of_x, input / n), (&mut of_y, input % n)] {
                let means = &mut means[number * d_mlp..][..d_mlp];
                means.iter_mut().zip(row).for_each(|(mean, pre)| *mean += pre / n as f64);
            }
        }
        let transformed = |means: &[f64]| basis.transform(means, &[n, d_mlp], 0);
        Self { d_mlp, of_x: transformed(&of_x), of_y: transformed(&of_y) }
    }

    /// The ratio of each neuron's input, [d_mlp].
    pub fn participation(&self, basis: &FourierBasis) -> Vec<f64> {
        let power = |neuron: usize, row: usize| {
            let at = row * self.d_mlp + neuron;
            self.of_x[at].powi(2) + self.of_y[at].powi(2)
        };
        (0..self.d_mlp).map(|neuron| ratio(basis, |row| power(neuron, row))).collect()
    }
}

/// The ratio of each neuron's row of `W_logit`, [d_mlp].
pub(crate) fn output_participation(basis: &FourierBasis, w_logit: &WLogit) -> Vec<f64> {
    let rows = w_logit.coefficients.chunks_exact(basis.modulus());
    rows.map(|coefficients| ratio(basis, |row| coefficients[row].powi(2))).collect()
}

/// The inverse participation ratio of the power of each Fourier component.
fn ratio(basis: &FourierBasis, power: impl Fn(usize) -> f64) -> f64 {
    let of_freq = |k| basis.rows_of(k).into_iter().map(&power).sum::<f64>();
    let (sum, squares) =
        basis.frequencies().map(of_freq).fold((0.0, 0.0), |(sum, squares), p| (sum + p, squares + p * p));
    if sum > 0.0 { squares / (sum * sum) } else { 0.0 }
}

/// The mean over the neurons that do anything; none where none does.
pub(crate) fn mean_of_live(clusters: &NeuronClusters, of: &[f64]) -> Option<f64> {
    let live: Vec<f64> =
        of.iter().enumerate().filter(|(neuron, _)| !clusters.is_dead(*neuron)).map(|(_, v)| *v).collect();
    (!live.is_empty()).then(|| live.iter().sum::<f64>() / live.len() as f64)
}
