use std::{
    fmt,
    path::{Path, PathBuf},
};

use clockwork_files::Holder;

use crate::{Config, LookFailure, SettingChange};

/// What can go wrong with a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A configuration file or a setting given with it is wrong.
    #[error("{origin}: {problem}")]
    Config {
        /// Where the setting comes from.
        origin: Origin,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A run or a sweep that exists was asked for with other settings.
    #[error("{}: has {} = {}, not {}", path.display(), change.key, change.from, change.to)]
    OtherSettings {
        /// The configuration that is kept there.
        path: PathBuf,
        /// The first setting that differs, from what is kept to what was asked for.
        change: SettingChange,
    },
    /// The configuration of a run was edited after the run was started.
    #[error(
        "{}: has {} = {}, but the run was started with {}", path.display(), change.key, change.to, change.from
    )]
    SettingEdited {
        /// The configuration.
        path: PathBuf,
        /// The first setting that differs, from what the run was started with to what is there now.
        change: SettingChange,
    },
    /// A setting that is fixed at a run's start was to change on the way.
    #[error("{key} is fixed at a run's start; what may change on the way is {}", Config::CHANGEABLE.join(", "))]
    FixedSetting {
        /// The setting, as `section.key`.
        key: String,
    },
    /// A run directory was asked for under a name that cannot be one.
    #[error("run name {name:?}: {problem}")]
    RunName {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: RunNameProblem,
    },
    /// There is a run of that name already.
    #[error("{} exists already", path.display())]
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
        problem: NotARun,
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
    #[error(
        "{}: another process is training this{}; wait for it or stop it first",
        path.display(),
        holder.as_ref().map_or(String::new(), |holder| format!(" ({holder})"))
    )]
    Locked {
        /// The directory of the run or the sweep.
        path: PathBuf,
        /// The process, where it is known.
        holder: Option<Holder>,
    },
    /// The system's clock shows a time that cannot be written down.
    #[error("the system's clock shows a time past the year 9999; set it right")]
    Clock,
    /// Runs cannot be trained together.
    #[error("these runs cannot be trained together: {0}")]
    Together(&'static str),
    /// A device was asked for that is not there.
    #[error("{0}")]
    NoDevice(NoDevice),
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
    /// A checkpoint could not be looked at to tell whether its circuit is clean.
    #[error("cannot tell whether the circuit of step {step} is clean")]
    Look {
        /// The checkpoint's step.
        step: u64,
        /// Why not.
        source: LookFailure,
    },
}

/// Where settings come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The defaults, and what changes them together.
    Configuration,
    /// A file, and the line in it, from 1, where that is known.
    File(PathBuf, Option<usize>),
    /// A setting of the form `section.key=value`, or in a sweep `section.key=a,b,c`.
    Setting(String),
    /// A value of a setting, wherever it comes from.
    Value {
        /// The setting, as `section.key`.
        key: String,
        /// Its value.
        value: String,
    },
    /// A list of seeds.
    Seeds(String),
    /// Settings and seeds of a sweep, multiplied.
    Sweep,
}

impl Origin {
    pub(crate) fn value(key: impl Into<String>, value: &impl fmt::Display) -> Self {
        Self::Value { key: key.into(), value: value.to_string() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration => f.write_str("the configuration"),
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::File(path, Some(line)) => write!(f, "{}:{line}", path.display()),
            Self::Setting(text) | Self::Seeds(text) => f.write_str(text),
            Self::Value { key, value } => write!(f, "{key} = {value}"),
            Self::Sweep => f.write_str("the sweep"),
        }
    }
}

/// What is wrong with the name of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunNameProblem {
    /// It is empty, or starts with a dot.
    EmptyOrHidden,
    /// It is that of the link to the newest run, `latest`.
    Latest,
    /// It leads to another directory, or has characters that no file name has.
    NotAFileName,
}

impl fmt::Display for RunNameProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyOrHidden => "must not be empty or start with a dot",
            Self::Latest => "is kept for the link to the newest run",
            Self::NotAFileName => "must be a plain file name, without path separators",
        })
    }
}

