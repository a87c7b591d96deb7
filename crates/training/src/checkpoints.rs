use std::{
    fs,
    path::{Path, PathBuf},
};

use clockwork_files::{remove_leftovers, write_atomically};
use clockwork_model::{Checkpoint, CheckpointMetadata, Weights};

use crate::{Config, Error, Result, optimizer_state};

/// How many of the newest checkpoints keep the optimiser's state: should the newest be broken,
/// there is one more to resume from.
const KEPT_OPTIMIZER_STATES: usize = 2;

const WEIGHTS: &str = ".safetensors";
const OPTIMIZER_STATE: &str = ".optimizer.safetensors";

/// What the name of everything of a step starts with.
const STEP: &str = "step-";

/// The name of what is kept of a step, such as `step-0001200`: names are in the order of steps.
pub(crate) fn step_name(step: u64) -> String {
    format!("{STEP}{step:07}")
}

/// The files of a run's `checkpoints/` directory.
#[derive(Debug, Clone)]
pub struct CheckpointFiles {
    directory: PathBuf,
}

/// Everything that training needs to resume from a step as if it had never stopped.
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

    /// The directory itself.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes the directory where it is missing, and removes what interrupted writes left in it.
    pub(crate) fn create(&self) -> Result<()> {
        fs::create_dir_all(&self.directory).map_err(Error::io("create", &self.directory))?;
        remove_leftovers(&self.directory);
        Ok(())
    }

    /// The file with the weights of a step.
    #[must_use]
    pub fn weights(&self, step: u64) -> PathBuf {
        self.directory.join(step_name(step) + WEIGHTS)
    }

    /// The file with the optimiser's state of a step, kept for the newest steps only.
    #[must_use]
    pub fn optimizer_state(&self, step: u64) -> PathBuf {
        self.directory.join(step_name(step) + OPTIMIZER_STATE)
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
            let digits = name.to_str().and_then(|name| name.strip_prefix(STEP)?.strip_suffix(suffix));
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
    pub(crate) fn write_weights(&self, step: u64, weights: &Weights, config: &Config) -> Result<()> {
        let metadata = CheckpointMetadata {
            step,
            task: config.task(),
            model: config.model(),
            split: Some(config.split_rule()),
            config: serde_json::to_value(config).expect("plain tables of numbers always serialise"),
            imported: None,
        };
        let checkpoint = Checkpoint { metadata, weights: weights.clone(), listed_split: None };
        Ok(checkpoint.write(&self.weights(step))?)
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
        if checkpoint.metadata.model != config.model()
            || checkpoint.metadata.task != config.task()
            || checkpoint.metadata.step != step
        {
            return foreign(path, "is of another run".to_owned());
        }
        if step == 0 {
            return Ok(Resumable { checkpoint, optimizer: None });
        }
        let path = self.optimizer_state(step);
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        match optimizer_state::from_bytes(&[&bytes], &config.model(), step) {
            Ok(_) => Ok(Resumable { checkpoint, optimizer: Some(bytes) }),
            Err(problem) => foreign(path, problem),
        }
    }
}
