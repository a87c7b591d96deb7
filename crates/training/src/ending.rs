use crate::{Evaluation, Milestones};

/// Why training ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It took `max_steps` steps.
    MaxSteps,
    /// The test loss stayed low, and the steps of the cleanup are taken.
    EarlyStop,
    /// The test loss stayed low, and the circuit is clean.
    Clean,
    /// It was asked to stop, with the reason given.
    Interrupted(String),
}

/// The result of training a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Why it ended.
    pub ending: Ending,
    /// The step that it ended at.
    pub step: u64,
    /// When the run passed its milestones.
    pub milestones: Milestones,
    /// All evaluations, of which there is at least one.
    pub evaluations: Vec<Evaluation>,
    /// Seconds of training, before and after every stop.
    pub elapsed_s: f64,
}
