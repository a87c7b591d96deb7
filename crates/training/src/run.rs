use std::path::{Path, PathBuf};

use clockwork_files::remove_leftovers;
use clockwork_model::{Weights, initial_weights};

use crate::{
    Change, Config, EarlyStop, Error, Evaluation, LockedRun, Locking, NotARun, Note, Origin, Record, Result,
    RunFiles, RunRecord, RunState, TrainingDevice,
    checkpoints::Resumable,
    clock::now,
    optimizer_state,
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
    /// Steps between checkpoints up to here.
    pub(crate) kept_every: u64,
    record: Option<RunRecord>,
    /// What is changed as it is gone on with, if anything.
    change: Option<Change>,
    /// Where what was kept of later steps is put aside, if it is in the way.
    aside: Option<PathBuf>,
    notes: Vec<Note>,
}

/// How a run is gone on with, where not as if it had never stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resume {
    /// Settings of the form `section.key=value` to change, among [`Config::CHANGEABLE`].
    pub settings: Vec<String>,
    /// The step to go on from, the newest if none. Where its optimiser's state is missing, the moments begin anew.
    /// What was kept of later steps is put aside.
    pub from_step: Option<u64>,
    /// Whether the run's directory is locked.
    pub locking: Locking,
}

impl Run {
    /// Makes a directory for a new run, at step 0.
    ///
    /// # Errors
    ///
    /// [`Error::RunName`] for a name that is no plain file name, [`Error::RunExists`] where there is a run of
    /// that name, [`Error::Io`] where a file operation fails, [`Error::Clock`] where the time cannot be told.
    pub fn create(runs_dir: &Path, name: &str, config: Config, locking: Locking) -> Result<Self> {
        // A run whose start cannot be dated leaves no directory.
        now()?;
        let directory = LockedRun::create(runs_dir, name, &config, locking)?;
        Ok(Self {
            weights: initial_weights(&config.model(), config.training.seed),
            notes: directory.notes().to_vec(),
            directory,
            step: 0,
            optimizer: None,
            evaluations: Vec::new(),
            kept_every: config.training.checkpoint_every,
            config,
            record: None,
            change: None,
            aside: None,
        })
    }

    /// Opens a run to go on with it, at the newest step from which it does so as if it had never stopped, unless
    /// `resume` asks for something else.
    ///
    /// # Errors
    ///
    /// [`Error::NotARun`] where there is none, or nothing from which it could go on exactly; [`Error::Locked`]
    /// where another process trains it; [`Error::SettingEdited`] where its configuration is not the one that it
    /// was started with; [`Error::FixedSetting`] for a change of what is fixed; [`Error::Finished`] where it took
    /// its last step; [`Error::Io`] where a file operation fails; those of reading its files where none of its
    /// checkpoints is whole.
    pub fn resume(path: &Path, resume: &Resume) -> Result<Self> {
        let directory = LockedRun::open(path, resume.locking)?;
        Self::go_on(directory, resume.from_step, |kept, _| kept.changed(&resume.settings))
    }

    /// Makes a directory for a new run, or goes on with the run of that name, with what may change on the way as
    /// the configuration has it; a run that was to take more steps still does.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create), except [`Error::RunExists`], and of [`resume`](Self::resume);
    /// [`Error::OtherSettings`] where a setting fixed at the start of the run of that name is another.
    pub fn create_or_resume(runs_dir: &Path, name: &str, config: &Config, locking: Locking) -> Result<Self> {
        // As in `create`.
        now()?;
        let directory = LockedRun::create_or_open(runs_dir, name, config, locking)?;
        Self::go_on(directory, None, |kept, path| kept.asked_again(config, path))
    }

    /// Goes on with a run, from a step or from the newest, with a configuration that is made from the one that it
    /// keeps.
    fn go_on(
        directory: LockedRun,
        from_step: Option<u64>,
        changed: impl FnOnce(&Config, &Path) -> Result<Config>,
    ) -> Result<Self> {
        let files = directory.files();
        let kept = files.config()?;
        let record = match files.record() {
            Some(Record::Trained(record)) => Some(record),
            _ => None,
        };
        refuse_edits(files, &kept, record.as_ref())?;
        let config = changed(&kept, &files.config_path())?;
        let evaluations = files.metrics(u64::MAX)?;
        if let (Some(record), None) = (&record, from_step)
            && record.state == RunState::Finished
            && !goes_on(record, &kept, &config, &evaluations)
        {
            return Err(Error::Finished { path: files.path().to_owned(), step: record.step });
        }
        remove_leftovers(files.path());
        files.checkpoints().create()?;
        let evaluated = evaluations.last().map_or(0, |of| of.step);
        let resumable = match from_step {
            Some(step) => Some(files.checkpoints().at(step, &config)?),
            None => files.checkpoints().newest_exact(&config, evaluated)?,
        };
        let change = resumable.as_ref().and_then(|from| change(from, &config));
        let made_with = resumable.as_ref().and_then(|from| Config::of_checkpoint(&from.metadata.config));
        let kept_every = made_with.unwrap_or(kept.clone()).training.checkpoint_every;
        // A run killed before its first checkpoint starts again from its seed.
        let (step, weights, optimizer) = match resumable {
            Some(Resumable { metadata, weights, optimizer, .. }) => (metadata.step, weights, optimizer),
            None => (0, initial_weights(&config.model(), config.training.seed), None),
        };
        if config.training.max_steps < step && config != kept {
            let origin = Origin::value("training.max_steps", &config.training.max_steps);
            return Err(Error::Config { origin, problem: format!("the run is at step {step} already") });
        }
        let newest = files.checkpoints().steps()?.into_iter().max().unwrap_or(0);
        let is_in_the_way = from_step.is_some() && evaluated.max(newest) > step;
        let is_fresh = change.as_ref().is_some_and(|change| change.fresh_moments);
        let is_broken = is_fresh && files.checkpoints().optimizer_state(step).exists();
        let aside = (is_in_the_way || is_broken).then(|| files.new_aside());
        let mut notes = directory.notes().to_vec();
        if step > 0 && !files.metrics_path().exists() {
            notes.push(Note::NoMetrics { path: files.metrics_path(), step });
        }
        // Step 0 is evaluated anew.
        let is_before = |of: &Evaluation| step > 0 && of.step <= step;
        let evaluations = evaluations.into_iter().filter(is_before).collect();
        Ok(Self {
            directory,
            config,
            step,
            weights,
            optimizer,
            evaluations,
            kept_every,
            record,
            change,
            aside,
            notes,
        })
    }

