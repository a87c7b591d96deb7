use burn::tensor::{DType, Device};
use clockwork_model::{
    Activation, Batch, ModelConfig, NAMES, Norm, Norms, Task, TokenLayout, TransformerArchitecture, Weights,
    names,
};
use rayon::prelude::*;

use super::{
    Activations, Embeddings, LinearHeads, LogitGradients, Network, Tables, transformer::Transformer,
};
use crate::Result;

/// How many pairs the network sees at once: what it computes on the way then has some megabytes, which are used again and
/// again, where all pairs at once would need new memory in each step.
const PAIRS_AT_ONCE: usize = 512;

/// The paper's network. It runs by the forward pass that training has, in 64 bits; all else is as in any transformer.
#[derive(Debug)]
pub(super) struct PaperNetwork {
    task: Task,
    network: clockwork_model::Transformer,
    textbook: Transformer,
}

impl PaperNetwork {
    pub fn new(task: Task, weights: &Weights, config: &ModelConfig) -> Self {
        let network =
            clockwork_model::Transformer::from_weights(&[weights], config, (&Device::flex(), DType::F64));
        Self { task, network, textbook: textbook(weights, config) }
    }
}

/// The same network as one of the transformers with any choices.
fn textbook(weights: &Weights, config: &ModelConfig) -> Transformer {
    let &ModelConfig { modulus: p, d_model, n_heads, d_mlp } = config;
    let d_head = config.d_head();
    let architecture = TransformerArchitecture {
        d_model,
        n_heads,
        d_head,
        d_mlp,
        tokens: TokenLayout::paper(),
        own_vocabularies: false,
        activation: Activation::Relu,
        norms: Norms::all(Norm::None),
        attention_divisor: (d_head as f64).sqrt(),
        attention_coefficient: 1.0,
        parallel: false,
    };
    let named = NAMES.zip(weights.clone()).into_array();
    let per_head = || vec![0.0; n_heads * d_head];
    let zeros = [
        (names::B_Q, per_head()),
        (names::B_K, per_head()),
        (names::B_V, per_head()),
        (names::B_O, vec![0.0; d_model]),
        (names::B_U, vec![0.0; p]),
    ];
    Transformer::new(architecture, p, &named.into_iter().chain(zeros).collect())
}

impl Network for PaperNetwork {
    fn activation(&self) -> Activation {
        Activation::Relu
    }

    fn embeddings(&self) -> Embeddings<'_> {
        self.textbook.embeddings()
    }

    fn w_logit(&self) -> Vec<f64> {
        self.textbook.w_logit()
    }

    fn attended(&self) -> Vec<String> {
        self.textbook.attended()
    }

    fn linear_heads(&self) -> Option<LinearHeads<'_>> {
        self.textbook.linear_heads()
    }

    fn run(&self, pairs: &[(usize, usize)]) -> Result<Activations> {
        let pairs: Vec<usize> = pairs.iter().map(|&pair| self.task.index(pair)).collect();
        let ModelConfig { modulus: p, n_heads, d_mlp, .. } = self.network.config();
        let widths = [3 * n_heads, d_mlp, d_mlp, p];
        let [mut pattern, mut neuron_acts_pre, mut neuron_acts, mut logits] =
            widths.map(|width| vec![0.0; pairs.len() * width]);
        pairs
            .par_chunks(PAIRS_AT_ONCE)
            .zip(pattern.par_chunks_mut(PAIRS_AT_ONCE * widths[0]))
            .zip(neuron_acts_pre.par_chunks_mut(PAIRS_AT_ONCE * widths[1]))
            .zip(neuron_acts.par_chunks_mut(PAIRS_AT_ONCE * widths[2]))
            .zip(logits.par_chunks_mut(PAIRS_AT_ONCE * widths[3]))
            .try_for_each(|((((pairs, pattern), pre), acts), logits)| -> Result<()> {
                let of = self.network.last_position(&Batch::new(self.task, pairs, &Device::flex()));
                pattern.copy_from_slice(&of.pattern.try_into_vec_as::<f64>()?);
                pre.copy_from_slice(&of.neuron_acts_pre.try_into_vec_as::<f64>()?);
                acts.copy_from_slice(&of.neuron_acts.try_into_vec_as::<f64>()?);
                logits.copy_from_slice(&of.logits.try_into_vec_as::<f64>()?);
                Ok(())
            })?;
        Ok(Activations { pattern, neuron_acts_pre, neuron_acts, logits, logit_scale: None })
    }

    fn with_embeddings(&self, embeddings: &Embeddings) -> Box<dyn Network> {
        self.textbook.with_embeddings(embeddings)
    }

    fn logit_error(&self) -> Option<f64> {
        self.textbook.logit_error()
    }

    fn tables(&self) -> Option<Tables<'_>> {
        self.textbook.tables()
    }

    fn products(&self) -> u64 {
        self.textbook.products()
    }

    fn gradients(&self) -> Box<dyn LogitGradients + '_> {
        self.textbook.gradients()
    }
}

#[cfg(test)]
mod tests {
    use clockwork_model::initial_weights;

    use super::*;

    #[test]
    fn both_forward_passes_compute_the_same() {
        let config = ModelConfig { modulus: 7, d_model: 12, n_heads: 3, d_mlp: 20 };
        let network = PaperNetwork::new(Task::addition(7), &initial_weights(&config, 4), &config);
        let pairs: Vec<(usize, usize)> = Task::addition(7).pairs().collect();
        let (ours, textbook) = (network.run(&pairs).unwrap(), network.textbook.run(&pairs).unwrap());
        for (ours, textbook) in [
            (&ours.pattern, &textbook.pattern),
            (&ours.neuron_acts_pre, &textbook.neuron_acts_pre),
            (&ours.neuron_acts, &textbook.neuron_acts),
            (&ours.logits, &textbook.logits),
        ] {
            assert_eq!(ours.len(), textbook.len());
            assert!(ours.iter().zip(textbook).all(|(a, b)| (a - b).abs() < 1e-12));
        }
        // Both are as near to exact logits as is promised.
        let error = network.logit_error().unwrap();
        assert!(ours.logits.iter().zip(&textbook.logits).all(|(a, b)| (a - b).abs() <= 2.0 * error));
    }
}
