use std::{path::Path, sync::Arc};

use burn::train::{Interrupter, SupervisedTraining, TrainingStrategy, renderer::MetricsRenderer};
use clockwork_model::{Transformer, Weights, initial_weights};

use crate::{
    Config, Ending, Error, Evaluation, Milestones, Result, RunDirectory, RunRecord, RunState, TrainingDevice,
    checkpoints::{CheckpointFiles, remove_leftovers},
    full_batch::FullBatch,
    full_batch_strategy::FullBatchStrategy,
    learner::learner,
    metrics::read_metrics,
    optimizer_state,
    reading::{NoMetricFiles, Reading},
    run_record::{SplitRecord, Versions},
};

/// A run at one of its steps, ready to be trained on from there.
pub struct Run {
    pub(crate) directory: RunDirectory,
    pub(crate) config: Config,
    pub(crate) step: u64,
    pub(crate) weights: Weights,
    /// The optimiser's state as its file has it, from the first step on.
    pub(crate) optimizer: Option<Vec<u8>>,
    pub(crate) evaluations: Vec<Evaluation>,
    record: Option<RunRecord>,
}

/// What a sitting came to.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Why it ended.
    pub ending: Ending,
    /// The step that it ended at.
    pub step: u64,
    /// When the run passed its milestones.
    pub milestones: Milestones,
    /// All evaluations, of which there is at least one.
    pub evaluations: Vec<Evaluation>,
    /// Seconds of training, over all sittings.
    pub elapsed_s: f64,
}

