use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
};

use burn::{
    lr_scheduler::LrSchedulerRecord,
    module::Module,
    optim::OptimizerRecord,
    store::ModuleRecord,
    train::{
        Interrupter, Learner, LearningCheckpointer,
        checkpoint::{
            AsyncCheckpointer, Checkpointer, CheckpointerError, CheckpointingAction, CheckpointingStrategy,
        },
        metric::store::EventStoreClient,
    },
};
use clockwork_model::{Checkpoint, CheckpointMetadata, Weights, write_atomically};

use crate::{Config, Error, Result, learner::Learnable, optimizer_state};

/// How many of the newest checkpoints keep the optimiser's state: should the newest be broken,
/// there is one more to resume from.
const KEPT_OPTIMIZER_STATES: usize = 2;

const WEIGHTS: &str = ".safetensors";
const OPTIMIZER_STATE: &str = ".optimizer.safetensors";

/// The files of a run's `checkpoints/` directory.
#[derive(Debug, Clone)]
pub struct CheckpointFiles {
    directory: PathBuf,
}

/// What is needed to go on from a step as if there had been no stop.
pub(crate) struct Resumable {
    pub checkpoint: Checkpoint,
    /// The optimiser's state as its file has it, known to be whole. There is none before the first step.
    pub optimizer: Option<Vec<u8>>,
}

impl CheckpointFiles {
    /// The files in a directory.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The file with the weights of a step.
    #[must_use]
    pub fn weights(&self, step: u64) -> PathBuf {
        self.directory.join(format!("step-{step:07}{WEIGHTS}"))
    }

    /// The file with the optimiser's state of a step, kept for the newest steps only.
    #[must_use]
    pub fn optimizer_state(&self, step: u64) -> PathBuf {
        self.directory.join(format!("step-{step:07}{OPTIMIZER_STATE}"))
    }

    /// The steps whose weights are kept, ascending.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the directory cannot be read.
    pub fn steps(&self) -> Result<Vec<u64>> {
        self.steps_with(WEIGHTS)
    }

    fn steps_with(&self, suffix: &str) -> Result<Vec<u64>> {
        let mut steps = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(Error::io("read", &self.directory))? {
            let name = entry.map_err(Error::io("read", &self.directory))?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_prefix("step-")?.strip_suffix(suffix));
            steps.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
        }
        steps.sort_unstable();
        Ok(steps)
    }

    /// The newest step from which training can go on, or nothing where none was kept yet.
    ///
    /// # Errors
    ///
    /// That of the newest broken file where there are files but none is whole.
    pub(crate) fn newest_resumable(&self, config: &Config) -> Result<Option<Resumable>> {
        let mut broken = None;
        for step in self.steps()?.into_iter().rev() {
            if step > 0 && !self.optimizer_state(step).exists() {
                continue;
            }
            match self.read_resumable(step, config) {
                Ok(resumable) => return Ok(Some(resumable)),
                Err(error) => broken = broken.or(Some(error)),
            }
        }
        broken.map_or(Ok(None), Err)
    }

    /// Writes the weights of a step, with all that made them.
    pub(crate) fn write_weights(&self, step: u64, weights: Weights, config: &Config) -> Result<()> {
        let settings = serde_json::to_value(config).expect("plain tables of numbers always serialise");
        let metadata = CheckpointMetadata { step, model: config.model(), config: settings, imported: None };
        Ok(Checkpoint { metadata, weights, split: None }.write(&self.weights(step))?)
    }

    /// Writes the optimiser's state of a step, and removes those that are no longer among the newest.
    pub(crate) fn write_optimizer_state(&self, step: u64, bytes: &[u8]) -> Result<()> {
        let path = self.optimizer_state(step);
        write_atomically(&path, bytes).map_err(Error::io("write", &path))?;
        for old in self.steps_with(OPTIMIZER_STATE)?.iter().rev().skip(KEPT_OPTIMIZER_STATES) {
            let path = self.optimizer_state(*old);
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        Ok(())
    }

    fn read_resumable(&self, step: u64, config: &Config) -> Result<Resumable> {
        let foreign = |path: PathBuf, problem: String| {
            Err(Error::Model(clockwork_model::Error::Checkpoint { path, problem }))
        };
        let path = self.weights(step);
        let checkpoint = Checkpoint::read(&path)?;
        if checkpoint.metadata.model != config.model() || checkpoint.metadata.step != step {
            return foreign(path, "is of another run; put the run's own file back or remove it".to_owned());
        }
        if step == 0 {
            return Ok(Resumable { checkpoint, optimizer: None });
        }
        let path = self.optimizer_state(step);
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        match optimizer_state::from_bytes(&bytes, &config.model(), step) {
            Ok(_) => Ok(Resumable { checkpoint, optimizer: Some(bytes) }),
            Err(problem) => foreign(path, problem),
        }
    }
}

