use crate::{Config, Evaluation, StopWhen, schedule::Schedule};

/// Evaluations in a row that the test loss must stay below its bound: one can be a fluke.
const EVALUATIONS_BELOW: u32 = 3;

/// Once the loss is low, one checkpoint in this many steps is looked at, or every one where they are further apart.
const LOOK_EVERY: u64 = 1_000;

/// Decides which step is the last.
#[derive(Debug, Clone)]
pub struct EarlyStop {
    stop_below_test_loss: f64,
    stop_when: StopWhen,
    cleanup_steps: u64,
    checkpoint_every: u64,
    max_steps: u64,
    schedule: Schedule,
    below: u32,
    cleanup_since: Option<u64>,
    clean_at: Option<u64>,
}

impl EarlyStop {
    /// The rule that a configuration asks for, before any evaluation.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let training = &config.training;
        Self {
            stop_below_test_loss: training.stop_below_test_loss,
            stop_when: config.stop_when(),
            cleanup_steps: training.cleanup_steps,
            checkpoint_every: training.checkpoint_every,
            max_steps: training.max_steps,
            schedule: Schedule::new(config),
            below: 0,
            cleanup_since: None,
            clean_at: None,
        }
    }

    /// The rule that a configuration asks for, after these evaluations. Whether a checkpoint was clean they do not
    /// tell.
    #[must_use]
    pub fn after(config: &Config, evaluations: &[Evaluation]) -> Self {
        let mut rule = Self::new(config);
        evaluations.iter().for_each(|of| rule.observe(of.step, of.test_loss));
        rule
    }

    /// Takes note of the next evaluation. The one at a last step that the schedule does not have counts for nothing,
    /// so that a run that goes on ends where it would have ended without stopping there.
    pub fn observe(&mut self, step: u64, test_loss: f64) {
        if !self.schedule.is_evaluation(step) {
            return;
        }
        let is_below = test_loss < self.stop_below_test_loss;
        self.below = if is_below { self.below + 1 } else { 0 };
        if self.below >= EVALUATIONS_BELOW && self.cleanup_since.is_none() {
            self.cleanup_since = Some(step);
        }
    }

    /// Whether the checkpoint of a step is one to look at: where a clean circuit ends the cleanup, the first of
    /// every thousand steps once the loss is low.
    #[must_use]
    pub fn looks_at(&self, step: u64) -> bool {
        let every = self.checkpoint_every;
        self.is_cleaning_up(step)
            && step.is_multiple_of(every)
            && (every >= LOOK_EVERY || step % LOOK_EVERY < every)
    }

    /// Whether a clean circuit at a step would end the run: the loss is low by then.
    #[must_use]
    pub fn is_cleaning_up(&self, step: u64) -> bool {
        self.stop_when == StopWhen::Clean && self.cleanup_since.is_some_and(|since| since <= step)
    }

    /// The step of the clean checkpoint that ends the run, if one does.
    #[must_use]
    pub fn clean_at(&self) -> Option<u64> {
        self.clean_at
    }

    /// Takes note that the checkpoint of a step is clean. The run ends a checkpoint later, so that it goes on while
    /// it is looked at.
    pub fn found_clean(&mut self, step: u64) {
        self.clean_at.get_or_insert(step);
    }

    /// The step by which it must be known whether the checkpoint of a step is clean.
    #[must_use]
    pub fn known_by(&self, step: u64) -> u64 {
        step + self.checkpoint_every
    }

    /// The last step, as far as is known now.
    #[must_use]
    pub fn last_step(&self) -> u64 {
        let end_of_cleanup = match self.stop_when {
            StopWhen::Steps => self.cleanup_since.map(|step| step + self.cleanup_steps),
            StopWhen::Clean => self.clean_at.map(|step| self.known_by(step)),
        };
        end_of_cleanup.map_or(self.max_steps, |step| step.min(self.max_steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(settings: &[&str], test_losses: &[f64]) -> EarlyStop {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let mut rule = EarlyStop::new(&Config::load(None, &settings).unwrap());
        for (step, &test_loss) in (0..).step_by(100).zip(test_losses) {
            rule.observe(step, test_loss);
        }
        rule
    }

    #[test]
    fn three_in_a_row_start_the_cleanup_and_nothing_ends_it() {
        let last_step = |test_losses: &[f64]| {
            let settings =
                ["training.max_steps=30000", "training.stop_when=steps", "training.cleanup_steps=50"];
            after(&settings, test_losses).last_step()
        };
        assert_eq!(last_step(&[1.0, 1e-7, 1e-7]), 30_000);
        assert_eq!(last_step(&[1e-7, 1e-7, 1.0, 1e-7]), 30_000);
        assert_eq!(last_step(&[1.0, 1e-7, 1e-7, 1e-7, 1.0, f64::NAN]), 350);
    }

    #[test]
    fn an_evaluation_beside_the_schedule_counts_for_nothing() {
        let settings = ["training.max_steps=30000", "training.stop_when=steps", "training.cleanup_steps=0"];
        let mut rule = after(&settings, &[1e-7, 1e-7]);
        rule.observe(150, 1e-7);
        assert_eq!(rule.last_step(), 30_000);
        rule.observe(170, 1.0);
        rule.observe(200, 1e-7);
        assert_eq!(rule.last_step(), 200);
    }

    #[test]
    fn a_clean_checkpoint_ends_the_cleanup_a_checkpoint_later() {
        let settings = ["training.max_steps=5000", "training.stop_when=clean"];
        assert!(!after(&settings, &[1.0, 1e-7, 1e-7]).looks_at(1_000), "the loss is not low yet");
        let mut rule = after(&settings, &[1.0, 1e-7, 1e-7, 1e-7]);
        let looked_at: Vec<u64> = (0..5_000).filter(|&step| rule.looks_at(step)).collect();
        assert_eq!((looked_at, rule.last_step()), (vec![1_000, 2_000, 3_000, 4_000], 5_000));
        rule.found_clean(3_000);
        rule.found_clean(4_000);
        assert_eq!(rule.last_step(), 3_200);
        let mut rule = after(&settings, &[1e-7; 3]);
        rule.found_clean(4_900);
        assert_eq!(rule.last_step(), 5_000);
    }

    #[test]
    fn the_first_checkpoint_of_every_thousand_steps_is_looked_at() {
        let looked_at = |every: &str| -> Vec<u64> {
            let every = format!("training.checkpoint_every={every}");
            let rule = after(&[&every, "training.stop_when=clean"], &[1e-7; 3]);
            (0..4_000).filter(|&step| rule.looks_at(step)).collect()
        };
        assert_eq!(looked_at("300"), [1_200, 2_100, 3_000]);
        assert_eq!(looked_at("500"), [1_000, 2_000, 3_000]);
        assert_eq!(looked_at("1500"), [1_500, 3_000]);
        let rule = after(&["training.stop_when=steps"], &[1e-7; 3]);
        assert!(!(0..4_000).any(|step| rule.looks_at(step)));
    }
}
