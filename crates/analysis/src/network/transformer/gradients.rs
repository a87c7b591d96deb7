//! The gradients of a logit, by going backwards through the textbook forward pass of one pair.

use clockwork_model::{Token, TransformerArchitecture};

use super::{Position, Transformer, row};
use crate::network::{add, dot, times_vector, vector_times};

/// What the network does on one pair, as far as gradients need it.
struct Forward {
    pair: (usize, usize),
    /// The softmax of attention scores, [n_heads, tokens].
    softmax: Vec<f64>,
    /// The residual stream at the last token before the attention, [d_model].
    resid_last: Vec<f64>,
    /// The same behind the attention, [d_model].
    resid_mid: Vec<f64>,
    /// What goes into the neurons, [d_mlp].
    neuron_acts_pre: Vec<f64>,
    /// The residual stream behind the neurons, [d_model].
    resid_post: Vec<f64>,
}

impl Transformer {
    /// The gradients of the logit of z with respect to the embeddings of x and of y.
    pub(super) fn gradients(&self, pair: (usize, usize), z: usize) -> [Vec<f64>; 2] {
        let forward = self.forward(pair);
        let [to_mid, to_last] = self.back_through_neurons(&forward, z);
        let by_token = self.back_through_attention(&forward, &to_mid, &to_last);
        let of_token =
            |token| self.positions.iter().position(|at| at.token == token).expect("a layout has x and y");
        [Token::X, Token::Y].map(|token| by_token[of_token(token)].clone())
    }

    /// The forward pass on one pair; [`run_some`](Self::run_some) has it for many.
    fn forward(&self, pair: (usize, usize)) -> Forward {
        let TransformerArchitecture { d_model, d_mlp, activation, parallel, .. } = self.of;
        let softmax = self.attention(pair);
        let pattern: Vec<f64> = softmax.iter().map(|&share| self.pattern_of(share)).collect();
        let resid_last = row(&self.last().resid, d_model, self.last().row(pair)).to_vec();
        let mut resid_mid = vector_times(&self.z(pair, &pattern), &self.w_o, d_model);
        add(&mut resid_mid, &self.b_o);
        add(&mut resid_mid, &resid_last);
        let mut into_neurons = if parallel { resid_last.clone() } else { resid_mid.clone() };
        self.before_neurons.apply(&mut into_neurons);
        let mut neuron_acts_pre = vector_times(&into_neurons, &self.w_in, d_mlp);
        add(&mut neuron_acts_pre, &self.b_in);
        let acts: Vec<f64> = neuron_acts_pre.iter().map(|&v| activation.of(v)).collect();
        let mut resid_post = vector_times(&acts, &self.w_out, d_model);
        add(&mut resid_post, &self.b_out);
        add(&mut resid_post, &resid_mid);
        Forward { pair, softmax, resid_last, resid_mid, neuron_acts_pre, resid_post }
    }

    /// The gradients of a logit with respect to the residual stream behind the attention, and to that before it at the last
    /// token but for what goes through the attention, [d_model] each.
    fn back_through_neurons(&self, forward: &Forward, z: usize) -> [Vec<f64>; 2] {
        let TransformerArchitecture { activation, parallel, .. } = self.of;
        let logit: Vec<f64> = self.w_u.iter().skip(z).step_by(self.p).copied().collect();
        let mut to_mid = self.before_unembedding.backward(&forward.resid_post, logit);
        let mut to_pre = times_vector(&self.w_out, &to_mid);
        to_pre
            .iter_mut()
            .zip(&forward.neuron_acts_pre)
            .for_each(|(to, &pre)| *to *= activation.derivative(pre));
        let read = if parallel { &forward.resid_last } else { &forward.resid_mid };
        let through_neurons = self.before_neurons.backward(read, times_vector(&self.w_in, &to_pre));
        let mut to_last = to_mid.clone();
        add(&mut to_last, &through_neurons);
        if !parallel {
            add(&mut to_mid, &through_neurons);
        }
        [to_mid, to_last]
    }

    /// The gradients with respect to the residual stream at every token, [tokens][d_model], of those with respect to what
    /// is behind the attention and to the last token beside it.
    fn back_through_attention(&self, forward: &Forward, to_mid: &[f64], to_last: &[f64]) -> Vec<Vec<f64>> {
        let &TransformerArchitecture { d_model, n_heads, d_head, attention_coefficient, .. } = &self.of;
        let (width, tokens, pair) = (n_heads * d_head, self.positions.len(), forward.pair);
        let to_z = times_vector(&self.w_o, to_mid); // [n_heads · d_head]
        let query = row(&self.queries, width, self.last().row(pair));
        let mut to_query = vec![0.0; width];
        let mut to_keys = vec![vec![0.0; width]; tokens];
        let mut to_values = vec![vec![0.0; width]; tokens];
        for head in 0..n_heads {
            let part = head * d_head..(head + 1) * d_head;
            let softmax = &forward.softmax[head * tokens..][..tokens];
            let to_softmax = self.positions.iter().map(|at| {
                let value = &row(&at.values, width, at.row(pair))[part.clone()];
                attention_coefficient * dot(value, &to_z[part.clone()])
            });
            let to_softmax: Vec<f64> = to_softmax.collect();
            let mean = dot(softmax, &to_softmax);
            for (at, position) in self.positions.iter().enumerate() {
                let to_score = softmax[at] * (to_softmax[at] - mean) / self.of.attention_divisor;
                let key = row(&position.keys, width, position.row(pair));
                for i in part.clone() {
                    to_query[i] += to_score * key[i];
                    to_keys[at][i] = to_score * query[i];
                    to_values[at][i] = self.pattern_of(softmax[at]) * to_z[i];
                }
            }
        }
        let to_resid = |(at, position): (usize, &Position)| {
            let is_last = at + 1 == tokens;
            let mut to_normed = self.back_through_heads(&self.w_k, &to_keys[at]);
            add(&mut to_normed, &self.back_through_heads(&self.w_v, &to_values[at]));
            if is_last {
                add(&mut to_normed, &self.back_through_heads(&self.w_q, &to_query));
            }
            let resid = row(&position.resid, d_model, position.row(pair));
            let mut to_resid = self.before_attention.backward(resid, to_normed);
            if is_last {
                add(&mut to_resid, to_last);
            }
            to_resid
        };
        self.positions.iter().enumerate().map(to_resid).collect()
    }

    /// The gradient with respect to what went through the weights of every head, [d_model], of one with respect to what
    /// came out, [n_heads · d_head].
    fn back_through_heads(&self, weights: &[f64], gradient: &[f64]) -> Vec<f64> {
        let &TransformerArchitecture { d_model, d_head, .. } = &self.of;
        let mut back = vec![0.0; d_model];
        for (weights, gradient) in weights.chunks_exact(d_model * d_head).zip(gradient.chunks_exact(d_head)) {
            add(&mut back, &times_vector(weights, gradient));
        }
        back
    }
}
