//! How far a transformer's logits are rounded.

use clockwork_model::TransformerArchitecture;

use super::{Position, Transformer};
use crate::network::rounding::{Bounded, Upper, gamma, largest_norm, norm, softmax_error};

impl Transformer {
    /// How far a logit can be from that of exact arithmetic; nothing behind layer norms, whose errors depend on the input.
    pub(super) fn rounding(&self) -> Option<f64> {
        if self.has_norm() {
            return None;
        }
        let &TransformerArchitecture { d_model, n_heads, d_head, d_mlp, activation, parallel, .. } = &self.of;
        let tokens = self.positions.len();
        // A sum of an embedding and a position.
        let resid = |of: &Position| {
            let exact = Bounded::exact(largest_norm(&of.resid, d_model));
            exact.plus(Bounded::exact(Upper(0.0)))
        };
        let all = self.positions.iter().map(resid).fold(resid(self.last()), |a, b| Bounded {
            norm: a.norm.max(b.norm),
            error: a.error.max(b.error),
        });
        let through = |of: Bounded, weights: &[f64], biases: &[f64]| {
            of.times(norm(weights), d_model).plus(Bounded::exact(norm(biases)))
        };
        // The norms over all heads are above those of each.
        let query = through(all, &self.w_q, &self.b_q);
        let key = through(all, &self.w_k, &self.b_k);
        let value = through(all, &self.w_v, &self.b_v);
        let of_softmax = softmax_error(query, key, d_head, self.of.attention_divisor, tokens);
        let alpha = self.of.attention_coefficient;
        let pattern = Upper(alpha.abs()) + Upper(tokens as f64) * Upper((1.0 - alpha).abs().next_up());
        let of_pattern = Upper(alpha.abs()) * of_softmax + Upper(f64::EPSILON) * pattern;
        // The sum over tokens of pattern times value.
        let largest = value.norm + value.error;
        let z = Bounded {
            norm: pattern * value.norm,
            error: of_pattern * largest
                + pattern * value.error
                + (pattern + of_pattern) * gamma(tokens) * largest,
        };
        let mid = z.times(norm(&self.w_o), n_heads * d_head).plus(Bounded::exact(norm(&self.b_o))).plus(all);
        let read = if parallel { all } else { mid };
        let pre = read.times(norm(&self.w_in), d_model).plus(Bounded::exact(norm(&self.b_in)));
        let acts = pre.through(activation);
        let post = acts.times(norm(&self.w_out), d_mlp).plus(Bounded::exact(norm(&self.b_out))).plus(mid);
        let logits = post.times(norm(&self.w_u), d_model).plus(Bounded::exact(norm(&self.b_u)));
        Some(logits.error.0)
    }
}
