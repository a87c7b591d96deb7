/// How well a network does on a side of the split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scores {
    /// Mean loss in nats.
    pub loss: f64,
    /// Fraction of pairs answered right.
    pub accuracy: f64,
}
