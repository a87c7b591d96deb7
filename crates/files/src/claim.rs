//! What stands for a lock where the system has none.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    process,
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use crate::{
    NoLock,
    atomic_file::{new_file, temporary},
};

/// How often a process shows that it still holds its claim.
const BEAT: Duration = Duration::from_secs(20);

/// A claim from another machine that was not shown for this long is of a process that is no more.
const ABANDONED: Duration = Duration::from_mins(3);

/// How long another process may take to remove a claim.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who holds a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The machine's name.
    pub host: String,
    /// The process' number there.
    pub process: u32,
    /// When the process started, in the system's own unit, where it tells: numbers of processes come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// The processes among which its number counts, on Linux: those of a container have numbers of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<String>,
    /// When it took the claim, in seconds since 1970.
    pub since: u64,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.process, self.host)
    }
}

/// The file that stands for a lock, and a thread that shows that its process lives.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    text: String,
    /// Why the system's own lock is not taken.
    pub reason: String,
    beat: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Claim {
    /// Takes the claim of a file, for the reason for which there is no lock of the system's.
    pub fn take(path: PathBuf, reason: &io::Error) -> Result<Self, NoLock> {
        let text = serde_json::to_string(&Holder::this_process()).map_err(io::Error::from)?;
        while let Err(e) = make(&path, &text) {
            if e.kind() != ErrorKind::AlreadyExists {
                return Err(e.into());
            }
            match state(&path)? {
                State::Held(holder) => return Err(NoLock::Held(holder)),
                State::None => {}
                State::Abandoned => remove_abandoned(&path)?,
            }
        }
        let (stop, stopped) = mpsc::channel();
        let shown = path.clone();
        let beat = thread::Builder::new().spawn(move || {
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                let file = File::options().write(true).open(&shown);
                // Where it cannot be shown now, it may be next time.
                let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
            }
        })?;
        Ok(Self { path, text, reason: reason.to_string(), beat: Some((stop, beat)) })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some((stop, beat)) = self.beat.take() {
            drop(stop);
            // It only sleeps and touches a file.
            let _ = beat.join();
        }
        // What cannot be removed is found abandoned by the next process.
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes a claim's file, unless there is one. It is there with its text or not at all, but where the file system
/// has no second names for a file.
fn make(path: &Path, text: &str) -> io::Result<()> {
    let mut file = temporary(path, new_file)?;
    file.write_all(text.as_bytes())?;
    match fs::hard_link(file.path(), path) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => new_file(path)?.write_all(text.as_bytes()),
        made => made,
    }
}

/// Removes a claim whose process is no more. One process at a time does so, having looked again: another may hold a
/// claim of its own by now.
pub(crate) fn remove_abandoned(path: &Path) -> io::Result<()> {
    let turn = beside(path, ".turn");
    let since = Instant::now();
    while let Err(e) = new_file(&turn) {
        if e.kind() != ErrorKind::AlreadyExists || since.elapsed() > PATIENCE {
            return Err(e);
        }
        // It is held for a moment only, unless its process was killed in that moment.
        if !is_shown(&turn) {
            let _ = fs::remove_file(&turn);
        }
        thread::sleep(Duration::from_millis(5));
    }
    let removed = match state(path) {
        Ok(State::Abandoned) => fs::remove_file(path),
        Ok(State::None | State::Held(_)) => Ok(()),
        Err(e) => Err(e),
    };
    fs::remove_file(&turn).and(removed)
}

/// What there is of a claim.
pub(crate) enum State {
    /// Nobody claims.
    None,
    /// A process does that lives, as far as can be told; not known which where the claim cannot be read.
    Held(Option<Holder>),
    /// A process did that is no more.
    Abandoned,
}

pub(crate) fn state(path: &Path) -> io::Result<State> {
    let text = match fs::read_to_string(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(State::None),
        text => text?,
    };
    let holder = serde_json::from_str::<Holder>(&text).ok();
    let lives = holder.as_ref().and_then(Holder::lives).unwrap_or_else(|| is_shown(path));
    Ok(if lives { State::Held(holder) } else { State::Abandoned })
}

/// Whether a claim was shown lately. A time to come is one of a clock that is ahead.
fn is_shown(path: &Path) -> bool {
    let shown = fs::metadata(path).and_then(|file| file.modified());
    shown.is_ok_and(|shown| shown.elapsed().map_or(true, |elapsed| elapsed < ABANDONED))
}

