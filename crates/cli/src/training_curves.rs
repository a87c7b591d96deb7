use clockwork_report::TrainingCurves;
use clockwork_training::{Evaluation, Milestones};

/// The evaluations of a run, as figures take them.
pub fn training_curves(evaluations: &[Evaluation], milestones: &Milestones) -> TrainingCurves {
    let milestones = [(milestones.memorised, "train 99 %"), (milestones.generalised, "test 99 %")];
    TrainingCurves {
        steps: evaluations.iter().map(|e| e.step).collect(),
        losses: evaluations.iter().map(|e| [e.train_loss, e.test_loss]).collect(),
        accuracies: evaluations.iter().map(|e| [e.train_accuracy, e.test_accuracy]).collect(),
        milestones: milestones.iter().filter_map(|&(step, name)| Some((step?, name.to_owned()))).collect(),
    }
}
