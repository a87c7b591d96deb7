#[cfg(test)]
mod by_definition;
mod gradients;
mod rounding;
mod tables;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use clockwork_model::{Activation, NAMES, Token, TransformerArchitecture, names};
use rayon::prelude::*;

use self::{gradients::TransformerGradients, tables::Folded};
use super::{
    Activations, Embeddings, LinearHeads, LogitGradients, Network, Tables, add, add_to_rows, dot,
    layer_norm::LayerNorm, row, wide,
};
use crate::{
    Result,
    product::{product, rows_of},
};

/// How many pairs one task takes.
const PAIRS_AT_ONCE: usize = 256;

/// A one-layer transformer with any of the choices of its architecture. The answer is read at the last token, so queries
/// are needed there alone, and keys and values depend on one token at a time.
#[derive(Debug, Clone)]
pub(super) struct Transformer {
    of: TransformerArchitecture,
    p: usize,
    /// The embeddings of the numbers, those of y where they are its own, and of the literals, [.., d_model].
    w_e: Vec<f64>,
    w_pos: Vec<f64>,
    w_q: Vec<f64>,
    b_q: Vec<f64>,
    w_k: Vec<f64>,
    b_k: Vec<f64>,
    w_v: Vec<f64>,
    b_v: Vec<f64>,
    w_o: Vec<f64>,
    b_o: Vec<f64>,
    w_in: Vec<f64>,
    b_in: Vec<f64>,
    w_out: Vec<f64>,
    b_out: Vec<f64>,
    w_u: Vec<f64>,
    b_u: Vec<f64>,
    before_attention: LayerNorm,
    before_neurons: LayerNorm,
    before_unembedding: LayerNorm,
    /// What is at each position.
    positions: Vec<Position>,
    /// The queries of everything that can be at the last position, [rows, n_heads · d_head].
    queries: Vec<f64>,
    /// The weights that do not depend on tokens, folded where tables are asked for.
    folded: OnceLock<Arc<Folded>>,
}

/// Everything that can be at a position: each number, or one literal.
#[derive(Debug, Clone)]
struct Position {
    token: Token,
    /// The residual stream, [rows, d_model].
    resid: Vec<f64>,
    /// Keys, [rows, n_heads · d_head].
    keys: Vec<f64>,
    /// Values, [rows, n_heads · d_head].
    values: Vec<f64>,
}

impl Position {
    /// The row of a pair.
    fn row(&self, (x, y): (usize, usize)) -> usize {
        match self.token {
            Token::X => x,
            Token::Y => y,
            Token::Literal { .. } => 0,
        }
    }
}

impl Transformer {
    /// A transformer of these tensors.
    pub fn new(of: TransformerArchitecture, p: usize, tensors: &BTreeMap<&'static str, Vec<f32>>) -> Self {
        let of_name = |name: &str| wide(&tensors[name]);
        let [before_attention, before_neurons, before_unembedding] = LayerNorm::all(&of.norms, tensors);
        let mut network = Self {
            p,
            w_e: of_name(NAMES.w_e),
            w_pos: of_name(NAMES.w_pos),
            w_q: of_name(NAMES.w_q),
            b_q: of_name(names::B_Q),
            w_k: of_name(NAMES.w_k),
            b_k: of_name(names::B_K),
            w_v: of_name(NAMES.w_v),
            b_v: of_name(names::B_V),
            w_o: of_name(NAMES.w_o),
            b_o: of_name(names::B_O),
            w_in: of_name(NAMES.w_in),
            b_in: of_name(NAMES.b_in),
            w_out: of_name(NAMES.w_out),
            b_out: of_name(NAMES.b_out),
            w_u: of_name(NAMES.w_u),
            b_u: of_name(names::B_U),
            before_attention,
            before_neurons,
            before_unembedding,
            positions: Vec::new(),
            queries: Vec::new(),
            folded: OnceLock::new(),
            of,
        };
        network.read_tokens();
        network
    }

    /// Computes what depends on one token at a time.
    fn read_tokens(&mut self) {
        let (d_model, p) = (self.of.d_model, self.p);
        let mut literals = 0;
        let position = |(token, w_pos): (Token, &[f64])| {
            let (first, rows) = match token {
                Token::X => (0, p),
                Token::Y => (self.of.first_of_y(p), p),
                Token::Literal { .. } => {
                    literals += 1;
                    (self.of.row_of_literal(p, literals - 1), 1)
                }
            };
            let mut resid = self.w_e[first * d_model..][..rows * d_model].to_vec();
            add_to_rows(&mut resid, w_pos);
            let keys = self.through_heads(&resid, &self.w_k, &self.b_k);
            let values = self.through_heads(&resid, &self.w_v, &self.b_v);
            Position { token, resid, keys, values }
        };
        let tokens = self.of.tokens.tokens().iter().cloned();
        self.positions = tokens.zip(self.w_pos.chunks_exact(d_model)).map(position).collect();
        self.queries = self.through_heads(&self.last().resid, &self.w_q, &self.b_q);
    }

