use burn::prelude::*;
use burn::tensor::activation::{relu, softmax};

use crate::{Batch, Transformer};

/// Every activation of the textbook forward pass, under the field's names.
///
/// `n` is the number of pairs; the three positions are those of `x`, `y` and `=`.
#[derive(Debug, Clone)]
pub struct TextbookActivations {
    /// Residual stream into the attention, [n, 3, d_model].
    pub resid_pre: Tensor<3>,
    /// Attention from each position (third axis) to each (fourth), [n, n_heads, 3, 3].
    pub pattern: Tensor<4>,
    /// Each head's weighted sum of values, [n, 3, n_heads, d_head].
    pub z: Tensor<4>,
    /// What the attention adds to the residual stream, [n, 3, d_model].
    pub attn_out: Tensor<3>,
    /// Residual stream between attention and neurons, [n, 3, d_model].
    pub resid_mid: Tensor<3>,
    /// Neurons before the ReLU, [n, 3, d_mlp].
    pub neuron_acts_pre: Tensor<3>,
    /// Neurons after the ReLU, [n, 3, d_mlp].
    pub neuron_acts: Tensor<3>,
    /// What the neurons add to the residual stream, [n, 3, d_model].
    pub mlp_out: Tensor<3>,
    /// Residual stream after the neurons, [n, 3, d_model].
    pub resid_post: Tensor<3>,
    /// Logits, [n, 3, p]; the answer is read at the last position.
    pub logits: Tensor<3>,
}

impl Transformer {
    /// The forward pass as in a textbook: causal attention and neurons at all three positions. It is the
    /// oracle for every faster one.
    ///
    /// # Panics
    ///
    /// If there is more than one network.
    #[must_use]
    pub fn textbook(&self, batch: &Batch) -> TextbookActivations {
        assert_eq!(self.len(), 1, "the textbook pass runs one network");
        let config = self.config();
        let (n, d_model, n_heads, d_head) = (batch.len(), config.d_model, config.n_heads, config.d_head());
        let device = batch.x.numbers.device();

        let equals = batch.x.numbers.full_like(config.modulus as i64); // [1, n]
        let tokens = Tensor::stack::<3>(vec![batch.x.numbers.clone(), batch.y.numbers.clone(), equals], 2); // [1, n, 3]
        let embedded = self.w_e.val().squeeze_dim::<2>(0).select(0, tokens.reshape([n * 3])); // [n * 3, d_model]
        let resid_pre = embedded.reshape([n, 3, d_model]) + self.w_pos.val(); // [n, 3, d_model]

        let per_head = resid_pre.clone().unsqueeze_dim::<4>(1); // [n, 1, 3, d_model]
        let q = per_head.clone().matmul(self.w_q.val()); // [n, n_heads, 3, d_head]
        let k = per_head.clone().matmul(self.w_k.val()); // [n, n_heads, 3, d_head]
        let v = per_head.matmul(self.w_v.val()); // [n, n_heads, 3, d_head]
        let scores = q.matmul(k.swap_dims(2, 3)) / (d_head as f64).sqrt(); // [n, n_heads, 3, 3]
        let position = Tensor::<1, Int>::arange(0..3, &device);
        let future = position.clone().unsqueeze_dim::<2>(0).greater(position.unsqueeze_dim(1)); // [3, 3]
        let future = future.unsqueeze::<4>().expand([n, n_heads, 3, 3]);
        let pattern = softmax(scores.mask_fill(future, f64::NEG_INFINITY), 3); // [n, n_heads, 3, 3]
        let z = pattern.clone().matmul(v).swap_dims(1, 2); // [n, 3, n_heads, d_head]

        let w_o = self.w_o.val().reshape([1, n_heads * d_head, d_model]);
        let attn_out = z.clone().reshape([n, 3, n_heads * d_head]).matmul(w_o); // [n, 3, d_model]
        let resid_mid = resid_pre.clone() + attn_out.clone(); // [n, 3, d_model]

        let neuron_acts_pre =
            resid_mid.clone().matmul(self.w_in.val()) + self.b_in.val().unsqueeze_dim::<3>(1); // [n, 3, d_mlp]
        let neuron_acts = relu(neuron_acts_pre.clone()); // [n, 3, d_mlp]
        let mlp_out = neuron_acts.clone().matmul(self.w_out.val()) + self.b_out.val().unsqueeze_dim::<3>(1); // [n, 3, d_model]
        let resid_post = resid_mid.clone() + mlp_out.clone(); // [n, 3, d_model]
        let logits = resid_post.clone().matmul(self.w_u.val()); // [n, 3, p]

        TextbookActivations {
            resid_pre,
            pattern,
            z,
            attn_out,
            resid_mid,
            neuron_acts_pre,
            neuron_acts,
            mlp_out,
            resid_post,
            logits,
        }
    }
}
