use faer::MatRef;

use crate::{
    AnalysedNetwork, Arrays, FourierBasis, LinearHeads,
    product::{product, rows_of},
};

/// The weights from a number's embedding through each head to the neurons and to the attention score, as
/// products of the weight matrices. The numbers' positional embedding is left out.
#[derive(Debug, Clone)]
pub struct EffectiveWeights {
    /// `W_neur = W_E W_V W_O W_in` of every head, [n_heads, p, d_mlp].
    pub w_neur: Vec<f64>,
    /// The same with its tokens in the Fourier basis.
    pub w_neur_coefficients: Vec<f64>,
    /// `W_attn`, the score that the query of `=` gives to each token: ((W_E[=] + W_pos[2]) W_Q + b_Q) W_Kᵀ W_Eᵀ
    /// / √d_head of every head, [n_heads, p]. `b_K` gives every token the same score, and is left out.
    pub w_attn: Vec<f64>,
    /// The same with its tokens in the Fourier basis.
    pub w_attn_coefficients: Vec<f64>,
}

impl EffectiveWeights {
    /// Folds the weights; nothing where numbers do not go through the heads by one linear map.
    pub(crate) fn new(basis: &FourierBasis, network: &AnalysedNetwork) -> Option<Self> {
        let (heads, embedding) = network.linear_heads()?;
        let LinearHeads { d_model, n_heads, d_head, d_mlp, .. } = heads;
        let n = network.n();
        let numbers = rows_of(embedding, d_model); // [n, d_model]
        let (mut w_neur, mut w_attn) = (Vec::new(), Vec::new());
        for head in 0..n_heads {
            let of_head = |weights, rows, columns| of_head(head, weights, rows, columns);
            let values = product(numbers, of_head(heads.w_v, d_model, d_head)); // [n, d_head]
            let out = product(rows_of(&values, d_head), of_head(heads.w_o, d_head, d_model)); // [n, d_model]
            w_neur.extend(product(rows_of(&out, d_model), rows_of(heads.w_in, d_mlp))); // [n, d_mlp]
            let mut query = product(rows_of(heads.query, d_model), of_head(heads.w_q, d_model, d_head)); // [1, d_head]
            query.iter_mut().zip(&heads.b_q[head * d_head..]).for_each(|(query, bias)| *query += bias);
            let keys = product(numbers, of_head(heads.w_k, d_model, d_head)); // [n, d_head]
            let scores = product(rows_of(&query, d_head), rows_of(&keys, d_head).transpose()); // [1, n]
            w_attn.extend(scores.into_iter().map(|score| score / heads.divisor));
        }
        Some(Self {
            w_neur_coefficients: basis.transform(&w_neur, &[n_heads, n, d_mlp], 1),
            w_attn_coefficients: basis.transform(&w_attn, &[n_heads, n], 1),
            w_neur,
            w_attn,
        })
    }

    /// Adds the arrays behind its figures.
    pub(crate) fn insert_into(&self, arrays: &mut Arrays, network: &AnalysedNetwork) {
        let (n_heads, n, d_mlp) = (network.n_heads(), network.n(), network.d_mlp);
        arrays.insert("effective.W_neur", &[n_heads, n, d_mlp], self.w_neur.clone());
        arrays.insert("effective.W_neur_fourier", &[n_heads, n, d_mlp], self.w_neur_coefficients.clone());
        arrays.insert("effective.W_attn", &[n_heads, n], self.w_attn.clone());
        arrays.insert("effective.W_attn_fourier", &[n_heads, n], self.w_attn_coefficients.clone());
    }
}

/// One head's matrix among those that lie after each other.
fn of_head(head: usize, weights: &[f64], rows: usize, columns: usize) -> MatRef<'_, f64> {
    rows_of(weights, columns).subrows(head * rows, rows)
}

#[cfg(test)]
mod tests {
    use clockwork_model::{Checkpoint, ModelConfig, initial_weights};

    use super::*;

    /// With attention fixed, neurons are linear in each head's tokens: what the effective weights say is
    /// what the network does.
    #[test]
    fn the_network_computes_scores_and_neurons_with_them() {
        let config = ModelConfig { modulus: 5, d_model: 6, n_heads: 2, d_mlp: 7 };
        let (p, d_mlp) = (config.modulus, config.d_mlp);
        let weights = initial_weights(&config, 1);
        let network = AnalysedNetwork::of(&Checkpoint::of_weights(config, weights.clone())).unwrap();
        let effective = EffectiveWeights::new(&FourierBasis::new(p), &network).unwrap();
        let log_odds = |x: usize, y: usize, head: usize| {
            let pattern = &network.pattern[((x * p + y) * config.n_heads + head) * 3..][..3];
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
        let network = AnalysedNetwork::of(&Checkpoint::of_weights(config, flat)).unwrap();
        for n in 0..d_mlp {
            let at = |x: usize| network.neuron_acts_pre[x * p * d_mlp + n];
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