    /// Residual streams [rows, d_model], normed, times the weights of every head [n_heads, d_model, d_head], plus biases:
    /// [rows, n_heads · d_head].
    fn through_heads(&self, resid: &[f64], weights: &[f64], biases: &[f64]) -> Vec<f64> {
        let &TransformerArchitecture { d_model, n_heads, d_head, .. } = &self.of;
        let mut normed = resid.to_vec();
        self.before_attention.apply_to_rows(&mut normed, d_model);
        let rows = normed.len() / d_model;
        let mut out = vec![0.0; rows * n_heads * d_head];
        for (head, weights) in weights.chunks_exact(d_model * d_head).enumerate() {
            let of_head = product(rows_of(&normed, d_model), rows_of(weights, d_head)); // [rows, d_head]
            for (out, of_head) in out.chunks_exact_mut(n_heads * d_head).zip(of_head.chunks_exact(d_head)) {
                out[head * d_head..][..d_head].copy_from_slice(of_head);
            }
        }
        add_to_rows(&mut out, biases);
        out
    }

    /// Whether a layer norm stands anywhere.
    fn has_norm(&self) -> bool {
        [&self.before_attention, &self.before_neurons, &self.before_unembedding]
            .into_iter()
            .any(|norm| !norm.is_none())
    }

    /// How many multiplications the matrices take on one pair.
    fn multiplications(&self) -> u64 {
        let &TransformerArchitecture { d_model, n_heads, d_head, d_mlp, .. } = &self.of;
        let (width, tokens) = (n_heads * d_head, self.positions.len());
        let attention = (1 + 2 * tokens) * d_model * width + 2 * tokens * width + width * d_model;
        (attention + 2 * d_model * d_mlp + d_model * self.p) as u64
    }

    /// The last position, at which the answer is read.
    fn last(&self) -> &Position {
        self.positions.last().expect("a layout has tokens")
    }

    /// The softmax of a pair's attention scores, [n_heads, tokens].
    fn attention(&self, pair: (usize, usize)) -> Vec<f64> {
        let &TransformerArchitecture { n_heads, d_head, attention_divisor, .. } = &self.of;
        let query = row(&self.queries, n_heads * d_head, self.last().row(pair));
        let of_head = |head: usize| {
            let part = head * d_head..(head + 1) * d_head;
            let score = |at: &Position| {
                dot(&query[part.clone()], &row(&at.keys, n_heads * d_head, at.row(pair))[part.clone()])
                    / attention_divisor
            };
            let scores: Vec<f64> = self.positions.iter().map(score).collect();
            let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
            let sum: f64 = weights.iter().sum();
            weights.into_iter().map(move |weight| weight / sum)
        };
        (0..n_heads).flat_map(of_head).collect()
    }

    /// The pattern of a share of softmax attention.
    fn pattern_of(&self, softmax: f64) -> f64 {
        let alpha = self.of.attention_coefficient;
        alpha * softmax + (1.0 - alpha)
    }

    /// Each head's weighted sum of values, [n_heads · d_head].
    fn z(&self, pair: (usize, usize), pattern: &[f64]) -> Vec<f64> {
        let &TransformerArchitecture { n_heads, d_head, .. } = &self.of;
        let mut z = vec![0.0; n_heads * d_head];
        for (at, position) in self.positions.iter().enumerate() {
            let values = row(&position.values, n_heads * d_head, position.row(pair));
            for (i, (sum, value)) in z.iter_mut().zip(values).enumerate() {
                *sum += pattern[i / d_head * self.positions.len() + at] * value;
            }
        }
        z
    }

