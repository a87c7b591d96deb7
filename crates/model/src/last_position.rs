use burn::prelude::*;
use burn::tensor::activation::{relu, softmax};

use crate::{Batch, Transformer};

/// The activations at the last position, all that the answer depends on.
#[derive(Debug, Clone)]
pub struct LastPosition {
    /// Attention from `=` to `x`, `y` and `=`, [n, n_heads, 3].
    pub pattern: Tensor<3>,
    /// Residual stream between attention and neurons, [n, d_model].
    pub resid_mid: Tensor<2>,
    /// Neurons before the ReLU, [n, d_mlp].
    pub neuron_acts_pre: Tensor<2>,
    /// Neurons after the ReLU, [n, d_mlp].
    pub neuron_acts: Tensor<2>,
    /// Logits, [n, p].
    pub logits: Tensor<2>,
}

impl Transformer {
    /// The forward pass from tables: the query is the same in every pair, and scores and values
    /// depend on one token at a time, so they are computed once per token and combined per pair.
    #[must_use]
    pub fn last_position(&self, batch: &Batch) -> LastPosition {
        let config = self.config();
        let (n, p, n_heads, d_head) = (batch.len(), config.modulus, config.n_heads, config.d_head());

        let w_e = self.w_e.val();
        let w_pos = self.w_pos.val();
        let numbers = w_e.clone().narrow(0, 0, p); // [p, d_model]
        let at_x = numbers.clone() + w_pos.clone().narrow(0, 0, 1); // [p, d_model]
        let at_y = numbers + w_pos.clone().narrow(0, 1, 1); // [p, d_model]
        let at_equals = w_e.narrow(0, p, 1) + w_pos.narrow(0, 2, 1); // [1, d_model]

        let q = at_equals.clone().unsqueeze::<3>().matmul(self.w_q.val()) / (d_head as f64).sqrt(); // [n_heads, 1, d_head]
        let w_score = self.w_k.val().matmul(q.swap_dims(1, 2)); // [n_heads, d_model, 1]
        let w_score = w_score.squeeze_dim::<2>(2).transpose(); // [d_model, n_heads]
        let score_x = at_x.clone().matmul(w_score.clone()).select(0, batch.x.clone()); // [n, n_heads]
        let score_y = at_y.clone().matmul(w_score.clone()).select(0, batch.y.clone()); // [n, n_heads]
        let score_equals = at_equals.clone().matmul(w_score).expand([n, n_heads]); // [n, n_heads]
        let scores = Tensor::stack::<3>(vec![score_x, score_y, score_equals], 2);
        let pattern = softmax(scores, 2); // [n, n_heads, 3]

        let values = |resid: Tensor<2>| {
            let rows = resid.dims()[0];
            let v = resid.unsqueeze::<3>().matmul(self.w_v.val()); // [n_heads, rows, d_head]
            v.swap_dims(0, 1).reshape([rows, n_heads * d_head])
        };
        let per_head = |v: Tensor<2>| v.reshape([-1, n_heads as i32, d_head as i32]);
        let v_x = per_head(values(at_x).select(0, batch.x.clone())); // [n, n_heads, d_head]
        let v_y = per_head(values(at_y).select(0, batch.y.clone())); // [n, n_heads, d_head]
        let v_equals = per_head(values(at_equals.clone())); // [1, n_heads, d_head]
        let attention_to = |position| pattern.clone().narrow(2, position, 1); // [n, n_heads, 1]
        let z = attention_to(0) * v_x + attention_to(1) * v_y + attention_to(2) * v_equals; // [n, n_heads, d_head]

        let w_o = self.w_o.val().reshape([n_heads * d_head, config.d_model]);
        let resid_mid = z.reshape([n, n_heads * d_head]).matmul(w_o) + at_equals; // [n, d_model]
        let neuron_acts_pre = resid_mid.clone().matmul(self.w_in.val()) + self.b_in.val().unsqueeze(); // [n, d_mlp]
        let neuron_acts = relu(neuron_acts_pre.clone()); // [n, d_mlp]
        let mlp_out = neuron_acts.clone().matmul(self.w_out.val()) + self.b_out.val().unsqueeze(); // [n, d_model]
        let logits = (resid_mid.clone() + mlp_out).matmul(self.w_u.val()); // [n, p]

        LastPosition { pattern, resid_mid, neuron_acts_pre, neuron_acts, logits }
    }
}