/// Where the threads that write files leave the error that stops the run.
#[derive(Debug, Clone, Default)]
pub(crate) struct FirstError(Arc<Mutex<Option<Error>>>);

impl FirstError {
    pub fn set(&self, error: Error) {
        self.0.lock().expect("no thread panics while it holds the lock").get_or_insert(error);
    }

    pub fn take(&self) -> Option<Error> {
        self.0.lock().expect("no thread panics while it holds the lock").take()
    }
}

/// burn's checkpointer, writing our files in the background of training.
pub(crate) struct BackgroundCheckpointer {
    checkpointer: LearningCheckpointer<Learnable>,
    saved: mpsc::Receiver<()>,
    waits: bool,
}

impl BackgroundCheckpointer {
    /// The checkpointer of a run's files.
    ///
    /// With `waits`, training waits until each is written. On the processor a record is a copy of its own;
    /// elsewhere burn reads a tensor's memory when its numbers are first looked at, by when the next step may
    /// have changed it.
    pub fn new(
        files: &CheckpointFiles,
        config: &Config,
        network: &Learnable,
        waits: bool,
        error: &FirstError,
        interrupter: &Interrupter,
    ) -> Self {
        let (config, network) = (config.clone(), network.clone());
        let weights: Save<ModuleRecord> = Box::new(move |files, step, record| {
            files.write_weights(step, network.clone().load_record(record).network.weights()?, &config)
        });
        let optimizer: Save<OptimizerRecord> = Box::new(|files, step, record| {
            if record.is_empty() {
                return Ok(()); // before the first step
            }
            files.write_optimizer_state(step, &optimizer_state::to_bytes(record).map_err(Error::Training)?)
        });
        // The learning rate follows from the step, so its scheduler has no file.
        let scheduler: Save<LrSchedulerRecord> = Box::new(|_, _, _| Ok(()));
        let (done, saved) = mpsc::channel();
        let checkpointer = LearningCheckpointer::new(
            in_background(files, error, interrupter, &done, weights),
            in_background(files, error, interrupter, &done, optimizer),
            in_background(files, error, interrupter, &done, scheduler),
            Box::new(SaveAlways),
        );
        Self { checkpointer, saved, waits }
    }

    /// Writes the checkpoint of a step.
    pub fn checkpoint(&mut self, learner: &Learner<Learnable>, step: u64, store: &EventStoreClient) {
        self.checkpointer.checkpoint(learner, step as usize, store);
        if self.waits {
            // Of the network, the optimiser and the learning rate. A thread that is no more wrote what it could.
            self.saved.iter().take(3).for_each(drop);
        }
    }
}

/// A thread that writes files; should that fail, training is told to stop.
fn in_background<R: burn::train::checkpoint::Checkpoint>(
    files: &CheckpointFiles,
    error: &FirstError,
    interrupter: &Interrupter,
    done: &mpsc::Sender<()>,
    save: Save<R>,
) -> AsyncCheckpointer<R> {
    let writer = Writer { files: files.clone(), error: error.clone(), done: done.clone(), save };
    AsyncCheckpointer::new(writer).with_interrupter(interrupter.clone())
}

type Save<R> = Box<dyn Fn(&CheckpointFiles, u64, R) -> Result<()> + Send + Sync>;

struct Writer<R> {
    files: CheckpointFiles,
    error: FirstError,
    done: mpsc::Sender<()>,
    save: Save<R>,
}

impl<R: burn::train::checkpoint::Checkpoint> Checkpointer<R> for Writer<R> {
    fn save(&self, step: usize, record: R) -> std::result::Result<(), CheckpointerError> {
        let saved = (self.save)(&self.files, step as u64, record);
        // Nobody may be waiting any more.
        let _ = self.done.send(());
        saved.map_err(|error| {
            let words = error.in_words();
            self.error.set(error);
            CheckpointerError::Unknown(words)
        })
    }

    fn delete(&self, _step: usize) -> std::result::Result<(), CheckpointerError> {
        Ok(())
    }

    fn restore(&self, _step: usize) -> std::result::Result<R, CheckpointerError> {
        Err(CheckpointerError::Unknown("checkpoints are read before training starts".to_owned()))
    }
}

/// When a checkpoint is due is decided by the training loop's [`Schedule`](crate::Schedule).
struct SaveAlways;

impl CheckpointingStrategy for SaveAlways {
    fn checkpointing(&mut self, _step: usize, _store: &EventStoreClient) -> Vec<CheckpointingAction> {
        vec![CheckpointingAction::Save]
    }
}

/// Removes what an interrupted write left behind.
pub(crate) fn remove_leftovers(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") {
            // Nothing depends on it; the next write of the same file replaces it anyway.
            let _ = fs::remove_file(entry.path());
        }
    }
}
