use clockwork_model::ModelConfig;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    buffers::Buffers,
    forward::{Answers, Forward},
    lanes::{add, dot_and_add, mask},
    matrix::{Accum, Matrix, MatrixMut, product},
    pairs::{Pairs, Tile},
    tables::{Sizes, Tables},
};

/// The gradient of the mean loss with respect to the tables and to `W_logit`.
pub(super) struct TableGradients<'a> {
    /// [2p + 1, n_heads, wide]: the first 2p rows with respect to [`Tables::wide`], the last with respect
    /// to [`Tables::base`], repeated for every head.
    pub wide: &'a [f32],
    /// With respect to the attention scores, [2p + 1, n_heads].
    pub scores: Vec<f32>,
    /// With respect to `W_logit`, padded, [neurons, logits].
    pub w_logit: &'a [f32],
}

/// Forward and backward pass over all pairs, tile by tile, and then value of y by value of y.
pub(super) fn backward<'a>(
    arch: Arch,
    tables: &Tables,
    pairs: &Pairs,
    buffers: &'a mut Buffers,
) -> (Answers, TableGradients<'a>) {
    let sizes = tables.sizes;
    let ModelConfig { modulus: p, n_heads, .. } = sizes.config;
    let row = n_heads * sizes.wide;
    buffers.fit(&sizes, pairs);
    let (wide_x, wide_rest) = buffers.d_wide.split_at_mut(p * row);
    let (wide_y, wide_base) = wide_rest.split_at_mut(p * row);
    wide_x.fill(0.0);
    wide_y.fill(0.0);
    wide_base.fill(0.0);

    let mut tasks = Vec::with_capacity(pairs.tiles.len());
    let mut rest = (
        &mut buffers.pattern[..],
        &mut buffers.d_pattern[..],
        &mut buffers.neuron_acts[..],
        &mut buffers.d_neurons[..],
        &mut buffers.logits[..],
        &mut wide_x[..],
        &mut buffers.d_w_logit_of_tile[..],
    );
    for tile in &pairs.tiles {
        let n = tile.pairs.len();
        tasks.push(TileTask {
            tile,
            forward: Forward {
                pattern: take(&mut rest.0, n * n_heads * 3),
                neuron_acts: take(&mut rest.2, n * sizes.neurons),
                logits: take(&mut rest.4, n * sizes.logits),
            },
            d_pattern: take(&mut rest.1, n * n_heads * 3),
            d_neurons: take(&mut rest.3, n * sizes.neurons),
            d_wide_x: take(&mut rest.5, tile.x.len() * row),
            d_w_logit: take(&mut rest.6, sizes.neurons * sizes.logits),
        });
    }
    let sums: Vec<TileSums> = tasks.into_par_iter().map(|task| task.run(arch, tables, pairs)).collect();
    let mut answers = Answers::default();
    let (of_first_head, of_others) = wide_base.split_at_mut(sizes.wide);
    for sum in &sums {
        answers += sum.answers;
        add(of_first_head, &sum.d_base);
    }
    of_others.chunks_exact_mut(sizes.wide).for_each(|of_head| of_head.copy_from_slice(of_first_head));

    // The gradients with respect to the inputs of neurons and to logits are known now; those of a y
    // come from many tiles, so they are gathered in a pass of their own.
    let (pattern, d_neurons, d_logits) = (&buffers.pattern, &buffers.d_neurons, &buffers.logits);
    let gather = |(y, d_y): (usize, &mut [f32])| {
        arch.dispatch(GatherY { tables, pairs, y, d_y, pattern, d_neurons, d_logits })
    };
    let d_pattern_y: Vec<Vec<f32>> = wide_y.par_chunks_mut(row).enumerate().map(gather).collect();
    for (of_y, d_pattern) in pairs.of_y.iter().zip(&d_pattern_y) {
        for (&n, d_pattern) in of_y.iter().zip(d_pattern.chunks_exact(n_heads)) {
            for (h, &d) in d_pattern.iter().enumerate() {
                buffers.d_pattern[(n * n_heads + h) * 3 + 1] = d;
            }
        }
    }
    let scores = d_scores(&sizes, pairs, &buffers.pattern, &buffers.d_pattern);

    let (total, others) = buffers.d_w_logit_of_tile.split_at_mut(sizes.neurons * sizes.logits);
    total.par_chunks_mut(SUMMED_AT_ONCE).enumerate().for_each(|(i, total)| {
        for other in others.chunks_exact(sizes.neurons * sizes.logits) {
            add(total, &other[i * SUMMED_AT_ONCE..][..total.len()]);
        }
    });
    (answers, TableGradients { wide: &buffers.d_wide, scores, w_logit: total })
}

/// Numbers that one task sums over tiles.
const SUMMED_AT_ONCE: usize = 4096;

/// Cuts the first `n` numbers off.
#[expect(clippy::mut_mut, reason = "what is left of the slice is the slice then")]
fn take<'a>(rest: &mut &'a mut [f32], n: usize) -> &'a mut [f32] {
    rest.split_off_mut(..n).expect("buffers fit the pairs")
}

struct TileTask<'a> {
    tile: &'a Tile,
    forward: Forward<'a>,
    d_pattern: &'a mut [f32],
    d_neurons: &'a mut [f32],
    d_wide_x: &'a mut [f32],
    d_w_logit: &'a mut [f32],
}

/// What all tiles add to.
struct TileSums {
    answers: Answers,
    d_base: Vec<f32>,
}