    /// Runs some pairs, few enough to be held at once.
    fn run_some(&self, pairs: &[(usize, usize)]) -> Activations {
        let TransformerArchitecture { d_model, d_mlp, activation, parallel, .. } = self.of;
        let mut pattern = Vec::new();
        let (mut z, mut resid_last) = (Vec::new(), Vec::new());
        for &pair in pairs {
            let of_pair: Vec<f64> =
                self.attention(pair).into_iter().map(|share| self.pattern_of(share)).collect();
            z.extend(self.z(pair, &of_pair)); // [n, n_heads · d_head]
            resid_last.extend(row(&self.last().resid, d_model, self.last().row(pair))); // [n, d_model]
            pattern.extend(of_pair); // [n, n_heads, tokens]
        }
        let mut resid_mid = product(rows_of(&z, z.len() / pairs.len()), rows_of(&self.w_o, d_model)); // [n, d_model]
        add_to_rows(&mut resid_mid, &self.b_o);
        add(&mut resid_mid, &resid_last);

        let mut into_neurons = if parallel { resid_last } else { resid_mid.clone() };
        self.before_neurons.apply_to_rows(&mut into_neurons, d_model);
        let mut neuron_acts_pre = product(rows_of(&into_neurons, d_model), rows_of(&self.w_in, d_mlp)); // [n, d_mlp]
        add_to_rows(&mut neuron_acts_pre, &self.b_in);
        let neuron_acts: Vec<f64> = neuron_acts_pre.iter().map(|&v| activation.of(v)).collect();

        let mut resid_post = product(rows_of(&neuron_acts, d_mlp), rows_of(&self.w_out, d_model)); // [n, d_model]
        add_to_rows(&mut resid_post, &self.b_out);
        add(&mut resid_post, &resid_mid);
        let scales = self.before_unembedding.apply_to_rows(&mut resid_post, d_model);
        let mut logits = product(rows_of(&resid_post, d_model), rows_of(&self.w_u, self.p)); // [n, p]
        add_to_rows(&mut logits, &self.b_u);
        let logit_scale = (!self.before_unembedding.is_none()).then_some(scales);
        Activations { pattern, neuron_acts_pre, neuron_acts, logits, logit_scale }
    }
}

impl Network for Transformer {
    fn activation(&self) -> Activation {
        self.of.activation
    }

    fn embeddings(&self) -> Embeddings<'_> {
        let width = self.of.d_model;
        let of = |first: usize| Cow::from(&self.w_e[first * width..][..self.p * width]);
        let y = self.of.own_vocabularies.then(|| of(self.of.first_of_y(self.p)));
        Embeddings { width, x: of(0), y }
    }

    fn w_logit(&self) -> Vec<f64> {
        let mut w_out = self.w_out.clone();
        self.before_unembedding.fold_into_rows(&mut w_out, self.of.d_model);
        product(rows_of(&w_out, self.of.d_model), rows_of(&self.w_u, self.p))
    }

    fn attended(&self) -> Vec<String> {
        self.of.tokens.names()
    }

    fn linear_heads(&self) -> Option<LinearHeads<'_>> {
        let &TransformerArchitecture { d_model, n_heads, d_head, d_mlp, attention_divisor, .. } = &self.of;
        self.of.has_linear_heads().then(|| LinearHeads {
            d_model,
            n_heads,
            d_head,
            d_mlp,
            query: &self.last().resid,
            w_q: &self.w_q,
            b_q: &self.b_q,
            w_k: &self.w_k,
            w_v: &self.w_v,
            w_o: &self.w_o,
            w_in: &self.w_in,
            divisor: attention_divisor,
        })
    }

    fn run(&self, pairs: &[(usize, usize)]) -> Result<Activations> {
        let some: Vec<Activations> =
            pairs.par_chunks(PAIRS_AT_ONCE).map(|pairs| self.run_some(pairs)).collect();
        let joined = |of: fn(&Activations) -> &[f64]| some.iter().flat_map(of).copied().collect();
        Ok(Activations {
            pattern: joined(|of| &of.pattern),
            neuron_acts_pre: joined(|of| &of.neuron_acts_pre),
            neuron_acts: joined(|of| &of.neuron_acts),
            logits: joined(|of| &of.logits),
            logit_scale: (!self.before_unembedding.is_none())
                .then(|| joined(|of| of.logit_scale.as_deref().unwrap_or_default())),
        })
    }

    fn with_embeddings(&self, embeddings: &Embeddings) -> Box<dyn Network> {
        let mut network = self.clone();
        let numbers = self.p * self.of.d_model;
        let literals = &self.w_e[self.of.first_of_y(self.p) * self.of.d_model + numbers..];
        // A vocabulary that x and y shared becomes two where each gets its own.
        network.of.own_vocabularies = embeddings.y.is_some();
        let of_y = embeddings.y.as_deref().unwrap_or_default();
        network.w_e = [&embeddings.x, of_y, literals].concat();
        network.read_tokens();
        Box::new(network)
    }

    fn logit_error(&self) -> Option<f64> {
        self.rounding()
    }

    fn tables(&self) -> Option<Tables<'_>> {
        self.by_tables()
    }

    fn products(&self) -> u64 {
        self.multiplications()
    }

    fn gradients(&self) -> Box<dyn LogitGradients + '_> {
        Box::new(TransformerGradients::new(self))
    }
}
