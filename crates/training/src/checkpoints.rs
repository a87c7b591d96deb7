use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clockwork_files::{remove_leftovers, write_atomically};
use clockwork_model::{Checkpoint, CheckpointMetadata, StoredNetwork, Weights};

use crate::{Config, Error, NotARun, Result, SettingChange, optimizer_state, run_files::CHECKPOINTS};

/// How many of the newest checkpoints keep the optimiser's state: should the newest be broken,
/// there is one more to resume from.
const KEPT_OPTIMIZER_STATES: usize = 2;

/// How far a run may have come that begins again when it is gone on with: it was killed before its first
/// checkpoints were written, for training is never more than three of them ahead of the disk.
const FIRST_STEPS: u64 = 4;

const WEIGHTS: &str = ".safetensors";
const OPTIMIZER_STATE: &str = ".optimizer.safetensors";

/// What the name of everything of a step starts with.
const STEP: &str = "step-";

/// The name of what is kept of a step, such as `step-0001200`: names are in the order of steps.
pub(crate) fn step_name(step: u64) -> String {
    format!("{STEP}{step:07}")
}

/// The step that such a name is of.
pub(crate) fn step_of(name: &str) -> Option<u64> {
    name.strip_prefix(STEP)?.parse().ok()
}

/// The files of a run's `checkpoints/` directory.
#[derive(Debug, Clone)]
pub struct CheckpointFiles {
    directory: PathBuf,
}

