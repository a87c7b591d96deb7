use std::{fs, io::ErrorKind, path::Path};

use clockwork_files::write_json_atomically;
use serde::{Deserialize, Serialize};

use crate::{Error, NotARun, Result};

/// What a sweep says of itself: its `sweep.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepManifest {
    /// The sweep's name.
    pub name: String,
    /// The version of Clockwork that trains it.
    pub clockwork: String,
    /// When it was first started, in universal time.
    pub created: String,
    /// Its runs. The order is that in which they are trained.
    pub runs: Vec<SweepRun>,
}

/// A run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepRun {
    /// Its name, which is that of its directory beside the manifest.
    pub name: String,
    /// The seed of the split and of the initial weights.
    pub seed: u64,
    /// The settings that vary in the sweep, as `section.key=value`.
    pub settings: Vec<String>,
    /// How far it is.
    pub state: SweepState,
    /// Why it failed, in words.
    pub reason: Option<String>,
    /// The program and its arguments that start it, go on with it, or find it finished.
    pub command: Vec<String>,
}

/// How far a run of a sweep is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SweepState {
    /// It was not started yet, or was stopped with the sweep.
    Waiting,
    /// A process trains it, or was killed while it did.
    Running,
    /// It took its last step.
    Finished,
    /// Its process ended before.
    Failed,
}

impl SweepManifest {
    /// The manifest's file, in the sweep's directory.
    pub const FILE: &str = "sweep.json";

    /// Reads the manifest of a sweep's directory; there is none where there is no sweep.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where it cannot be read, [`Error::NotARun`] where it is none of ours.
    pub fn read(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(Self::FILE);
        let json = match fs::read(&path) {
            // Nothing is inside of a file.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            json => json.map_err(Error::io("read", &path))?,
        };
        let broken = |e: serde_json::Error| Error::NotARun {
            path: path.clone(),
            problem: NotARun::BrokenManifest(e.to_string()),
        };
        serde_json::from_slice(&json).map(Some).map_err(broken)
    }

    /// Writes it into the sweep's directory.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        let path = directory.join(Self::FILE);
        write_json_atomically(&path, self).map_err(Error::io("write", &path))
    }
}
