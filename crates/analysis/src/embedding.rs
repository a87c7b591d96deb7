use crate::{
    AnalysedNetwork, Arrays, FourierBasis, Result, gini::gini, key_freqs::by_norm,
    singular_values::singular_values,
};

/// The embedding of the numbers in the Fourier basis (Nanda et al. 2023, section 4.1).
#[derive(Debug, Clone)]
pub struct Embedding {
    /// `F W_E`, [p, width]: one Fourier component a row. Where y has embeddings of its own, they are beside those of x.
    pub coefficients: Vec<f64>,
    /// Squared norm of every component, [p].
    pub norm_by_component: Vec<f64>,
    /// Squared norm of every frequency, 1 … ⌊p/2⌋. Where one embedding serves x and y in different coordinates, the waves of
    /// x are of other frequencies in those of y: then it is the lesser of the norms in both, so that a frequency counts that
    /// is there for both.
    pub norm_by_freq: Vec<f64>,
    /// Singular values of the numbers' embeddings, without the row of `=`, descending.
    pub singular_values: Vec<f64>,
    /// Gini coefficient of the squared norms of frequencies: 0 for all alike, near 1 for a few.
    pub gini: f64,
    /// Frequencies that stand out; none where frequencies mean nothing, as inputs have no coordinates.
    pub key_freqs: Vec<usize>,
}

impl Embedding {
    /// Analyses `W_E`.
    pub(crate) fn new(basis: &FourierBasis, network: &AnalysedNetwork) -> Result<Self> {
        let (w_e, d_model) = (&network.embedding[..], network.embedding_width());
        let coefficients = basis.transform(w_e, &[network.n(), d_model], 0);
        let norm_by_component = squared_norms(&coefficients, d_model);
        let mut norm_by_freq = norms_by_freq(basis, &norm_by_component);
        if let Some(as_y) = network.embedding_as_y() {
            let as_y = squared_norms(&basis.transform(&as_y, &[network.n(), d_model], 0), d_model);
            let lesser = norm_by_freq.iter().zip(norms_by_freq(basis, &as_y)).map(|(x, y)| x.min(y));
            norm_by_freq = lesser.collect();
        }
        Ok(Self {
            gini: gini(&norm_by_freq),
            key_freqs: match network.coordinates_of().has_inputs() {
                true => by_norm(&norm_by_freq),
                false => Vec::new(),
            },
            singular_values: singular_values("W_E", w_e, d_model)?,
            coefficients,
            norm_by_component,
            norm_by_freq,
        })
    }

    /// Adds the arrays behind its figures.
    pub(crate) fn insert_into(&self, arrays: &mut Arrays) {
        let p = self.norm_by_component.len();
        let d_model = self.coefficients.len() / p;
        arrays.insert("embedding.W_E_fourier", &[p, d_model], self.coefficients.clone());
        arrays.insert("embedding.norm_by_component", &[p], self.norm_by_component.clone());
        let values = self.singular_values.clone();
        arrays.insert("embedding.singular_values", &[values.len()], values);
    }
}

/// The squared norm of every row.
pub(crate) fn squared_norms(rows: &[f64], width: usize) -> Vec<f64> {
    rows.chunks_exact(width).map(|row| row.iter().map(|c| c * c).sum()).collect()
}

/// Sums squared norms of Fourier components over each frequency's rows.
pub(crate) fn norms_by_freq(basis: &FourierBasis, norm_by_component: &[f64]) -> Vec<f64> {
    let of = |k| basis.rows_of(k).into_iter().map(|row| norm_by_component[row]).sum();
    basis.frequencies().map(of).collect()
}
