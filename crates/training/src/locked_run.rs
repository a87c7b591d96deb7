use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clockwork_files::{Lock, NoLock, is_locked as is_file_locked, point, pointed_at, remove_old_leftovers};

use crate::{Config, Error, NotARun, Note, Record, Result, RunFiles, RunNameProblem};

/// The name that stands for the newest run, beside the runs.
pub const LATEST: &str = "latest";

/// The file that a process locks to have a directory for itself.
pub(crate) const LOCK: &str = "lock";

/// The file that stands for the lock where the file system has none.
pub const CLAIM: &str = "lock.json";

/// Whether a process makes sure that it has a run's directory for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Locking {
    /// It does: two that train one run would get in each other's way.
    #[default]
    Needed,
    /// It does not: the user sees to that.
    Waived,
}

/// A run's directory, held by this process alone for as long as the value lives. Others may
/// [read](RunFiles) it.
#[derive(Debug)]
pub struct LockedRun {
    files: RunFiles,
    notes: Vec<Note>,
    _lock: Lock,
}

impl LockedRun {
    /// Makes `runs_dir/name` for a new run, writes its configuration and points
    /// `runs_dir/latest` at it.
    ///
    /// # Errors
    ///
    /// [`Error::RunName`] for a name that is no plain file name, [`Error::RunExists`] where there
    /// is one already, [`Error::Io`] where a file operation fails.
    pub(crate) fn create(runs_dir: &Path, name: &str, config: &Config, locking: Locking) -> Result<Self> {
        Self::make(runs_dir, name, locking)?.begin(config)
    }

    /// Makes `runs_dir/name` for a new run, as [`create`](Self::create) does, or opens the run of that name.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create), except [`Error::RunExists`], and those of [`open`](Self::open).
    pub(crate) fn create_or_open(
        runs_dir: &Path,
        name: &str,
        config: &Config,
        locking: Locking,
    ) -> Result<Self> {
        let path = match Self::create(runs_dir, name, config, locking) {
            Err(Error::RunExists { path }) => path,
            made => return made,
        };
        if is_half_made(&path) {
            let run = Self::lock(path, locking)?;
            run.files.checkpoints().create()?;
            return run.begin(config);
        }
        Self::open(&path, locking)
    }

    /// Writes the configuration, with which the directory becomes a run's.
    fn begin(mut self, config: &Config) -> Result<Self> {
        self.files.write_config(config)?;
        self.become_latest();
        Ok(self)
    }

    /// Makes `runs_dir/name` with a place for checkpoints.
    pub(crate) fn make(runs_dir: &Path, name: &str, locking: Locking) -> Result<Self> {
        check_name(name)?;
        fs::create_dir_all(runs_dir).map_err(Error::io("create", runs_dir))?;
        let path = runs_dir.join(name);
        fs::create_dir(&path).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => Error::RunExists { path: path.clone() },
            _ => Error::Io { action: "create", path: path.clone(), source },
        })?;
        let run = Self::lock(path, locking)?;
        run.files.checkpoints().create()?;
        Ok(run)
    }

    fn lock(path: PathBuf, locking: Locking) -> Result<Self> {
        let (lock, note) = lock(&path, locking)?;
        Ok(Self { files: RunFiles::new(path), notes: note.into_iter().collect(), _lock: lock })
    }

    /// Lets `latest`, beside the run, stand for it. A convenience stops no run: where that fails, there is a note.
    pub(crate) fn become_latest(&mut self) {
        let Some(runs_dir) = self.files.path().parent() else { return };
        remove_old_leftovers(runs_dir);
        let path = runs_dir.join(LATEST);
        if let Err(e) = point(&path, &self.files.name()) {
            self.notes.push(Note::NotLatest { path, problem: e.to_string() });
        }
    }

    /// Opens the directory of a run that exists, to go on with it.
    ///
    /// # Errors
    ///
    /// [`Error::NotARun`] where there is none, [`Error::Locked`] where another process trains it,
    /// [`Error::Io`] where a file operation fails.
    pub(crate) fn open(path: &Path, locking: Locking) -> Result<Self> {
        // `latest` may stand for another run tomorrow; the one of today is the one to go on with.
        let run = pointed_at(path).unwrap_or_else(|| path.to_owned());
        let canonical = fs::canonicalize(&run).map_err(|e| Error::NotARun {
            path: path.to_owned(),
            problem: NotARun::Unreachable(e.to_string()),
        })?;
        // A path such as `.` does not tell the run's name.
        let path = if run.file_name() == canonical.file_name() { run } else { canonical };
        let files = RunFiles::new(&path);
        if let Some(Record::Imported(_)) = files.record() {
            return Err(Error::NotARun { path, problem: NotARun::Imported });
        }
        if !files.config_path().is_file() {
            return Err(Error::NotARun { path, problem: NotARun::NoConfig });
        }
        Self::lock(path, locking)
    }

    /// The run's files.
    #[must_use]
    pub fn files(&self) -> &RunFiles {
        &self.files
    }

    /// What is not as it should be with the directory, but stops nothing.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
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
        let is_first = name == LOCK || name == CLAIM || name.as_encoded_bytes().starts_with(b".");
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

