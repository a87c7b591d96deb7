use clockwork_model::{ModelConfig, Weights};
use rayon::prelude::*;

use super::{
    backward::TableGradients,
    matrix::{Accum, Matrix, MatrixMut, product},
    tables::{Sizes, Tables, head},
};

/// From the tables' gradients to those of the weights that the tables are made of.
pub(super) fn parameter_gradients(tables: &Tables, weights: &Weights, of: &TableGradients) -> Weights {
    let Sizes { config, neurons, logits, wide, tokens } = tables.sizes;
    let ModelConfig { modulus: p, d_model, n_heads, d_mlp } = config;
    let (d_head, heads) = (config.d_head(), config.d_model);
    let root = (d_head as f32).sqrt();
    let mut gradients = config.shapes().map(|shape| vec![0.0; shape.iter().product()]);

    let resid = Matrix::new(&tables.resid, d_model);
    let equals = resid.rows(2 * p, 1);
    let w_wide = Matrix::new(&tables.w_wide, wide);
    let base = &of.wide[2 * p * n_heads * wide..][..wide];
    let d_base = Matrix::new(base, wide);

    // values through W_O [W_in | W_U]
    let mut d_w_o_wide = vec![0.0; heads * wide];
    let mut d_values = vec![0.0; n_heads * tokens * d_head]; // [n_heads, 2p + 1, d_head]
    let of_head = d_w_o_wide.par_chunks_mut(d_head * wide).zip(d_values.par_chunks_mut(tokens * d_head));
    of_head.enumerate().for_each(|(h, (d_w_o_wide, d_values))| {
        let d_wide = Matrix::new(of.wide, n_heads * wide).columns(h * wide, wide);
        let values = Matrix::new(&tables.values, heads).columns(h * d_head, d_head);
        let w_o_wide = Matrix::new(&tables.w_o_wide, wide).rows(h * d_head, d_head);
        product(Accum::Replace, MatrixMut::new(d_w_o_wide, wide), values.t(), d_wide);
        product(Accum::Replace, MatrixMut::new(d_values, d_head), d_wide, w_o_wide.t());
        // The value of = is subtracted from that of every number.
        let (of_numbers, of_equals) = d_values.split_at_mut(2 * p * d_head);
        for of_number in of_numbers.chunks_exact(d_head) {
            of_equals.iter_mut().zip(of_number).for_each(|(equals, number)| *equals -= number);
        }
    });

    let mut d_resid = vec![0.0; tokens * d_model];
    let mut d_w_wide = vec![0.0; d_model * wide];
    let d_w_logit = Matrix::new(of.w_logit, logits).rows(0, d_mlp).columns(0, p);
    let w_u = Matrix::new(&weights.w_u, p);
    rayon::join(
        || {
            // W_O [W_in | W_U], and = through [W_in | W_U]
            let d_w_o_wide = Matrix::new(&d_w_o_wide, wide);
            product(Accum::Replace, MatrixMut::new(&mut gradients.w_o, d_model), d_w_o_wide, w_wide.t());
            let w_o = Matrix::new(&weights.w_o, d_model);
            product(Accum::Replace, MatrixMut::new(&mut d_w_wide, wide), w_o.t(), d_w_o_wide);
            product(Accum::Add, MatrixMut::new(&mut d_w_wide, wide), equals.t(), d_base);
        },
        || {
            // residual stream through W_V, and through scores
            for (h, d_values) in d_values.chunks_exact(tokens * d_head).enumerate() {
                let d_values = Matrix::new(d_values, d_head);
                let d_w_v = &mut gradients.w_v[h * d_model * d_head..][..d_model * d_head];
                product(Accum::Replace, MatrixMut::new(d_w_v, d_head), resid.t(), d_values);
                let w_v = head(&weights.w_v, h, &config);
                product(Accum::Add, MatrixMut::new(&mut d_resid, d_model), d_values, w_v.t());
            }
            let d_scores = Matrix::new(&of.scores, n_heads);
            let w_score = Matrix::new(&tables.w_score, d_model);
            product(Accum::Add, MatrixMut::new(&mut d_resid, d_model), d_scores, w_score);
            // W_logit = W_out W_U
            let d_w_out = MatrixMut::new(&mut gradients.w_out, d_model);
            product(Accum::Replace, d_w_out, d_w_logit, w_u.t());
            let w_out = Matrix::new(&weights.w_out, d_model);
            product(Accum::Replace, MatrixMut::new(&mut gradients.w_u, p), w_out.t(), d_w_logit);
        },
    );
    let d_equals = &mut d_resid[2 * p * d_model..];
    product(Accum::Add, MatrixMut::new(d_equals, d_model), d_base, w_wide.t());

    // scores = (W_E + W_pos) · W_K q / √d_head, q = e W_Q
    let mut d_w_score = vec![0.0; n_heads * d_model];
    let d_scores = Matrix::new(&of.scores, n_heads);
    product(Accum::Replace, MatrixMut::new(&mut d_w_score, d_model), d_scores.t(), resid);
    for (h, d_w_score) in d_w_score.chunks_exact_mut(d_model).enumerate() {
        d_w_score.iter_mut().for_each(|d| *d /= root);
        let d_w_score = Matrix::new(d_w_score, d_model);
        let of_head = h * d_model * d_head..(h + 1) * d_model * d_head;
        let query = Matrix::new(&tables.query[h * d_head..][..d_head], d_head);
        let d_w_k = MatrixMut::new(&mut gradients.w_k[of_head.clone()], d_head);
        product(Accum::Replace, d_w_k, d_w_score.t(), query);
        let mut d_query = vec![0.0; d_head];
        let w_k = head(&weights.w_k, h, &config);
        product(Accum::Replace, MatrixMut::new(&mut d_query, d_head), d_w_score, w_k);
        let d_query = Matrix::new(&d_query, d_head);
        let d_w_q = MatrixMut::new(&mut gradients.w_q[of_head], d_head);
        product(Accum::Replace, d_w_q, equals.t(), d_query);
        let w_q = head(&weights.w_q, h, &config);
        product(Accum::Add, MatrixMut::new(d_equals, d_model), d_query, w_q.t());
    }

    // [W_in | W_U] and the biases
    for (i, d_row) in d_w_wide.chunks_exact(wide).enumerate() {
        gradients.w_in[i * d_mlp..][..d_mlp].copy_from_slice(&d_row[..d_mlp]);
        let d_w_u = &mut gradients.w_u[i * p..][..p];
        for (z, d) in d_w_u.iter_mut().enumerate() {
            *d += d_row[neurons + z] + weights.b_out[i] * base[neurons + z];
        }
    }
    gradients.b_in.copy_from_slice(&base[..d_mlp]);
    let d_b_out = MatrixMut::new(&mut gradients.b_out, d_model);
    product(Accum::Replace, d_b_out, d_base.columns(neurons, p), w_u.t());

    // residual stream = W_E + W_pos
    for (token, d_row) in d_resid.chunks_exact(d_model).enumerate() {
        let (position, token) = if token == 2 * p { (2, p) } else { (token / p, token % p) };
        for (i, d) in d_row.iter().enumerate() {
            gradients.w_e[token * d_model + i] += d;
            gradients.w_pos[position * d_model + i] += d;
        }
    }
    gradients
}
