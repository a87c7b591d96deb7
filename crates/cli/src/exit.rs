use std::{fmt, process::ExitCode};

use clockwork_analysis::Error as AnalysisError;

use crate::{
    hints::{flag, hint},
    printer,
};

/// How a command ended, if not with an error.
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
    /// There was no command: the arguments are wrong, and that was said.
    WrongArguments,
}

/// Something failed while a request was carried out.
const FAILURE: u8 = 1;

/// The request was wrong.
const WRONG_REQUEST: u8 = 2;

/// A claim does not hold.
const CLAIM_FAILED: u8 = 3;

/// The shell's code for a process that an interrupt ended: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// The exit code for a command's result. An error is first printed in one line.
pub fn code(ended: anyhow::Result<Ended>) -> ExitCode {
    match ended {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Interrupted) => INTERRUPTED.into(),
        Ok(Ended::RunFailed) => FAILURE.into(),
        Ok(Ended::ClaimFailed) => CLAIM_FAILED.into(),
        Ok(Ended::WrongArguments) => WRONG_REQUEST.into(),
        Err(error) => {
            let hint = hint(&error).map_or(String::new(), |hint| format!("; {hint}"));
            printer::error(&format!("{}{error:#}{hint}", flag(&error)));
            if error.chain().any(is_wrong_request) { WRONG_REQUEST.into() } else { FAILURE.into() }
        }
    }
}

/// Whether the request was wrong, rather than something failing while it was carried out.
fn is_wrong_request(cause: &(dyn std::error::Error + 'static)) -> bool {
    let of_training = cause.downcast_ref().is_some_and(clockwork_training::Error::is_wrong_request);
    let of_model = cause.downcast_ref().is_some_and(clockwork_model::Error::is_wrong_request);
    let has_no_coordinates = matches!(cause.downcast_ref(), Some(AnalysisError::NoCoordinates { .. }));
    of_training || of_model || has_no_coordinates || cause.is::<WrongRequest>()
}

/// A request that only the command line can find wrong, and what to ask for instead.
#[derive(Debug)]
pub struct WrongRequest(pub String);

impl WrongRequest {
    /// One that is told in these words.
    pub fn new(words: &str) -> Self {
        Self(words.to_owned())
    }
}

impl fmt::Display for WrongRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongRequest {}