/// The claim's file of a lock's.
pub(crate) fn claim_of(lock: &Path) -> PathBuf {
    beside(lock, ".json")
}

/// A path with more at its end.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(more);
    name.into()
}

impl Holder {
    fn this_process() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let process = process::id();
        Self { host: host(), process, started: started(process), among: among(), since }
    }

    /// Whether the process lives, where that can be told from here.
    fn lives(&self) -> Option<bool> {
        if self.host != host() || self.among != among() {
            return None;
        }
        if !process_is_there(self.process)? {
            return Some(false);
        }
        // Its number may be another process' by now.
        Some(started(self.process)? == self.started?)
    }
}

/// The processes among which this one's number counts, on Linux.
fn among() -> Option<String> {
    Some(fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned())
}

/// This machine's name.
#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// This machine's name.
#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// Whether there is a process of this number here, where the system tells.
#[cfg(unix)]
fn process_is_there(process: u32) -> Option<bool> {
    use rustix::{
        io::Errno,
        process::{Pid, test_kill_process},
    };

    let process = Pid::from_raw(i32::try_from(process).ok()?)?;
    Some(test_kill_process(process) != Err(Errno::SRCH))
}

/// Whether there is a process of this number here, where the system tells.
#[cfg(not(unix))]
fn process_is_there(_process: u32) -> Option<bool> {
    None
}

/// When a process of this machine started, in the system's own unit, where it tells: on Linux.
fn started(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in brackets, and may hold anything; the start is the twenty-second.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lock, is_locked};

    fn claim(path: &Path) -> Result<Claim, NoLock> {
        Claim::take(path.to_owned(), &io::Error::from(ErrorKind::Unsupported))
    }

    fn make_old(path: &Path) {
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();
    }

    #[test]
    fn a_claim_keeps_others_out_and_is_let_go() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        File::create(&path).unwrap();
        let held = claim(&claim_of(&path)).unwrap();
        assert!(is_locked(&path));
        let process = process::id();
        assert!(matches!(claim(&claim_of(&path)), Err(NoLock::Held(Some(by))) if by.process == process));
        assert!(matches!(Lock::take(&path), Err(NoLock::Held(Some(by))) if by.host == host()));
        drop(held);
        assert!(!is_locked(&path) && !claim_of(&path).exists());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_claim_whose_process_is_no_more_is_taken_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock.json");
        let this = Holder::this_process();
        let mut gone = Vec::new();
        if cfg!(target_os = "linux") {
            // Its number is another process' by now.
            let reused = Holder { started: this.started.map(|at| at + 1), ..this.clone() };
            gone.push(serde_json::to_string(&reused).unwrap());
        }
        if cfg!(unix) {
            let ended =
                process::Command::new("true").spawn().and_then(|mut child| child.wait().map(|_| child.id()));
            let ended = Holder { process: ended.unwrap(), ..this.clone() };
            gone.push(serde_json::to_string(&ended).unwrap());
        }
        for text in gone {
            fs::write(&path, text).unwrap();
            drop(claim(&path).unwrap());
        }
        // What cannot be read may be a claim that is being written, unless it is old.
        fs::write(&path, "half a cla").unwrap();
        assert!(matches!(claim(&path), Err(NoLock::Held(None))));
        make_old(&path);
        drop(claim(&path).unwrap());
    }

    #[test]
    fn a_claim_from_another_machine_is_believed_while_it_is_shown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock.json");
        let elsewhere = Holder { host: "elsewhere".to_owned(), ..Holder::this_process() };
        fs::write(&path, serde_json::to_string(&elsewhere).unwrap()).unwrap();
        assert!(matches!(claim(&path), Err(NoLock::Held(Some(by))) if by == elsewhere));
        make_old(&path);
        drop(claim(&path).unwrap());
    }

    #[test]
    fn of_many_that_take_over_an_abandoned_claim_one_holds_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock.json");
        for _ in 0..20 {
            fs::write(&path, "abandoned").unwrap();
            make_old(&path);
            let claims: Vec<_> = thread::scope(|scope| {
                let claims: Vec<_> = (0..8).map(|_| scope.spawn(|| claim(&path))).collect();
                claims.into_iter().map(|claim| claim.join().unwrap()).collect()
            });
            assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1);
        }
    }
}
