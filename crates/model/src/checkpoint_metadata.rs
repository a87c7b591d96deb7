use serde::{Deserialize, Serialize};

use crate::{ModelConfig, Orientation, Split, SplitRule, Task};

/// The version of the metadata; a newer one is refused rather than misread. Files of the first, which version 0.1
/// wrote, have no seal.
pub(crate) const FORMAT_VERSION: u32 = 2;

/// What a checkpoint says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointMetadata {
    /// The optimisation step after which the weights were taken; 0 is before the first. Of an imported
    /// network it is 0 unless it was told.
    pub step: u64,
    /// What the network learns.
    pub task: Task,
    /// The network's sizes.
    pub model: ModelConfig,
    /// How the run's pairs were split; nothing for an imported network.
    pub split: Option<SplitRule>,
    /// Every setting of the run that made it; null for an imported network.
    pub config: serde_json::Value,
    /// The SHA-256 of those settings that are fixed at a run's start, as the run's record has it; nothing for an
    /// imported network, and in files of version 0.1.
    pub settings_sha256: Option<String>,
    /// The file that it was imported from, if it was.
    pub imported: Option<ImportedFrom>,
}

/// A file of someone else's that a network was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedFrom {
    /// Its name, without directories.
    pub file: String,
    /// Where in it the network is, if that had to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// How its tensors are oriented.
    pub orientation: Orientation,
}

/// The metadata as the file keeps them.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredMetadata {
    pub format_version: u32,
    step: u64,
    model: ModelConfig,
    config: serde_json::Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    imported: Option<ImportedFrom>,
    /// Files of version 0.1 have no task, which is then addition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// Files of version 0.1 have the split among their settings alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitRule>,
    /// The hash of the pairs that the rule draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settings_sha256: Option<String>,
}

impl From<CheckpointMetadata> for StoredMetadata {
    fn from(of: CheckpointMetadata) -> Self {
        let CheckpointMetadata { step, task, model, split, config, settings_sha256, imported } = of;
        let drawn = split.and_then(|rule| Split::new(task, rule).ok());
        let (format_version, task) = (FORMAT_VERSION, Some(task));
        let split_sha256 = drawn.map(|split| split.sha256());
        Self { format_version, step, model, config, imported, task, split, split_sha256, settings_sha256 }
    }
}

impl From<StoredMetadata> for CheckpointMetadata {
    fn from(of: StoredMetadata) -> Self {
        let StoredMetadata { step, model, config, imported, task, split, settings_sha256, .. } = of;
        let task = task.unwrap_or(Task::addition(model.modulus));
        let among_settings = || {
            let train_fraction = config.pointer("/task/train_fraction")?.as_f64()?;
            Some(SplitRule { train_fraction, seed: config.pointer("/training/seed")?.as_u64()? })
        };
        let split = split.or_else(among_settings);
        Self { step, task, model, split, config, settings_sha256, imported }
    }
}
