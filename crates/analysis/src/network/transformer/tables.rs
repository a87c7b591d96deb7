//! A transformer without layer norms by tables.

use std::sync::Arc;

use clockwork_model::{Token, TransformerArchitecture};

use super::{Position, Transformer};
use crate::{
    network::{Reads, TokenTable, add, add_to_rows, dot, tables::Tables},
    product::{product, rows_of},
};

/// Weights folded into each other, which the tables of any embeddings share.
#[derive(Debug)]
pub(super) struct Folded {
    /// From what attention adds at each head to the neurons and past them, [n_heads · d_head, d_mlp + p].
    w_o: Vec<f64>,
    /// From the residual stream at the last token to the same, [d_model, d_mlp + p].
    of_last: Vec<f64>,
    /// What biases add to the same, [d_mlp + p].
    biases: Vec<f64>,
    /// From neurons to logits, [d_mlp, p].
    w_logit: Vec<f64>,
}

impl Position {
    fn reads(&self) -> Reads {
        match self.token {
            Token::X => Reads::X,
            Token::Y => Reads::Y,
            Token::Literal { .. } => Reads::Nothing,
        }
    }
}

impl Transformer {
    /// The tables of a transformer without layer norms.
    pub(super) fn by_tables(&self) -> Option<Tables<'_>> {
        if self.has_norm() {
            return None;
        }
        let &TransformerArchitecture { d_model, n_heads, d_head, d_mlp, activation, .. } = &self.of;
        let (p, width, d_heads) = (self.p, d_mlp + self.p, n_heads * d_head);
        let folded = self.folded.get_or_init(|| Arc::new(self.fold()));
        let table = |position: &Position| {
            let rows = position.values.len() / d_heads;
            let mut values = vec![0.0; rows * n_heads * width];
            for (head, w_o) in folded.w_o.chunks_exact(d_head * width).enumerate() {
                let of_head =
                    position.values.chunks_exact(d_heads).flat_map(|row| &row[head * d_head..][..d_head]);
                let of_head: Vec<f64> = of_head.copied().collect();
                let added = product(rows_of(&of_head, d_head), rows_of(w_o, width)); // [rows, width]
                for (to, added) in values.chunks_exact_mut(n_heads * width).zip(added.chunks_exact(width)) {
                    to[head * width..][..width].copy_from_slice(added);
                }
            }
            TokenTable { reads: position.reads(), rows, values }
        };
        let tokens: Vec<TokenTable> = self.positions.iter().map(table).collect();
        let last = self.last();
        let mut beside = product(rows_of(&last.resid, d_model), rows_of(&folded.of_last, width));
        add_to_rows(&mut beside, &folded.biases);
        let rows_of_last = last.resid.len() / d_model;
        let all_rows: usize = tokens.iter().map(|token| token.rows).sum();
        // Queries, keys and values, their scores, W_O and W_out, what tokens add, and what is at the last one.
        let scores = rows_of_last * all_rows * d_heads;
        let folding = d_heads * d_model * width + d_mlp * d_model * p + 2 * d_model * width + d_model * p;
        let products = (rows_of_last + 2 * all_rows) * d_model * d_heads
            + scores
            + folding
            + all_rows * d_heads * width
            + 2 * all_rows * n_heads * width
            + rows_of_last * d_model * width;
        Some(Tables {
            p,
            d_mlp,
            activation,
            w_logit: &folded.w_logit,
            tokens,
            beside: TokenTable { reads: last.reads(), rows: rows_of_last, values: beside },
            pattern: Box::new(|pair| {
                self.attention(pair).into_iter().map(|share| self.pattern_of(share)).collect()
            }),
            pattern_ranges: Box::new(|| self.pattern_ranges()),
            products: products as u64,
        })
    }

    /// Folds the weights that do not depend on tokens.
    fn fold(&self) -> Folded {
        let &TransformerArchitecture { d_model, d_mlp, parallel, .. } = &self.of;
        let (p, width) = (self.p, d_mlp + self.p);
        // Into the neurons and past them, of what is at the last token anyway, and of what attention adds.
        let side_by_side = |is_read: bool| -> Vec<f64> {
            let rows = self.w_in.chunks_exact(d_mlp).zip(self.w_u.chunks_exact(p));
            let read = |w_in: &[f64]| if is_read { w_in.to_vec() } else { vec![0.0; d_mlp] };
            rows.flat_map(|(w_in, w_u)| [read(w_in), w_u.to_vec()].concat()).collect()
        };
        let (of_last, of_attention) = (side_by_side(true), side_by_side(!parallel));
        let mut past = product(rows_of(&self.b_out, d_model), rows_of(&self.w_u, p));
        add(&mut past, &self.b_u);
        let mut biases = product(rows_of(&self.b_o, d_model), rows_of(&of_attention, width));
        add(&mut biases, &[&self.b_in[..], &past].concat());
        Folded {
            w_o: product(rows_of(&self.w_o, d_model), rows_of(&of_attention, width)),
            w_logit: product(rows_of(&self.w_out, d_model), rows_of(&self.w_u, p)),
            of_last,
            biases,
        }
    }

    /// The least and the largest pattern of every token and head over all pairs, [tokens][n_heads], by the least and the
    /// largest score of each token.
    fn pattern_ranges(&self) -> Vec<Vec<[f64; 2]>> {
        let &TransformerArchitecture { n_heads, d_head, attention_divisor, .. } = &self.of;
        let width = n_heads * d_head;
        let scores_of = |position: &Position, head: usize| {
            let part = head * d_head..(head + 1) * d_head;
            let scores = self.queries.chunks_exact(width).flat_map(|query| {
                let part = part.clone();
                position
                    .keys
                    .chunks_exact(width)
                    .map(move |key| dot(&query[part.clone()], &key[part.clone()]) / attention_divisor)
            });
            scores.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], s| [low.min(s), high.max(s)])
        };
        let by_head: Vec<Vec<[f64; 2]>> = (0..n_heads)
            .map(|head| self.positions.iter().map(|position| scores_of(position, head)).collect())
            .collect();
        let share = |own: f64, others: &dyn Fn(usize) -> f64, at: usize| {
            let rest: f64 =
                (0..self.positions.len()).filter(|&t| t != at).map(|t| (others(t) - own).exp()).sum();
            self.pattern_of(1.0 / (1.0 + rest))
        };
        let range = |at: usize, scores: &[[f64; 2]]| {
            let least = share(scores[at][0], &|t| scores[t][1], at);
            let largest = share(scores[at][1], &|t| scores[t][0], at);
            [least.min(largest), least.max(largest)]
        };
        (0..self.positions.len()).map(|at| by_head.iter().map(|scores| range(at, scores)).collect()).collect()
    }
}
