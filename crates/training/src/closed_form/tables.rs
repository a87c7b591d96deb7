use clockwork_model::{ModelConfig, Weights};
use rayon::prelude::*;

use super::{
    lanes::padded,
    matrix::{Accum, Matrix, MatrixMut, product},
};

/// What the forward pass knows of each token before it sees a pair.
///
/// Its rows are the 2p + 1 tokens that attention can look at: every number as `x`, every number as
/// `y`, and `=`. A *wide* row has the neurons' inputs and then the logits that go round the neurons,
/// each padded to whole lanes; everything before the ReLU is linear in wide rows.
///
/// Attention sums to 1, so a pair's weighted sum of values is the value of `=` plus the weighted differences
/// of the values of `x` and `y` from it. Values of numbers are kept as these differences.
pub(super) struct Tables {
    pub sizes: Sizes,
    /// Residual stream of each token, [2p + 1, d_model].
    pub resid: Vec<f32>,
    /// `[W_in | W_U]`, [d_model, wide].
    pub w_wide: Vec<f32>,
    /// `W_O [W_in | W_U]`, [n_heads · d_head, wide].
    pub w_o_wide: Vec<f32>,
    /// Values of numbers less that of `=`, and that of `=`, [2p + 1, n_heads · d_head].
    pub values: Vec<f32>,
    /// Values of numbers, less that of `=`, through `W_O [W_in | W_U]`, [2p, n_heads, wide].
    pub wide: Vec<f32>,
    /// What every pair has: the residual stream at `=`, its value, and the biases, [wide].
    pub base: Vec<f32>,
    /// `q W_Kᵀ / √d_head` of the one query q, that of `=`, [n_heads, d_model].
    pub w_score: Vec<f32>,
    /// The query, [n_heads, d_head].
    pub query: Vec<f32>,
    /// Attention scores, [2p + 1, n_heads].
    pub scores: Vec<f32>,
    /// `W_logit = W_out W_U`, padded with zeros to [neurons, logits].
    pub w_logit: Vec<f32>,
}

/// Lengths of rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub config: ModelConfig,
    /// d_mlp in whole lanes.
    pub neurons: usize,
    /// p in whole lanes.
    pub logits: usize,
    /// Neurons and logits.
    pub wide: usize,
    /// The tokens that attention can look at, 2p + 1.
    pub tokens: usize,
}

impl Sizes {
    pub fn new(config: ModelConfig) -> Self {
        let (neurons, logits) = (padded(config.d_mlp), padded(config.modulus));
        Self { config, neurons, logits, wide: neurons + logits, tokens: 2 * config.modulus + 1 }
    }
}

