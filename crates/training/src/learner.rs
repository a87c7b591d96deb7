use std::sync::{Arc, Mutex};

use burn::{
    lr_scheduler::{linear::LinearLrSchedulerConfig, module_lr_scheduler::ModuleLrScheduler},
    module::Module,
    optim::{AdamWConfig, GradientsParams, ModuleOptimizer},
    tensor::{ExecutionError, TensorReadError},
    train::{InferenceStep, ItemLazy, Learner, TrainOutput, TrainStep, metric::Adaptor},
};
use clockwork_model::{Batch, Transformer, loss};

use crate::{
    Config, GradientMethod, OptimizerConfig, TrainingDevice,
    adam_w::AdamW,
    closed_form::{self, Buffers, Pairs},
};

/// The network as burn's [`Learner`] takes it.
#[derive(Module, Debug)]
pub(crate) struct Learnable {
    pub network: Transformer,
    #[module(skip)]
    method: GradientMethod,
    #[module(skip)]
    buffers: Arc<Mutex<Buffers>>,
}

/// All pairs of a split, as either way to the gradient takes them.
#[derive(Debug, Clone)]
pub(crate) struct Examples {
    pub batch: Batch,
    pub pairs: Arc<Pairs>,
}

/// How well a network does on a split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scores {
    /// Mean loss in nats.
    pub loss: f64,
    /// Fraction of pairs answered right.
    pub accuracy: f64,
}

/// What a step tells.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stepped {
    /// The mean loss before the step, where it costs nothing to know.
    pub loss: Option<f64>,
    /// What an evaluation found, for burn's metrics.
    pub scores: Option<Scores>,
}

impl ItemLazy for Stepped {
    fn sync(self) -> Result<Self, ExecutionError> {
        Ok(self)
    }
}

impl Adaptor<Option<Scores>> for Stepped {
    fn adapt(&self) -> Option<Scores> {
        self.scores
    }
}

impl Learnable {
    pub fn new(network: Transformer, method: GradientMethod) -> Self {
        Self { network, method, buffers: Arc::default() }
    }

    /// Loss and accuracy on a split.
    pub fn evaluate(&self, examples: &Examples) -> Result<Scores, TensorReadError> {
        match self.method {
            GradientMethod::ClosedForm => {
                let weights = self.network.weights()?;
                Ok(closed_form::evaluate(self.network.config(), &weights, &examples.pairs))
            }
            GradientMethod::Autodiff => {
                let logits = self.network.last_position(&examples.batch).logits;
                Ok(Scores {
                    accuracy: loss::accuracy(logits.clone(), &examples.batch)?,
                    loss: loss::mean(loss::per_example(logits, &examples.batch))?,
                })
            }
        }
    }

    fn differentiate(&self, examples: &Examples) -> TrainOutput<Stepped> {
        let logits = self.network.last_position(&examples.batch).logits;
        let loss = loss::per_example(logits, &examples.batch).mean();
        let grads = GradientsParams::from_grads(loss.backward(), self);
        TrainOutput { grads, item: Stepped::default() }
    }

    fn closed_form(&self, examples: &Examples) -> TrainOutput<Stepped> {
        let weights = self.network.weights().expect("the processor's own memory can be read");
        let mut buffers = self.buffers.lock().expect("one step at a time");
        let (scores, gradients) =
            closed_form::gradients(self.network.config(), &weights, &examples.pairs, &mut buffers);
        let grads = self.network.gradients_params(gradients);
        TrainOutput { grads, item: Stepped { loss: Some(scores.loss), scores: None } }
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
        Stepped { loss: None, scores: self.evaluate(&examples).ok() }
    }
}

/// The network with its optimiser and the learning rate after `step` steps.
pub(crate) fn learner(
    network: Transformer,
    config: &Config,
    on: &TrainingDevice,
    step: u64,
) -> Learner<Learnable> {
    let network = Learnable::new(network, on.gradient_method(config));
    let mut learner = Learner::new(network, optimizer(&config.optimizer, on), warm_up(&config.optimizer));
    for _ in 0..step {
        learner.lr_step();
    }
    learner
}

pub(crate) fn optimizer(config: &OptimizerConfig, on: &TrainingDevice) -> ModuleOptimizer {
    if on.is_processor() {
        return AdamW::new(config).into();
    }
    let &OptimizerConfig { beta_1, beta_2, epsilon, weight_decay, .. } = config;
    AdamWConfig::new()
        .with_beta_1(beta_1 as f32)
        .with_beta_2(beta_2 as f32)
        .with_epsilon(epsilon as f32)
        .with_weight_decay(weight_decay as f32)
        .with_cautious_weight_decay(false)
        .with_amsgrad(false)
        .with_grad_clipping(None)
        .init()
}

/// At step s the learning rate is `learning_rate · min(s / warmup_steps, 1)`.
pub(crate) fn warm_up(config: &OptimizerConfig) -> ModuleLrScheduler {
    match config.warmup_steps {
        0 | 1 => config.learning_rate.into(),
        steps => LinearLrSchedulerConfig::new(
            config.learning_rate / steps as f64,
            config.learning_rate,
            steps as usize - 1,
        )
        .init()
        .expect("a valid configuration keeps the learning rate in (0, 1]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_linearly_and_stays() {
        let rates = |warmup_steps, n| {
            let mut config = Config::load(None, &[]).unwrap().optimizer;
            config.warmup_steps = warmup_steps;
            let mut scheduler = warm_up(&config);
            (0..n).map(|_| scheduler.step().base()).collect::<Vec<_>>()
        };
        for (rate, expected) in rates(4, 6).into_iter().zip([0.25e-3, 0.5e-3, 0.75e-3, 1e-3, 1e-3, 1e-3]) {
            assert!((rate - expected).abs() < 1e-15);
        }
        assert_eq!(rates(0, 2), [1e-3, 1e-3]);
        assert_eq!(rates(1, 2), [1e-3, 1e-3]);
    }
}