impl Run {
    /// Makes a directory for a new run, at step 0.
    ///
    /// # Errors
    ///
    /// Those of [`RunDirectory::create`].
    pub fn create(runs_dir: &Path, name: &str, config: Config) -> Result<Self> {
        let directory = RunDirectory::create(runs_dir, name, &config)?;
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
    /// Those of [`RunDirectory::open`]; [`Error::Finished`] where it took its last step; those of reading
    /// its files where none of its checkpoints is whole.
    pub fn resume(path: &Path) -> Result<Self> {
        Self::at_newest_step(RunDirectory::open(path)?)
    }

    /// Makes a directory for a new run, or goes on with the run of that name and configuration.
    ///
    /// # Errors
    ///
    /// Those of [`RunDirectory::create_or_open`] and of [`resume`](Self::resume).
    pub fn create_or_resume(runs_dir: &Path, name: &str, config: &Config) -> Result<Self> {
        Self::at_newest_step(RunDirectory::create_or_open(runs_dir, name, config)?)
    }

    fn at_newest_step(directory: RunDirectory) -> Result<Self> {
        let config = Config::read(&directory.config())?;
        let record = directory.record();
        if let Some(record) = record.as_ref().filter(|record| record.state == RunState::Finished) {
            return Err(Error::Finished { path: directory.path().to_owned(), step: record.step });
        }
        let checkpoints = directory.checkpoints();
        std::fs::create_dir_all(&checkpoints).map_err(Error::io("create", &checkpoints))?;
        remove_leftovers(&checkpoints);
        remove_leftovers(directory.path());
        // A run killed before its first checkpoint starts again from its seed.
        let (step, weights, optimizer) = match CheckpointFiles::new(checkpoints).newest_resumable(&config)? {
            Some(resumable) => {
                let step = resumable.checkpoint.metadata.step;
                (step, resumable.checkpoint.weights, resumable.optimizer)
            }
            None => (0, initial_weights(&config.model(), config.training.seed), None),
        };
        // Step 0 is evaluated anew.
        let evaluations = if step == 0 { Vec::new() } else { read_metrics(&directory.metrics(), step)? };
        Ok(Self { directory, config, step, weights, optimizer, evaluations, record })
    }

    /// The run's directory.
    #[must_use]
    pub fn directory(&self) -> &RunDirectory {
        &self.directory
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

    /// Trains to the end, or until `interrupter` is told to stop.
    ///
    /// # Errors
    ///
    /// [`Error::LossNotFinite`] where the loss stops being a number; [`Error::Io`] where a file
    /// cannot be written; [`Error::Device`] and [`Error::Training`] where burn fails. The run is
    /// then marked stopped and its checkpoints are whole.
    pub fn train(
        self,
        on: &TrainingDevice,
        threads: usize,
        renderer: Box<dyn MetricsRenderer>,
        interrupter: &Interrupter,
    ) -> Result<Summary> {
        let split = self.config.split()?;
        let record = self.begin(on, threads)?;

        let (device, autodiff) = (on.device(), on.device().clone().autodiff());
        let network = Transformer::from_weights(&self.weights, &self.config.model(), &autodiff);
        let mut learner = learner(network, &self.config, on, self.step);
        if let Some(bytes) = &self.optimizer {
            let state = optimizer_state::from_bytes(bytes, &self.config.model(), self.step);
            learner.load_optim(state.map_err(Error::Training)?);
        }
        let model = self.config.model();
        let strategy = Arc::new(FullBatchStrategy {
            config: self.config.clone(),
            directory: self.directory,
            waits: !on.is_processor(),
            start: self.step,
            elapsed_s: self.evaluations.last().map_or(0.0, |evaluation| evaluation.elapsed_s),
            evaluations: self.evaluations.into(),
            ending: None.into(),
        });
        let result = SupervisedTraining::new(
            strategy.directory.path(),
            Arc::new(FullBatch::new(model, split.train, on, &autodiff)),
            Arc::new(FullBatch::new(model, split.test, on, device)),
        )
        .metrics((Reading::loss(), Reading::accuracy()))
        .with_metric_logger(NoMetricFiles)
        .with_application_logger(None)
        .with_interrupter(interrupter.clone())
        .with_training_strategy(TrainingStrategy::Custom(strategy.clone()))
        .renderer(renderer)
        .launch(learner);

        let poisoned = "training is over and no thread panicked";
        let evaluations = std::mem::take(&mut *strategy.evaluations.lock().expect(poisoned));
        let ending = strategy.ending.lock().expect(poisoned).take();
        let ending = match (ending, result.error) {
            (Some(Ok((_, Ending::Interrupted(_)))) | None, Some(error)) => {
                Err(Error::Training(error.to_string()))
            }
            (None, None) => Err(Error::Training("burn's training loop did not run".to_owned())),
            (Some(ending), _) => ending,
        };
        conclude(&strategy.directory, record, ending, evaluations)
    }

    /// Notes that the run is being trained.
    pub(crate) fn begin(&self, on: &TrainingDevice, threads: usize) -> Result<RunRecord> {
        let split = self.config.split()?;
        let mut record = self.record.clone().unwrap_or_else(|| RunRecord {
            name: self.directory.name(),
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
        self.directory.write_record(&record)?;
        Ok(record)
    }
}

/// Notes what a sitting came to, and tells it.
pub(crate) fn conclude(
    directory: &RunDirectory,
    mut record: RunRecord,
    ending: Result<(u64, Ending)>,
    evaluations: Vec<Evaluation>,
) -> Result<Summary> {
    let elapsed_s = evaluations.last().map_or(0.0, |evaluation| evaluation.elapsed_s);
    record.elapsed_s = elapsed_s;
    record.step = ending.as_ref().map_or(evaluations.last().map_or(0, |e| e.step), |(step, _)| *step);
    (record.state, record.reason) = match &ending {
        Ok((_, Ending::MaxSteps)) => (RunState::Finished, Some("took training.max_steps steps".to_owned())),
        Ok((_, Ending::EarlyStop)) => {
            (RunState::Finished, Some("the test loss stayed below training.stop_below_test_loss".to_owned()))
        }
        Ok((_, Ending::Interrupted(reason))) => (RunState::Stopped, Some(reason.clone())),
        Err(error) => (RunState::Stopped, Some(error.in_words())),
    };
    let written = directory.write_record(&record);
    let (step, ending) = ending?;
    written?;
    Ok(Summary { ending, step, milestones: evaluations.iter().collect(), evaluations, elapsed_s })
}
