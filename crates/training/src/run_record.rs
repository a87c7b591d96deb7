use std::fmt;

use clockwork_model::{Architecture, ImportedFrom, Split, Task};
use serde::{Deserialize, Serialize};

use crate::{Config, SettingChange};

/// The version of burn that this crate is built with.
pub const BURN_VERSION: &str = "0.22.1";

/// What a run says of itself beyond its settings: `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The run's name.
    pub name: String,
    /// Whether it is being trained, and if not, how it ended.
    pub state: RunState,
    /// Why it ended, in words.
    pub reason: Option<String>,
    /// The newest step.
    pub step: u64,
    /// The seed of the split and of the initial weights.
    pub seed: u64,
    /// How the pairs are split.
    pub split: SplitRecord,
    /// The SHA-256 of the settings that are fixed at its start ([`settings_sha256`](crate::Config::settings_sha256)); nothing in records
    /// of version 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_sha256: Option<String>,
    /// The step of the checkpoint whose circuit was found clean, where that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean_at: Option<u64>,
    /// What was changed on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The versions of what trains it.
    pub versions: Versions,
    /// What it is trained on.
    pub backend: Backend,
    /// When it was first started, in universal time.
    pub created: String,
    /// Seconds of training so far, before and after every stop.
    pub elapsed_s: f64,
}

/// What the directory of an imported network says of itself: its `run.json`. There is no configuration,
/// since nobody knows how it was trained, and no metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// The directory's name.
    pub name: String,
    /// Always [`RunState::Imported`].
    pub state: RunState,
    /// The step that the weights are of, 0 if nobody said.
    pub step: u64,
    /// What the network learned; addition where an earlier version did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// What it is made of, if it is not the paper's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The file that they came from.
    pub imported: ImportedFrom,
    /// The versions of what imported it.
    pub versions: Versions,
    /// When it was imported, in universal time.
    pub created: String,
}

/// What a run's `run.json` says: how it was trained, or where it was imported from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Record {
    /// A run that was trained here.
    Trained(RunRecord),
    /// A network that was imported.
    Imported(ImportRecord),
}

impl Record {
    /// Whether the run is being trained, and if not, how it ended.
    #[must_use]
    pub fn state(&self) -> RunState {
        match self {
            Self::Trained(record) => record.state,
            Self::Imported(record) => record.state,
        }
    }

    /// When the run was first started, or the network imported, in universal time.
    #[must_use]
    pub fn created(&self) -> &str {
        match self {
            Self::Trained(record) => &record.created,
            Self::Imported(record) => &record.created,
        }
    }
}

/// Whether a run is being trained, and if not, how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// A process trains it, or was killed while it did.
    Running,
    /// It took its last step.
    Finished,
    /// It was stopped before, by the user or by an error, and can be resumed.
    Stopped,
    /// Somebody else trained it.
    Imported,
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Imported => "imported",
        })
    }
}

/// How many pairs there are of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// Pairs trained on.
    pub train: usize,
    /// Pairs held out.
    pub test: usize,
    /// The hash of the pairs trained on ([`Split::sha256`]); nothing in records of version 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl RunRecord {
    /// Whether the settings that are fixed at a run's start are others than those that it was started with; not
    /// known of a record of version 0.1.
    #[must_use]
    pub fn has_other_settings(&self, config: &Config) -> Option<bool> {
        self.settings_sha256.as_ref().map(|started_with| *started_with != config.settings_sha256())
    }
}

impl SplitRecord {
    pub(crate) fn of(split: &Split) -> Self {
        Self { train: split.train.len(), test: split.test.len(), sha256: Some(split.sha256()) }
    }
}

/// What was changed as a run was gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The step from which it was gone on with.
    pub step: u64,
    /// The settings that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingChange>,
    /// Whether the optimiser's moments began anew, at zero: from here on it is not what it would have become.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh_moments: bool,
}

/// The versions of what trains a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Clockwork's.
    pub clockwork: String,
    /// burn's.
    pub burn: String,
}

impl Versions {
    /// Those that this program is built with.
    pub(crate) fn current() -> Self {
        Self { clockwork: env!("CARGO_PKG_VERSION").to_owned(), burn: BURN_VERSION.to_owned() }
    }
}

/// What a run is trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// burn's backend.
    pub name: String,
    /// Processor, operating system.
    pub device: String,
    /// Threads that share the work.
    pub threads: usize,
    /// The type of weights and activations.
    pub dtype: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burns_version_is_the_one_locked() {
        let lock: toml::Table = include_str!("../../../Cargo.lock").parse().unwrap();
        let is_burn = |package: &&toml::Value| package["name"].as_str() == Some("burn");
        let burn = lock["package"].as_array().unwrap().iter().find(is_burn).unwrap();
        assert_eq!(burn["version"].as_str(), Some(BURN_VERSION));
    }
}
