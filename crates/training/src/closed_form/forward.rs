use clockwork_model::ModelConfig;
use pulp::{Arch, Simd, WithSimd};

use super::{
    lanes::{combine, exp_and_sum, max, relu, scale},
    matrix::{Accum, Matrix, MatrixMut, product},
    pairs::{Pairs, Tile},
    tables::Tables,
};

/// What the forward pass leaves behind of one tile's pairs, n of them.
pub(super) struct Forward<'a> {
    /// Attention from `=` to `x`, `y` and `=`, [n, n_heads, 3].
    pub pattern: &'a mut [f32],
    /// Neurons after the ReLU, [n, neurons].
    pub neuron_acts: &'a mut [f32],
    /// Logits, [n, logits].
    pub logits: &'a mut [f32],
}

/// How well a tile's pairs, or all pairs, are answered.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Answers {
    /// Sum of the losses, in nats.
    pub loss: f64,
    /// How many are right.
    pub correct: usize,
}

impl std::ops::AddAssign for Answers {
    fn add_assign(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
    }
}

impl Forward<'_> {
    /// Fills in everything for a tile.
    pub fn compute(&mut self, arch: Arch, tables: &Tables, pairs: &Pairs, tile: &Tile) {
        arch.dispatch(UpToNeurons { forward: self, tables, pairs, tile });
        let sizes = tables.sizes;
        product(
            Accum::Add,
            MatrixMut::new(self.logits, sizes.logits),
            Matrix::new(self.neuron_acts, sizes.neurons),
            Matrix::new(&tables.w_logit, sizes.logits),
        );
    }

    /// Replaces every logit by the derivative of the mean loss with respect to it, where the mean is
    /// over `n_pairs`, and tells how well the pairs are answered.
    pub fn answer(
        &mut self,
        arch: Arch,
        tables: &Tables,
        pairs: &Pairs,
        tile: &Tile,
        n_pairs: usize,
    ) -> Answers {
        arch.dispatch(Answer { forward: self, tables, pairs, tile, n_pairs })
    }
}

/// Attention, neurons, and the logits that go round the neurons.
struct UpToNeurons<'a, 'b> {
    forward: &'a mut Forward<'b>,
    tables: &'a Tables,
    pairs: &'a Pairs,
    tile: &'a Tile,
}

impl WithSimd for UpToNeurons<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { forward, tables, pairs, tile } = self;
        let sizes = tables.sizes;
        let ModelConfig { modulus: p, n_heads, .. } = sizes.config;
        let (base_neurons, base_logits) = tables.base.split_at(sizes.neurons);
        let of_pair = forward
            .pattern
            .chunks_exact_mut(3 * n_heads)
            .zip(forward.neuron_acts.chunks_exact_mut(sizes.neurons))
            .zip(forward.logits.chunks_exact_mut(sizes.logits));
        let mut rows = Vec::with_capacity(2 * n_heads);
        for (n, ((pattern, neuron_acts), logits)) in tile.pairs.clone().zip(of_pair) {
            let tokens = [pairs.x[n], p + pairs.y[n], 2 * p];
            let scores = tokens.map(|token| tables.scores(token));
            rows.clear();
            for (h, pattern) in pattern.chunks_exact_mut(3).enumerate() {
                pattern.copy_from_slice(&softmax(scores.map(|scores| scores[h])));
                for (weight, token) in pattern.iter().zip(&tokens[..2]) {
                    rows.push((*weight, &tables.wide_rows(*token)[h * sizes.wide..][..sizes.wide]));
                }
            }
            combine(neuron_acts, base_neurons, &rows, 0);
            relu(neuron_acts);
            combine(logits, base_logits, &rows, sizes.neurons);
        }
    }
}

/// From logits to losses and the gradient with respect to logits.
struct Answer<'a, 'b> {
    forward: &'a mut Forward<'b>,
    tables: &'a Tables,
    pairs: &'a Pairs,
    tile: &'a Tile,
    n_pairs: usize,
}

impl WithSimd for Answer<'_, '_> {
    type Output = Answers;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Answers {
        let p = self.tables.sizes.config.modulus;
        let rows = self.forward.logits.chunks_exact_mut(self.tables.sizes.logits);
        let mut answers = Answers::default();
        for (logits, &answer) in rows.zip(&self.pairs.answer[self.tile.pairs.clone()]) {
            answers += loss_and_gradient(logits, p, answer, 1.0 / self.n_pairs as f64);
        }
        answers
    }
}

#[inline(always)]
fn softmax(scores: [f32; 3]) -> [f32; 3] {
    let largest = scores[0].max(scores[1]).max(scores[2]);
    let exps = scores.map(|score| (score - largest).exp());
    let sum: f32 = exps.iter().sum();
    exps.map(|exp| exp / sum)
}

/// Returns the loss of one pair, in nats, and replaces its logits by the loss's gradient times `factor`.
///
/// With `t = logsumexp_{j≠c}(l_j) − l_c` the loss is `log(1 + e^t)`; the derivative with respect to
/// the answer's logit is −σ(t), and to any other's the same share of σ(t) that it has of the sum.
/// Neither subtracts numbers close to each other, as `softmax − 1` would.
#[inline(always)]
fn loss_and_gradient(logits: &mut [f32], p: usize, answer: usize, factor: f64) -> Answers {
    logits[p..].fill(f32::MIN);
    let of_answer = f64::from(std::mem::replace(&mut logits[answer], f32::MIN));
    let largest = max(logits);
    let sum = exp_and_sum(logits, largest);
    let t = f64::from(largest) + f64::from(sum).ln() - of_answer;
    let sigmoid = 1.0 / (1.0 + (-t).exp());
    scale(logits, (sigmoid * factor / f64::from(sum)) as f32);
    logits[answer] = (-sigmoid * factor) as f32;
    logits[p..].fill(0.0);
    Answers {
        loss: t.max(0.0) + (-t.abs()).exp().ln_1p(),
        correct: usize::from(of_answer > f64::from(largest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_gradient_are_exact_from_certain_to_hopeless() {
        for margin in [60.0_f32, 20.0, 3.0, 0.5, -5.0, -60.0] {
            let logits = [0.5, margin, -0.25, 0.0];
            let mut row = [0.0; 32];
            row[..4].copy_from_slice(&logits);
            let Answers { loss, correct } = loss_and_gradient(&mut row, 4, 1, 0.5);

            let others: f64 = [0, 2, 3].map(|j: usize| f64::from(logits[j] - margin).exp()).iter().sum();
            assert!((loss - others.ln_1p()).abs() <= 1e-6 * loss);
            assert_eq!(correct, usize::from(margin > 0.5));
            for (j, gradient) in row.into_iter().enumerate() {
                let exact = match j {
                    1 => -others / (1.0 + others),
                    0 | 2 | 3 => f64::from(logits[j] - margin).exp() / (1.0 + others),
                    _ => 0.0,
                };
                assert!((f64::from(gradient) - 0.5 * exact).abs() <= 1e-6 * exact.abs(), "{margin} {j}");
            }
        }
    }
}
