use std::{fs, path::Path};

use clockwork_model::{ModelConfig, write_atomically};
use serde::{Deserialize, Serialize};

use crate::{Arrays, Claim, Error, Result, Summary};

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
    /// The network's sizes.
    pub model: ModelConfig,
    /// Every setting of the run that made it; null for an imported network.
    pub config: serde_json::Value,
    /// The file that it was imported from, if it was.
    pub imported: Option<clockwork_model::ImportedFrom>,
    /// The version of Clockwork that analysed it.
    pub clockwork: String,
}

const FINDINGS: &str = "analysis.json";
const ARRAYS: &str = "arrays.safetensors";

impl AnalysisFiles {
    /// Writes both files into a directory, which is made where it is missing. `analysis.json` comes last:
    /// where it is, the analysis is whole.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the system refuses.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io { action: "write", path, source }
        };
        fs::create_dir_all(directory).map_err(fail(directory))?;
        self.arrays.write(&directory.join(ARRAYS))?;
        let path = directory.join(FINDINGS);
        let json = serde_json::to_vec_pretty(&self.findings).expect("plain fields always serialise");
        write_atomically(&path, &[&json[..], b"\n"].concat()).map_err(fail(&path))
    }

    /// Reads both files of a directory.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the system refuses, [`Error::Broken`] where one is not whole.
    pub fn read(directory: &Path) -> Result<Self> {
        let findings = Findings::read(directory)?;
        Ok(Self { findings, arrays: Arrays::read(&directory.join(ARRAYS))? })
    }
}

impl Findings {
    /// Reads a directory's `analysis.json`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the system refuses, [`Error::Broken`] where it is not whole.
    pub fn read(directory: &Path) -> Result<Self> {
        let path = directory.join(FINDINGS);
        let json =
            fs::read(&path).map_err(|source| Error::Io { action: "read", path: path.clone(), source })?;
        serde_json::from_slice(&json).map_err(|e| Error::Broken { path, problem: e.to_string() })
    }
}
