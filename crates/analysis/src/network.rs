mod layer_norm;
mod paper;
mod transformer;
mod two_input_mlp;

use std::{borrow::Cow, fmt};

use clockwork_model::{Activation, Architecture, Checkpoint, StoredNetwork};

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

    /// The gradients of the logit of z on the pair (x, y) with respect to what enters the network for x and for y: their
    /// embeddings, or their one-hot vectors where numbers enter as these.
    fn logit_gradients(&self, pair: (usize, usize), z: usize) -> [Vec<f64>; 2];
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

/// The product of a matrix [rows, columns] and a vector [columns]: [rows].
fn times_vector(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(vector.len()).map(|row| dot(row, vector)).collect()
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