impl Tables {
    pub fn new(config: ModelConfig, weights: &Weights) -> Self {
        let sizes = Sizes::new(config);
        let ModelConfig { modulus: p, d_model, n_heads, d_mlp } = config;
        let (d_head, heads) = (config.d_head(), config.d_model);
        let Sizes { neurons, logits, wide, tokens, .. } = sizes;

        let mut resid = Vec::with_capacity(tokens * d_model);
        let w_pos = |position: usize| weights.w_pos[position * d_model..][..d_model].iter();
        for position in 0..2 {
            for embedded in weights.w_e[..p * d_model].chunks_exact(d_model) {
                resid.extend(embedded.iter().zip(w_pos(position)).map(|(e, pos)| e + pos));
            }
        }
        resid.extend(weights.w_e[p * d_model..].iter().zip(w_pos(2)).map(|(e, pos)| e + pos));
        let equals = &resid[2 * p * d_model..];

        let mut w_wide = vec![0.0; d_model * wide];
        for (i, row) in w_wide.chunks_exact_mut(wide).enumerate() {
            row[..d_mlp].copy_from_slice(&weights.w_in[i * d_mlp..][..d_mlp]);
            row[neurons..][..p].copy_from_slice(&weights.w_u[i * p..][..p]);
        }
        let ((w_o_wide, values), w_logit) = rayon::join(
            || {
                let mut w_o_wide = vec![0.0; heads * wide];
                let w_o = Matrix::new(&weights.w_o, d_model);
                product(Accum::Replace, MatrixMut::new(&mut w_o_wide, wide), w_o, Matrix::new(&w_wide, wide));
                let mut values = vec![0.0; tokens * heads];
                for h in 0..n_heads {
                    let out = MatrixMut::new(&mut values, heads).columns(h * d_head, d_head);
                    product(
                        Accum::Replace,
                        out,
                        Matrix::new(&resid, d_model),
                        head(&weights.w_v, h, &config),
                    );
                }
                let (numbers, equals) = values.split_at_mut(2 * p * heads);
                for value in numbers.chunks_exact_mut(heads) {
                    value.iter_mut().zip(&*equals).for_each(|(value, equals)| *value -= equals);
                }
                (w_o_wide, values)
            },
            || {
                let mut w_logit = vec![0.0; neurons * logits];
                let out = MatrixMut::new(&mut w_logit[..d_mlp * logits], logits).columns(0, p);
                let (w_out, w_u) = (Matrix::new(&weights.w_out, d_model), Matrix::new(&weights.w_u, p));
                product(Accum::Replace, out, w_out, w_u);
                w_logit
            },
        );

        let mut table = vec![0.0; 2 * p * n_heads * wide];
        // Half the tokens at a time: two pieces of work, whatever the number of threads.
        table.par_chunks_mut(p * n_heads * wide).enumerate().for_each(|(half, table)| {
            let values = Matrix::new(&values, heads).rows(half * p, p);
            for h in 0..n_heads {
                let out = MatrixMut::new(table, n_heads * wide).columns(h * wide, wide);
                let w = Matrix::new(&w_o_wide, wide).rows(h * d_head, d_head);
                product(Accum::Replace, out, values.columns(h * d_head, d_head), w);
            }
        });

        let mut base = vec![0.0; wide];
        product(
            Accum::Replace,
            MatrixMut::new(&mut base, wide),
            Matrix::new(equals, d_model),
            Matrix::new(&w_wide, wide),
        );
        let value = Matrix::new(&values, heads).rows(2 * p, 1);
        product(Accum::Add, MatrixMut::new(&mut base, wide), value, Matrix::new(&w_o_wide, wide));
        base[..d_mlp].iter_mut().zip(&weights.b_in).for_each(|(base, b)| *base += b);
        let out = MatrixMut::new(&mut base[neurons..], logits).columns(0, p);
        product(Accum::Add, out, Matrix::new(&weights.b_out, d_model), Matrix::new(&weights.w_u, p));

        let mut query = vec![0.0; heads];
        let mut w_score = vec![0.0; n_heads * d_model];
        for h in 0..n_heads {
            let q = &mut query[h * d_head..][..d_head];
            let out = MatrixMut::new(q, d_head);
            product(Accum::Replace, out, Matrix::new(equals, d_model), head(&weights.w_q, h, &config));
            let w_score = &mut w_score[h * d_model..][..d_model];
            let w_k = head(&weights.w_k, h, &config).t();
            product(Accum::Replace, MatrixMut::new(w_score, d_model), Matrix::new(q, d_head), w_k);
            w_score.iter_mut().for_each(|w| *w /= (d_head as f32).sqrt());
        }
        let mut scores = vec![0.0; tokens * n_heads];
        let out = MatrixMut::new(&mut scores, n_heads);
        product(Accum::Replace, out, Matrix::new(&resid, d_model), Matrix::new(&w_score, d_model).t());

        Self { sizes, resid, w_wide, w_o_wide, values, wide: table, base, w_score, query, scores, w_logit }
    }

    /// A number's rows of [`wide`](Self::wide), for all heads.
    pub fn wide_rows(&self, token: usize) -> &[f32] {
        let row = self.sizes.config.n_heads * self.sizes.wide;
        &self.wide[token * row..][..row]
    }

    /// A token's attention scores.
    pub fn scores(&self, token: usize) -> &[f32] {
        let n_heads = self.sizes.config.n_heads;
        &self.scores[token * n_heads..][..n_heads]
    }
}

/// One head's part of `W_Q`, `W_K` or `W_V`, [d_model, d_head].
pub(super) fn head<'a>(weights: &'a [f32], h: usize, config: &ModelConfig) -> Matrix<'a> {
    let (d_model, d_head) = (config.d_model, config.d_head());
    Matrix::new(&weights[h * d_model * d_head..][..d_model * d_head], d_head)
}
