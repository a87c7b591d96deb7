use std::{borrow::Cow, collections::BTreeMap};

use clockwork_model::{Activation, Checkpoint, Coordinates, CoordinatesOf, Split, Task, loss};
use rayon::prelude::*;

use crate::{
    Activations, Embeddings, LinearHeads, LogitGradients, Network, Result, WaveCertificate,
    additive::Additive,
    all_pairs::{AllPairs, SplitInputs},
    losses::{Losses, is_above_all},
    network_of,
};

/// A network and what it does on all n² inputs, in 64 bits and in the coordinates of its task.
///
/// In [coordinates](Coordinates) every operation that has them is addition modulo n, so what sees a network here
/// need not know which operation it learned. Inputs are numbered `x · n + y`. Where answers have no coordinates they
/// stand as they are, and so do inputs that have none.
#[derive(Debug)]
pub struct AnalysedNetwork {
    /// Number of neurons.
    pub d_mlp: usize,
    /// What they compute.
    pub activation: Activation,
    /// The embeddings of the numbers in the order of their coordinates, [n, width]; those of y behind those of x in each
    /// row, where they are not the same.
    pub embedding: Vec<f64>,
    /// `W_logit`, the linear map from neurons to logits, with the answers in the order of the logits', [d_mlp, n].
    pub w_logit: Vec<f64>,
    /// What `W_logit` is multiplied by on each input, [n²], where a layer norm stands before the unembedding.
    pub logit_scale: Option<Vec<f64>>,
    /// Attention from the last token to each, [n², n_heads, tokens]; empty where there is none.
    pub pattern: Vec<f64>,
    /// What the tokens are called that attention goes to.
    pub attended: Vec<String>,
    /// Neurons before the activation, [n², d_mlp].
    pub neuron_acts_pre: Vec<f64>,
    /// Neurons after the activation, [n², d_mlp].
    pub neuron_acts: Vec<f64>,
    /// Logits, [n², n], with the answers in the order of their coordinates.
    pub logits: Vec<f64>,
    /// The right answer to each input, [n²]: with coordinates the sum of the input's.
    pub answers: Vec<usize>,
    /// The largest logit of each input that is of an answer without a coordinate, [n²], where there are any.
    rivals: Option<Vec<f64>>,
    network: Box<dyn Network>,
    task: Task,
    /// The index of every input's pair, [n²].
    pairs: Vec<usize>,
    coordinates: Coordinates,
    /// The answer that each column of the logits is of, [n].
    columns: Vec<usize>,
    n: usize,
}

/// The gradients of a network's logits, by the coordinates of numbers and answers.
struct GradientsInCoordinates<'a> {
    gradients: Box<dyn LogitGradients + 'a>,
    of: &'a AnalysedNetwork,
}

impl LogitGradients for GradientsInCoordinates<'_> {
    fn of(&self, (x, y): (usize, usize), answers: &[usize]) -> [Vec<f64>; 2] {
        let pair = self.of.task.pair(self.of.pairs[x * self.of.n + y]);
        let answers: Vec<usize> = answers.iter().map(|&z| self.of.columns[z]).collect();
        self.gradients.of(pair, &answers)
    }
}

impl AnalysedNetwork {
    /// Runs the network of a checkpoint on all inputs.
    ///
    /// # Errors
    ///
    /// [`Error::Device`](crate::Error::Device) where the result cannot be read back.
    pub fn of(checkpoint: &Checkpoint) -> Result<Self> {
        let task = checkpoint.metadata.task;
        Self::in_coordinates(task.coordinates(), task, network_of(checkpoint))
    }

    fn in_coordinates(coordinates: Coordinates, task: Task, network: Box<dyn Network>) -> Result<Self> {
        let p = task.modulus;
        let pairs: Vec<(usize, usize)> = coordinates.pairs().collect();
        let Activations { pattern, neuron_acts_pre, neuron_acts, logits, logit_scale } =
            network.run(&pairs)?;
        let w_logit = network.w_logit();
        let n = coordinates.n();
        let of_sum = |input: usize| (input / n + input % n) % n;
        let (columns_of, answers): (Vec<usize>, Vec<usize>) = match coordinates.of {
            CoordinatesOf::InputsAndAnswers => (coordinates.answer.clone(), (0..n * n).map(of_sum).collect()),
            CoordinatesOf::Inputs | CoordinatesOf::Nothing => {
                ((0..p).collect(), pairs.iter().map(|&pair| task.answer(pair)).collect())
            }
        };
        Ok(Self {
            d_mlp: w_logit.len() / p,
            activation: network.activation(),
            embedding: embedding(&network.embeddings(), [&coordinates.x, &coordinates.y]),
            w_logit: columns(w_logit, p, &columns_of),
            logit_scale,
            pattern,
            attended: network.attended(),
            neuron_acts_pre,
            neuron_acts,
            rivals: rivals(&logits, p, &columns_of),
            logits: columns(logits, p, &columns_of),
            answers,
            columns: columns_of,
            task,
            pairs: pairs.into_iter().map(|pair| task.index(pair)).collect(),
            n,
            coordinates,
            network,
        })
    }

