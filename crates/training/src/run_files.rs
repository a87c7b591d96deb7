use std::{
    ffi::OsStr,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clockwork_files::{follow, write_atomically, write_json_atomically};
use serde::Serialize;

use crate::{
    CheckpointFiles, Config, Error, Evaluation, NotARun, Record, Result, RunState,
    checkpoints::{step_name, step_of},
    locked_run::is_locked,
    run::goes_on,
};

/// Every setting of a run.
const CONFIG: &str = "config.toml";

/// What a run says of itself.
const RECORD: &str = "run.json";

/// One evaluation a line.
const METRICS: &str = "metrics.jsonl";

/// The directory of checkpoints.
pub(crate) const CHECKPOINTS: &str = "checkpoints";

/// The directory of analyses, one directory a step.
const ANALYSES: &str = "analysis";

/// The directory of the report.
const REPORT: &str = "report";

/// The files of a run's directory, for anyone to read: nothing is locked, so a run that is being trained can
/// be looked at. Whoever trains holds a [`LockedRun`](crate::LockedRun).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFiles {
    path: PathBuf,
}

impl RunFiles {
    /// The files of a directory, whether they are there or not.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The files of the run that a user names: of the one that `latest` stands for, where that is a
    /// [file](clockwork_files::follow).
    #[must_use]
    pub fn named(path: &Path) -> Self {
        Self::new(follow(path))
    }

