use std::{
    fs,
    io::Read,
    path::Path,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use burn::train::Interrupter;

use super::SweepState;
use crate::{Error, Evaluation, Result, RunFiles, locked_run::is_locked};

/// The environment variable that tells a process of a sweep to stop, as for Ctrl-C, once its standard input
/// ends: when the sweep closes it, or is no more. It takes no signals, and works on every system.
pub const STOP_AT_EOF: &str = "CLOCKWORK_STOP_AT_EOF";

/// How often processes and what they measured are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Whether a process trains a run now.
pub(super) fn is_trained(run: &Path) -> bool {
    is_locked(run)
}

/// Waits until no process trains a run any more, or it is asked to stop.
pub(super) fn wait_until_let_go(run: &Path, interrupter: &Interrupter, evaluated: &dyn Fn(&[Evaluation])) {
    let mut metrics = Metrics::default();
    while is_trained(run) && !interrupter.should_stop() {
        metrics.look(run, evaluated);
        thread::sleep(LOOK_EVERY);
    }
    metrics.look(run, evaluated);
}

/// Trains a run in a process of its own, and tells what became of it, and why if it failed.
pub(super) fn train(
    command: &[String],
    run: &Path,
    interrupter: &Interrupter,
    evaluated: &dyn Fn(&[Evaluation]),
) -> Result<(SweepState, Option<String>)> {
    let mut child = spawn(command)?;
    let mut until_eof = child.stdin.take();
    let listen = |mut stderr: ChildStderr| {
        thread::Builder::new().spawn(move || {
            let mut said = Vec::new();
            // What cannot be read any more is not worth failing for.
            let _ = stderr.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        })
    };
    // Should that fail, the process stops, for its input ends here.
    let said = child.stderr.take().map(listen).transpose().map_err(Error::io("start a thread for", run))?;
    let mut metrics = Metrics::default();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(Error::io("wait for the process of", run))? {
            break status;
        }
        if interrupter.should_stop() {
            until_eof = None;
        }
        metrics.look(run, evaluated);
        thread::sleep(LOOK_EVERY);
    };
    metrics.look(run, evaluated);
    let was_asked_to_stop = until_eof.is_none();
    let said = said.and_then(|said| said.join().ok()).unwrap_or_default();
    Ok(match status.success() {
        true => (SweepState::Finished, None),
        false if was_asked_to_stop => (SweepState::Waiting, None),
        false => (SweepState::Failed, Some(reason(status, &said))),
    })
}

/// Why a process failed: its last error message, or else its exit status and the first line that it printed.
fn reason(status: ExitStatus, said: &str) -> String {
    match (
        // The last: drivers may have said something before.
        said.lines().rev().find_map(|line| line.strip_prefix("error: ")),
        said.lines().find(|line| !line.is_empty()),
    ) {
        (Some(error), _) => error.to_owned(),
        (None, Some(first)) => format!("its process ended with {status}: {first}"),
        (None, None) => format!("its process ended with {status}"),
    }
}

fn spawn(command: &[String]) -> Result<Child> {
    let (program, arguments) = command.split_first().expect("a command has a program");
    let mut process = Command::new(program);
    process
        .args(arguments)
        .env(STOP_AT_EOF, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // A terminal's Ctrl-C goes to the sweep alone, which then tells its processes, once.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut process, 0);
    process.spawn().map_err(Error::io("start", Path::new(program)))
}

/// The evaluations of a run, read when there are new ones.
#[derive(Default)]
struct Metrics {
    written: Option<SystemTime>,
}

impl Metrics {
    fn look(&mut self, run: &Path, evaluated: &dyn Fn(&[Evaluation])) {
        let files = RunFiles::new(run);
        let written = fs::metadata(files.metrics_path()).and_then(|file| file.modified()).ok();
        if written.is_some() && written != self.written {
            self.written = written;
            // They are for looking at only; the run's own process tells what is wrong with them.
            if let Ok(evaluations) = files.metrics(u64::MAX) {
                evaluated(&evaluations);
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn the_reason_is_the_error_or_how_it_ended() {
        let reason = |status: i32, said: &str| super::reason(ExitStatus::from_raw(status), said);
        assert_eq!(
            reason(1 << 8, "error: a driver's\nwarning: w\nerror: the disk is full\n"),
            "the disk is full"
        );
        assert_eq!(reason(9, ""), "its process ended with signal: 9 (SIGKILL)");
        let panic = "\nthread 'main' panicked at src/main.rs:1:1:\nnote: run with `RUST_BACKTRACE=1`\n";
        assert_eq!(
            reason(101 << 8, panic),
            "its process ended with exit status: 101: thread 'main' panicked at src/main.rs:1:1:"
        );
    }
}