    /// The n of Z_n: how many numbers, and how many answers, have a coordinate.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// What has coordinates.
    #[must_use]
    pub fn coordinates_of(&self) -> CoordinatesOf {
        self.coordinates.of
    }

    /// The logits with their right answers.
    pub(crate) fn losses(&self) -> Losses<'_> {
        Losses { answers: &self.answers, original: &self.logits }
    }

    /// Whether one embedding serves x and y in different coordinates, as in the difference of two numbers: what is alike of
    /// both it need not treat alike.
    pub(crate) fn shares_an_embedding_in_two_ways(&self) -> bool {
        !self.has_own_embeddings() && !self.coordinates.are_alike()
    }

    /// `W_logit` with a column for the answer to each sum of coordinates, [d_mlp, n]: the same, but where several sums share an
    /// answer.
    pub(crate) fn w_logit_by_sum(&self) -> Vec<f64> {
        match self.coordinates.of {
            CoordinatesOf::Inputs => columns(self.w_logit.clone(), self.n, &self.coordinates.answer),
            CoordinatesOf::InputsAndAnswers | CoordinatesOf::Nothing => self.w_logit.clone(),
        }
    }

    /// The width of an embedding, d_model in a transformer.
    #[must_use]
    pub fn embedding_width(&self) -> usize {
        self.embedding.len() / self.n
    }

    /// Whether x and y have embeddings of their own.
    pub(crate) fn has_own_embeddings(&self) -> bool {
        self.network.embeddings().y.is_some()
    }

    /// The embeddings of x in the order of their coordinates, [n, width].
    pub(crate) fn embedding_of_x(&self) -> Vec<f64> {
        let width = self.network.embeddings().width;
        self.embedding.chunks_exact(self.embedding_width()).flat_map(|row| &row[..width]).copied().collect()
    }

    /// The embeddings of the numbers in the order of the coordinates that they have as y, [n, width], where they have others as x
    /// and one embedding serves both.
    pub(crate) fn embedding_as_y(&self) -> Option<Vec<f64>> {
        let Embeddings { width, x, .. } = self.network.embeddings();
        let rows = self.coordinates.y.iter().flat_map(|&number| &x[number * width..][..width]);
        self.shares_an_embedding_in_two_ways().then(|| rows.copied().collect())
    }

    /// The embeddings of the numbers in an order, [numbers, width]; those of y behind those of x in each row, where they are not
    /// the same.
    pub(crate) fn embedding_of_numbers(&self, numbers: &[usize]) -> Vec<f64> {
        embedding(&self.network.embeddings(), [numbers, numbers])
    }

    /// What numbers add to the neurons and to the logits, and how many multiplications that took, where there is no more to a
    /// network of ReLUs, all of whose answers have coordinates.
    pub(crate) fn additive(&self) -> Option<(Additive, u64)> {
        if self.rivals.is_some() {
            return None;
        }
        let tables = self.network.tables().filter(|tables| tables.activation == Activation::Relu)?;
        let Coordinates { x, y, .. } = &self.coordinates;
        Some((Additive::new(&tables, [x, y], &self.columns), tables.products))
    }

    /// How many multiplications the matrices of the network take on all inputs.
    pub(crate) fn products(&self) -> u64 {
        (self.n * self.n) as u64 * self.network.products()
    }

    /// How far a computed logit can be from that of exact arithmetic, where a bound is known.
    pub(crate) fn logit_error(&self) -> Option<f64> {
        self.network.logit_error().filter(|error| error.is_finite())
    }

    /// On which inputs the waves of these amplitudes outweigh everything else.
    pub(crate) fn wave_certificate(&self, amplitudes: &BTreeMap<usize, f64>) -> WaveCertificate {
        WaveCertificate::new(self.n, &self.logits, amplitudes, self.logit_error(), self.rivals.as_deref())
    }

    /// The same network with another embedding: what becomes of the embeddings of the numbers in the order of their
    /// coordinates, [n, width], of x and, where they are others, of y. A number without a coordinate keeps its own.
    ///
    /// # Errors
    ///
    /// Those of the change.
    pub(crate) fn with_embedding(&self, change: impl Fn(&[f64]) -> Result<Vec<f64>>) -> Result<Changed<'_>> {
        let Embeddings { width, x, y } = self.network.embeddings();
        let changed = |embeddings: &[f64], coordinates: &[usize]| -> Result<Cow<[f64]>> {
            let rows = coordinates.iter().flat_map(|&number| &embeddings[number * width..][..width]);
            let mut all = embeddings.to_vec();
            let rows = change(&rows.copied().collect::<Vec<f64>>())?;
            for (row, &number) in rows.chunks_exact(width).zip(coordinates) {
                all[number * width..][..width].copy_from_slice(row);
            }
            Ok(all.into())
        };
        // One embedding that serves both in different coordinates becomes two.
        let of_y = y.or_else(|| self.shares_an_embedding_in_two_ways().then(|| x.clone()));
        let x = changed(&x, &self.coordinates.x)?;
        let y = of_y.map(|y| changed(&y, &self.coordinates.y)).transpose()?;
        Ok(Changed { network: self.network.with_embeddings(&Embeddings { width, x, y }), of: self })
    }

    /// The gradients of its logits, with numbers and answers by their coordinates.
    pub(crate) fn gradients(&self) -> impl LogitGradients + '_ {
        GradientsInCoordinates { gradients: self.network.gradients(), of: self }
    }

    /// How many attention heads there are.
    #[must_use]
    pub fn n_heads(&self) -> usize {
        match self.attended.len() {
            0 => 0,
            tokens => self.pattern.len() / (self.n * self.n * tokens),
        }
    }

    /// The mean over inputs of the attention from the last token to each, per head, [n_heads][tokens].
    #[must_use]
    pub fn mean_attention(&self) -> Vec<Vec<f64>> {
        let (tokens, inputs) = (self.attended.len(), self.n * self.n);
        let maps = tokens * self.n_heads();
        let mean = |map: usize| self.pattern.iter().skip(map).step_by(maps).sum::<f64>() / inputs as f64;
        (0..self.n_heads())
            .map(|head| (0..tokens).map(|token| mean(head * tokens + token)).collect())
            .collect()
    }

    /// The attention heads, where one linear map goes through them, and the embeddings of the numbers in the order of
    /// their coordinates, [n, d_model].
    pub(crate) fn linear_heads(&self) -> Option<(LinearHeads<'_>, &[f64])> {
        self.network.linear_heads().map(|heads| (heads, &self.embedding[..]))
    }

    /// All pairs of its task, those included that have no coordinates.
    pub(crate) fn over_all_pairs(&self, split: Option<&Split>) -> Result<AllPairs<'_>> {
        let pairs: Vec<(usize, usize)> = self.task.pairs().collect();
        // They have been run where each number and answer is its own coordinate.
        let are_run = self.pairs.iter().copied().eq(self.task.indices())
            && self.columns.iter().copied().eq(0..self.task.modulus);
        let logits = match are_run {
            true => (&self.logits).into(),
            false => self.network.run(&pairs)?.logits.into(),
        };
        let answers = pairs.into_iter().map(|pair| self.task.answer(pair)).collect();
        let split = split.map(|split| SplitInputs::new(split, &self.task.indices()));
        Ok(AllPairs { logits, answers, split })
    }

    /// Which inputs a split of the task's pairs trains on and holds out.
    pub(crate) fn inputs_of(&self, split: &Split) -> SplitInputs {
        SplitInputs::new(split, &self.pairs.iter().copied())
    }
}

