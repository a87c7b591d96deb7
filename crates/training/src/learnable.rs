use std::sync::{Arc, Mutex};

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{ExecutionError, TensorReadError},
    train::{InferenceStep, ItemLazy, TrainOutput, TrainStep},
};
use clockwork_model::{Batch, Transformer, loss};

use crate::{
    GradientMethod,
    closed_form::{self, Buffers, Pairs},
    scores::Scores,
};

/// Networks side by side as burn-train's learner takes them.
#[derive(Module, Debug)]
pub(crate) struct Learnable {
    pub networks: Transformer,
    #[module(skip)]
    method: GradientMethod,
    #[module(skip)]
    buffers: Arc<Mutex<Buffers>>,
}

/// All pairs of a side of every network's split, as either way to the gradient takes them.
#[derive(Debug, Clone)]
pub(crate) struct Examples {
    pub batch: Batch,
    /// One element a network.
    pub pairs: Arc<Vec<Pairs>>,
}

/// The result of a training step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stepped {
    /// Each network's mean loss before the step, where it costs nothing to know.
    pub losses: Option<Vec<f64>>,
}

impl ItemLazy for Stepped {
    fn sync(self) -> Result<Self, ExecutionError> {
        Ok(self)
    }
}

impl Learnable {
    pub fn new(networks: Transformer, method: GradientMethod) -> Self {
        Self { networks, method, buffers: Arc::default() }
    }

    /// Every network's loss and accuracy on its examples.
    pub fn scores(&self, examples: &Examples) -> Result<Vec<Scores>, TensorReadError> {
        let scores = |(loss, accuracy)| Scores { loss, accuracy };
        match self.method {
            GradientMethod::ClosedForm => {
                let (config, weights) = (self.networks.config(), self.networks.weights()?);
                let of = weights.iter().zip(examples.pairs.iter());
                Ok(of.map(|(weights, pairs)| closed_form::evaluate(config, weights, pairs)).collect())
            }
            GradientMethod::Autodiff => {
                let r = self.networks.len();
                let logits = self.networks.last_position(&examples.batch).logits;
                let accuracies = loss::accuracies(logits.clone(), &examples.batch, r)?;
                let losses = loss::means(loss::per_example(logits, &examples.batch), r)?;
                Ok(losses.into_iter().zip(accuracies).map(scores).collect())
            }
        }
    }

    fn differentiate(&self, examples: &Examples) -> TrainOutput<Stepped> {
        let logits = self.networks.last_position(&examples.batch).logits;
        // The sum of the networks' mean losses has each one's own gradient.
        let pairs = examples.batch.len() / self.networks.len();
        let loss = loss::per_example(logits, &examples.batch).sum() / pairs as f64;
        let grads = GradientsParams::from_grads(loss.backward(), self);
        TrainOutput { grads, item: Stepped::default() }
    }

    fn closed_form(&self, examples: &Examples) -> TrainOutput<Stepped> {
        let weights = self.networks.weights().expect("the processor's own memory can be read");
        let mut buffers = self.buffers.lock().expect("one step at a time");
        let config = self.networks.config();
        let of = weights.iter().zip(examples.pairs.iter());
        let (scores, gradients): (Vec<Scores>, Vec<_>) =
            of.map(|(weights, pairs)| closed_form::gradients(config, weights, pairs, &mut buffers)).unzip();
        let losses = scores.iter().map(|scores| scores.loss).collect();
        let grads = self.networks.gradients_params(gradients);
        TrainOutput { grads, item: Stepped { losses: Some(losses) } }
    }
}

impl TrainStep for Learnable {
    type Input = Examples;
    type Output = Stepped;

    fn step(&self, examples: Examples) -> TrainOutput<Stepped> {
        match self.method {
            GradientMethod::ClosedForm => self.closed_form(&examples),
            GradientMethod::Autodiff => self.differentiate(&examples),
        }
    }
}

impl InferenceStep for Learnable {
    type Input = Examples;
    type Output = Stepped;

    fn step(&self, examples: Examples) -> Stepped {
        Stepped { losses: self.scores(&examples).ok().map(|of| of.iter().map(|of| of.loss).collect()) }
    }
}
