use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use burn::{
    lr_scheduler::LrSchedulerRecord,
    module::Module,
    optim::OptimizerRecord,
    store::ModuleRecord,
    train::{
        Interrupter, LearningCheckpointer,
        checkpoint::{
            AsyncCheckpointer, Checkpointer, CheckpointerError, CheckpointingAction, CheckpointingStrategy,
        },
        metric::store::EventStoreClient,
    },
};
use clockwork_model::{Checkpoint, CheckpointMetadata, write_atomically};

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
    /// There is none before the first step.
    pub optimizer: Option<OptimizerRecord>,
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
            Ok(record) => Ok(Resumable { checkpoint, optimizer: Some(record) }),
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
pub(crate) fn checkpointer(
    files: &CheckpointFiles,
    config: &Config,
    network: &Learnable,
    error: &FirstError,
    interrupter: &Interrupter,
) -> LearningCheckpointer<Learnable> {
    let settings = serde_json::to_value(config).expect("plain tables of numbers always serialise");
    let (model, network) = (config.model(), network.clone());
    let weights: Save<ModuleRecord> = Box::new(move |files, step, record| {
        let weights = network.clone().load_record(record).network.weights()?;
        let metadata = CheckpointMetadata { step, model, config: settings.clone(), imported: None };
        Ok(Checkpoint { metadata, weights, split: None }.write(&files.weights(step))?)
    });
    let optimizer: Save<OptimizerRecord> = Box::new(|files, step, record| {
        if record.is_empty() {
            return Ok(()); // before the first step
        }
        let path = files.optimizer_state(step);
        let bytes = optimizer_state::to_bytes(record).map_err(Error::Training)?;
        write_atomically(&path, &bytes).map_err(Error::io("write", &path))?;
        for old in files.steps_with(OPTIMIZER_STATE)?.iter().rev().skip(KEPT_OPTIMIZER_STATES) {
            let path = files.optimizer_state(*old);
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        Ok(())
    });
    // The learning rate follows from the step, so its scheduler has no file.
    let scheduler: Save<LrSchedulerRecord> = Box::new(|_, _, _| Ok(()));
    LearningCheckpointer::new(
        in_background(files, error, interrupter, weights),
        in_background(files, error, interrupter, optimizer),
        in_background(files, error, interrupter, scheduler),
        Box::new(SaveAlways),
    )
}

/// A thread that writes files; should that fail, training is told to stop.
fn in_background<R: burn::train::checkpoint::Checkpoint>(
    files: &CheckpointFiles,
    error: &FirstError,
    interrupter: &Interrupter,
    save: Save<R>,
) -> AsyncCheckpointer<R> {
    let writer = Writer { files: files.clone(), error: error.clone(), save };
    AsyncCheckpointer::new(writer).with_interrupter(interrupter.clone())
}

type Save<R> = Box<dyn Fn(&CheckpointFiles, u64, R) -> Result<()> + Send + Sync>;

struct Writer<R> {
    files: CheckpointFiles,
    error: FirstError,
    save: Save<R>,
}

impl<R: burn::train::checkpoint::Checkpoint> Checkpointer<R> for Writer<R> {
    fn save(&self, step: usize, record: R) -> std::result::Result<(), CheckpointerError> {
        (self.save)(&self.files, step as u64, record).map_err(|error| {
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
