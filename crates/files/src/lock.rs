use std::{
    fs::{File, TryLockError},
    io::{self, ErrorKind},
    path::Path,
};

use crate::claim::{Claim, Holder, State, claim_of, remove_abandoned, state};

/// What this process has for itself, for as long as the value lives.
///
/// The system's own lock on a file is taken where there is one: it ends with the process, however that ends.
/// Some network file systems have none. There a file beside it stands for the lock: a *claim*, which names the
/// machine and the process, and is checked for whether that process lives.
#[derive(Debug)]
pub struct Lock(Kind);

#[derive(Debug)]
enum Kind {
    System { _file: File },
    Claim(Claim),
    None,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum NoLock {
    /// Another process holds it, this one where that is known.
    Held(Option<Holder>),
    /// A file cannot be made or read.
    Io(io::Error),
}

impl From<io::Error> for NoLock {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Lock {
    /// Takes the lock of a file, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`NoLock::Held`] where another process holds it, [`NoLock::Io`] where a file operation fails.
    pub fn take(path: &Path) -> Result<Self, NoLock> {
        let file = File::create(path)?;
        let claim = claim_of(path);
        match file.try_lock() {
            // On another machine there may be no lock of the system's on the same files.
            Ok(()) => match state(&claim)? {
                State::Held(holder) => Err(NoLock::Held(holder)),
                State::None => Ok(Self(Kind::System { _file: file })),
                State::Abandoned => {
                    remove_abandoned(&claim)?;
                    Ok(Self(Kind::System { _file: file }))
                }
            },
            Err(TryLockError::WouldBlock) => Err(NoLock::Held(None)),
            Err(TryLockError::Error(reason)) if has_no_locks(&reason) => {
                Ok(Self(Kind::Claim(Claim::take(claim, &reason)?)))
            }
            Err(TryLockError::Error(reason)) => Err(reason.into()),
        }
    }

    /// No lock: whoever asks for this sees to it that nobody else is there.
    #[must_use]
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// Why a claim stands for the system's own lock, where it does.
    #[must_use]
    pub fn claimed_because(&self) -> Option<&str> {
        match &self.0 {
            Kind::Claim(claim) => Some(&claim.reason),
            Kind::System { .. } | Kind::None => None,
        }
    }
}

/// Whether a process holds the lock of a file.
#[must_use]
pub fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
        || matches!(state(&claim_of(path)), Ok(State::Held(_)))
}

/// Whether locking fails because the file system, or its server, does not know locks.
fn has_no_locks(reason: &io::Error) -> bool {
    #[cfg(unix)]
    let is_server = reason.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error());
    #[cfg(not(unix))]
    let is_server = false;
    is_server || reason.kind() == ErrorKind::Unsupported
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_one_processs_and_is_let_go() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        assert!(!is_locked(&path));
        let lock = Lock::take(&path).unwrap();
        assert!(lock.claimed_because().is_none() && is_locked(&path));
        assert!(matches!(Lock::take(&path), Err(NoLock::Held(None))));
        drop(lock);
        assert!(!is_locked(&path));
        drop(Lock::take(&path).unwrap());
    }
}
