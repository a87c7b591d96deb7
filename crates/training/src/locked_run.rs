use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::{Config, Error, NotARun, Record, Result, RunFiles, RunNameProblem};

/// The name of the link to the newest run, beside the runs.
const LATEST: &str = "latest";

/// The file that a process locks to have a directory for itself.
pub(crate) const LOCK: &str = "lock";

/// A run's directory, held by this process alone for as long as the value lives. Others may
/// [read](RunFiles) it.
#[derive(Debug)]
pub struct LockedRun {
    files: RunFiles,
    _lock: File,
}

impl LockedRun {
    /// Makes `runs_dir/name` for a new run, writes its configuration and points
    /// `runs_dir/latest` at it.
    ///
    /// # Errors
    ///
    /// [`Error::RunName`] for a name that is no plain file name, [`Error::RunExists`] where there
    /// is one already, [`Error::Io`] where a file operation fails.
    pub(crate) fn create(runs_dir: &Path, name: &str, config: &Config) -> Result<Self> {
        Self::make(runs_dir, name)?.begin(config)
    }

    /// Makes `runs_dir/name` for a new run, as [`create`](Self::create) does, or opens the run of that name
    /// and configuration to go on with it.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create), except [`Error::RunExists`], and those of [`open`](Self::open);
    /// [`Error::OtherSettings`] where the run of that name has another configuration.
    pub(crate) fn create_or_open(runs_dir: &Path, name: &str, config: &Config) -> Result<Self> {
        let path = match Self::create(runs_dir, name, config) {
            Err(Error::RunExists { path }) => path,
            made => return made,
        };
        if is_half_made(&path) {
            let run = Self { _lock: lock(&path)?, files: RunFiles::new(path) };
            run.files.checkpoints().create()?;
            return run.begin(config);
        }
        let run = Self::open(&path)?;
        run.files.config()?.must_equal(config, &run.files.config_path())?;
        Ok(run)
    }

    /// Writes the configuration, with which the directory becomes a run's.
    fn begin(self, config: &Config) -> Result<Self> {
        self.files.write_config(config)?;
        self.become_latest()?;
        Ok(self)
    }

    /// Makes `runs_dir/name` with a place for checkpoints.
    pub(crate) fn make(runs_dir: &Path, name: &str) -> Result<Self> {
        check_name(name)?;
        fs::create_dir_all(runs_dir).map_err(Error::io("create", runs_dir))?;
        let path = runs_dir.join(name);
        fs::create_dir(&path).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => Error::RunExists { path: path.clone() },
            _ => Error::Io { action: "create", path: path.clone(), source },
        })?;
        let run = Self { _lock: lock(&path)?, files: RunFiles::new(path) };
        run.files.checkpoints().create()?;
        Ok(run)
    }

    /// Points `latest`, beside the run, at it.
    pub(crate) fn become_latest(&self) -> Result<()> {
        match self.files.path().parent() {
            Some(runs_dir) => point_latest_at(runs_dir, &self.files.name()),
            None => Ok(()),
        }
    }

    /// Opens the directory of a run that exists, to go on with it.
    ///
    /// # Errors
    ///
    /// [`Error::NotARun`] where there is none, [`Error::Locked`] where another process trains it,
    /// [`Error::Io`] where a file operation fails.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        // `latest` may point elsewhere tomorrow; the run that it means today is the one to go on with.
        let path = fs::canonicalize(path).map_err(|e| Error::NotARun {
            path: path.to_owned(),
            problem: NotARun::Unreachable(e.to_string()),
        })?;
        let files = RunFiles::new(&path);
        if let Some(Record::Imported(_)) = files.record() {
            return Err(Error::NotARun { path, problem: NotARun::Imported });
        }
        if !files.config_path().is_file() {
            return Err(Error::NotARun { path, problem: NotARun::NoConfig });
        }
        Ok(Self { _lock: lock(&path)?, files })
    }

    /// The run's files.
    #[must_use]
    pub fn files(&self) -> &RunFiles {
        &self.files
    }
}

/// Whether a directory holds only what is made before a run's configuration is written: the process that
/// made it was killed.
fn is_half_made(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return false };
    let checkpoints = RunFiles::new(path).checkpoints().directory().to_owned();
    let is_empty = |path: PathBuf| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    entries.flatten().all(|entry| {
        let name = entry.file_name();
        let is_first = name == LOCK || name.as_encoded_bytes().starts_with(b".");
        is_first || entry.path() == checkpoints && is_empty(entry.path())
    })
}

/// Refuses names that would lead elsewhere.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let problem = if name.is_empty() || name.starts_with('.') {
        RunNameProblem::EmptyOrHidden
    } else if name == LATEST {
        RunNameProblem::Latest
    } else if name.contains(['/', '\\', ':']) || name.chars().any(char::is_control) {
        RunNameProblem::NotAFileName
    } else {
        return Ok(());
    };
    Err(Error::RunName { name: name.to_owned(), problem })
}

