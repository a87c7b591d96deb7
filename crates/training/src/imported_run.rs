use std::{fs, path::Path};

use clockwork_model::{Checkpoint, ImportedFrom};
use serde::{Deserialize, Serialize};

use crate::{CheckpointFiles, Error, Result, RunDirectory, RunState, Versions};

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
    /// The file that they came from.
    pub imported: ImportedFrom,
    /// The versions of what imported it.
    pub versions: Versions,
    /// When it was imported, in universal time.
    pub created: String,
}

/// Makes a run directory of an imported network, so that it is analysed and compared as our own are.
///
/// # Errors
///
/// [`Error::RunName`] for a name that is no plain file name, [`Error::RunExists`] where there is one
/// already, [`Error::Io`] where the system refuses. What was made is then removed again.
pub fn import(
    runs_dir: &Path,
    name: &str,
    checkpoint: &Checkpoint,
    imported: &ImportedFrom,
) -> Result<RunDirectory> {
    let directory = RunDirectory::make(runs_dir, name)?;
    let step = checkpoint.metadata.step;
    let record = ImportRecord {
        name: name.to_owned(),
        state: RunState::Imported,
        step,
        imported: imported.clone(),
        versions: Versions::current(),
        created: jiff::Timestamp::now().to_string(),
    };
    let fill = || -> Result<()> {
        let files = CheckpointFiles::new(directory.checkpoints());
        checkpoint.write(&files.weights(step))?;
        directory.write_record(&record)?;
        directory.become_latest()
    };
    if let Err(error) = fill() {
        // Nobody could go on from half an import; that it cannot be removed either is not the news.
        let _ = fs::remove_dir_all(directory.path());
        return Err(error);
    }
    Ok(directory)
}

impl Error {
    /// The error that an imported network cannot be trained on.
    pub(crate) fn imported(path: &Path) -> Self {
        let problem = "was imported; only its weights are known, so there is nothing to resume";
        Self::NotARun { path: path.to_owned(), problem: problem.to_owned() }
    }
}
