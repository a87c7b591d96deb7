use crate::{Activations, FourierBasis};

/// Where `=` looks, over all inputs. Positions are those of `x`, `y` and `=`.
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
    #[must_use]
    pub fn new(basis: &FourierBasis, activations: &Activations) -> Self {
        let inputs = basis.modulus() * basis.modulus();
        let maps = activations.pattern.len() / inputs;
        let pattern = maps_first(&activations.pattern, maps);
        let means: Vec<f64> =
            pattern.chunks_exact(inputs).map(|map| map.iter().sum::<f64>() / inputs as f64).collect();
        Self {
            mean: means.as_chunks().0.to_vec(),
            coefficients: maps_first(&basis.transform_2d(&activations.pattern, maps), maps),
            pattern,
        }
    }
}

/// From [p², maps] to [maps, p²].
fn maps_first(data: &[f64], maps: usize) -> Vec<f64> {
    (0..maps).flat_map(|map| data.iter().skip(map).step_by(maps).copied()).collect()
}
