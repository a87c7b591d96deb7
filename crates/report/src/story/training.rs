use crate::{Axis, Content, Figure, Line, Lines};

/// What was measured while a network was trained.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrainingCurves {
    /// The evaluated steps.
    pub steps: Vec<u64>,
    /// Mean losses on the training and the test pairs, in nats.
    pub losses: Vec<[f64; 2]>,
    /// Fractions of the training and the test pairs that are answered right.
    pub accuracies: Vec<[f64; 2]>,
    /// Steps at which something was reached, with what it was: the phases' borders.
    pub milestones: Vec<(u64, String)>,
}

/// Losses, logarithmic, and accuracies over steps, with the phases marked.
#[must_use]
pub fn training_figures(curves: &TrainingCurves) -> [Figure; 2] {
    let lines = |values: &[[f64; 2]]| {
        let line = |(i, name): (usize, &str)| {
            let point = |(&step, value): (&u64, &[f64; 2])| [step as f64, value[i]];
            Line { name: name.to_owned(), points: curves.steps.iter().zip(values).map(point).collect() }
        };
        let lines = ["train", "test"].into_iter().enumerate().map(line).collect();
        let marks = curves.milestones.iter().map(|(step, name)| (*step as f64, name.clone())).collect();
        Content::Lines(Lines { lines, marks, ..Lines::default() })
    };
    let steps = || Axis::of("optimisation step");
    [
        Figure::new(
            "loss",
            "Train and test loss",
            [steps(), Axis::log("loss (nats)")],
            lines(&curves.losses),
        ),
        Figure::new(
            "accuracy",
            "Train and test accuracy",
            [steps(), Axis::of("accuracy")],
            lines(&curves.accuracies),
        ),
    ]
}
