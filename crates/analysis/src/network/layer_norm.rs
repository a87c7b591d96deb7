use std::collections::BTreeMap;

use clockwork_model::{Norm, Norms, names::NORMS};

use super::wide;

/// A layer norm in front of what reads the residual stream, or nothing (Ba et al. 2016):
/// (v − mean) / √(variance + ε), times weights, plus biases.
#[derive(Debug, Clone)]
pub(super) enum LayerNorm {
    None,
    /// Without weights and biases, where they are folded into what reads it.
    Folded {
        epsilon: f64,
    },
    Weighted {
        epsilon: f64,
        weights: Vec<f64>,
        biases: Vec<f64>,
    },
}

impl LayerNorm {
    /// The norms before the attention, the neurons and the unembedding.
    pub fn all(norms: &Norms, tensors: &BTreeMap<&'static str, Vec<f32>>) -> [Self; 3] {
        let epsilon = norms.epsilon;
        let mut of = norms.in_order().into_iter().zip(NORMS).map(|(norm, [weights, biases])| match norm {
            Norm::None => Self::None,
            Norm::Folded => Self::Folded { epsilon },
            Norm::Weighted => {
                Self::Weighted { epsilon, weights: wide(&tensors[weights]), biases: wide(&tensors[biases]) }
            }
        });
        std::array::from_fn(|_| of.next().expect("there are three norms"))
    }

    /// Whether the residual stream is read as it is.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Normalises a vector in place, and returns what it was multiplied by once it was centred.
    pub fn apply(&self, v: &mut [f64]) -> f64 {
        let (Self::Folded { epsilon } | Self::Weighted { epsilon, .. }) = self else { return 1.0 };
        let scale = centre_and_scale(v, *epsilon);
        if let Self::Weighted { weights, biases, .. } = self {
            for ((v, weight), bias) in v.iter_mut().zip(weights).zip(biases) {
                *v = *v * weight + bias;
            }
        }
        scale
    }

    /// Normalises every row of a matrix [rows, width] in place, and returns what each was multiplied by once it was
    /// centred, [rows].
    pub fn apply_to_rows(&self, rows: &mut [f64], width: usize) -> Vec<f64> {
        rows.chunks_exact_mut(width).map(|row| self.apply(row)).collect()
    }

    /// The gradients with respect to its input `v` [width] of those with respect to its output, [width, gradients].
    pub fn backward(&self, v: &[f64], mut gradients: Vec<f64>) -> Vec<f64> {
        let (Self::Folded { epsilon } | Self::Weighted { epsilon, .. }) = self else { return gradients };
        let mut normed = v.to_vec();
        let scale = centre_and_scale(&mut normed, *epsilon);
        let (width, columns) = (v.len() as f64, gradients.len() / v.len());
        if let Self::Weighted { weights, .. } = self {
            for (row, weight) in gradients.chunks_exact_mut(columns).zip(weights) {
                row.iter_mut().for_each(|g| *g *= weight);
            }
        }
        let mut mean = vec![0.0; columns];
        for row in gradients.chunks_exact(columns) {
            mean.iter_mut().zip(row).for_each(|(mean, g)| *mean += g / width);
        }
        let mut along = super::vector_times(&normed, &gradients, columns);
        along.iter_mut().for_each(|along| *along /= width);
        for (row, n) in gradients.chunks_exact_mut(columns).zip(&normed) {
            for ((g, mean), along) in row.iter_mut().zip(&mean).zip(&along) {
                *g = scale * (*g - mean - n * along);
            }
        }
        gradients
    }

    /// The rows of a matrix [rows, d_model] as they come out once they are centred and weighed: all that the norm does to
    /// what is added to the residual stream, but for a factor per input.
    pub fn fold_into_rows(&self, rows: &mut [f64], d_model: usize) {
        if self.is_none() {
            return;
        }
        for row in rows.chunks_exact_mut(d_model) {
            let mean = row.iter().sum::<f64>() / d_model as f64;
            row.iter_mut().for_each(|v| *v -= mean);
            if let Self::Weighted { weights, .. } = self {
                row.iter_mut().zip(weights).for_each(|(v, weight)| *v *= weight);
            }
        }
    }
}

/// Takes the mean off a vector and divides it by its standard deviation, which is returned as a factor.
fn centre_and_scale(v: &mut [f64], epsilon: f64) -> f64 {
    let width = v.len() as f64;
    let mean = v.iter().sum::<f64>() / width;
    v.iter_mut().for_each(|v| *v -= mean);
    let scale = 1.0 / (super::dot(v, v) / width + epsilon).sqrt();
    v.iter_mut().for_each(|v| *v *= scale);
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_as_defined_and_gradients_are_slopes() {
        let of = LayerNorm::Weighted {
            epsilon: 1e-5,
            weights: vec![2.0, -1.0, 0.5, 1.0],
            biases: vec![0.1, 0.0, 0.0, 3.0],
        };
        let v = vec![1.0, 2.0, 4.0, -3.0];
        // The mean is 1 and the variance 6.5.
        let mut normed = v.clone();
        let scale = of.apply(&mut normed);
        assert!((scale - 1.0 / 6.500_01_f64.sqrt()).abs() < 1e-12);
        for (found, expected) in normed.iter().zip([0.1, -scale, 1.5 * scale, 3.0 - 4.0 * scale]) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
        let towards = [0.3, -0.7, 1.1, 0.2];
        let value = |v: &[f64]| {
            let mut normed = v.to_vec();
            of.apply(&mut normed);
            super::super::dot(&normed, &towards)
        };
        // Twice the gradient stands beside it.
        let gradients = of.backward(&v, towards.iter().flat_map(|g| [*g, 2.0 * g]).collect());
        for (i, gradient) in gradients.iter().step_by(2).enumerate() {
            assert!((2.0 * gradient - gradients[2 * i + 1]).abs() < 1e-12);
            let (mut up, mut down) = (v.clone(), v.clone());
            up[i] += 1e-6;
            down[i] -= 1e-6;
            let slope = (value(&up) - value(&down)) / 2e-6;
            assert!((slope - gradient).abs() < 1e-8, "{i}: {slope} is not {gradient}");
        }
    }
}
