//! burn-train runs the training loop.

use std::sync::{Arc, Mutex};

use burn::train::{
    Learner, SupervisedLearningStrategy, SupervisedTraining, SupervisedTrainingEventProcessor, TrainLoader,
    TrainingComponents, TrainingStrategy, ValidLoader,
};
use clockwork_model::{Task, Transformer, Weights};

use crate::{
    Error, Result, TrainingDevice,
    full_batch::FullBatch,
    learnable::{Examples, Learnable},
    no_output::{NoMetricFiles, NoRenderer},
    optimizer::{optimizer, warm_up},
    optimizer_state,
    trainee::BurnTrainee,
    training_loop::Group,
};

/// Trains a group until one of its runs ends.
///
/// # Errors
///
/// What concerns the whole group: the device, or burn.
pub(crate) fn launch(group: &mut Option<Group>, on: &TrainingDevice) -> Result<()> {
    let of = group.as_ref().ok_or(Error::Together("there is none"))?;
    let interrupter = of.interrupter.clone();
    let learner = learner(of, on)?;
    // What the runs have in common has no seed, which random answers depend on.
    let tasks: Vec<Task> = of.members.iter().map(|of| of.run.config.task()).collect();
    let splits = of.members.iter().map(|of| of.run.config.split()).collect::<Result<Vec<_>>>()?;
    let (train, test) = splits.into_iter().map(|split| (split.train, split.test)).unzip();
    let autodiff = on.device().clone().autodiff();
    let directory = of.members[0].run.directory.files().path().to_owned();

    let strategy = Arc::new(FullBatchStrategy { group: group.take().into(), result: None.into() });
    let launched = SupervisedTraining::new(
        directory,
        Arc::new(FullBatch::new(tasks.clone(), train, on, &autodiff)),
        Arc::new(FullBatch::new(tasks, test, on, on.device())),
    )
    .with_metric_logger(NoMetricFiles)
    .with_application_logger(None)
    .with_interrupter(interrupter)
    .with_training_strategy(TrainingStrategy::Custom(strategy.clone()))
    .renderer(Box::new(NoRenderer))
    .launch(learner);

    let poisoned = "training is over and no thread panicked";
    *group = strategy.group.lock().expect(poisoned).take();
    let result = strategy.result.lock().expect(poisoned).take();
    match (result, launched.error) {
        (Some(Err(error)), _) => Err(error),
        (_, Some(error)) => Err(Error::Training(error.to_string())),
        (Some(Ok(())), None) => Ok(()),
        (None, None) => Err(Error::Training("burn's training loop did not run".to_owned())),
    }
}

/// The group's networks at their step, with the optimiser and the learning rate.
fn learner(group: &Group, on: &TrainingDevice) -> Result<Learner<Learnable>> {
    let (config, members) = (&group.config, &group.members);
    let (model, step) = (config.model(), members[0].run.step);
    let weights: Vec<&Weights> = members.iter().map(|member| &member.run.weights).collect();
    let networks = Transformer::from_weights(&weights, &model, &on.device().clone().autodiff());
    let networks = Learnable::new(networks, on.gradient_method(config));
    let mut learner = Learner::new(networks, optimizer(&config.optimizer, on), warm_up(&config.optimizer));
    (0..step).for_each(|_| learner.lr_step());
    let states = members.iter().map(|member| member.run.optimizer.as_deref());
    if let Some(states) = states.collect::<Option<Vec<_>>>() {
        let record = optimizer_state::from_bytes(&states, &model, step);
        learner.load_optim(record.map_err(Error::Training)?);
    }
    Ok(learner)
}

/// burn's strategy for one batch that is all of the training pairs: a step is an epoch, so evaluations and
/// checkpoints follow a schedule of steps, in a loop of our own.
struct FullBatchStrategy {
    group: Mutex<Option<Group>>,
    result: Mutex<Option<Result<()>>>,
}

impl SupervisedLearningStrategy<Learnable> for FullBatchStrategy {
    fn fit(
        &self,
        components: TrainingComponents<Learnable>,
        learner: Learner<Learnable>,
        train: TrainLoader<Learnable>,
        test: ValidLoader<Learnable>,
        _starting_epoch: usize,
    ) -> (Learnable, SupervisedTrainingEventProcessor<Learnable>) {
        let (train, test) = (whole(&train), whole(&test));
        let mut trainee = BurnTrainee::new(learner, train, test, &components.event_store);
        let mut group = self.group.lock().expect("only this thread fits");
        let result = group.as_mut().map(|group| group.train(&mut trainee));
        *self.result.lock().expect("only this thread fits") = result;
        (trainee.into_model(), components.event_processor)
    }
}

/// The one batch of a loader.
fn whole(loader: &TrainLoader<Learnable>) -> Examples {
    match loader.iter().next() {
        Some(Ok(examples)) => examples,
        _ => unreachable!("a split always has its one batch"),
    }
}
