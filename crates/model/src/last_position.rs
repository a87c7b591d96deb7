use burn::prelude::*;
use burn::tensor::activation::{relu, softmax};

use crate::{Batch, ModelConfig, Transformer};

/// The activations at the last position, all that the answer depends on.
///
/// n counts the pairs, those of all replicas one after another.
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
    ///
    /// Each of r networks sees its own pairs, those of [`Batch::of_replicas`]. In the comments on shapes, n is
    /// the number of pairs of one network.
    #[must_use]
    pub fn last_position(&self, batch: &Batch) -> LastPosition {
        let ModelConfig { modulus: p, d_model, n_heads, .. } = self.config();
        let (r, d_head) = (self.len(), self.config().d_head());
        let n = batch.len() / r;

        let numbers = self.w_e.val().narrow(1, 0, p); // [r, p, d_model]
        let at_x = numbers.clone() + self.w_pos.val().narrow(1, 0, 1); // [r, p, d_model]
        let at_y = numbers + self.w_pos.val().narrow(1, 1, 1); // [r, p, d_model]
        let at_equals = self.w_e.val().narrow(1, p, 1) + self.w_pos.val().narrow(1, 2, 1); // [r, 1, d_model]

        let q = at_equals.clone().unsqueeze_dim::<4>(1).matmul(self.w_q.val()) / (d_head as f64).sqrt(); // [r, n_heads, 1, d_head]
        let w_score = self.w_k.val().matmul(q.swap_dims(2, 3)); // [r, n_heads, d_model, 1]
        let w_score = w_score.squeeze_dim::<3>(3).swap_dims(1, 2); // [r, d_model, n_heads]
        let score_x = batch.x.of(at_x.clone().matmul(w_score.clone())); // [r, n, n_heads]
        let score_y = batch.y.of(at_y.clone().matmul(w_score.clone())); // [r, n, n_heads]
        let score_equals = at_equals.clone().matmul(w_score).expand([r, n, n_heads]); // [r, n, n_heads]
        let scores = Tensor::stack::<4>(vec![score_x, score_y, score_equals], 3); // [r, n, n_heads, 3]
        let pattern = softmax(scores, 3); // [r, n, n_heads, 3]

        let values = |resid: Tensor<3>| {
            let tokens = resid.dims()[1];
            let v = resid.unsqueeze_dim::<4>(1).matmul(self.w_v.val()); // [r, n_heads, tokens, d_head]
            v.swap_dims(1, 2).reshape([r, tokens, n_heads * d_head]) // [r, tokens, n_heads · d_head]
        };
        let per_head = |v: Tensor<3>| v.reshape([r, n, n_heads, d_head]);
        let v_x = per_head(batch.x.of(values(at_x))); // [r, n, n_heads, d_head]
        let v_y = per_head(batch.y.of(values(at_y))); // [r, n, n_heads, d_head]
        let v_equals = per_head(values(at_equals.clone()).expand([r, n, n_heads * d_head])); // [r, n, n_heads, d_head]
        let attention_to = |position| pattern.clone().narrow(3, position, 1); // [r, n, n_heads, 1]
        let z = attention_to(0) * v_x + attention_to(1) * v_y + attention_to(2) * v_equals; // [r, n, n_heads, d_head]

        let w_o = self.w_o.val().reshape([r, n_heads * d_head, d_model]);
        let resid_mid = z.reshape([r, n, n_heads * d_head]).matmul(w_o) + at_equals; // [r, n, d_model]
        let neuron_acts_pre = resid_mid.clone().matmul(self.w_in.val()) + self.b_in.val().unsqueeze_dim(1); // [r, n, d_mlp]
        let neuron_acts = relu(neuron_acts_pre.clone()); // [r, n, d_mlp]
        let mlp_out = neuron_acts.clone().matmul(self.w_out.val()) + self.b_out.val().unsqueeze_dim(1); // [r, n, d_model]
        let logits = (resid_mid.clone() + mlp_out).matmul(self.w_u.val()); // [r, n, p]

        let flat = |activations: Tensor<3>| activations.flatten::<2>(0, 1);
        LastPosition {
            pattern: pattern.flatten::<3>(0, 1),
            resid_mid: flat(resid_mid),
            neuron_acts_pre: flat(neuron_acts_pre),
            neuron_acts: flat(neuron_acts),
            logits: flat(logits),
        }
    }
}