/// Takes the lock of a run's or a sweep's directory, and tells where it is another than the system's.
pub(crate) fn lock(directory: &Path, locking: Locking) -> Result<(Lock, Option<Note>)> {
    if locking == Locking::Waived {
        return Ok((Lock::none(), None));
    }
    let path = directory.join(LOCK);
    match Lock::take(&path) {
        Ok(lock) => {
            let claimed =
                |reason: &str| Note::Claimed { path: directory.to_owned(), reason: reason.to_owned() };
            let note = lock.claimed_because().map(claimed);
            Ok((lock, note))
        }
        Err(NoLock::Held(holder)) => Err(Error::Locked { path: directory.to_owned(), holder }),
        Err(NoLock::Io(source)) => Err(Error::Io { action: "lock", path, source }),
    }
}

/// Whether a process holds the lock of a directory.
pub(crate) fn is_locked(directory: &Path) -> bool {
    is_file_locked(&directory.join(LOCK))
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
        drop(LockedRun::create(runs.path(), "first", &config(), Locking::Needed).unwrap());
        let second = LockedRun::create(runs.path(), "second", &config(), Locking::Needed).unwrap();
        let latest = runs.path().join(LATEST);
        assert!(matches!(LockedRun::open(&latest, Locking::Needed), Err(Error::Locked { .. })));
        drop(second);
        let latest = LockedRun::open(&latest, Locking::Needed).unwrap();
        assert_eq!(latest.files().name(), "second");
        assert_eq!(latest.files().config().unwrap(), config());
    }

    #[test]
    fn a_run_that_is_there_is_opened_once_at_a_time() {
        let runs = tempfile::tempdir().unwrap();
        let open = |config: &Config| LockedRun::create_or_open(runs.path(), "run", config, Locking::Needed);
        let path = runs.path().join("run");
        drop(open(&config()).unwrap());
        assert!(!is_locked(&path));
        let again = open(&config()).unwrap();
        assert!(is_locked(&path));
        assert!(matches!(open(&config()), Err(Error::Locked { .. })));
        drop(again);
    }

    #[test]
    fn a_latest_that_is_a_directory_stays_and_stops_no_run() {
        let runs = tempfile::tempdir().unwrap();
        let latest = runs.path().join(LATEST);
        fs::create_dir(&latest).unwrap();
        let run = LockedRun::create(runs.path(), "run", &config(), Locking::Needed).unwrap();
        let problem = "it is a directory, not a link".to_owned();
        assert_eq!(run.notes(), [Note::NotLatest { path: latest, problem }]);
        assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_latest_that_is_a_file_with_a_name_is_understood() {
        let runs = tempfile::tempdir().unwrap();
        drop(LockedRun::create(runs.path(), "run", &config(), Locking::Needed).unwrap());
        let latest = runs.path().join(LATEST);
        fs::remove_file(&latest).unwrap();
        fs::write(&latest, "run\n").unwrap();
        assert_eq!(LockedRun::open(&latest, Locking::Needed).unwrap().files().name(), "run");
        assert_eq!(RunFiles::named(&latest).name(), "run");
    }

    #[test]
    fn what_a_kill_left_half_made_is_made_whole_and_what_is_foreign_is_not() {
        let runs = tempfile::tempdir().unwrap();
        let open = || LockedRun::create_or_open(runs.path(), "run", &config(), Locking::Needed);
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
            let error = LockedRun::create(runs.path(), name, &config(), Locking::Needed).unwrap_err();
            assert!(matches!(error, Error::RunName { .. }), "{name:?}");
        }
        assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_exists_is_left_alone() {
        let runs = tempfile::tempdir().unwrap();
        fs::write(runs.path().join("taken"), "mine").unwrap();
        let error = LockedRun::create(runs.path(), "taken", &config(), Locking::Needed).unwrap_err();
        assert!(error.to_string().contains("taken exists already"), "{error}");
        assert_eq!(fs::read_to_string(runs.path().join("taken")).unwrap(), "mine");
    }

    #[test]
    fn a_directory_without_a_run_is_refused() {
        let runs = tempfile::tempdir().unwrap();
        assert!(matches!(LockedRun::open(runs.path(), Locking::Needed), Err(Error::NotARun { .. })));
        assert!(matches!(
            LockedRun::open(&runs.path().join("none"), Locking::Needed),
            Err(Error::NotARun { .. })
        ));
    }
}
