//! The gradients of logits, by going backwards through the textbook forward pass of one pair, for all answers at once:
//! matrices are [width, answers].

use clockwork_model::{Token, TransformerArchitecture};

use super::Transformer;
use crate::{
    network::{LogitGradients, add, add_outer, dot, row, transposed, vector_times},
    product::{product, rows_of},
};

/// A transformer and what its gradients take beside it.
pub(super) struct TransformerGradients<'a> {
    network: &'a Transformer,
    /// From neurons to logits, [d_mlp, p], where no norm stands between them.
    w_logit: Option<Vec<f64>>,
    /// W_in, [d_mlp, d_model].
    w_in: Vec<f64>,
    /// W_V of all heads, [d_model, n_heads · d_head].
    w_v: Vec<f64>,
    /// The positions of x and y.
    numbers: [usize; 2],
    /// The directions in which the residual stream of any token changes its scores: W_K times the query of each thing that
    /// can be at the last position, [rows, n_heads, d_model].
    by_key: Vec<f64>,
    /// The directions in which that of the last token changes them, by what is attended to: W_Q times the key of each thing
    /// that can be at each position, [tokens][rows, n_heads, d_model]; none where the last token is a literal.
    by_query: Vec<Vec<f64>>,
}

/// What the network does on one pair, as far as gradients need it.
struct Forward {
    pair: (usize, usize),
    /// The softmax of attention scores, [n_heads, tokens].
    softmax: Vec<f64>,
    /// What neurons read of the residual stream, before its norm, [d_model].
    read: Vec<f64>,
    /// What goes into the neurons, [d_mlp].
    neuron_acts_pre: Vec<f64>,
    /// The residual stream behind the neurons, [d_model].
    resid_post: Vec<f64>,
}

impl<'a> TransformerGradients<'a> {
    pub fn new(network: &'a Transformer) -> Self {
        let &TransformerArchitecture { d_model, n_heads, d_head, d_mlp, .. } = &network.of;
        let width = n_heads * d_head;
        let position = |token| network.positions.iter().position(|at| at.token == token);
        let numbers = [Token::X, Token::Y].map(|token| position(token).expect("a layout has x and y"));
        let mut w_v = vec![0.0; d_model * width];
        for (head, of_head) in network.w_v.chunks_exact(d_model * d_head).enumerate() {
            for (to, from) in w_v.chunks_exact_mut(width).zip(of_head.chunks_exact(d_head)) {
                to[head * d_head..][..d_head].copy_from_slice(from);
            }
        }
        // Each head's part of some rows [rows, n_heads · d_head], back through its weights: [rows, n_heads, d_model].
        let back_through = |weights: &[f64], rows: &[f64]| -> Vec<f64> {
            let of_row = |row: &[f64]| -> Vec<f64> {
                let heads = weights.chunks_exact(d_model * d_head).zip(row.chunks_exact(d_head));
                heads
                    .flat_map(|(weights, part)| weights.chunks_exact(d_head).map(move |w| dot(w, part)))
                    .collect()
            };
            rows.chunks_exact(width).flat_map(of_row).collect()
        };
        let is_literal = matches!(network.last().token, Token::Literal { .. });
        let attended = if is_literal { &[][..] } else { &network.positions[..] };
        Self {
            w_logit: network
                .before_unembedding
                .is_none()
                .then(|| product(rows_of(&network.w_out, d_model), rows_of(&network.w_u, network.p))),
            w_in: transposed(&network.w_in, d_mlp),
            w_v,
            numbers,
            by_key: back_through(&network.w_k, &network.queries),
            by_query: attended.iter().map(|at| back_through(&network.w_q, &at.keys)).collect(),
            network,
        }
    }

    /// The forward pass on one pair; [`Transformer::run_some`] has it for many.
    fn forward(&self, pair: (usize, usize)) -> Forward {
        let network = self.network;
        let TransformerArchitecture { d_model, d_mlp, activation, parallel, .. } = network.of;
        let softmax = network.attention(pair);
        let pattern: Vec<f64> = softmax.iter().map(|&share| network.pattern_of(share)).collect();
        let resid_last = row(&network.last().resid, d_model, network.last().row(pair));
        let mut resid_mid = vector_times(&network.z(pair, &pattern), &network.w_o, d_model);
        add(&mut resid_mid, &network.b_o);
        add(&mut resid_mid, resid_last);
        let read = if parallel { resid_last.to_vec() } else { resid_mid.clone() };
        let mut into_neurons = read.clone();
        network.before_neurons.apply(&mut into_neurons);
        let mut neuron_acts_pre = vector_times(&into_neurons, &network.w_in, d_mlp);
        add(&mut neuron_acts_pre, &network.b_in);
        // Behind no norm, gradients do not depend on what the neurons add.
        let mut resid_post = Vec::new();
        if !network.before_unembedding.is_none() {
            let acts: Vec<f64> = neuron_acts_pre.iter().map(|&v| activation.of(v)).collect();
            resid_post = vector_times(&acts, &network.w_out, d_model);
            add(&mut resid_post, &network.b_out);
            add(&mut resid_post, &resid_mid);
        }
        Forward { pair, softmax, read, neuron_acts_pre, resid_post }
    }

