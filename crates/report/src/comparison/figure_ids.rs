/// The figure of several operations.
pub(super) const ACCURACY_BY_OPERATION: &str = "accuracy-by-operation";

/// The figures that a comparison can have, of one operation or of several.
pub(super) const FIGURES: [&str; 8] = [
    ACCURACY_BY_OPERATION,
    "key-frequencies",
    "histogram",
    "overlap",
    "losses",
    "steps-to-grok",
    "courses-losses",
    "courses-measures",
];
