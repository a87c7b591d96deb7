use std::{fmt, path::PathBuf};

/// What is not as it should be with a run's or a sweep's directory, but stops nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// `latest` does not stand for the new run.
    NotLatest {
        /// Where it should.
        path: PathBuf,
        /// Why it does not.
        problem: String,
    },
    /// What was measured before the step that a run goes on from is missing: when it learned, and when it is to stop
    /// early, is told from what comes after.
    NoMetrics {
        /// The file that is missing.
        path: PathBuf,
        /// The step.
        step: u64,
    },
    /// The file system has no locks, and a file that names this process stands for one.
    Claimed {
        /// The run's or the sweep's directory.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLatest { path, problem } => {
                write!(f, "{} does not stand for this run: {problem}", path.display())
            }
            Self::NoMetrics { path, step } => {
                write!(f, "{} is missing; what was measured before step {step} is not known", path.display())
            }
            Self::Claimed { path, reason } => write!(
                f,
                "{}: the file system has no locks ({reason}); a file with this process' number stands for one",
                path.display()
            ),
        }
    }
}
