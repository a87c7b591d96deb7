use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use burn::{
    data::dataloader::Progress,
    module::Module,
    train::{
        EventProcessorTraining, Interrupter, Learner, LearnerEvent, SupervisedLearningStrategy,
        SupervisedTrainingEventProcessor, TrainLoader, TrainingComponents, TrainingItem, ValidLoader,
    },
};
use clockwork_model::sum_squared_weights;

use crate::{
    Config, EarlyStop, Error, Evaluation, Result, Schedule,
    checkpoints::{BackgroundCheckpointer, CheckpointFiles, FirstError},
    learner::{Examples, Learnable, Scores, Stepped},
    metrics::write_metrics,
    run_directory::RunDirectory,
};

/// How often renderers hear of the steps between evaluations.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Why training ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It took `max_steps` steps.
    MaxSteps,
    /// The test loss stayed low and the cleanup is done.
    EarlyStop,
    /// It was asked to stop, with the reason given.
    Interrupted(String),
}

/// burn's training loop for one batch that is all of the training pairs: a step is an epoch, so
/// evaluations and checkpoints follow a schedule of steps instead.
pub(crate) struct FullBatchStrategy {
    pub config: Config,
    pub directory: RunDirectory,
    /// Whether training waits for its checkpoints.
    pub waits: bool,
    /// The step that the learner's weights are of.
    pub start: u64,
    /// The evaluations up to there, and then those after.
    pub evaluations: Mutex<Vec<Evaluation>>,
    /// Seconds of training up to there.
    pub elapsed_s: f64,
    /// How it ended.
    pub ending: Mutex<Option<Result<(u64, Ending)>>>,
}

/// What a sitting works with, beside the learner.
struct Sitting<'a> {
    strategy: &'a FullBatchStrategy,
    train: Examples,
    test: Examples,
    evaluations: Vec<Evaluation>,
    early_stop: EarlyStop,
    processor: SupervisedTrainingEventProcessor<Learnable>,
    interrupter: Interrupter,
    began: Instant,
    shown: Instant,
}

impl SupervisedLearningStrategy<Learnable> for FullBatchStrategy {
    fn fit(
        &self,
        components: TrainingComponents<Learnable>,
        mut learner: Learner<Learnable>,
        train: TrainLoader<Learnable>,
        test: ValidLoader<Learnable>,
        _starting_epoch: usize,
    ) -> (Learnable, SupervisedTrainingEventProcessor<Learnable>) {
        let examples = |loader: &TrainLoader<Learnable>| match loader.iter().next() {
            Some(Ok(examples)) => examples,
            _ => unreachable!("a split always has its one batch"),
        };
        let evaluations = std::mem::take(&mut *self.evaluations.lock().expect("only this thread fits"));
        let mut early_stop = EarlyStop::new(&self.config);
        evaluations.iter().for_each(|e| early_stop.observe(e.step, e.test_loss));
        let mut sitting = Sitting {
            strategy: self,
            train: examples(&train),
            test: examples(&test),
            evaluations,
            early_stop,
            processor: components.event_processor,
            interrupter: components.interrupter,
            began: Instant::now(),
            shown: Instant::now(),
        };
        let store = components.event_store;

        let error = FirstError::default();
        let files = CheckpointFiles::new(self.directory.checkpoints());
        let mut checkpointer = BackgroundCheckpointer::new(
            &files,
            &self.config,
            &learner.model(),
            self.waits,
            &error,
            &sitting.interrupter,
        );
        let ending = sitting.run(&mut learner, &mut |learner, step| {
            checkpointer.checkpoint(learner, step, &store);
        });
        drop(checkpointer); // waits for the files

        *self.ending.lock().expect("only this thread fits") = Some(error.take().map_or(ending, Err));
        *self.evaluations.lock().expect("only this thread fits") = sitting.evaluations;
        (learner.model(), sitting.processor)
    }
}

