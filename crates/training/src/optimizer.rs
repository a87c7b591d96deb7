use burn::{
    lr_scheduler::{linear::LinearLrSchedulerConfig, module_lr_scheduler::ModuleLrScheduler},
    optim::{AdamWConfig, ModuleOptimizer},
};

use crate::{OptimizerConfig, TrainingDevice, adam_w::AdamW};

/// `AdamW` with these settings: our own on the processor, burn's elsewhere.
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

/// The learning rate at step s is `learning_rate · min(s / warmup_steps, 1)`.
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
    use crate::Config;

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