    /// The run's files.
    #[must_use]
    pub fn files(&self) -> &RunFiles {
        self.directory.files()
    }

    /// What is not as it should be with the run's directory, but stops nothing.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
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

    /// What is changed as it is gone on with, if anything.
    #[must_use]
    pub fn change(&self) -> Option<&Change> {
        self.change.as_ref()
    }

    /// Where what was kept of later steps is put aside as it is gone on with, if it is in the way.
    #[must_use]
    pub fn aside(&self) -> Option<&Path> {
        self.aside.as_deref()
    }

    /// How many steps the optimiser's moments have seen: as many as the network, unless they began anew.
    pub(crate) fn moments_age(&self) -> u64 {
        self.optimizer.as_deref().map_or(0, |bytes| optimizer_state::age(bytes, self.step))
    }

    /// Puts aside what is in the way, and writes down that the run is being trained, and how.
    pub(crate) fn begin(&self, on: &TrainingDevice, threads: usize) -> Result<RunRecord> {
        let files = self.files();
        let is_fresh = self.change.as_ref().is_some_and(|change| change.fresh_moments);
        if let Some(aside) = &self.aside {
            files.set_aside(self.step, is_fresh, aside)?;
        }
        if let (true, Some(state)) = (is_fresh, &self.optimizer) {
            files.checkpoints().write_optimizer_state(self.step, state, &self.config)?;
        }
        files.checkpoints().remove_old_optimizer_states()?;
        if files.config().ok().as_ref() != Some(&self.config) {
            files.write_config(&self.config)?;
        }
        let split = self.config.split()?;
        let new = || -> Result<RunRecord> {
            Ok(RunRecord {
                name: self.files().name(),
                state: RunState::Running,
                reason: None,
                step: 0,
                seed: self.config.training.seed,
                split: SplitRecord::of(&split),
                settings_sha256: None,
                clean_at: None,
                changes: Vec::new(),
                versions: Versions::current(),
                backend: on.record(threads),
                created: now()?.to_string(),
                elapsed_s: 0.0,
            })
        };
        let mut record = self.record.clone().map_or_else(new, Ok)?;
        record.state = RunState::Running;
        record.reason = None;
        record.clean_at = None;
        record.split = SplitRecord::of(&split);
        record.settings_sha256 = Some(self.config.settings_sha256());
        // What was changed at steps that are taken again from here did not come to pass.
        let is_past = |of: &Change| of.step < self.step || of.step == self.step && of.fresh_moments;
        record.changes.retain(is_past);
        record.changes.extend(self.change.clone());
        record.versions = Versions::current();
        record.backend = on.record(threads);
        self.files().write_record(&record)?;
        Ok(record)
    }
}

/// Whether a run that is finished, and keeps a configuration, goes on with another one.
pub(crate) fn goes_on(
    record: &RunRecord,
    kept: &Config,
    config: &Config,
    evaluations: &[Evaluation],
) -> bool {
    if evaluations.is_empty() {
        // It is not known whether it stopped early; it goes on only where it is asked to.
        return config != kept && record.step < config.training.max_steps;
    }
    let rule = EarlyStop::after(config, evaluations);
    let is_clean = record.clean_at.is_some_and(|step| rule.is_cleaning_up(step));
    !is_clean && record.step < rule.last_step()
}

/// Refuses a configuration that is not the one that the run was started with, but for what may change. Its record
/// tells whether it is; a checkpoint tells what it was.
fn refuse_edits(files: &RunFiles, config: &Config, record: Option<&RunRecord>) -> Result<()> {
    let is_edited = record.and_then(|record| record.has_other_settings(config));
    if is_edited == Some(false) {
        return Ok(());
    }
    let checkpoints = files.checkpoints();
    let started_with = if checkpoints.directory().is_dir() { checkpoints.newest_config()? } else { None };
    let path = files.config_path();
    match started_with {
        // Another version of this program may hash other settings; those of a checkpoint are what counts.
        Some(started_with) => match started_with.fixed_difference(config) {
            Some(change) => Err(Error::SettingEdited { path, change }),
            None => Ok(()),
        },
        None if is_edited == Some(true) => Err(Error::NotARun { path, problem: NotARun::OtherHash }),
        None => Ok(()),
    }
}

/// What differs between a checkpoint and the training that goes on from it, if anything.
fn change(from: &Resumable, config: &Config) -> Option<Change> {
    let metadata = &from.metadata;
    let before = Config::of_checkpoint(&metadata.config);
    let settings = before.map_or_else(Vec::new, |before| before.differences(config));
    let change = Change { step: metadata.step, settings, fresh_moments: from.fresh_moments };
    (change.fresh_moments || !change.settings.is_empty()).then_some(change)
}
