use crate::Config;

/// Which steps are evaluated and which are kept as checkpoints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    eval_every: u64,
    checkpoint_every: u64,
}

impl Schedule {
    /// The schedule that a configuration asks for.
    pub fn new(config: &Config) -> Self {
        Self { eval_every: config.training.eval_every, checkpoint_every: config.training.checkpoint_every }
    }

    /// Whether the weights after `step` steps are kept: those of step 0, of every power of two
    /// until the first full interval, for memorising happens fast, and of every full interval.
    pub fn is_checkpoint(&self, step: u64) -> bool {
        step.is_multiple_of(self.checkpoint_every) || step < self.checkpoint_every && step.is_power_of_two()
    }

    /// Whether the losses after `step` steps are measured; those of every checkpoint are.
    pub fn is_evaluation(&self, step: u64) -> bool {
        step.is_multiple_of(self.eval_every) || self.is_checkpoint(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_spaced_early_then_at_every_interval() {
        let schedule = Schedule { eval_every: 50, checkpoint_every: 100 };
        let steps = |due: &dyn Fn(u64) -> bool| (0..=300).filter(|&s| due(s)).collect::<Vec<_>>();
        assert_eq!(steps(&|s| schedule.is_checkpoint(s)), [0, 1, 2, 4, 8, 16, 32, 64, 100, 200, 300]);
        assert_eq!(
            steps(&|s| schedule.is_evaluation(s)),
            [0, 1, 2, 4, 8, 16, 32, 50, 64, 100, 150, 200, 250, 300]
        );
    }
}