/// A network in which something was changed, by the coordinates of the network that it was.
pub(crate) struct Changed<'a> {
    network: Box<dyn Network>,
    of: &'a AnalysedNetwork,
}

impl Changed<'_> {
    /// Its logits on some inputs, [inputs, n].
    pub fn logits(&self, inputs: &[usize]) -> Result<Vec<f64>> {
        let pairs: Vec<(usize, usize)> =
            inputs.iter().map(|&input| self.of.task.pair(self.of.pairs[input])).collect();
        let logits = match self.network.tables() {
            Some(tables) => tables.logits(&pairs),
            None => self.network.run(&pairs)?.logits,
        };
        Ok(columns(logits, self.of.task.modulus, &self.of.columns))
    }

    /// Its mean loss in nats, and the share of the answers that are right, on some inputs.
    pub fn loss_and_accuracy(&self, inputs: &[usize]) -> Result<[f64; 2]> {
        let n = self.of.n;
        let logits = self.logits(inputs)?;
        let of_input = |(&input, row): (&usize, &[f64])| {
            let answer = self.of.answers[input];
            [loss::of_row(row, answer), f64::from(u8::from(is_above_all(row, answer)))]
        };
        // Summed in the order of the inputs, on any number of threads.
        let all: Vec<[f64; 2]> = inputs.par_iter().zip(logits.par_chunks(n)).map(of_input).collect();
        let sums = all.iter().fold([0.0; 2], |sums, of| [sums[0] + of[0], sums[1] + of[1]]);
        Ok(sums.map(|sum| sum / inputs.len() as f64))
    }
}

