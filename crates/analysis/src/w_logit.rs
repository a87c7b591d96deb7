use crate::{
    AnalysedNetwork, Arrays, Direction, FourierBasis, NeuronClusters, OtherSum, Result,
    embedding::norms_by_freq,
    gini::gini,
    key_freqs::by_norm,
    product::{product, rows_of},
    share::share,
    singular_values::singular_values,
};

/// Singular values below this share of the largest count as zero in the rank.
const RANK_TOLERANCE: f64 = 1e-6;

/// `W_logit = W_out W_U`, the linear map from neurons to logits, with its answers in the Fourier basis
/// (`W_L` in Nanda et al. 2023, section 4.2). Where several sums share an answer, it has a column for each sum.
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
    /// Frequencies that stand out; none where frequencies mean nothing, as inputs have no coordinates.
    pub key_freqs: Vec<usize>,
    /// Singular values, descending.
    pub singular_values: Vec<f64>,
}

impl WLogit {
    /// Transforms a network's `W_logit`.
    pub(crate) fn new(basis: &FourierBasis, network: &AnalysedNetwork) -> Result<Self> {
        let (p, d_mlp, w_logit) = (network.n(), network.d_mlp, network.w_logit_by_sum());
        let coefficients = basis.transform(&w_logit, &[d_mlp, p], 1);
        let mut norm_by_component = vec![0.0; p];
        for row in coefficients.chunks_exact(p) {
            norm_by_component.iter_mut().zip(row).for_each(|(sum, c)| *sum += c * c);
        }
        let norm_by_freq = norms_by_freq(basis, &norm_by_component);
        Ok(Self {
            gini: gini(&norm_by_freq),
            key_freqs: match network.coordinates_of().has_inputs() {
                true => by_norm(&norm_by_freq),
                false => Vec::new(),
            },
            singular_values: singular_values("W_logit", &w_logit, p)?,
            w_logit,
            coefficients,
            norm_by_freq,
        })
    }

    /// How many singular values are above 1e-6 of the largest.
    #[must_use]
    pub fn rank(&self) -> usize {
        let largest = self.singular_values.first().copied().unwrap_or(0.0);
        self.singular_values.iter().filter(|&&value| value > RANK_TOLERANCE * largest).count()
    }

    /// The squared norm of each neuron's row, [d_mlp].
    pub(crate) fn row_norms(&self, p: usize) -> Vec<f64> {
        self.w_logit.chunks_exact(p).map(|row| row.iter().map(|w| w * w).sum()).collect()
    }

    /// The share of the squared norm that lies in these frequencies' columns. The constant's column is
    /// in the whole.
    pub(crate) fn frac_in(&self, key_freqs: &[usize]) -> f64 {
        let whole: f64 = self.coefficients.iter().map(|c| c * c).sum();
        share(key_freqs.iter().map(|&k| self.norm_by_freq[k - 1]).sum(), whole)
    }

    /// The share of a frequency's columns that comes from some neurons.
    pub(crate) fn frac_from(&self, basis: &FourierBasis, k: usize, is_meant: &dyn Fn(usize) -> bool) -> f64 {
        let p = basis.modulus();
        let of = |n: usize| basis.rows_of(k).into_iter().map(move |j| self.coefficients[n * p + j].powi(2));
        let meant = (0..self.coefficients.len() / p).filter(|&n| is_meant(n));
        share(meant.flat_map(of).sum(), self.norm_by_freq[k - 1])
    }

    /// The share of a neuron's row, the constant apart, that is in a frequency's columns.
    pub(crate) fn frac_written(&self, basis: &FourierBasis, neuron: usize, k: usize) -> f64 {
        let p = basis.modulus();
        let row = &self.coefficients[neuron * p..][..p];
        let written = basis.rows_of(k).into_iter().map(|j| row[j] * row[j]);
        share(written.sum(), row.iter().skip(1).map(|c| c * c).sum())
    }

    /// The sums over neurons of the activation times the neuron's weight in the cosine's and in the sine's
    /// column of a frequency, each as 2D Fourier coefficients, [p, p]. There is no sine for p/2.
    #[must_use]
    pub fn components(&self, basis: &FourierBasis, clusters: &NeuronClusters, k: usize) -> Vec<Vec<f64>> {
        let p = basis.modulus();
        let neurons = rows_of(&clusters.coefficients, clusters.cluster.len());
        let put = |j: usize| {
            let column: Vec<f64> = self.coefficients.iter().skip(j).step_by(p).copied().collect();
            product(neurons, rows_of(&column, 1))
        };
        basis.rows_of(k).into_iter().map(put).collect()
    }

    /// Adds the arrays behind its figures.
    pub(crate) fn insert_into(&self, arrays: &mut Arrays, basis: &FourierBasis, clusters: &NeuronClusters) {
        let p = basis.modulus();
        for &k in &clusters.key_freqs {
            for (wave, component) in ["cos", "sin"].into_iter().zip(self.components(basis, clusters, k)) {
                arrays.insert(format!("W_logit.{wave}_component.{k}"), &[p, p], component);
            }
        }
        arrays.insert("W_logit.fourier", &[clusters.cluster.len(), p], self.coefficients.clone());
        let values = self.singular_values.clone();
        arrays.insert("W_logit.singular_values", &[values.len()], values);
    }
}

/// The share of a 2D transform [p, p], its constant apart, that lies in the space of some directions that are orthogonal
/// to each other.
pub(crate) fn frac_along(p: usize, coefficients: &[f64], directions: &[Direction]) -> f64 {
    let along = directions.iter().map(|direction| direction.component_of(coefficients, p, 1)[0].powi(2));
    share(along.sum(), coefficients.iter().skip(1).map(|c| c * c).sum())
}

/// The frequency j, but for `k`, whose waves cos ω_j(x + y) and sin ω_j(x + y) have the largest share of a 2D
/// transform [p, p], its constant apart.
pub(crate) fn strongest_sum_but(basis: &FourierBasis, coefficients: &[f64], k: usize) -> Option<OtherSum> {
    let of = |freq| OtherSum {
        freq,
        share: frac_along(basis.modulus(), coefficients, &basis.sum_directions(freq)),
    };
    let others = basis.frequencies().filter(|&freq| freq != k).map(of);
    others.max_by(|a, b| a.share.total_cmp(&b.share))
}