/// Why a directory is no run, or none that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotARun {
    /// It cannot be reached, for the system's reason.
    Unreachable(String),
    /// It has no `config.toml`.
    NoConfig,
    /// A network was imported there; only its weights are known.
    Imported,
    /// It cannot be gone on with as if it had never stopped: there is no step whose weights and optimiser's state
    /// are both there.
    NoExactStep {
        /// The newest step with whole weights, if any are left.
        newest: Option<u64>,
        /// What is missing or broken.
        problem: String,
    },
    /// It keeps no whole checkpoint of the step that was asked for.
    NoStep {
        /// The step that was asked for.
        asked: u64,
        /// The steps that are kept.
        kept: Vec<u64>,
    },
    /// Its configuration is not the one whose hash is in its `run.json`, and no checkpoint tells what it was.
    OtherHash,
    /// A line of `metrics.jsonl` is no evaluation.
    BrokenLine {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A run is there where a sweep was asked for.
    IsARun,
    /// The path is no text, as the manifest of a sweep must be.
    NotText,
    /// The manifest of a sweep is broken.
    BrokenManifest(String),
}

impl fmt::Display for NotARun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) => write!(f, "no run here ({reason})"),
            Self::NoConfig => f.write_str("no run here (it has no config.toml)"),
            Self::Imported => {
                f.write_str("was imported; only its weights are known, so there is nothing to resume")
            }
            Self::NoExactStep { problem, .. } => write!(f, "cannot go on exactly: {problem}"),
            Self::NoStep { asked, kept } => {
                let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
                let kept = if kept.is_empty() { "none".to_owned() } else { kept.join(", ") };
                write!(f, "keeps no checkpoint of step {asked}; there are {kept}")
            }
            Self::OtherHash => f.write_str(
                "its settings are not those that the run was started with: their hash is another than in run.json",
            ),
            Self::BrokenLine { line, problem } => {
                write!(f, "line {line} is no evaluation ({problem})")
            }
            Self::IsARun => f.write_str("is a run"),
            Self::NotText => f.write_str("is no text, as the manifest of a sweep must be"),
            Self::BrokenManifest(problem) => {
                write!(f, "no manifest of a sweep ({problem})")
            }
        }
    }
}

/// Why there is no device of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoDevice {
    /// This crate was built without the feature `wgpu`.
    NotBuiltIn,
    /// There is none, or no driver for it.
    NoneFound,
    /// The environment variable `BURN_DEVICE` names one that burn does not know, or was not built with.
    BurnDevice,
}

impl fmt::Display for NoDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBuiltIn => "this clockwork was built without wgpu",
            Self::NoneFound => "no Vulkan, Metal or DX12 device was found",
            Self::BurnDevice => {
                "the environment variable BURN_DEVICE names a device that this clockwork was built without"
            }
        })
    }
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
    pub fn chain(&self) -> String {
        chain(self, ": ")
    }

    /// The same error, told of another run that it stopped too.
    pub(crate) fn for_another(&self) -> Self {
        match self {
            Self::Device(words) => Self::Device(words.clone()),
            Self::Training(words) => Self::Training(words.clone()),
            other => Self::Training(other.chain()),
        }
    }

    /// Whether the request was wrong, rather than something failing while it was carried out.
    #[must_use]
    pub fn is_wrong_request(&self) -> bool {
        match self {
            Self::Config { .. }
            | Self::OtherSettings { .. }
            | Self::SettingEdited { .. }
            | Self::FixedSetting { .. }
            | Self::RunName { .. }
            | Self::RunExists { .. }
            | Self::NotARun { .. }
            | Self::Finished { .. }
            | Self::NoDevice(_)
            | Self::Together(_)
            | Self::Locked { .. } => true,
            Self::Model(error) => error.is_wrong_request(),
            Self::Io { .. }
            | Self::LossNotFinite { .. }
            | Self::Device(_)
            | Self::Training(_)
            | Self::Look { .. }
            | Self::Clock => false,
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
