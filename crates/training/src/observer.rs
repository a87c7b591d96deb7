use crate::{Ending, Evaluation};

/// Receives the progress of a run's training. `()` ignores it.
///
/// It is called on the thread that trains: what takes long here holds training up.
///
/// ```
/// use clockwork_training::{Evaluation, RunObserver};
///
/// struct Print;
///
/// impl RunObserver for Print {
///     fn evaluated(&mut self, evaluation: &Evaluation) {
///         println!("step {}: test loss {:.2e}", evaluation.step, evaluation.test_loss);
///     }
/// }
/// ```
pub trait RunObserver: Send {
    /// The run has taken `_step` steps. Called after evaluations and otherwise at most ten times a second.
    fn stepped(&mut self, _step: u64) {}

    /// The network was evaluated.
    fn evaluated(&mut self, _evaluation: &Evaluation) {}

    /// The checkpoint of `_step` was looked at; a circuit that `_is_clean` ends the run.
    fn looked_at(&mut self, _step: u64, _is_clean: bool) {}

    /// Training ended and all files are written. Not called after an error, which is returned to the caller.
    fn ended(&mut self, _ending: &Ending) {}
}

impl RunObserver for () {}
