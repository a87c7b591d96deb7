use std::{fs, path::Path};

use clockwork_model::{Checkpoint, ImportedFrom};

use crate::{ImportRecord, LockedRun, Locking, Result, RunState, Versions, clock::now};

/// Makes a run directory of an imported network, so that it is analysed and compared as our own are.
///
/// # Errors
///
/// [`Error::RunName`](crate::Error::RunName) for a name that is no plain file name,
/// [`Error::RunExists`](crate::Error::RunExists) where there is a run of that name,
/// [`Error::Io`](crate::Error::Io) where a file operation fails and [`Error::Model`](crate::Error::Model) where
/// the checkpoint cannot be written, [`Error::Clock`](crate::Error::Clock) where the time cannot be told. If writing fails, the new directory is removed again.
pub fn import(
    runs_dir: &Path,
    name: &str,
    checkpoint: &Checkpoint,
    imported: &ImportedFrom,
) -> Result<LockedRun> {
    let created = now()?.to_string();
    let mut run = LockedRun::make(runs_dir, name, Locking::Needed)?;
    let step = checkpoint.metadata.step;
    let record = ImportRecord {
        name: name.to_owned(),
        state: RunState::Imported,
        step,
        task: Some(checkpoint.metadata.task),
        architecture: checkpoint.network.architecture().cloned(),
        imported: imported.clone(),
        versions: Versions::current(),
        created,
    };
    let fill = || -> Result<()> {
        checkpoint.write(&run.files().checkpoints().weights(step))?;
        run.files().write_record(&record)
    };
    if let Err(error) = fill() {
        // Half an import is of no use. If it cannot be removed either, the first error is the one to report.
        let _ = fs::remove_dir_all(run.files().path());
        return Err(error);
    }
    run.become_latest();
    Ok(run)
}
