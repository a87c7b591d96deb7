use std::path::Path;

use anyhow::Context;
use clockwork_analysis::{Analysis, AnalysisFiles, Findings, Observer, Provenance, Summary, claims};
use clockwork_model::{Checkpoint, sha256};
use clockwork_training::Config;

/// Analyses a checkpoint, ours or anyone's.
pub fn analyse(path: &Path, key: Option<&str>, observer: &mut dyn Observer) -> anyhow::Result<AnalysisFiles> {
    let checkpoint = Checkpoint::open(path, key).map_err(clockwork_training::Error::from)?;
    let metadata = &checkpoint.metadata;
    // Our checkpoints say how their pairs were split; should a later version say it otherwise, the figures
    // that need the split are left out.
    let config: Option<Config> = serde_json::from_value(metadata.config.clone()).ok();
    let split = checkpoint.split.clone().or_else(|| config.and_then(|config| config.split().ok()));
    let analysis = Analysis::new(&checkpoint.weights, &metadata.model, split.as_ref(), observer)
        .with_context(|| format!("cannot analyse {}", path.display()))?;
    let summary = Summary::new(&analysis);
    let provenance = Provenance {
        checkpoint: path.display().to_string(),
        sha256: sha256(path)?,
        step: metadata.step,
        model: metadata.model,
        config: metadata.config.clone(),
        imported: metadata.imported.clone(),
        clockwork: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let findings = Findings { claims: claims(&summary), summary, provenance };
    Ok(AnalysisFiles { findings, arrays: analysis.arrays() })
}
