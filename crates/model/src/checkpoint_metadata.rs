use serde::{Deserialize, Serialize};

use crate::{Architecture, Assumed, ModelConfig, Orientation, Split, SplitRule, Task};

/// The newest version of the metadata; a newer one is refused rather than misread. Files of the first, which version 0.1
/// wrote, have no seal; those of the third hold a network of another architecture than the paper's.
pub(crate) const FORMAT_VERSION: u32 = 3;

/// The version of the metadata of the paper's network.
const VERSION_OF_PAPERS: u32 = 2;

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
    /// What it does not say of the network and was assumed.
    #[serde(default, skip_serializing_if = "Assumed::is_empty")]
    pub assumed: Assumed,
    /// Why what was assumed may be wrong, in words, if something fits better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// Where in it other networks are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
    /// Tensors of the network that were not used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_aside: Vec<String>,
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
    /// What the network is made of, if it is not the paper's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
}

impl StoredMetadata {
    /// The same of a network of this architecture.
    pub fn of_architecture(self, architecture: Option<Architecture>) -> Self {
        let format_version = if architecture.is_some() { FORMAT_VERSION } else { self.format_version };
        Self { format_version, architecture, ..self }
    }
}

impl From<CheckpointMetadata> for StoredMetadata {
    fn from(of: CheckpointMetadata) -> Self {
        let CheckpointMetadata { step, task, model, split, config, settings_sha256, imported } = of;
        let drawn = split.and_then(|rule| Split::new(task, rule).ok());
        let (format_version, task) = (VERSION_OF_PAPERS, Some(task));
        let split_sha256 = drawn.map(|split| split.sha256());
        let architecture = None;
        Self {
            format_version,
            step,
            model,
            config,
            imported,
            task,
            split,
            split_sha256,
            settings_sha256,
            architecture,
        }
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
