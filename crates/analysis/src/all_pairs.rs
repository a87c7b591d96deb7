//! All pairs of a task, those without coordinates too, and either side of a split.

use std::{borrow::Cow, collections::HashSet};

use clockwork_model::Split;

use crate::{AccuracyByAnswer, losses::Losses};

/// The logits of all pairs of a task, and which of them were trained on and held out, where that is known.
#[derive(Debug, Clone)]
pub(crate) struct AllPairs<'a> {
    pub logits: Cow<'a, [f64]>,
    /// The right answer to each pair.
    pub answers: Vec<usize>,
    pub split: Option<SplitInputs>,
}

/// Which inputs were trained on and which were held out, [n²] each.
#[derive(Debug, Clone)]
pub(crate) struct SplitInputs {
    pub train: Vec<bool>,
    pub test: Vec<bool>,
}

impl AllPairs<'_> {
    fn losses(&self) -> Losses<'_> {
        Losses { answers: &self.answers, original: &self.logits }
    }

    /// The mean loss.
    pub fn loss(&self) -> f64 {
        self.losses().of(&self.logits)
    }

    /// How often each answer is right.
    pub fn accuracy_by_answer(&self) -> AccuracyByAnswer {
        AccuracyByAnswer::new(&self.losses())
    }

    /// The fraction that is answered right.
    pub fn accuracy(&self) -> f64 {
        self.losses().accuracy(&self.logits)
    }

    /// The mean losses over the pairs trained on and held out.
    pub fn train_and_test_loss(&self) -> Option<[f64; 2]> {
        self.split.as_ref().map(|split| self.losses().of_split(&self.logits, split))
    }

    /// The fractions of the pairs trained on and held out that are answered right.
    pub fn train_and_test_accuracy(&self) -> Option<[f64; 2]> {
        self.split.as_ref().map(|split| self.losses().accuracy_of_split(&self.logits, split))
    }
}

impl SplitInputs {
    /// Which of some inputs, given by the indices of their pairs, a split trains on and holds out.
    pub fn new(split: &Split, inputs: &(impl Iterator<Item = usize> + Clone)) -> Self {
        let among = |pairs: &[usize]| {
            let pairs: HashSet<usize> = pairs.iter().copied().collect();
            inputs.clone().map(|pair| pairs.contains(&pair)).collect()
        };
        Self { train: among(&split.train), test: among(&split.test) }
    }
}
