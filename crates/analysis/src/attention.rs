use crate::{AnalysedNetwork, Arrays, FourierBasis};

/// The attention from the last token to each, in their order, on all inputs (Nanda et al. 2023, section 4.1). In the
/// paper's network it goes from `=` to `x`, `y` and `=`.
#[derive(Debug, Clone)]
pub struct Attention {
    /// The mean over inputs per head and token, [n_heads][tokens].
    pub mean: Vec<Vec<f64>>,
    /// Over (x, y), [n_heads, tokens, p, p].
    pub pattern: Vec<f64>,
    /// Its 2D Fourier coefficients, [n_heads, tokens, p, p].
    pub coefficients: Vec<f64>,
}

impl Attention {
    /// Averages and transforms the attention pattern; nothing where there is no attention.
    pub(crate) fn new(basis: &FourierBasis, network: &AnalysedNetwork) -> Option<Self> {
        let tokens = network.attended.len();
        if tokens == 0 {
            return None;
        }
        let maps = tokens * network.n_heads();
        Some(Self {
            mean: network.mean_attention(),
            coefficients: maps_first(&basis.transform_2d(&network.pattern, maps), maps),
            pattern: maps_first(&network.pattern, maps),
        })
    }

    /// Adds the arrays behind its figures.
    pub(crate) fn insert_into(&self, arrays: &mut Arrays, p: usize) {
        let shape = [self.mean.len(), self.mean.first().map_or(0, Vec::len), p, p];
        arrays.insert("attention.pattern", &shape, self.pattern.clone());
        arrays.insert("attention.pattern_fourier", &shape, self.coefficients.clone());
    }
}

/// From [p², maps] to [maps, p²].
fn maps_first(data: &[f64], maps: usize) -> Vec<f64> {
    (0..maps).flat_map(|map| data.iter().skip(map).step_by(maps).copied()).collect()
}
