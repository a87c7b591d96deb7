mod layer_norm;
mod paper;
mod rounding;
mod tables;
mod transformer;
mod two_input_mlp;

use std::{borrow::Cow, fmt};

use clockwork_model::{Activation, Architecture, Checkpoint, StoredNetwork};

pub use self::tables::{Reads, Tables, TokenTable};
use self::{paper::PaperNetwork, transformer::Transformer, two_input_mlp::TwoInputMlp};
use crate::Result;

/// What an analysis needs of a network, and no more, by the numbers 0 … p − 1 that it reads and answers with.
///
/// Each architecture is a file with its forward pass as in a textbook, in 64 bits. Nothing else in the analysis knows
/// which one it is.
pub trait Network: fmt::Debug + Send + Sync {
    /// What its neurons compute.
    fn activation(&self) -> Activation;

    /// The embeddings of the numbers. An MLP over one-hot vectors has learned one too: the rows of its first matrix.
    fn embeddings(&self) -> Embeddings<'_>;

    /// The linear map from neurons to logits, [d_mlp, p]. After a layer norm it is the folded, centred one, and holds
    /// up to a factor per input ([`Activations::logit_scale`]).
    fn w_logit(&self) -> Vec<f64>;

    /// What the tokens are called that attention goes to, in their order; none where there is no attention.
    fn attended(&self) -> Vec<String>;

    /// The attention heads, where numbers go through them by one linear map to the neurons, and to scores from a query
    /// that is the same for every input.
    fn linear_heads(&self) -> Option<LinearHeads<'_>>;

    /// What it does on some pairs.
    ///
    /// # Errors
    ///
    /// [`Error::Device`](crate::Error::Device) where a result cannot be read back.
    fn run(&self, pairs: &[(usize, usize)]) -> Result<Activations>;

    /// The same network with other embeddings of the numbers: one where x and y have the same, both where each has its own.
    fn with_embeddings(&self, embeddings: &Embeddings) -> Box<dyn Network>;

    /// How far a logit that [`run`](Self::run) computes can be from that of exact arithmetic with the same weights, at most;
    /// nothing where no bound is known, behind a layer norm.
    fn logit_error(&self) -> Option<f64>;

    /// The network by tables, where that is all there is to it.
    fn tables(&self) -> Option<Tables<'_>>;

    /// How many multiplications its matrices take on one pair.
    fn products(&self) -> u64;

    /// The gradients of its logits.
    fn gradients(&self) -> Box<dyn LogitGradients + '_>;
}

/// The gradients of a network's logits with respect to what enters it for x and for y: their embeddings, or their one-hot
/// vectors where numbers enter as these.
pub trait LogitGradients: Send + Sync {
    /// Those of some answers' logits on a pair (x, y), with respect to what enters for x and for y,
    /// [width, answers] each.
    fn of(&self, pair: (usize, usize), answers: &[usize]) -> [Vec<f64>; 2];
}

/// The embeddings of the numbers 0 … p − 1.
#[derive(Debug, Clone)]
pub struct Embeddings<'a> {
    /// The width of one, d.
    pub width: usize,
    /// Those of x, [p, d].
    pub x: Cow<'a, [f64]>,
    /// Those of y, [p, d], where they are not the same.
    pub y: Option<Cow<'a, [f64]>>,
}

/// What a network does on n pairs.
#[derive(Debug, Clone)]
pub struct Activations {
    /// Attention from the last token to each, [n, n_heads, tokens]; empty where there is none.
    pub pattern: Vec<f64>,
    /// Neurons before the activation, [n, d_mlp].
    pub neuron_acts_pre: Vec<f64>,
    /// Neurons after the activation, [n, d_mlp].
    pub neuron_acts: Vec<f64>,
    /// Logits, [n, p].
    pub logits: Vec<f64>,
    /// What `W_logit` is multiplied by on each pair, [n], where a layer norm stands before the unembedding.
    pub logit_scale: Option<Vec<f64>>,
}

/// Attention heads whose weights fold into one linear map.
#[derive(Debug, Clone, Copy)]
pub struct LinearHeads<'a> {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Number of heads.
    pub n_heads: usize,
    /// Width of one head.
    pub d_head: usize,
    /// Number of neurons.
    pub d_mlp: usize,
    /// The residual stream that queries are made of, [d_model].
    pub query: &'a [f64],
    /// `W_Q` [n_heads, d_model, d_head].
    pub w_q: &'a [f64],
    /// `b_Q` [n_heads, d_head].
    pub b_q: &'a [f64],
    /// `W_K` [n_heads, d_model, d_head].
    pub w_k: &'a [f64],
    /// `W_V` [n_heads, d_model, d_head].
    pub w_v: &'a [f64],
    /// `W_O` [n_heads, d_head, d_model].
    pub w_o: &'a [f64],
    /// `W_in` [d_model, d_mlp].
    pub w_in: &'a [f64],
    /// What scores are divided by.
    pub divisor: f64,
}

/// The network of a checkpoint.
#[must_use]
pub fn network_of(checkpoint: &Checkpoint) -> Box<dyn Network> {
    let metadata = &checkpoint.metadata;
    match &checkpoint.network {
        StoredNetwork::Paper(weights) => Box::new(PaperNetwork::new(metadata.task, weights, &metadata.model)),
        StoredNetwork::Other(of) => match &of.architecture {
            Architecture::Transformer(made_of) => {
                Box::new(Transformer::new(made_of.clone(), metadata.model.modulus, &of.tensors))
            }
            Architecture::TwoInputMlp(made_of) => {
                Box::new(TwoInputMlp::new(made_of, metadata.model.modulus, &of.tensors))
            }
        },
    }
}

/// A tensor in 64 bits.
fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// The product of a vector [rows] and a matrix [rows, columns]: [columns].
fn vector_times(vector: &[f64], matrix: &[f64], columns: usize) -> Vec<f64> {
    let mut product = vec![0.0; columns];
    for (factor, row) in vector.iter().zip(matrix.chunks_exact(columns)) {
        product.iter_mut().zip(row).for_each(|(sum, w)| *sum += factor * w);
    }
    product
}

/// A matrix [rows, columns] by its columns, [columns, rows].
fn transposed(matrix: &[f64], columns: usize) -> Vec<f64> {
    (0..columns).flat_map(|column| matrix.iter().skip(column).step_by(columns).copied()).collect()
}

/// Adds the products of all elements of two vectors to a matrix [of the first, of the second].
fn add_outer(matrix: &mut [f64], a: &[f64], b: &[f64]) {
    for (row, a) in matrix.chunks_exact_mut(b.len()).zip(a) {
        row.iter_mut().zip(b).for_each(|(sum, b)| *sum += a * b);
    }
}

/// A row of a matrix [.., width].
fn row(matrix: &[f64], width: usize, index: usize) -> &[f64] {
    &matrix[index * width..][..width]
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `sum += values`.
fn add(sum: &mut [f64], values: &[f64]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

/// Adds a bias [width] to every row of a matrix [rows, width].
fn add_to_rows(rows: &mut [f64], bias: &[f64]) {
    rows.chunks_exact_mut(bias.len()).for_each(|row| add(row, bias));
}
