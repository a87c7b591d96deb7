use super::SweepRun;
use crate::Evaluation;

/// Receives the progress of a sweep's runs, from several threads at once. `()` ignores it.
pub trait SweepObserver: Send + Sync {
    /// A process is about to be started that trains a run.
    fn starts(&self, _run: &SweepRun) {}

    /// A run is being trained by a process of somebody else, which is waited for.
    fn is_trained_elsewhere(&self, _run: &SweepRun) {}

    /// A run that is being trained has these evaluations by now.
    fn evaluated(&self, _run: &SweepRun, _evaluations: &[Evaluation]) {}

    /// A run is finished, failed, or was stopped.
    fn ended(&self, _run: &SweepRun) {}
}

impl SweepObserver for () {}
