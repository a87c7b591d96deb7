use clockwork_model::Activation;
use rayon::prelude::*;

use super::{add, row};
use crate::product::{rows_of, write_product};

/// How many pairs one task takes.
const PAIRS_AT_ONCE: usize = 256;

/// A network whose tokens add to the neurons, and past them to the logits, what tables say, times how much is paid attention
/// to them: any without a layer norm. It runs with fewer products than by its weights, and what its neurons can read is
/// bounded without running it on any pair.
pub struct Tables<'a> {
    /// Number of answers, p.
    pub p: usize,
    /// Number of neurons.
    pub d_mlp: usize,
    /// What they compute.
    pub activation: Activation,
    /// From neurons to logits, [d_mlp, p].
    pub w_logit: &'a [f64],
    /// What tokens add through attention, by the order of the tokens; in an MLP x and y.
    pub tokens: Vec<TokenTable>,
    /// What is there without attention: the residual stream at the last token, and biases.
    pub beside: TokenTable,
    /// The pattern of a pair, [heads, tokens].
    pub pattern: Box<dyn Fn((usize, usize)) -> Vec<f64> + Send + Sync + 'a>,
    /// The least and the largest pattern of each token and head over all pairs, [tokens][heads].
    pub pattern_ranges: Box<dyn Fn() -> Vec<Vec<[f64; 2]>> + Send + Sync + 'a>,
    /// How many multiplications the tables and the ranges of the pattern take.
    pub products: u64,
}

/// What a token adds to the inputs of the neurons, d_mlp numbers, and to the logits past them, p numbers, for each thing that
/// it can be.
pub struct TokenTable {
    /// What the token is.
    pub reads: Reads,
    /// How many things it can be: p numbers, or one.
    pub rows: usize,
    /// [rows, heads, d_mlp + p]
    pub values: Vec<f64>,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// The first number.
    X,
    /// The second number.
    Y,
    /// The same for all pairs.
    Nothing,
}

impl Reads {
    /// The row of a pair in the token's table.
    fn row(self, (x, y): (usize, usize)) -> usize {
        match self {
            Self::X => x,
            Self::Y => y,
            Self::Nothing => 0,
        }
    }
}

impl TokenTable {
    /// What it adds for a pair, [heads, d_mlp + p].
    fn of(&self, pair: (usize, usize)) -> &[f64] {
        row(&self.values, self.values.len() / self.rows, self.reads.row(pair))
    }
}

impl Tables<'_> {
    /// The logits of some pairs, [n, p].
    #[must_use]
    pub fn logits(&self, pairs: &[(usize, usize)]) -> Vec<f64> {
        let mut logits = vec![0.0; pairs.len() * self.p];
        pairs
            .par_chunks(PAIRS_AT_ONCE)
            .zip(logits.par_chunks_mut(PAIRS_AT_ONCE * self.p))
            .for_each(|(pairs, logits)| self.write_logits(pairs, logits));
        logits
    }

    fn write_logits(&self, pairs: &[(usize, usize)], logits: &mut [f64]) {
        let (d_mlp, width) = (self.d_mlp, self.d_mlp + self.p);
        let mut acts = vec![0.0; pairs.len() * d_mlp];
        let mut past = vec![0.0; pairs.len() * self.p];
        let mut sums = vec![0.0; width];
        for ((&pair, acts), past) in
            pairs.iter().zip(acts.chunks_exact_mut(d_mlp)).zip(past.chunks_exact_mut(self.p))
        {
            sums.copy_from_slice(self.beside.of(pair));
            let pattern = (self.pattern)(pair);
            for (at, token) in self.tokens.iter().enumerate() {
                for (head, values) in token.of(pair).chunks_exact(width).enumerate() {
                    let share = pattern[head * self.tokens.len() + at];
                    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value);
                }
            }
            let (pre, direct) = sums.split_at(d_mlp);
            acts.iter_mut().zip(pre).for_each(|(act, &pre)| *act = self.activation.of(pre));
            past.copy_from_slice(direct);
        }
        write_product(logits, rows_of(&acts, d_mlp), rows_of(self.w_logit, self.p));
        add(logits, &past);
    }
}
