use serde::{Deserialize, Serialize};

/// The losses and accuracies of one step: a line of `metrics.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How many optimisation steps the weights have seen.
    pub step: u64,
    /// Mean loss over the pairs trained on, in nats.
    pub train_loss: f64,
    /// Mean loss over the pairs held out, in nats.
    pub test_loss: f64,
    /// Fraction of the pairs trained on that are answered right.
    pub train_accuracy: f64,
    /// Fraction of the pairs held out that are answered right.
    pub test_accuracy: f64,
    /// Sum of the squares of all weights.
    pub sum_squared_weights: f64,
    /// Seconds of training so far, before and after every stop.
    pub elapsed_s: f64,
}
