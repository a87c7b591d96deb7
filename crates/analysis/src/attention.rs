use crate::{Arrays, FourierBasis, Network};

/// The attention from `=` to `x`, `y` and `=`, in this order, on all inputs (Nanda et al. 2023, section 4.1).
#[derive(Debug, Clone)]
pub struct Attention {
    /// The mean over inputs per head and position, [n_heads][3].
    pub mean: Vec<[f64; 3]>,
    /// Over (x, y), [n_heads, 3, p, p].
    pub pattern: Vec<f64>,
    /// Its 2D Fourier coefficients, [n_heads, 3, p, p].
    pub coefficients: Vec<f64>,
}

impl Attention {
    /// Averages and transforms the attention pattern.
    pub(crate) fn new(basis: &FourierBasis, network: &Network) -> Self {
        let inputs = network.addition().n_pairs();
        let maps = 3 * network.n_heads;
        let pattern = maps_first(&network.pattern, maps);
        let means: Vec<f64> =
            pattern.chunks_exact(inputs).map(|map| map.iter().sum::<f64>() / inputs as f64).collect();
        Self {
            mean: means.as_chunks().0.to_vec(),
            coefficients: maps_first(&basis.transform_2d(&network.pattern, maps), maps),
            pattern,
        }
    }

    /// Adds the arrays behind its figures.
    pub(crate) fn insert_into(&self, arrays: &mut Arrays, p: usize) {
        let shape = [self.mean.len(), 3, p, p];
        arrays.insert("attention.pattern", &shape, self.pattern.clone());
        arrays.insert("attention.pattern_fourier", &shape, self.coefficients.clone());
    }
}

/// From [p², maps] to [maps, p²].
fn maps_first(data: &[f64], maps: usize) -> Vec<f64> {
    (0..maps).flat_map(|map| data.iter().skip(map).step_by(maps).copied()).collect()
}
