use clockwork_model::{ModelConfig, Weights};

use crate::{FourierBasis, gini::gini, key_freqs::by_norm, singular_values::singular_values};

/// The embedding of the numbers in the Fourier basis.
#[derive(Debug, Clone)]
pub struct Embedding {
    /// `F W_E`, [p, d_model]: one Fourier component a row.
    pub coefficients: Vec<f64>,
    /// Squared norm of every component, [p].
    pub norm_by_component: Vec<f64>,
    /// Squared norm of every frequency, 1 … ⌊p/2⌋.
    pub norm_by_freq: Vec<f64>,
    /// Singular values of `W_E` without the row of `=`, descending.
    pub singular_values: Vec<f64>,
    /// Gini coefficient of the squared norms of frequencies: 0 for all alike, near 1 for a few.
    pub gini: f64,
    /// Frequencies that stand out.
    pub key_freqs: Vec<usize>,
}

impl Embedding {
    /// Analyses `W_E`.
    #[must_use]
    pub fn new(basis: &FourierBasis, weights: &Weights, config: &ModelConfig) -> Self {
        let numbers = config.modulus * config.d_model;
        let w_e: Vec<f64> = weights.w_e[..numbers].iter().map(|&w| f64::from(w)).collect();
        let coefficients = basis.transform(&w_e, &[config.modulus, config.d_model], 0);
        let rows = coefficients.chunks_exact(config.d_model);
        let norm_by_component: Vec<f64> = rows.map(|row| row.iter().map(|c| c * c).sum()).collect();
        let norm_by_freq = norms_by_freq(basis, &norm_by_component);
        Self {
            gini: gini(&norm_by_freq),
            key_freqs: by_norm(&norm_by_freq),
            singular_values: singular_values(&w_e, config.d_model),
            coefficients,
            norm_by_component,
            norm_by_freq,
        }
    }
}

/// Sums squared norms of Fourier components over each frequency's rows.
pub(crate) fn norms_by_freq(basis: &FourierBasis, norm_by_component: &[f64]) -> Vec<f64> {
    let of = |k| basis.rows_of(k).into_iter().map(|row| norm_by_component[row]).sum();
    basis.frequencies().map(of).collect()
}