impl Sitting<'_> {
    /// Trains to the end; `keep` writes a checkpoint.
    fn run(
        &mut self,
        learner: &mut Learner<Learnable>,
        keep: &mut dyn FnMut(&Learner<Learnable>, u64),
    ) -> Result<(u64, Ending)> {
        let schedule = Schedule::new(&self.strategy.config);
        let mut step = self.strategy.start;
        let mut kept = step;
        self.tell(|sitting| {
            let total_items = sitting.strategy.config.training.max_steps as usize;
            sitting.processor.process_train(LearnerEvent::StartSplit { epoch_number: 1, total_items })
        });
        if step == 0 {
            self.evaluate(learner, step, kept)?;
            keep(learner, step);
        }
        while step < self.early_stop.last_step() {
            if self.interrupter.should_stop() {
                if kept != step {
                    finite_or_stop(learner, step, kept)?;
                    keep(learner, step);
                }
                let reason = self.interrupter.get_message().unwrap_or_else(|| "an error".to_owned());
                return Ok((step, Ending::Interrupted(reason)));
            }
            learner.lr_step();
            let output = learner.train_step(self.train.clone());
            if output.item.loss.is_some_and(|loss| !loss.is_finite()) {
                return Err(Error::LossNotFinite { step, last_good: kept });
            }
            learner.optimizer_step(output.grads);
            step += 1;

            let is_last = step == self.early_stop.last_step();
            if is_last || schedule.is_evaluation(step) {
                self.evaluate(learner, step, kept)?;
            } else if self.shown.elapsed() >= PROGRESS_EVERY {
                self.show_train(step, None);
            }
            if step == self.early_stop.last_step() || schedule.is_checkpoint(step) {
                keep(learner, step);
                kept = step;
            }
        }
        let max_steps = self.strategy.config.training.max_steps;
        Ok((step, if step < max_steps { Ending::EarlyStop } else { Ending::MaxSteps }))
    }

    /// Measures losses and accuracies, writes them down and shows them.
    fn evaluate(&mut self, learner: &Learner<Learnable>, step: u64, kept: u64) -> Result<()> {
        let network = learner.model().valid();
        let train = network.evaluate(&self.train)?;
        let test = network.evaluate(&self.test)?;
        if !(train.loss.is_finite() && test.loss.is_finite()) {
            return Err(Error::LossNotFinite { step, last_good: kept });
        }
        let evaluation = Evaluation {
            step,
            train_loss: train.loss,
            test_loss: test.loss,
            train_accuracy: train.accuracy,
            test_accuracy: test.accuracy,
            sum_squared_weights: sum_squared_weights(&network.network.weights()?),
            elapsed_s: self.strategy.elapsed_s + self.began.elapsed().as_secs_f64(),
        };
        self.evaluations.push(evaluation);
        self.early_stop.observe(step, test.loss);
        write_metrics(&self.strategy.directory.metrics(), &self.evaluations)?;
        self.show_train(step, Some(train));
        self.tell(|sitting| {
            let item = sitting.item(step, Some(test));
            sitting.processor.process_valid(LearnerEvent::ProcessedItem(item))
        });
        Ok(())
    }

    fn show_train(&mut self, step: u64, scores: Option<Scores>) {
        self.shown = Instant::now();
        self.tell(|sitting| {
            let item = sitting.item(step, scores);
            sitting.processor.process_train(LearnerEvent::ProcessedItem(item))
        });
    }

    fn item(&self, step: u64, scores: Option<Scores>) -> TrainingItem<Stepped> {
        let total = self.early_stop.last_step() as usize;
        let progress = Progress::new(step as usize, total, Some("steps".to_owned()));
        TrainingItem::new(Stepped { loss: None, scores }, progress, Some(step as usize), None)
    }

    /// Passes an event on; should that fail, training stops as if interrupted, with its files whole.
    fn tell(
        &mut self,
        event: impl FnOnce(&mut Self) -> std::result::Result<(), burn::train::EventProcessorError>,
    ) {
        let told = event(self);
        self.interrupter.fail_on_error(told);
    }
}

/// Refuses weights that would make a checkpoint useless.
fn finite_or_stop(learner: &Learner<Learnable>, step: u64, kept: u64) -> Result<()> {
    match sum_squared_weights(&learner.model().network.weights()?).is_finite() {
        true => Ok(()),
        false => Err(Error::LossNotFinite { step, last_good: kept }),
    }
}
