use std::path::{Path, PathBuf};

/// What can go wrong with a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A configuration file or a setting given with it is wrong.
    #[error("{origin}: {problem}")]
    Config {
        /// The file, or the flag that the setting came with.
        origin: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A run directory was asked for under a name that cannot be one.
    #[error("run name {name:?}: {problem}")]
    RunName {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is a run of that name already.
    #[error("{path} exists already; choose another --name, or continue it with `clockwork resume {path}`", path = path.display())]
    RunExists {
        /// Its directory.
        path: PathBuf,
    },
    /// The directory holds no run, or a broken one.
    #[error("{}: {problem}", path.display())]
    NotARun {
        /// The directory or the file in it.
        path: PathBuf,
        /// What is missing or wrong.
        problem: String,
    },
    /// The run took its last step.
    #[error("{}: finished at step {step}; there is nothing to resume", path.display())]
    Finished {
        /// The run's directory.
        path: PathBuf,
        /// Its last step.
        step: u64,
    },
    /// Another process is training this run, or the runs of this sweep.
    #[error("{}: another process is training this; wait for it or stop it first", path.display())]
    Locked {
        /// The directory of the run or the sweep.
        path: PathBuf,
    },
    /// Runs cannot be trained together.
    #[error("these runs cannot be trained together: {0}")]
    Together(&'static str),
    /// A device was asked for that is not there.
    #[error("--backend wgpu: {0}")]
    NoDevice(&'static str),
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`, `lock`, `start`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The loss is no number any more.
    #[error(
        "the loss at step {step} is not finite; lower optimizer.learning_rate or raise optimizer.epsilon (the last good checkpoint is of step {last_good})"
    )]
    LossNotFinite {
        /// The step whose loss it is.
        step: u64,
        /// The step of the newest checkpoint, all of whose weights are finite.
        last_good: u64,
    },
    /// A checkpoint or the network failed.
    #[error(transparent)]
    Model(#[from] clockwork_model::Error),
    /// The device could not hand back a result, for the reason given.
    #[error("the device failed: {0}")]
    Device(String),
    /// burn's training loop failed.
    #[error("training failed: {0}")]
    Training(String),
}

/// A result whose error is this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// The error and what caused it, in one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        chain(self, ": ")
    }

    /// Whether the request was wrong, rather than something failing while it was carried out.
    #[must_use]
    pub fn is_wrong_request(&self) -> bool {
        match self {
            Self::Config { .. }
            | Self::RunName { .. }
            | Self::RunExists { .. }
            | Self::NotARun { .. }
            | Self::Finished { .. }
            | Self::NoDevice(_)
            | Self::Together(_)
            | Self::Locked { .. } => true,
            Self::Model(error) => {
                !matches!(error, clockwork_model::Error::Io { .. } | clockwork_model::Error::Device(_))
            }
            Self::Io { .. } | Self::LossNotFinite { .. } | Self::Device(_) | Self::Training(_) => false,
        }
    }
}

/// An error and what caused it.
fn chain(error: &dyn std::error::Error, separator: &str) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

impl From<burn::tensor::TensorReadError> for Error {
    fn from(error: burn::tensor::TensorReadError) -> Self {
        Self::Device(first_cause(&chain(&error, "\n")))
    }
}

/// What began it: burn tells of everything that could not be computed, and of the cause last.
fn first_cause(words: &str) -> String {
    let last = words.rsplit("Caused by:").next().unwrap_or(words);
    let cause = last.trim_start().lines().next().unwrap_or("it does not say why").to_owned();
    let hint = if cause.contains("allocate") {
        " (a smaller network needs less, and so do fewer runs together)"
    } else {
        ""
    };
    cause + hint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_that_a_device_says_the_cause_is_told() {
        let words = "An error happened during execution\nCaused by:\n  Several failures at once\n\
            Caused by:\n  can't allocate buffer of size: 146456576\nNo backtrace available\nAsked at:\n";
        let cause = first_cause(words);
        assert!(cause.starts_with("can't allocate buffer of size: 146456576 ("), "{cause}");
        assert_eq!(first_cause("the device is lost"), "the device is lost");
    }
}