    /// The gradients with respect to the residual stream behind the attention, and to that before it at the last token but
    /// for what goes through the attention, [d_model, answers] each.
    fn back_through_neurons(&self, forward: &Forward, answers: &[usize]) -> [Vec<f64>; 2] {
        let network = self.network;
        let TransformerArchitecture { d_model, activation, parallel, .. } = network.of;
        let chosen = |row: &[f64]| answers.iter().map(|&z| row[z]).collect::<Vec<f64>>();
        let of_logits: Vec<f64> = network.w_u.chunks_exact(network.p).flat_map(chosen).collect();
        let mut to_mid = network.before_unembedding.backward(&forward.resid_post, of_logits);
        // Neurons whose activation is flat pass nothing on: half of all, where they are ReLUs.
        let slopes = forward.neuron_acts_pre.iter().map(|&pre| activation.derivative(pre)).enumerate();
        let (mut to_pre, mut w_in) = (Vec::new(), Vec::new()); // [steep, answers] and [steep, d_model]
        let through_norm = match self.w_logit {
            Some(_) => Vec::new(),
            None => product(rows_of(&network.w_out, d_model), rows_of(&to_mid, answers.len())),
        };
        for (neuron, slope) in slopes.filter(|&(_, slope)| slope != 0.0) {
            match &self.w_logit {
                Some(w_logit) => {
                    let row = row(w_logit, network.p, neuron);
                    to_pre.extend(answers.iter().map(|&z| slope * row[z]));
                }
                None => to_pre.extend(row(&through_norm, answers.len(), neuron).iter().map(|g| slope * g)),
            }
            w_in.extend_from_slice(row(&self.w_in, d_model, neuron));
        }
        let through_neurons = match to_pre.is_empty() {
            true => vec![0.0; to_mid.len()],
            false => product(rows_of(&w_in, d_model).transpose(), rows_of(&to_pre, answers.len())),
        };
        let through_neurons = network.before_neurons.backward(&forward.read, through_neurons);
        let mut to_last = to_mid.clone();
        add(&mut to_last, &through_neurons);
        if !parallel {
            add(&mut to_mid, &through_neurons);
        }
        [to_mid, to_last]
    }

    /// The gradients with respect to the residual stream at x and at y, [d_model, answers] each, of those with respect to
    /// what is behind the attention and to the last token beside it.
    fn back_through_attention(
        &self,
        forward: &Forward,
        to_mid: &[f64],
        to_last: &[f64],
        answers: usize,
    ) -> [Vec<f64>; 2] {
        let network = self.network;
        let &TransformerArchitecture { d_model, n_heads, d_head, .. } = &network.of;
        let to_z = product(rows_of(&network.w_o, d_model), rows_of(to_mid, answers)); // [n_heads · d_head, answers]
        let to_scores = self.to_scores(forward, &to_z, answers); // [n_heads, tokens, answers]
        let tokens = network.positions.len();
        self.numbers.map(|at| {
            let number = &network.positions[at];
            let mut to_values = to_z.clone();
            for (i, row) in to_values.chunks_exact_mut(answers).enumerate() {
                let pattern = network.pattern_of(forward.softmax[i / d_head * tokens + at]);
                row.iter_mut().for_each(|g| *g *= pattern);
            }
            let mut to_normed = product(rows_of(&self.w_v, n_heads * d_head), rows_of(&to_values, answers)); // [d_model, answers]
            let is_last = at + 1 == tokens;
            let last_row = network.last().row(forward.pair);
            for head in 0..n_heads {
                let to_score = |of: usize| row(&to_scores, answers, head * tokens + of);
                let direction = row(&self.by_key, d_model, last_row * n_heads + head);
                add_outer(&mut to_normed, direction, to_score(at));
                for (of, by_query) in self.by_query.iter().enumerate().filter(|_| is_last) {
                    let key_row = network.positions[of].row(forward.pair);
                    add_outer(&mut to_normed, row(by_query, d_model, key_row * n_heads + head), to_score(of));
                }
            }
            let resid = row(&number.resid, d_model, number.row(forward.pair));
            let mut to_resid = network.before_attention.backward(resid, to_normed);
            if is_last {
                add(&mut to_resid, to_last);
            }
            to_resid
        })
    }

    /// The gradients with respect to the products of queries and keys, [n_heads, tokens, answers].
    fn to_scores(&self, forward: &Forward, to_z: &[f64], answers: usize) -> Vec<f64> {
        let network = self.network;
        let &TransformerArchitecture { n_heads, d_head, attention_coefficient, attention_divisor, .. } =
            &network.of;
        let tokens = network.positions.len();
        let mut to_scores = Vec::with_capacity(n_heads * tokens * answers);
        for (head, of_head) in to_z.chunks_exact(d_head * answers).enumerate() {
            let softmax = row(&forward.softmax, tokens, head);
            let to_softmax: Vec<Vec<f64>> = network
                .positions
                .iter()
                .map(|at| {
                    let values = row(&at.values, n_heads * d_head, at.row(forward.pair));
                    vector_times(&values[head * d_head..][..d_head], of_head, answers)
                })
                .collect();
            let mut mean = vec![0.0; answers];
            for (share, to) in softmax.iter().zip(&to_softmax) {
                mean.iter_mut().zip(to).for_each(|(mean, to)| *mean += share * to);
            }
            for (share, to) in softmax.iter().zip(&to_softmax) {
                let factor = attention_coefficient * share / attention_divisor;
                to_scores.extend(to.iter().zip(&mean).map(|(to, mean)| factor * (to - mean)));
            }
        }
        to_scores
    }
}

impl LogitGradients for TransformerGradients<'_> {
    fn of(&self, pair: (usize, usize), answers: &[usize]) -> [Vec<f64>; 2] {
        let forward = self.forward(pair);
        let [to_mid, to_last] = self.back_through_neurons(&forward, answers);
        self.back_through_attention(&forward, &to_mid, &to_last, answers.len())
    }
}