/// Everything that training needs to resume from a step as if it had never stopped.
pub(crate) struct Resumable {
    pub metadata: CheckpointMetadata,
    pub weights: Weights,
    /// The optimiser's state as its file has it, known to be whole. There is none before the first step.
    pub optimizer: Option<Vec<u8>>,
    /// Whether its moments begin anew, at zero, since those of the step are missing or of no use.
    pub fresh_moments: bool,
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
        self.directory.join(optimizer_state_name(step))
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
            steps.extend(name.to_str().and_then(|name| step_of(name.strip_suffix(suffix)?)));
        }
        steps.sort_unstable();
        Ok(steps)
    }

    /// The newest step from which training goes on as if it had never stopped, or nothing where it begins: at step
    /// 0, from the seed. `evaluated` is the last step that the run is known to have reached otherwise.
    ///
    /// A run that came further than [`FIRST_STEPS`] does not begin again: what was kept of it would be lost.
    ///
    /// # Errors
    ///
    /// That of the newest broken file where no weights are whole; [`NotARun::NoExactStep`] where the optimiser's
    /// states are missing or of no use, or all checkpoints of a run that had some are missing.
    pub(crate) fn newest_exact(&self, config: &Config, evaluated: u64) -> Result<Option<Resumable>> {
        let steps = self.steps()?;
        let has_come_far = steps.last().copied().max(Some(evaluated)) > Some(FIRST_STEPS);
        let mut problem = None;
        for &step in steps.iter().rev() {
            let may_go_on = if step == 0 { !has_come_far } else { self.optimizer_state(step).exists() };
            if may_go_on {
                match self.read_resumable(step, config) {
                    Ok(resumable) => return Ok(Some(resumable)),
                    Err(error) => problem = problem.or(Some(error)),
                }
            }
        }
        if !has_come_far {
            return problem.map_or(Ok(None), Err);
        }
        // With moments that begin anew it can go on from the newest step whose weights are whole.
        let whole = steps.iter().rev().copied().find(|&step| self.read_weights(step, config).is_ok());
        match (whole, problem) {
            (None, Some(error)) => Err(error),
            (newest, problem) => {
                let problem = problem.map_or_else(|| missing(newest), |error| error.chain());
                Err(Error::NotARun { path: self.run(), problem: NotARun::NoExactStep { newest, problem } })
            }
        }
    }

    /// A step to go on from: exactly, where the optimiser's state is there and whole, else with moments that begin
    /// anew.
    ///
    /// # Errors
    ///
    /// [`NotARun::NoStep`] where the step is not kept; those of reading its files.
    pub(crate) fn at(&self, step: u64, config: &Config) -> Result<Resumable> {
        let kept = self.steps()?;
        if !kept.contains(&step) {
            return Err(Error::NotARun { path: self.run(), problem: NotARun::NoStep { asked: step, kept } });
        }
        match self.read_resumable(step, config) {
            // A file that cannot be read now may be whole.
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                self.with_zero_moments(step, config)
            }
            Err(Error::Model(clockwork_model::Error::Checkpoint { .. })) => {
                self.with_zero_moments(step, config)
            }
            resumable => resumable,
        }
    }

    fn with_zero_moments(&self, step: u64, config: &Config) -> Result<Resumable> {
        let (metadata, weights) = self.read_weights(step, config)?;
        let optimizer = optimizer_state::zero(&config.model(), step).map_err(Error::Training)?;
        Ok(Resumable { metadata, weights, optimizer: Some(optimizer), fresh_moments: true })
    }

    /// The configuration that the newest whole checkpoint was made with; nothing where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the directory cannot be read.
    pub(crate) fn newest_config(&self) -> Result<Option<Config>> {
        let read = |step| Checkpoint::read(&self.weights(step)).ok();
        let whole = self.steps()?.into_iter().rev().find_map(read);
        Ok(whole.and_then(|checkpoint| Config::of_checkpoint(&checkpoint.metadata.config)))
    }

    /// Moves the files of all steps after one into another directory, and the optimiser's state of that step too
    /// where it is of no use.
    pub(crate) fn set_aside(&self, after: u64, is_state_of_no_use: bool, directory: &Path) -> Result<()> {
        let move_there = |name: String| {
            let path = self.directory.join(&name);
            fs::rename(&path, directory.join(&name)).map_err(Error::io("move", &path))
        };
        let weights = self.steps()?.into_iter().filter(|step| *step > after);
        weights.map(|step| step_name(step) + WEIGHTS).try_for_each(move_there)?;
        let is_moved = |step: &u64| *step > after || is_state_of_no_use && *step == after;
        let states = self.steps_with(OPTIMIZER_STATE)?.into_iter().filter(is_moved);
        states.map(optimizer_state_name).try_for_each(move_there)
    }

    /// The run's directory.
    fn run(&self) -> PathBuf {
        self.directory.parent().unwrap_or(&self.directory).to_owned()
    }

    /// Writes the weights of a step, with all that made them.
    pub(crate) fn write_weights(&self, step: u64, weights: &Weights, config: &Config) -> Result<()> {
        let metadata = CheckpointMetadata {
            step,
            task: config.task(),
            model: config.model(),
            split: Some(config.split_rule()),
            config: serde_json::to_value(config).expect("plain tables of numbers always serialise"),
            settings_sha256: Some(config.settings_sha256()),
            imported: None,
        };
        let network = StoredNetwork::Paper(weights.clone());
        let checkpoint = Checkpoint { metadata, network, listed_split: None };
        Ok(checkpoint.write(&self.weights(step))?)
    }

    /// Writes the optimiser's state of a step, and [removes old ones](Self::remove_old_optimizer_states).
    pub(crate) fn write_optimizer_state(&self, step: u64, bytes: &[u8], config: &Config) -> Result<()> {
        let path = self.optimizer_state(step);
        let bytes = optimizer_state::of_run(bytes, config.settings_sha256()).map_err(Error::Training)?;
        write_atomically(&path, &bytes).map_err(Error::io("write", &path))?;
        self.remove_old_optimizer_states()
    }

    /// Removes the optimiser's states that are no longer among the newest.
    pub(crate) fn remove_old_optimizer_states(&self) -> Result<()> {
        for old in self.steps_with(OPTIMIZER_STATE)?.iter().rev().skip(KEPT_OPTIMIZER_STATES) {
            let path = self.optimizer_state(*old);
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        Ok(())
    }

    fn read_resumable(&self, step: u64, config: &Config) -> Result<Resumable> {
        let (metadata, weights) = self.read_weights(step, config)?;
        if step == 0 {
            return Ok(Resumable { metadata, weights, optimizer: None, fresh_moments: false });
        }
        let path = self.optimizer_state(step);
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        let of_run = optimizer_state::must_be_of(&bytes, metadata.settings_sha256.as_deref());
        match of_run.and_then(|()| optimizer_state::from_bytes(&[&bytes], &config.model(), step)) {
            Ok(_) => Ok(Resumable { metadata, weights, optimizer: Some(bytes), fresh_moments: false }),
            Err(problem) => Err(foreign(path, problem)),
        }
    }

    fn read_weights(&self, step: u64, config: &Config) -> Result<(CheckpointMetadata, Weights)> {
        let path = self.weights(step);
        let Checkpoint { metadata: of, network, .. } = Checkpoint::read(&path)?;
        let made_with = Config::of_checkpoint(&of.config);
        if let Some(change) = made_with.and_then(|made_with| made_with.fixed_difference(config)) {
            let SettingChange { key, from, to } = change;
            return Err(foreign(path, format!("is of another run, which has {key} = {from}, not {to}")));
        }
        let is_of_run = of.model == config.model() && of.task == config.task() && of.step == step;
        match network {
            StoredNetwork::Paper(weights) if is_of_run => Ok((of, weights)),
            _ => Err(foreign(path, "is of another run".to_owned())),
        }
    }
}

/// What is missing of a run whose newest step with weights this is.
fn missing(newest: Option<u64>) -> String {
    match newest {
        Some(step) => format!(
            "{CHECKPOINTS}/{} is missing, and so is that of any other step",
            optimizer_state_name(step)
        ),
        None => "it has metrics, but none of its checkpoints is left".to_owned(),
    }
}

/// The name of the file with the optimiser's state of a step.
pub(crate) fn optimizer_state_name(step: u64) -> String {
    step_name(step) + OPTIMIZER_STATE
}

fn foreign(path: PathBuf, problem: String) -> Error {
    Error::Model(clockwork_model::Error::Checkpoint { path, problem })
}
