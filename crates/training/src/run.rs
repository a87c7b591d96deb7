use std::path::Path;

use clockwork_files::remove_leftovers;
use clockwork_model::{Weights, initial_weights};

use crate::{
    Config, Error, Evaluation, LockedRun, Record, Result, RunFiles, RunRecord, RunState, TrainingDevice,
    run_record::{SplitRecord, Versions},
};

/// A run, locked and loaded at one of its steps, ready to be trained from there.
pub struct Run {
    pub(crate) directory: LockedRun,
    pub(crate) config: Config,
    pub(crate) step: u64,
    pub(crate) weights: Weights,
    /// The optimiser's state as its file has it, from the first step on.
    pub(crate) optimizer: Option<Vec<u8>>,
    pub(crate) evaluations: Vec<Evaluation>,
    record: Option<RunRecord>,
}

impl Run {
    /// Makes a directory for a new run, at step 0.
    ///
    /// # Errors
    ///
    /// [`Error::RunName`] for a name that is no plain file name, [`Error::RunExists`] where there is a run of
    /// that name, [`Error::Io`] where a file operation fails.
    pub fn create(runs_dir: &Path, name: &str, config: Config) -> Result<Self> {
        let directory = LockedRun::create(runs_dir, name, &config)?;
        Ok(Self {
            weights: initial_weights(&config.model(), config.training.seed),
            directory,
            config,
            step: 0,
            optimizer: None,
            evaluations: Vec::new(),
            record: None,
        })
    }

    /// Opens a run at the newest step that it can go on from as if it had never stopped.
    ///
    /// # Errors
    ///
    /// [`Error::NotARun`] where there is none, [`Error::Locked`] where another process trains it,
    /// [`Error::Finished`] where it took its last step, [`Error::Io`] where a file operation fails; those of
    /// reading its files where none of its checkpoints is whole.
    pub fn resume(path: &Path) -> Result<Self> {
        Self::at_newest_step(LockedRun::open(path)?)
    }

    /// Makes a directory for a new run, or goes on with the run of that name and configuration.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create), except [`Error::RunExists`], and of [`resume`](Self::resume);
    /// [`Error::OtherSettings`] where the run of that name has another configuration.
    pub fn create_or_resume(runs_dir: &Path, name: &str, config: &Config) -> Result<Self> {
        Self::at_newest_step(LockedRun::create_or_open(runs_dir, name, config)?)
    }

    fn at_newest_step(directory: LockedRun) -> Result<Self> {
        let files = directory.files();
        let config = files.config()?;
        let record = match files.record() {
            Some(Record::Trained(record)) => Some(record),
            _ => None,
        };
        if let Some(record) = record.as_ref().filter(|record| record.state == RunState::Finished) {
            return Err(Error::Finished { path: files.path().to_owned(), step: record.step });
        }
        remove_leftovers(files.path());
        files.checkpoints().create()?;
        // A run killed before its first checkpoint starts again from its seed.
        let (step, weights, optimizer) = match files.checkpoints().newest_resumable(&config)? {
            Some(resumable) => {
                let step = resumable.checkpoint.metadata.step;
                (step, resumable.checkpoint.weights, resumable.optimizer)
            }
            None => (0, initial_weights(&config.model(), config.training.seed), None),
        };
        // Step 0 is evaluated anew.
        let evaluations = if step == 0 { Vec::new() } else { files.metrics(step)? };
        Ok(Self { directory, config, step, weights, optimizer, evaluations, record })
    }

    /// The run's files.
    #[must_use]
    pub fn files(&self) -> &RunFiles {
        self.directory.files()
    }

    /// Every setting of the run.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The step that the run is at.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The evaluations up to there.
    #[must_use]
    pub fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// Writes down that the run is being trained.
    pub(crate) fn begin(&self, on: &TrainingDevice, threads: usize) -> Result<RunRecord> {
        let split = self.config.split()?;
        let mut record = self.record.clone().unwrap_or_else(|| RunRecord {
            name: self.files().name(),
            state: RunState::Running,
            reason: None,
            step: 0,
            seed: self.config.training.seed,
            split: SplitRecord { train: split.train.len(), test: split.test.len() },
            versions: Versions::current(),
            backend: on.record(threads),
            created: jiff::Timestamp::now().to_string(),
            elapsed_s: 0.0,
        });
        record.state = RunState::Running;
        record.reason = None;
        record.versions = Versions::current();
        record.backend = on.record(threads);
        self.files().write_record(&record)?;
        Ok(record)
    }
}
