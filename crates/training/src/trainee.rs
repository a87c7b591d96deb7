use std::sync::mpsc;

use burn::{
    lr_scheduler::LrSchedulerRecord,
    module::Module,
    optim::OptimizerRecord,
    store::ModuleRecord,
    train::{
        Learner, LearningCheckpointer,
        checkpoint::{
            AsyncCheckpointer, Checkpoint, Checkpointer, CheckpointerError, CheckpointingAction,
            CheckpointingStrategy,
        },
        metric::store::EventStoreClient,
    },
};
use clockwork_model::Weights;

use crate::{
    Error, Result,
    learnable::{Examples, Learnable},
    optimizer_state,
    scores::Scores,
};

/// Networks of the same sizes that are trained side by side: what [the loop](crate::training_loop) drives.
/// Every list that it hands out has one element a network.
pub(crate) trait Trainee {
    /// Takes one optimisation step. Returns the mean losses before it, in nats, if the step computes them
    /// anyway.
    fn step(&mut self) -> Option<Vec<f64>>;

    /// Scores on the pairs trained on and on those held out.
    fn scores(&mut self) -> Result<Vec<[Scores; 2]>>;

    /// The weights, as a copy of their own.
    fn weights(&mut self) -> Result<Vec<Weights>>;

    /// The optimiser's state as its file has it, of networks that took `step` steps, at least one.
    fn optimizer_states(&mut self, step: u64) -> Result<Vec<Vec<u8>>>;
}

/// Networks that burn-train's learner holds.
pub(crate) struct BurnTrainee<'a> {
    learner: Learner<Learnable>,
    train: Examples,
    test: Examples,
    store: &'a EventStoreClient,
    records: OptimizerRecords,
}

impl<'a> BurnTrainee<'a> {
    /// The learner's networks, with their pairs.
    pub fn new(
        learner: Learner<Learnable>,
        train: Examples,
        test: Examples,
        store: &'a EventStoreClient,
    ) -> Self {
        Self { learner, train, test, store, records: OptimizerRecords::new() }
    }

    /// The networks as they are by now.
    pub fn into_model(self) -> Learnable {
        self.learner.model()
    }
}

impl Trainee for BurnTrainee<'_> {
    fn step(&mut self) -> Option<Vec<f64>> {
        self.learner.lr_step();
        let output = self.learner.train_step(self.train.clone());
        self.learner.optimizer_step(output.grads);
        output.item.losses
    }

    fn scores(&mut self) -> Result<Vec<[Scores; 2]>> {
        let networks = self.learner.model().valid();
        let (train, test) = (networks.scores(&self.train)?, networks.scores(&self.test)?);
        Ok(train.into_iter().zip(test).map(|(train, test)| [train, test]).collect())
    }

    fn weights(&mut self) -> Result<Vec<Weights>> {
        Ok(self.learner.model().networks.weights()?)
    }

    fn optimizer_states(&mut self, step: u64) -> Result<Vec<Vec<u8>>> {
        let r = self.learner.model().networks.len();
        let record = self.records.of(&self.learner, self.store);
        // The bytes are read here and now: burn reads a tensor's memory when its numbers are first
        // looked at, by when the next step may have changed it.
        optimizer_state::to_bytes(record, r, step).map_err(Error::Training)
    }
}

/// Takes the optimiser's state out of burn's learner, which hands it to a checkpointer and to nobody else.
struct OptimizerRecords {
    checkpointer: LearningCheckpointer<Learnable>,
    taken: mpsc::Receiver<OptimizerRecord>,
}

impl OptimizerRecords {
    fn new() -> Self {
        let (take, taken) = mpsc::channel();
        let checkpointer = LearningCheckpointer::new(
            AsyncCheckpointer::new(Take::<ModuleRecord>(None)),
            AsyncCheckpointer::new(Take(Some(take))),
            AsyncCheckpointer::new(Take::<LrSchedulerRecord>(None)),
            Box::new(SaveAlways),
        );
        Self { checkpointer, taken }
    }

    fn of(&mut self, learner: &Learner<Learnable>, store: &EventStoreClient) -> OptimizerRecord {
        self.checkpointer.checkpoint(learner, 0, store);
        self.taken.recv().expect("the checkpointer passes on what it is given")
    }
}

/// A checkpointer that writes nothing, and passes what it is given on to whoever takes it.
struct Take<R>(Option<mpsc::Sender<R>>);

impl<R: Checkpoint> Checkpointer<R> for Take<R> {
    fn save(&self, _epoch: usize, record: R) -> std::result::Result<(), CheckpointerError> {
        // Whoever took it may be gone by now.
        let _ = self.0.as_ref().map(|taker| taker.send(record));
        Ok(())
    }

    fn delete(&self, _epoch: usize) -> std::result::Result<(), CheckpointerError> {
        Ok(())
    }

    fn restore(&self, _epoch: usize) -> std::result::Result<R, CheckpointerError> {
        Err(CheckpointerError::Unknown("nothing is kept here".to_owned()))
    }
}

/// Saves whenever it is asked: the [`Schedule`](crate::schedule::Schedule) decides when a checkpoint is due.
struct SaveAlways;

impl CheckpointingStrategy for SaveAlways {
    fn checkpointing(&mut self, _epoch: usize, _store: &EventStoreClient) -> Vec<CheckpointingAction> {
        vec![CheckpointingAction::Save]
    }
}
