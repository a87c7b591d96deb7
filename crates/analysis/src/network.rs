use std::collections::HashSet;

use burn::tensor::{DType, Device};
use clockwork_model::{Batch, Coordinates, ModelConfig, Parameters, Split, Task, Transformer, Weights};

use crate::Result;

/// A network and what it does on all n² inputs, in 64 bits and in the coordinates of its task.
///
/// In [coordinates](Coordinates) every operation is addition modulo n, so nothing that sees a network here
/// needs to know which operation it learned. Inputs are numbered `x · n + y`.
#[derive(Debug, Clone)]
pub struct Network {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Number of attention heads.
    pub n_heads: usize,
    /// Width of one attention head.
    pub d_head: usize,
    /// Number of neurons.
    pub d_mlp: usize,
    /// The weights. `W_E` has the numbers in the order of the coordinate of x and then the row of `=`,
    /// [n + 1, d_model]; `W_U` has the answers in the order of their coordinate, [d_model, n].
    pub weights: Parameters<Vec<f64>>,
    /// Attention from `=` to `x`, `y` and `=`, [n², n_heads, 3].
    pub pattern: Vec<f64>,
    /// Neurons before the ReLU, [n², d_mlp].
    pub neuron_acts_pre: Vec<f64>,
    /// Neurons after the ReLU, [n², d_mlp].
    pub neuron_acts: Vec<f64>,
    /// Logits, [n², n].
    pub logits: Vec<f64>,
    /// The index of every input among the task's pairs, [n²].
    pairs: Vec<usize>,
    n: usize,
}

/// Which inputs were trained on and which were held out, [n²] each.
#[derive(Debug, Clone)]
pub(crate) struct SplitInputs {
    pub train: Vec<bool>,
    pub test: Vec<bool>,
}

impl Network {
    /// Runs a network on all inputs, on the processor.
    ///
    /// # Errors
    ///
    /// [`Error::Device`](crate::Error::Device) where the result cannot be read back.
    pub fn new(task: Task, weights: &Weights, config: &ModelConfig) -> Result<Self> {
        Self::in_coordinates(&task.coordinates(), task, weights, config)
    }

    fn in_coordinates(
        coordinates: &Coordinates,
        task: Task,
        weights: &Weights,
        config: &ModelConfig,
    ) -> Result<Self> {
        let device = Device::flex();
        let network = Transformer::from_weights(&[weights], config, (&device, DType::F64));
        let pairs: Vec<usize> = coordinates.pairs().map(|pair| task.index(pair)).collect();
        let of = network.last_position(&Batch::new(task, &pairs, &device));
        let (p, d_model) = (config.modulus, config.d_model);
        let numbers = [&coordinates.x[..], &[p]].concat();
        let mut wide = weights.as_ref().map(|w| w.iter().copied().map(f64::from).collect::<Vec<f64>>());
        wide.w_e = numbers.iter().flat_map(|&x| &wide.w_e[x * d_model..][..d_model]).copied().collect();
        wide.w_u = columns(&wide.w_u, p, &coordinates.answer);
        Ok(Self {
            d_model,
            n_heads: config.n_heads,
            d_head: config.d_head(),
            d_mlp: config.d_mlp,
            weights: wide,
            pattern: of.pattern.try_into_vec_as()?,
            neuron_acts_pre: of.neuron_acts_pre.try_into_vec_as()?,
            neuron_acts: of.neuron_acts.try_into_vec_as()?,
            logits: columns(&of.logits.try_into_vec_as::<f64>()?, p, &coordinates.answer),
            pairs,
            n: coordinates.n(),
        })
    }

    /// The n of Z_n: how many numbers, and how many answers, there are.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// What the network learned, in coordinates: addition modulo n.
    #[must_use]
    pub fn addition(&self) -> Task {
        Task::addition(self.n)
    }

    /// `W_E` without the row of `=`, [n, d_model].
    pub(crate) fn number_embeddings(&self) -> &[f64] {
        &self.weights.w_e[..self.n * self.d_model]
    }

    /// Which inputs a split of the task's pairs trains on and holds out.
    pub(crate) fn inputs_of(&self, split: &Split) -> SplitInputs {
        let among = |pairs: &[usize]| {
            let pairs: HashSet<usize> = pairs.iter().copied().collect();
            self.pairs.iter().map(|pair| pairs.contains(pair)).collect()
        };
        SplitInputs { train: among(&split.train), test: among(&split.test) }
    }
}

/// Chosen columns of row-major data whose rows have `width` numbers.
fn columns(data: &[f64], width: usize, chosen: &[usize]) -> Vec<f64> {
    data.chunks_exact(width).flat_map(|row| chosen.iter().map(|&column| row[column])).collect()
}

#[cfg(test)]
mod tests {
    use clockwork_model::clock;

    use super::*;
    use crate::losses::Losses;

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
        let coordinates = Coordinates { x: names.clone(), y: names.clone(), answer: names };
        let expected = Network::new(task, &weights, &config).unwrap();
        let found = Network::in_coordinates(&coordinates, task, &renamed, &config).unwrap();
        assert_eq!(found.weights, expected.weights);
        for (found, expected) in [
            (&found.pattern, &expected.pattern),
            (&found.neuron_acts, &expected.neuron_acts),
            (&found.logits, &expected.logits),
        ] {
            assert_eq!(found.len(), expected.len());
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9));
        }
        assert_eq!(
            Losses { addition: found.addition(), original: &found.logits }.accuracy(&found.logits),
            1.0
        );
        // The pair of names (by 1, by 2) is the input of coordinates (1, 2).
        let split = Split { train: vec![task.index((by(1), by(2)))], test: vec![task.index((by(0), by(3)))] };
        let inputs = found.inputs_of(&split);
        let chosen = |is_among: &[bool]| (0..P * P).filter(|&i| is_among[i]).collect::<Vec<_>>();
        assert_eq!((chosen(&inputs.train), chosen(&inputs.test)), (vec![P + 2], vec![3]));
    }
}