impl TileTask<'_> {
    fn run(mut self, arch: Arch, tables: &Tables, pairs: &Pairs) -> TileSums {
        let Sizes { neurons, logits, .. } = tables.sizes;
        self.forward.compute(arch, tables, pairs, self.tile);
        let answers = self.forward.answer(arch, tables, pairs, self.tile, pairs.len());
        let neuron_acts = Matrix::new(self.forward.neuron_acts, neurons);
        let d_logits = Matrix::new(self.forward.logits, logits);
        let w_logit = Matrix::new(&tables.w_logit, logits);
        product(Accum::Replace, MatrixMut::new(self.d_w_logit, logits), neuron_acts.t(), d_logits);
        let p = tables.sizes.config.modulus;
        let (d_logits, w_logit) = (d_logits.columns(0, p), w_logit.columns(0, p));
        product(Accum::Replace, MatrixMut::new(self.d_neurons, neurons), d_logits, w_logit.t());
        arch.dispatch(GatherX { task: self, tables, pairs, answers })
    }
}

/// Gradients with respect to the rows of `x` and what every pair has, and to the attention to `x`.
struct GatherX<'a, 'b> {
    task: TileTask<'b>,
    tables: &'a Tables,
    pairs: &'a Pairs,
    answers: Answers,
}

impl WithSimd for GatherX<'_, '_> {
    type Output = TileSums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> TileSums {
        let Self { task, tables, pairs, answers } = self;
        let TileTask { tile, forward, d_pattern, d_neurons, d_wide_x, .. } = task;
        let Sizes { config, neurons, logits, wide, .. } = tables.sizes;
        let n_heads = config.n_heads;
        let mut d_base = vec![0.0; wide];
        let of_pair = forward
            .pattern
            .chunks_exact(3 * n_heads)
            .zip(d_pattern.chunks_exact_mut(3 * n_heads))
            .zip(forward.neuron_acts.chunks_exact(neurons).zip(d_neurons.chunks_exact_mut(neurons)))
            .zip(forward.logits.chunks_exact(logits));
        for (n, (((pattern, d_pattern), (acts, d_neurons)), d_logits)) in tile.pairs.clone().zip(of_pair) {
            mask(d_neurons, acts);
            let gradient = WideGradient { d_neurons, d_logits };
            let x = tables.wide_rows(pairs.x[n]);
            let d_x = &mut d_wide_x[(pairs.x[n] - tile.x.start) * n_heads * wide..][..n_heads * wide];
            for h in 0..n_heads {
                let head = h * wide..(h + 1) * wide;
                d_pattern[3 * h] = gradient.dot_and_add(&x[head.clone()], pattern[3 * h], &mut d_x[head]);
            }
            add(&mut d_base[..neurons], d_neurons);
            add(&mut d_base[neurons..], d_logits);
        }
        TileSums { answers, d_base }
    }
}

/// Gradients with respect to a y's rows, and to the attention to it, [pairs of y, n_heads].
struct GatherY<'a> {
    tables: &'a Tables,
    pairs: &'a Pairs,
    y: usize,
    d_y: &'a mut [f32],
    pattern: &'a [f32],
    d_neurons: &'a [f32],
    d_logits: &'a [f32],
}

impl WithSimd for GatherY<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Vec<f32> {
        let Self { tables, pairs, y, d_y, pattern, d_neurons, d_logits } = self;
        let Sizes { config, neurons, logits, wide, .. } = tables.sizes;
        let n_heads = config.n_heads;
        let rows = tables.wide_rows(config.modulus + y);
        let mut d_pattern = Vec::with_capacity(pairs.of_y[y].len() * n_heads);
        for &n in &pairs.of_y[y] {
            let gradient = WideGradient {
                d_neurons: &d_neurons[n * neurons..][..neurons],
                d_logits: &d_logits[n * logits..][..logits],
            };
            for h in 0..n_heads {
                let head = h * wide..(h + 1) * wide;
                let weight = pattern[(n * n_heads + h) * 3 + 1];
                d_pattern.push(gradient.dot_and_add(&rows[head.clone()], weight, &mut d_y[head]));
            }
        }
        d_pattern
    }
}

/// One pair's gradient with respect to a wide row.
struct WideGradient<'a> {
    d_neurons: &'a [f32],
    d_logits: &'a [f32],
}

impl WideGradient<'_> {
    #[inline(always)]
    fn dot_and_add(&self, row: &[f32], weight: f32, d_row: &mut [f32]) -> f32 {
        let (of_neurons, of_logits) = row.split_at(self.d_neurons.len());
        let (d_neurons, d_logits) = d_row.split_at_mut(self.d_neurons.len());
        dot_and_add(of_neurons, self.d_neurons, weight, d_neurons)
            + dot_and_add(of_logits, self.d_logits, weight, d_logits)
    }
}

/// The gradient with respect to the attention scores, [2p + 1, n_heads], through the softmax over the three
/// positions. Values are differences from that of `=`, so the gradient with respect to the attention to `=`
/// is zero.
fn d_scores(sizes: &Sizes, pairs: &Pairs, pattern: &[f32], d_pattern: &[f32]) -> Vec<f32> {
    let ModelConfig { modulus: p, n_heads, .. } = sizes.config;
    let mut d_scores = vec![0.0; sizes.tokens * n_heads];
    let of_pair = pattern.chunks_exact(3 * n_heads).zip(d_pattern.chunks_exact(3 * n_heads));
    for (n, (pattern, d_pattern)) in of_pair.enumerate() {
        let tokens = [pairs.x[n], p + pairs.y[n], 2 * p];
        for (h, (a, d)) in pattern.chunks_exact(3).zip(d_pattern.chunks_exact(3)).enumerate() {
            let mean = a[0] * d[0] + a[1] * d[1];
            for ((token, a), d) in tokens.into_iter().zip(a).zip([d[0], d[1], 0.0]) {
                d_scores[token * n_heads + h] += a * (d - mean);
            }
        }
    }
    d_scores
}
