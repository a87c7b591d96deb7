use std::{fs, path::Path, time::SystemTime};

use clockwork_files::{in_turn, remove_old_leftovers, write_json_atomically};
use clockwork_model::{Architecture, CheckpointFile, ImportedFrom, ModelConfig, Task};
use serde::{Deserialize, Serialize};

use crate::{
    Algorithm, Analysis, Arrays, Claim, Error, Measures, Observer, Result, Summary,
    analysis::STAGE_OF_ALGORITHM, claims,
};

/// What an analysis leaves behind: `analysis.json` and `arrays.safetensors`.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisFiles {
    /// The content of `analysis.json`.
    pub findings: Findings,
    /// The content of `arrays.safetensors`.
    pub arrays: Arrays,
}

/// The content of `analysis.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// The figures.
    pub summary: Summary,
    /// Progress measures; nothing where answers have no coordinates, and in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<Measures>,
    /// Which algorithm the network follows, and how surely; nothing where that was left out or answers have no coordinates,
    /// and in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<Algorithm>,
    /// The claims, checked.
    pub claims: Vec<Claim>,
    /// What was analysed, by what.
    pub provenance: Provenance,
}

/// What was analysed, by what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The checkpoint's file, as it was given.
    pub checkpoint: String,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// The step that its weights are of.
    pub step: u64,
    /// What the network learned.
    pub task: Task,
    /// The network's sizes.
    pub model: ModelConfig,
    /// What it is made of, if it is not the paper's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// Every setting of the run that made it; null for an imported network.
    pub config: serde_json::Value,
    /// The file that it was imported from, if it was.
    pub imported: Option<ImportedFrom>,
    /// The version of Clockwork that analysed it.
    pub clockwork: String,
    /// A hash of the sources that figures and claims come from, which differ between two states of one version; empty
    /// where an earlier version wrote none.
    #[serde(default)]
    pub sources: String,
}

/// The version of this crate, and of all others.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The hash of its sources, by the build script.
pub(crate) const SOURCES: &str = env!("CLOCKWORK_ANALYSIS_SOURCES");

const FINDINGS: &str = "analysis.json";
const ARRAYS: &str = "arrays.safetensors";

impl AnalysisFiles {
    /// Analyses a checkpoint that was read: everything that `clockwork analyze` finds in it.
    ///
    /// # Errors
    ///
    /// Those of [`Analysis::new`], and of running the network once more.
    pub fn of(file: &CheckpointFile, observer: &mut dyn Observer) -> Result<Self> {
        let analysis = Analysis::new(&file.checkpoint, observer)?;
        observer.stage(STAGE_OF_ALGORITHM);
        let mut files = Self::new(file, &analysis);
        if let Some(measures) = &mut files.findings.measures {
            let algorithm = Algorithm::new(&file.checkpoint, &analysis, measures)?;
            measures.gradient_symmetricity_all = Some(algorithm.symmetricity.mean);
            files.findings.algorithm = Some(algorithm);
        }
        Ok(files)
    }

    /// The same but for the algorithm, which takes longest.
    ///
    /// # Errors
    ///
    /// Those of [`Analysis::new`].
    pub fn quick(file: &CheckpointFile, observer: &mut dyn Observer) -> Result<Self> {
        Ok(Self::new(file, &Analysis::new(&file.checkpoint, observer)?))
    }

    /// What an analysis of a checkpoint leaves behind, but for the algorithm.
    #[must_use]
    pub fn new(file: &CheckpointFile, analysis: &Analysis) -> Self {
        let summary = Summary::new(analysis);
        let metadata = &file.checkpoint.metadata;
        let provenance = Provenance {
            checkpoint: file.path.display().to_string(),
            sha256: file.sha256.clone(),
            step: metadata.step,
            task: metadata.task,
            model: metadata.model,
            architecture: file.checkpoint.network.architecture().cloned(),
            config: metadata.config.clone(),
            imported: metadata.imported.clone(),
            clockwork: VERSION.to_owned(),
            sources: SOURCES.to_owned(),
        };
        let measures = summary.coordinates.has_answers().then(|| Measures::new(analysis));
        let findings = Findings { claims: claims(&summary), summary, measures, algorithm: None, provenance };
        Self { findings, arrays: analysis.arrays() }
    }

    /// Writes both files into a directory, which is made where it is missing. `analysis.json` comes last:
    /// where it is, the analysis is whole. Both name the checkpoint by its hash, so that files of two analyses
    /// are not taken for those of one.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io { action: "write", path, source }
        };
        fs::create_dir_all(directory).map_err(fail(directory))?;
        let _turn = in_turn(directory);
        remove_old_leftovers(directory);
        self.arrays.write(&directory.join(ARRAYS), &self.findings.provenance.sha256)?;
        let path = directory.join(FINDINGS);
        write_json_atomically(&path, &self.findings).map_err(fail(&path))
    }

    /// When the analysis in a directory was written, if there is one.
    #[must_use]
    pub fn analysed_at(directory: &Path) -> Option<SystemTime> {
        fs::metadata(directory.join(FINDINGS)).and_then(|file| file.modified()).ok()
    }

    /// Reads both files of a directory.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails, [`Error::Broken`] where one is not whole.
    pub fn read(directory: &Path) -> Result<Self> {
        let findings = Findings::read(directory)?;
        let arrays = Arrays::read(&directory.join(ARRAYS), &findings.provenance.sha256)?;
        Ok(Self { findings, arrays })
    }
}

impl Provenance {
    /// Whether it is what this state of this version would say of a checkpoint.
    #[must_use]
    pub fn is_of(&self, file: &CheckpointFile) -> bool {
        let Self { clockwork, sources, sha256, .. } = self;
        (&clockwork[..], &sources[..], &sha256[..]) == (VERSION, SOURCES, &file.sha256[..])
    }
}

impl Findings {
    /// Reads a directory's `analysis.json`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails, [`Error::Broken`] where it is not whole.
    pub fn read(directory: &Path) -> Result<Self> {
        let path = directory.join(FINDINGS);
        let json =
            fs::read(&path).map_err(|source| Error::Io { action: "read", path: path.clone(), source })?;
        let broken = |problem: String| Error::Broken { path: path.clone(), problem };
        let findings: Self = serde_json::from_slice(&json).map_err(|e| broken(e.to_string()))?;
        // What is read here is asked for its frequencies, which not every task has.
        findings.provenance.task.validated().map_err(|e| broken(e.to_string()))?;
        Ok(findings)
    }
}
