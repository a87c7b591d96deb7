use clockwork_model::{
    ModelConfig, Weights,
    matrix::{Into, Matrix, MatrixMut, product},
};

use crate::FourierBasis;

/// What a head makes of a number, whatever its position: the weights from the input token straight to the
/// neurons and to the attention score.
#[derive(Debug, Clone)]
pub struct EffectiveWeights {
    /// `W_neur = W_E W_V W_O W_in` of every head, [n_heads, p, d_mlp].
    pub w_neur: Vec<f64>,
    /// The same with its tokens in the Fourier basis.
    pub w_neur_coefficients: Vec<f64>,
    /// `W_attn`, the score that the query of `=` gives to each token: (W_E[=] + W_pos[2]) W_Q W_Kᵀ W_Eᵀ
    /// / √d_head of every head, [n_heads, p].
    pub w_attn: Vec<f64>,
    /// The same with its tokens in the Fourier basis.
    pub w_attn_coefficients: Vec<f64>,
}

impl EffectiveWeights {
    /// Folds the weights.
    #[must_use]
    pub fn new(basis: &FourierBasis, weights: &Weights, config: &ModelConfig) -> Self {
        let &ModelConfig { modulus: p, d_model, n_heads, d_mlp } = config;
        let d_head = config.d_head();
        let wide = weights.as_ref().map(|w| w.iter().map(|&w| f64::from(w)).collect::<Vec<_>>());
        let numbers = Matrix::new(&wide.w_e[..p * d_model], d_model);
        let at_equals: Vec<f64> =
            wide.w_e[p * d_model..].iter().zip(&wide.w_pos[2 * d_model..]).map(|(e, pos)| e + pos).collect();
        let (mut w_neur, mut w_attn) = (Vec::new(), Vec::new());
        for head in 0..n_heads {
            let values = times(numbers, of_head(head, &wide.w_v, [d_model, d_head]), p, d_head); // [p, d_head]
            let out =
                times(Matrix::new(&values, d_head), of_head(head, &wide.w_o, [d_head, d_model]), p, d_model); // [p, d_model]
            w_neur.extend(times(Matrix::new(&out, d_model), Matrix::new(&wide.w_in, d_mlp), p, d_mlp));
            let query = times(
                Matrix::new(&at_equals, d_model),
                of_head(head, &wide.w_q, [d_model, d_head]),
                1,
                d_head,
            ); // [1, d_head]
            let keys = times(numbers, of_head(head, &wide.w_k, [d_model, d_head]), p, d_head); // [p, d_head]
            let scores = times(Matrix::new(&query, d_head), Matrix::new(&keys, d_head).t(), 1, p); // [1, p]
            w_attn.extend(scores.into_iter().map(|score| score / (d_head as f64).sqrt()));
        }
        Self {
            w_neur_coefficients: basis.transform(&w_neur, &[n_heads, p, d_mlp], 1),
            w_attn_coefficients: basis.transform(&w_attn, &[n_heads, p], 1),
            w_neur,
            w_attn,
        }
    }
}

/// One head's matrix among those that lie after each other.
fn of_head(head: usize, weights: &[f64], [rows, columns]: [usize; 2]) -> Matrix<'_, f64> {
    Matrix::new(weights, columns).rows(head * rows, rows)
}

fn times(a: Matrix<f64>, b: Matrix<f64>, rows: usize, columns: usize) -> Vec<f64> {
    let mut out = vec![0.0; rows * columns];
    product(Into::Fresh, MatrixMut::new(&mut out, columns), a, b);
    out
}

#[cfg(test)]
mod tests {
    use clockwork_model::initial_weights;

    use super::*;
    use crate::Activations;

    /// With attention fixed, neurons are linear in each head's tokens: what the effective weights say is
    /// what the network does.
    #[test]
    fn the_network_computes_scores_and_neurons_with_them() {
        let config = ModelConfig { modulus: 5, d_model: 6, n_heads: 2, d_mlp: 7 };
        let (p, d_mlp) = (config.modulus, config.d_mlp);
        let weights = initial_weights(&config, 1);
        let effective = EffectiveWeights::new(&FourierBasis::new(p), &weights, &config);
        let activations = Activations::new(&weights, &config).unwrap();
        let log_odds = |x: usize, y: usize, head: usize| {
            let pattern = &activations.pattern[((x * p + y) * config.n_heads + head) * 3..][..3];
            (pattern[0] / pattern[2]).ln()
        };
        for head in 0..config.n_heads {
            // The score of x, but for what its position adds.
            for x in 1..p {
                let found = log_odds(x, 0, head) - log_odds(0, 0, head);
                let expected = effective.w_attn[head * p + x] - effective.w_attn[head * p];
                assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
            }
        }
        // Equal attention everywhere: keys that are zero.
        let mut flat = weights.clone();
        flat.w_k.fill(0.0);
        let activations = Activations::new(&flat, &config).unwrap();
        for n in 0..d_mlp {
            let at = |x: usize| activations.neuron_acts_pre[x * p * d_mlp + n];
            let of = |x: usize| {
                (0..config.n_heads).map(|h| effective.w_neur[(h * p + x) * d_mlp + n]).sum::<f64>()
            };
            for x in 1..p {
                let (found, expected) = (at(x) - at(0), (of(x) - of(0)) / 3.0);
                assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
            }
        }
    }
}
