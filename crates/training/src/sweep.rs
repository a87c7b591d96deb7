//! Many runs: the product of seeds and settings, each trained by a process of its own.

mod in_process;
mod manifest;
mod observer;
mod plan;
mod process;
mod seeds;

use std::{
    collections::VecDeque,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use burn::train::Interrupter;
use clockwork_files::{Lock, remove_leftovers, write_atomically};

pub use self::{
    manifest::{SweepManifest, SweepRun, SweepState},
    observer::SweepObserver,
    plan::{PlannedRun, SweepPlan},
    process::STOP_AT_EOF,
    seeds::Seeds,
};
use crate::{
    Config, Error, Locking, NotARun, Note, Result, RunFiles, Versions,
    clock::now,
    locked_run::{CLAIM, LOCK, check_name, lock},
};

/// What all runs of a sweep have in common, in its directory.
const BASE: &str = "sweep.toml";

/// A sweep's directory, held by this process alone for as long as the value lives. Its runs are ordinary
/// run directories in it.
#[derive(Debug)]
pub struct Sweep {
    path: PathBuf,
    /// The runs that are asked for: the first of the manifest.
    planned: Vec<PlannedRun>,
    manifest: Mutex<SweepManifest>,
    /// Whether its runs' directories are locked, as its own is.
    locking: Locking,
    note: Option<Note>,
    _lock: Lock,
}

impl Sweep {
    /// The names of the files that a sweep keeps beside its runs.
    pub const FILES: [&str; 4] = [SweepManifest::FILE, BASE, LOCK, CLAIM];

    /// Makes `runs_dir/name` for a new sweep, or opens the sweep that is there to go on with it, or to add
    /// runs to it. `command` tells the program and arguments that train a run, from the sweep's
    /// directory, the configuration that all runs have in common, and the run.
    ///
    /// # Errors
    ///
    /// [`Error::RunName`] for a name that is no plain file name; [`Error::NotARun`] where a run is there, or
    /// the path is not valid UTF-8, or the manifest is broken; [`Error::OtherSettings`] where the sweep that
    /// is there has other common settings; [`Error::Config`] where these cannot be read; [`Error::Locked`]
    /// where another process trains the sweep; [`Error::Io`] where a file operation fails; [`Error::Clock`]
    /// where the time cannot be told.
    pub fn open(
        runs_dir: &Path,
        name: &str,
        plan: SweepPlan,
        locking: Locking,
        command: impl Fn(&Path, &Path, &PlannedRun) -> Vec<String>,
    ) -> Result<Self> {
        check_name(name)?;
        let started = now()?.to_string();
        let path = runs_dir.join(name);
        if RunFiles::new(&path).is_run() {
            return Err(Error::NotARun { path, problem: NotARun::IsARun });
        }
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        // The commands in the manifest mean the same from anywhere.
        let path = fs::canonicalize(&path).map_err(Error::io("open", &path))?;
        if path.to_str().is_none() {
            return Err(Error::NotARun { path, problem: NotARun::NotText });
        }
        let (lock, note) = lock(&path, locking)?;
        remove_leftovers(&path);
        let base = path.join(BASE);
        if base.exists() {
            Config::read(&base)?.asked_again(&plan.base, &base)?;
        }
        write_atomically(&base, plan.base.to_toml().as_bytes()).map_err(Error::io("write", &base))?;
        let run = |planned: &PlannedRun| SweepRun {
            name: planned.name.clone(),
            seed: planned.seed,
            settings: planned.settings.clone(),
            // A run of other settings is not this one; its process will say so.
            state: match RunFiles::new(path.join(&planned.name)).is_finished(Some(&planned.config)) {
                true => SweepState::Finished,
                false => SweepState::Waiting,
            },
            reason: None,
            command: command(&path, &base, planned),
        };
        let earlier = SweepManifest::read(&path)?;
        let mut manifest = SweepManifest {
            name: name.to_owned(),
            clockwork: Versions::current().clockwork,
            created: earlier.as_ref().map_or(started, |earlier| earlier.created.clone()),
            runs: plan.runs.iter().map(run).collect(),
        };
        // Runs that are not asked for this time stay in the manifest, as they are by now.
        let others = earlier.into_iter().flat_map(|earlier| earlier.runs);
        let others = others.filter(|other| plan.runs.iter().all(|planned| planned.name != other.name));
        manifest.runs.extend(others.map(|other| as_it_is_now(other, &path)));
        manifest.write(&path)?;
        Ok(Self { path, planned: plan.runs, manifest: manifest.into(), locking, note, _lock: lock })
    }

    /// What is not as it should be with the sweep's directory, but stops nothing.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        self.note.as_slice()
    }

    /// The sweep's directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The runs that are asked for, as they were planned.
    #[must_use]
    pub fn planned(&self) -> &[PlannedRun] {
        &self.planned
    }

    /// The runs that are asked for, as they are now.
    #[must_use]
    pub fn runs(&self) -> Vec<SweepRun> {
        self.manifest().runs[..self.planned.len()].to_vec()
    }

    /// Trains the unfinished runs, `jobs` at a time, each in a process of its own, until all are done or
    /// `interrupter` is told to stop. A run that fails does not stop the others.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the manifest cannot be written or a process cannot be started. The runs that are
    /// being trained are then stopped, and can be resumed.
    pub fn train(
        &self,
        jobs: NonZeroUsize,
        observer: &dyn SweepObserver,
        interrupter: &Interrupter,
    ) -> Result<()> {
        let queue = Mutex::new(VecDeque::from(self.unfinished()));
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let work = || {
            while let Some(run) = next() {
                if interrupter.should_stop() {
                    break;
                }
                self.train_one(run, observer, interrupter).inspect_err(|_| {
                    interrupter.stop(Some("the sweep failed"));
                })?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let start = |_| thread::Builder::new().spawn_scoped(scope, work);
            let workers = (0..jobs.get()).map(start).collect::<std::io::Result<Vec<_>>>();
            // There is a limit to how many a system starts; those that run stop with the sweep.
            let workers = workers.map_err(Error::io("start a thread for every job of", &self.path));
            let workers = workers.inspect_err(|_| interrupter.stop(Some("the sweep failed")))?;
            let ended = workers.into_iter().map(|worker| worker.join().expect("no worker panics"));
            // Every worker is waited for, and the first error told.
            ended.fold(Ok(()), Result::and)
        })
    }

    /// The runs asked for that are not finished.
    fn unfinished(&self) -> Vec<usize> {
        let manifest = self.manifest();
        (0..self.planned.len()).filter(|&i| manifest.runs[i].state != SweepState::Finished).collect()
    }

    fn train_one(&self, i: usize, observer: &dyn SweepObserver, interrupter: &Interrupter) -> Result<()> {
        let run = self.manifest().runs[i].clone();
        let path = self.path.join(&run.name);
        let evaluated = |evaluations: &[_]| observer.evaluated(&run, evaluations);
        if process::is_trained(&path) {
            observer.is_trained_elsewhere(&self.change(i, SweepState::Running, None)?);
            process::wait_until_let_go(&path, interrupter, &evaluated);
            if interrupter.should_stop() {
                return Ok(());
            }
        }
        // Where the run is finished by now, its process finds it so.
        observer.starts(&self.change(i, SweepState::Running, None)?);
        let (state, reason) = process::train(&run.command, &path, interrupter, &evaluated)?;
        observer.ended(&self.change(i, state, reason)?);
        Ok(())
    }

    /// Writes down what became of a run.
    fn change(&self, i: usize, state: SweepState, reason: Option<String>) -> Result<SweepRun> {
        let mut manifest = self.manifest();
        let run = &mut manifest.runs[i];
        (run.state, run.reason) = (state, reason);
        let run = run.clone();
        manifest.write(&self.path)?;
        Ok(run)
    }

    fn manifest(&self) -> MutexGuard<'_, SweepManifest> {
        // Whoever held it left it whole: states are changed one by one.
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The manifest's entry of a run that is not asked for, with its state, which may be outdated, read anew.
fn as_it_is_now(run: SweepRun, sweep: &Path) -> SweepRun {
    let path = sweep.join(&run.name);
    let state = match run.state {
        _ if RunFiles::new(&path).is_finished(None) => SweepState::Finished,
        _ if process::is_trained(&path) => SweepState::Running,
        SweepState::Failed => SweepState::Failed,
        _ => SweepState::Waiting,
    };
    let reason = run.reason.filter(|_| state == SweepState::Failed);
    SweepRun { state, reason, ..run }
}