/// Takes the lock of a run's or a sweep's directory. The system releases it when the process ends,
/// however it ends.
pub(crate) fn lock(run: &Path) -> Result<File> {
    let path = run.join(LOCK);
    let file = File::create(&path).map_err(Error::io("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: run.to_owned() }),
        Err(TryLockError::Error(source)) => Err(Error::Io { action: "lock", path, source }),
    }
}

/// Whether a process holds the lock of a directory.
pub(crate) fn is_locked(run: &Path) -> bool {
    let file = File::open(run.join(LOCK));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Points `runs_dir/latest` at a run. A link cannot be written over, but it can be renamed over.
#[cfg(unix)]
fn point_latest_at(runs_dir: &Path, name: &str) -> Result<()> {
    let latest = runs_dir.join(LATEST);
    let temporary = runs_dir.join(format!(".{LATEST}.{}", std::process::id()));
    std::os::unix::fs::symlink(name, &temporary)
        .and_then(|()| fs::rename(&temporary, &latest))
        .map_err(Error::io("create", &latest))
}

/// Where links need privileges that a user lacks, there is no `latest`.
#[cfg(not(unix))]
fn point_latest_at(_runs_dir: &Path, _name: &str) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::load(None, &[]).unwrap()
    }

    #[test]
    fn a_new_run_is_the_latest_and_opens_again_once_it_is_let_go() {
        let runs = tempfile::tempdir().unwrap();
        drop(LockedRun::create(runs.path(), "first", &config()).unwrap());
        let second = LockedRun::create(runs.path(), "second", &config()).unwrap();
        let latest = runs.path().join(LATEST);
        assert!(matches!(LockedRun::open(&latest), Err(Error::Locked { .. })));
        drop(second);
        let latest = LockedRun::open(&latest).unwrap();
        assert_eq!(latest.files().name(), "second");
        assert_eq!(latest.files().config().unwrap(), config());
    }

    #[test]
    fn a_run_of_the_same_settings_is_gone_on_with_and_no_other() {
        let runs = tempfile::tempdir().unwrap();
        let open = |config: &Config| LockedRun::create_or_open(runs.path(), "run", config);
        let path = runs.path().join("run");
        drop(open(&config()).unwrap());
        assert!(!is_locked(&path));
        let again = open(&config()).unwrap();
        assert!(is_locked(&path));
        assert!(matches!(open(&config()), Err(Error::Locked { .. })));
        drop(again);
        let other = Config::load(None, &["optimizer.weight_decay=2".into()]).unwrap();
        let error = open(&other).unwrap_err().to_string();
        assert!(error.contains("has optimizer.weight_decay = 1.0, not 2.0"), "{error}");
    }

    #[test]
    fn what_a_kill_left_half_made_is_made_whole_and_what_is_foreign_is_not() {
        let runs = tempfile::tempdir().unwrap();
        let open = || LockedRun::create_or_open(runs.path(), "run", &config());
        let path = runs.path().join("run");
        fs::create_dir(&path).unwrap();
        drop(open().unwrap());
        fs::remove_file(path.join("config.toml")).unwrap();
        fs::write(path.join(".config.toml.tmp"), "half").unwrap();
        assert!(open().unwrap().files().config_path().is_file());
        fs::remove_file(path.join("config.toml")).unwrap();
        fs::write(path.join("notes.txt"), "mine").unwrap();
        assert!(matches!(open(), Err(Error::NotARun { .. })));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let runs = tempfile::tempdir().unwrap();
        for name in ["", ".", "..", "a/b", "../a", "a\\b", "C:x", "latest", ".hidden", "a\nb"] {
            let error = LockedRun::create(runs.path(), name, &config()).unwrap_err();
            assert!(matches!(error, Error::RunName { .. }), "{name:?}");
        }
        assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_exists_is_left_alone() {
        let runs = tempfile::tempdir().unwrap();
        fs::write(runs.path().join("taken"), "mine").unwrap();
        let error = LockedRun::create(runs.path(), "taken", &config()).unwrap_err();
        assert!(error.to_string().contains("taken exists already"), "{error}");
        assert_eq!(fs::read_to_string(runs.path().join("taken")).unwrap(), "mine");
    }

    #[test]
    fn a_directory_without_a_run_is_refused() {
        let runs = tempfile::tempdir().unwrap();
        assert!(matches!(LockedRun::open(runs.path()), Err(Error::NotARun { .. })));
        assert!(matches!(LockedRun::open(&runs.path().join("none")), Err(Error::NotARun { .. })));
    }
}
