use burn::{
    lr_scheduler::{linear::LinearLrSchedulerConfig, module_lr_scheduler::ModuleLrScheduler},
    module::Module,
    optim::{AdamWConfig, GradientsParams},
    tensor::{ExecutionError, TensorReadError},
    train::{InferenceStep, ItemLazy, Learner, TrainOutput, TrainStep, metric::Adaptor},
};
use clockwork_model::{Batch, Transformer, loss};

use crate::{Config, OptimizerConfig};

/// The network as burn's [`Learner`] takes it.
#[derive(Module, Debug)]
pub(crate) struct Learnable {
    pub network: Transformer,
}

/// How well a network does on a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scores {
    /// Mean loss in nats.
    pub loss: f64,
    /// Fraction of pairs answered right.
    pub accuracy: f64,
}

/// What a step tells burn's metrics: nothing, but at evaluations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progressed {
    pub scores: Option<Scores>,
}

impl ItemLazy for Progressed {
    fn sync(self) -> Result<Self, ExecutionError> {
        Ok(self)
    }
}

impl Adaptor<Option<Scores>> for Progressed {
    fn adapt(&self) -> Option<Scores> {
        self.scores
    }
}

impl Learnable {
    /// Loss and accuracy on a batch.
    pub fn evaluate(&self, batch: &Batch) -> Result<Scores, TensorReadError> {
        let logits = self.network.last_position(batch).logits;
        Ok(Scores {
            accuracy: loss::accuracy(logits.clone(), batch)?,
            loss: loss::mean(loss::per_example(logits, batch))?,
        })
    }
}

impl TrainStep for Learnable {
    type Input = Batch;
    type Output = Progressed;

    fn step(&self, batch: Batch) -> TrainOutput<Progressed> {
        let logits = self.network.last_position(&batch).logits;
        let loss = loss::per_example(logits, &batch).mean();
        let grads = GradientsParams::from_grads(loss.backward(), self);
        TrainOutput { grads, item: Progressed { scores: None } }
    }
}

impl InferenceStep for Learnable {
    type Input = Batch;
    type Output = Progressed;

    fn step(&self, batch: Batch) -> Progressed {
        Progressed { scores: self.evaluate(&batch).ok() }
    }
}

/// The network with its optimiser and the learning rate after `step` steps.
pub(crate) fn learner(network: Learnable, config: &Config, step: u64) -> Learner<Learnable> {
    let OptimizerConfig { beta_1, beta_2, epsilon, weight_decay, .. } = config.optimizer;
    let adam_w = AdamWConfig::new()
        .with_beta_1(beta_1 as f32)
        .with_beta_2(beta_2 as f32)
        .with_epsilon(epsilon as f32)
        .with_weight_decay(weight_decay as f32)
        .with_cautious_weight_decay(false)
        .with_amsgrad(false)
        .with_grad_clipping(None);
    let mut learner = Learner::new(network, adam_w.init(), warm_up(&config.optimizer));
    for _ in 0..step {
        learner.lr_step();
    }
    learner
}

/// At step s the learning rate is `learning_rate · min(s / warmup_steps, 1)`.
fn warm_up(config: &OptimizerConfig) -> ModuleLrScheduler {
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