    /// The runs in a directory of runs, in the order of their names.
    #[must_use]
    pub fn all_in(runs_dir: &Path) -> Vec<Self> {
        let entries = fs::read_dir(runs_dir).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path()).filter(|path| !path.is_symlink());
        let mut runs: Vec<Self> = paths.map(Self::new).filter(Self::is_run).collect();
        runs.sort_by(|a, b| a.path.cmp(&b.path));
        runs
    }

    /// The newest run in a directory of runs, by when they were first started.
    #[must_use]
    pub fn newest_in(runs_dir: &Path) -> Option<Self> {
        let started = |run: Self| Some((run.record()?.created().to_owned(), run));
        let runs = Self::all_in(runs_dir).into_iter().filter_map(started);
        runs.max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, run)| run)
    }

    /// The run that a checkpoint's file belongs to: the directory above its own, if a run's record is there.
    #[must_use]
    pub fn of_checkpoint(checkpoint: &Path) -> Option<Self> {
        let run = Self::new(checkpoint.parent()?.parent()?);
        run.record_path().is_file().then_some(run)
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's name: that of its directory.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or(OsStr::new("run")).to_string_lossy().into_owned()
    }

    /// `config.toml`, every setting of the run. An imported network has none.
    #[must_use]
    pub fn config_path(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// `run.json`, what the run says of itself.
    #[must_use]
    pub fn record_path(&self) -> PathBuf {
        self.path.join(RECORD)
    }

    /// `metrics.jsonl`, one line per evaluation. An imported network has none.
    #[must_use]
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// The files of `checkpoints/`.
    #[must_use]
    pub fn checkpoints(&self) -> CheckpointFiles {
        CheckpointFiles::new(self.path.join(CHECKPOINTS))
    }

    /// The directory of the analysis of a step.
    #[must_use]
    pub fn analysis(&self, step: u64) -> PathBuf {
        self.path.join(ANALYSES).join(step_name(step))
    }

    /// The directory of the analyses of all steps.
    #[must_use]
    pub fn analyses_directory(&self) -> PathBuf {
        self.path.join(ANALYSES)
    }

    /// The directories of all analyses, in the order of their steps.
    #[must_use]
    pub fn analyses(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path.join(ANALYSES)).into_iter().flatten().flatten();
        let mut directories: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        directories.sort();
        directories
    }

    /// The directory of the report.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.path.join(REPORT)
    }

    /// Whether there is a configuration or a record of a run.
    #[must_use]
    pub fn is_run(&self) -> bool {
        self.config_path().exists() || self.record_path().exists()
    }

    /// Whether a process trains it now, as far as its lock tells: a run that is trained without one cannot be known to be.
    #[must_use]
    pub fn is_being_trained(&self) -> bool {
        is_locked(&self.path)
    }

    /// Whether its configuration was edited since the run was started, as far as its record tells.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        let Some(Record::Trained(record)) = self.record() else { return false };
        self.config().ok().and_then(|config| record.has_other_settings(&config)).unwrap_or(false)
    }

    /// A directory that is not there yet, for what is put aside.
    pub(crate) fn new_aside(&self) -> PathBuf {
        let names = (1..).map(|n| self.path.join(format!("aside-{n}")));
        names.into_iter().find(|path| !path.exists()).expect("there are many numbers")
    }

    /// Moves what a run that goes on from a step would overwrite into a new directory: the checkpoints and
    /// analyses of all later steps, an optimiser's state of that step that is of no use, and a copy of
    /// `metrics.jsonl`.
    pub(crate) fn set_aside(&self, after: u64, is_state_of_no_use: bool, directory: &Path) -> Result<()> {
        fs::create_dir(directory).map_err(Error::io("create", directory))?;
        let metrics = self.metrics_path();
        match fs::read(&metrics) {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            read => {
                let path = directory.join(METRICS);
                let bytes = read.map_err(Error::io("read", &metrics))?;
                write_atomically(&path, &bytes).map_err(Error::io("write", &path))?;
            }
        }
        self.checkpoints().set_aside(after, is_state_of_no_use, directory)?;
        for analysis in self.analyses() {
            let name = analysis.file_name().unwrap_or_default();
            let step = name.to_str().and_then(step_of);
            if step.is_some_and(|step| step > after) {
                fs::rename(&analysis, directory.join(name)).map_err(Error::io("move", &analysis))?;
            }
        }
        Ok(())
    }

    /// Whether the run is finished and, where settings are asked for, would not go on with them.
    #[must_use]
    pub fn is_finished(&self, asked: Option<&Config>) -> bool {
        let Some(Record::Trained(record)) = self.record() else { return false };
        let stays_finished = |asked: &Config| -> Result<bool> {
            let kept = self.config()?;
            let config = kept.asked_again(asked, &self.config_path())?;
            Ok(!goes_on(&record, &kept, &config, &self.metrics(record.step)?))
        };
        record.state == RunState::Finished && asked.is_none_or(|asked| stays_finished(asked).unwrap_or(false))
    }

    /// Reads `config.toml`.
    ///
    /// # Errors
    ///
    /// Those of [`Config::read`].
    pub fn config(&self) -> Result<Config> {
        Config::read(&self.config_path())
    }

    /// Reads `run.json`, if it is there and whole.
    #[must_use]
    pub fn record(&self) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.record_path()).ok()?).ok()
    }

    /// Reads the evaluations up to a step, none where there is no `metrics.jsonl` yet.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file cannot be read, [`Error::NotARun`] where a line is no evaluation.
    pub fn metrics(&self, up_to: u64) -> Result<Vec<Evaluation>> {
        let path = self.metrics_path();
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            text => text.map_err(Error::io("read", &path))?,
        };
        let evaluation = |(i, line): (usize, &str)| {
            serde_json::from_str::<Evaluation>(line).map_err(|e| Error::NotARun {
                path: path.clone(),
                problem: NotARun::BrokenLine { line: i + 1, problem: e.to_string() },
            })
        };
        let mut evaluations = text.lines().enumerate().map(evaluation).collect::<Result<Vec<_>>>()?;
        evaluations.retain(|evaluation| evaluation.step <= up_to);
        Ok(evaluations)
    }

    /// Writes `config.toml`.
    pub(crate) fn write_config(&self, config: &Config) -> Result<()> {
        let path = self.config_path();
        write_atomically(&path, config.to_toml().as_bytes()).map_err(Error::io("write", &path))
    }

    /// Writes `run.json`.
    pub(crate) fn write_record(&self, record: &impl Serialize) -> Result<()> {
        let path = self.record_path();
        write_json_atomically(&path, record).map_err(Error::io("write", &path))
    }

    /// Writes `metrics.jsonl`, all of it: it is small, and so it is never torn.
    pub(crate) fn write_metrics(&self, evaluations: &[Evaluation]) -> Result<()> {
        let line = |of: &Evaluation| serde_json::to_string(of).expect("numbers always serialise") + "\n";
        let text: String = evaluations.iter().map(line).collect();
        let path = self.metrics_path();
        write_atomically(&path, text.as_bytes()).map_err(Error::io("write", &path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64) -> Evaluation {
        Evaluation {
            step,
            train_loss: 0.1 + 0.2,
            test_loss: 1e-300,
            train_accuracy: 1.0,
            test_accuracy: 1.0 / 3.0,
            sum_squared_weights: 849.565_078_831_715_8,
            elapsed_s: 0.5,
        }
    }

    #[test]
    fn every_bit_of_the_metrics_comes_back_up_to_the_step_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let files = RunFiles::new(directory.path());
        assert_eq!(files.metrics(150).unwrap(), []);
        files.write_metrics(&[at(0), at(100), at(200)]).unwrap();
        assert_eq!(files.metrics(150).unwrap(), [at(0), at(100)]);
    }

    #[test]
    fn a_foreign_line_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let files = RunFiles::new(directory.path());
        fs::write(files.metrics_path(), "{}\n").unwrap();
        assert!(files.metrics(1).unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn a_checkpoint_belongs_to_the_run_whose_record_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let files = RunFiles::new(directory.path());
        let checkpoint = files.checkpoints().weights(7);
        assert_eq!(RunFiles::of_checkpoint(&checkpoint), None);
        fs::write(files.record_path(), "{}").unwrap();
        assert_eq!(RunFiles::of_checkpoint(&checkpoint), Some(files.clone()));
        assert_eq!((files.record(), files.is_finished(None), files.is_run()), (None, false, true));
    }
}
