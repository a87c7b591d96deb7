use clockwork_model::{
    ModelConfig, Weights,
    matrix::{Into, Matrix, MatrixMut, product},
};

use crate::{
    Direction, FourierBasis, NeuronClusters, embedding::norms_by_freq, gini::gini, key_freqs::by_norm,
    share::share, singular_values::singular_values,
};

/// Singular values below this share of the largest count as zero in the rank.
pub const RANK_TOLERANCE: f64 = 1e-6;

/// `W_logit = W_out W_U`, the linear map from neurons to logits, with its answers in the Fourier basis.
#[derive(Debug, Clone)]
pub struct WLogit {
    /// `W_logit`, [d_mlp, p].
    pub w_logit: Vec<f64>,
    /// `W_logit Fᵀ`, [d_mlp, p]: one Fourier component of the answers a column.
    pub coefficients: Vec<f64>,
    /// Squared norm of every frequency's columns.
    pub norm_by_freq: Vec<f64>,
    /// Gini coefficient of those.
    pub gini: f64,
    /// Frequencies that stand out.
    pub key_freqs: Vec<usize>,
    /// Singular values, descending.
    pub singular_values: Vec<f64>,
}

impl WLogit {
    /// Folds `W_out` and `W_U` and transforms the result.
    #[must_use]
    pub fn new(basis: &FourierBasis, weights: &Weights, config: &ModelConfig) -> Self {
        let &ModelConfig { modulus: p, d_model, d_mlp, .. } = config;
        let wide = |w: &[f32]| w.iter().map(|&w| f64::from(w)).collect::<Vec<_>>();
        let (w_out, w_u) = (wide(&weights.w_out), wide(&weights.w_u));
        let mut w_logit = vec![0.0; d_mlp * p];
        let (w_out, w_u) = (Matrix::new(&w_out, d_model), Matrix::new(&w_u, p));
        product(Into::Fresh, MatrixMut::new(&mut w_logit, p), w_out, w_u);
        let coefficients = basis.transform(&w_logit, &[d_mlp, p], 1);
        let mut norm_by_component = vec![0.0; p];
        for row in coefficients.chunks_exact(p) {
            norm_by_component.iter_mut().zip(row).for_each(|(sum, c)| *sum += c * c);
        }
        let norm_by_freq = norms_by_freq(basis, &norm_by_component);
        Self {
            gini: gini(&norm_by_freq),
            key_freqs: by_norm(&norm_by_freq),
            singular_values: singular_values(&w_logit, p),
            w_logit,
            coefficients,
            norm_by_freq,
        }
    }

    /// How many singular values are above [`RANK_TOLERANCE`] of the largest.
    #[must_use]
    pub fn rank(&self) -> usize {
        let largest = self.singular_values.first().copied().unwrap_or(0.0);
        self.singular_values.iter().filter(|&&value| value > RANK_TOLERANCE * largest).count()
    }

    /// The squared norm of each neuron's row, [d_mlp].
    #[must_use]
    pub fn row_norms(&self, p: usize) -> Vec<f64> {
        self.w_logit.chunks_exact(p).map(|row| row.iter().map(|w| w * w).sum()).collect()
    }

    /// The share of the squared norm that lies in these frequencies' columns. The constant's column is
    /// in the whole.
    #[must_use]
    pub fn frac_in(&self, key_freqs: &[usize]) -> f64 {
        let whole: f64 = self.coefficients.iter().map(|c| c * c).sum();
        share(key_freqs.iter().map(|&k| self.norm_by_freq[k - 1]).sum(), whole)
    }

    /// The share of a frequency's columns that comes from the neurons of its own cluster.
    #[must_use]
    pub fn frac_from_own_cluster(&self, basis: &FourierBasis, clusters: &NeuronClusters, k: usize) -> f64 {
        let p = basis.modulus();
        let of = |n: usize| basis.rows_of(k).into_iter().map(move |j| self.coefficients[n * p + j].powi(2));
        share(clusters.members(Some(k)).into_iter().flat_map(of).sum(), self.norm_by_freq[k - 1])
    }

    /// What the neurons put into the cosine's and the sine's column of a frequency, each in the 2D
    /// Fourier basis, [p, p]. There is no sine for p/2.
    #[must_use]
    pub fn components(&self, basis: &FourierBasis, clusters: &NeuronClusters, k: usize) -> Vec<Vec<f64>> {
        let p = basis.modulus();
        let column = |j: usize| self.coefficients.iter().skip(j).step_by(p).copied().collect::<Vec<f64>>();
        let put = |j: usize| {
            let column = column(j);
            let mut out = vec![0.0; p * p];
            let neurons = Matrix::new(&clusters.coefficients, column.len());
            product(Into::Fresh, MatrixMut::new(&mut out, 1), neurons, Matrix::new(&column, 1));
            out
        };
        basis.rows_of(k).into_iter().map(put).collect()
    }
}

/// The share of a 2D transform [p, p], its constant apart, that lies along a direction.
#[must_use]
pub fn frac_along(p: usize, coefficients: &[f64], direction: &Direction) -> f64 {
    let along = direction.component_of(coefficients, p, 1)[0];
    share(along * along, coefficients.iter().skip(1).map(|c| c * c).sum())
}
