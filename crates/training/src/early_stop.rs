use crate::{Config, Evaluation};

/// Evaluations in a row that the test loss must stay below its bound: one can be a fluke.
const EVALUATIONS_BELOW: u32 = 3;

/// Decides which step is the last.
#[derive(Debug, Clone)]
pub struct EarlyStop {
    stop_below_test_loss: f64,
    cleanup_steps: u64,
    max_steps: u64,
    below: u32,
    cleanup_since: Option<u64>,
}

impl EarlyStop {
    /// The rule that a configuration asks for, before any evaluation.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            stop_below_test_loss: config.training.stop_below_test_loss,
            cleanup_steps: config.training.cleanup_steps,
            max_steps: config.training.max_steps,
            below: 0,
            cleanup_since: None,
        }
    }

    /// The rule that a configuration asks for, after these evaluations.
    #[must_use]
    pub fn after(config: &Config, evaluations: &[Evaluation]) -> Self {
        let mut rule = Self::new(config);
        evaluations.iter().for_each(|of| rule.observe(of.step, of.test_loss));
        rule
    }

    /// Takes note of the next evaluation.
    pub fn observe(&mut self, step: u64, test_loss: f64) {
        let is_below = test_loss < self.stop_below_test_loss;
        self.below = if is_below { self.below + 1 } else { 0 };
        if self.below >= EVALUATIONS_BELOW && self.cleanup_since.is_none() {
            self.cleanup_since = Some(step);
        }
    }

    /// The last step, as far as is known now.
    #[must_use]
    pub fn last_step(&self) -> u64 {
        match self.cleanup_since {
            Some(step) => self.max_steps.min(step + self.cleanup_steps),
            None => self.max_steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_step_after(test_losses: &[f64]) -> u64 {
        let mut rule = EarlyStop::new(&Config::load(None, &["training.cleanup_steps=50".into()]).unwrap());
        for (step, &test_loss) in (0..).step_by(100).zip(test_losses) {
            rule.observe(step, test_loss);
        }
        rule.last_step()
    }

    #[test]
    fn three_in_a_row_start_the_cleanup_and_nothing_ends_it() {
        assert_eq!(last_step_after(&[1.0, 1e-7, 1e-7]), 30_000);
        assert_eq!(last_step_after(&[1e-7, 1e-7, 1.0, 1e-7]), 30_000);
        assert_eq!(last_step_after(&[1.0, 1e-7, 1e-7, 1e-7, 1.0, f64::NAN]), 350);
    }
}