/// Embeddings of numbers as x and as y, those of y, where they are others, behind those of x.
fn embedding(of: &Embeddings, [of_x, of_y]: [&[usize]; 2]) -> Vec<f64> {
    let row = |embeddings: &[f64], number: usize| embeddings[number * of.width..][..of.width].to_vec();
    let both = |(&x, &y): (&usize, &usize)| {
        let behind = of.y.as_ref().map_or_else(Vec::new, |embeddings| row(embeddings, y));
        [row(&of.x, x), behind].concat()
    };
    of_x.iter().zip(of_y).flat_map(both).collect()
}

/// The largest value of each row, of `width` numbers, in the columns that are not chosen, where there are any.
fn rivals(data: &[f64], width: usize, chosen: &[usize]) -> Option<Vec<f64>> {
    let others: Vec<usize> = (0..width).filter(|column| !chosen.contains(column)).collect();
    let largest = |row: &[f64]| others.iter().map(|&column| row[column]).fold(f64::NEG_INFINITY, f64::max);
    (!others.is_empty()).then(|| data.chunks_exact(width).map(largest).collect())
}

/// Chosen columns of row-major data whose rows have `width` numbers.
fn columns(data: Vec<f64>, width: usize, chosen: &[usize]) -> Vec<f64> {
    match chosen.iter().copied().eq(0..width) {
        true => data,
        false => data.chunks_exact(width).flat_map(|row| chosen.iter().map(|&column| row[column])).collect(),
    }
}

#[cfg(test)]
mod tests {
    use clockwork_model::clock;

    use super::*;

    const P: usize = 11;

    /// A clock whose numbers and answers have changed their names: number x is called `by · x`, and so is the
    /// answer. What it does is no longer the addition of names, and in coordinates it is.
    #[test]
    fn in_coordinates_renamed_numbers_add_as_before() {
        let by = |c: usize| c * 7 % P;
        let (config, weights) = clock(P, &[2, 5], 8);
        let (d_model, mut renamed) = (config.d_model, weights.clone());
        for c in 0..P {
            let (from, to) = (c * d_model, by(c) * d_model);
            renamed.w_e[to..to + d_model].copy_from_slice(&weights.w_e[from..from + d_model]);
            for row in 0..d_model {
                renamed.w_u[row * P + by(c)] = weights.w_u[row * P + c];
            }
        }
        let task = Task::addition(P);
        let names: Vec<usize> = (0..P).map(by).collect();
        let coordinates =
            Coordinates { x: names.clone(), y: names.clone(), answer: names, ..Coordinates::identity(P) };
        let expected = AnalysedNetwork::of(&Checkpoint::of_weights(config, weights)).unwrap();
        let renamed = network_of(&Checkpoint::of_weights(config, renamed));
        let found = AnalysedNetwork::in_coordinates(coordinates, task, renamed).unwrap();
        assert_eq!((&found.embedding, &found.w_logit), (&expected.embedding, &expected.w_logit));
        for (found, expected) in [
            (&found.pattern, &expected.pattern),
            (&found.neuron_acts, &expected.neuron_acts),
            (&found.logits, &expected.logits),
        ] {
            assert_eq!(found.len(), expected.len());
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9));
        }
        assert_eq!(found.losses().accuracy(&found.logits), 1.0);
        // The pair of names (by 1, by 2) is the input of coordinates (1, 2).
        let split = Split { train: vec![task.index((by(1), by(2)))], test: vec![task.index((by(0), by(3)))] };
        let inputs = found.inputs_of(&split);
        let chosen = |is_among: &[bool]| (0..P * P).filter(|&i| is_among[i]).collect::<Vec<_>>();
        assert_eq!((chosen(&inputs.train), chosen(&inputs.test)), (vec![P + 2], vec![3]));
    }
}
