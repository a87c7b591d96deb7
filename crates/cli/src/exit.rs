use std::{
    io::{Write, stderr},
    process::ExitCode,
};

/// What a command came to, short of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It did what it was asked to.
    Done,
    /// The user stopped it.
    Interrupted,
    /// It was asked to check claims, and one does not hold.
    ClaimFailed,
    /// It trained many runs, and one failed.
    RunFailed,
}

/// Something failed while a request was carried out.
const FAILURE: u8 = 1;

/// The request was wrong; clap exits with the same for wrong arguments.
const WRONG_REQUEST: u8 = 2;

/// A claim does not hold.
const CLAIM_FAILED: u8 = 3;

/// The shell's code for a process that an interrupt ended: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// The exit code of what a command came to, after its error, if any, was told in one line.
pub fn code(ended: anyhow::Result<Ended>) -> ExitCode {
    match ended {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Interrupted) => INTERRUPTED.into(),
        Ok(Ended::RunFailed) => FAILURE.into(),
        Ok(Ended::ClaimFailed) => CLAIM_FAILED.into(),
        Err(error) => {
            // Where even the error cannot be written, the exit code still tells.
            let _ = writeln!(stderr(), "error: {error:#}");
            let is_wrong_request = error.chain().any(|cause| {
                cause
                    .downcast_ref::<clockwork_training::Error>()
                    .is_some_and(clockwork_training::Error::is_wrong_request)
                    || cause.is::<WrongRequest>()
            });
            if is_wrong_request { WRONG_REQUEST.into() } else { FAILURE.into() }
        }
    }
}

/// A request that only the command line can find wrong.
#[derive(Debug)]
pub struct WrongRequest(pub &'static str);

impl std::fmt::Display for WrongRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for WrongRequest {}
