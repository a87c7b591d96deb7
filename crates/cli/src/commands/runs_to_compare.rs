use std::{
    collections::BTreeSet,
    fs,
    io::{Write, stderr},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use clockwork_analysis::common_modulus;
use clockwork_model::Checkpoint;
use clockwork_training::{CheckpointFiles, Error, SweepManifest};

use super::compare::COMPARISON;
use crate::exit::WrongRequest;

/// A run whose newest checkpoint is to be compared.
pub struct RunToCompare {
    /// Its directory.
    pub path: PathBuf,
    /// Its newest checkpoint.
    pub checkpoint: PathBuf,
    /// The step of that.
    pub step: u64,
    /// The modulus of its network.
    pub modulus: usize,
}

/// The runs that directories stand for, each once: the runs of sweeps in place of sweeps. What a pattern
/// such as `runs/*` finds beside runs is passed over, with a warning where it is not ours.
pub fn runs_to_compare(asked: &[PathBuf]) -> anyhow::Result<Vec<RunToCompare>> {
    let mut directories = Vec::new();
    for path in asked {
        if fs::symlink_metadata(path).is_err() {
            return Err(anyhow!(WrongRequest("give directories of runs or sweeps, such as runs/*"))
                .context(format!("{} does not exist", path.display())));
        }
        match SweepManifest::read(path)? {
            Some(sweep) => directories.extend(sweep.runs.iter().map(|run| path.join(&run.name))),
            None if is_ours_beside_runs(path) => {}
            None => directories.push(path.clone()),
        }
    }
    // `latest` is another name for a run, which keeps its place among the others.
    directories.sort_by_key(|path| path.is_symlink());
    let mut seen = BTreeSet::new();
    let mut runs = Vec::new();
    for path in directories {
        let place = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if !seen.insert(place.clone()) {
            continue;
        }
        match newest_checkpoint(&place) {
            Ok(Some(run)) => runs.push(run),
            Ok(None) => warn(&format!("{}: no run with a checkpoint; left out", path.display())),
            Err(error) => warn(&format!("{}; left out", error.in_words())),
        }
    }
    if runs.is_empty() {
        return Err(WrongRequest("there is no run to compare; give directories of runs or sweeps").into());
    }
    Ok(runs)
}

/// Whether a file or directory is one that sweeps and comparisons leave beside runs.
fn is_ours_beside_runs(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let is_of_a_sweep = name == SweepManifest::FILE || name == "sweep.toml" || name == "lock";
    let is_a_comparison = path.join(COMPARISON).is_file() && !path.join("checkpoints").is_dir();
    is_of_a_sweep && path.is_file() || is_a_comparison
}

fn newest_checkpoint(run: &Path) -> Result<Option<RunToCompare>, Error> {
    let files = CheckpointFiles::new(run.join("checkpoints"));
    let Some(step) = files.steps().ok().and_then(|steps| steps.last().copied()) else { return Ok(None) };
    let checkpoint = files.weights(step);
    let modulus = Checkpoint::read(&checkpoint)?.metadata.model.modulus;
    Ok(Some(RunToCompare { path: run.to_owned(), checkpoint, step, modulus }))
}

/// The runs of the modulus asked for, or all if none is, which must then be of one.
pub fn of_one_modulus(
    mut runs: Vec<RunToCompare>,
    modulus: Option<usize>,
) -> anyhow::Result<Vec<RunToCompare>> {
    if let Some(modulus) = modulus {
        runs.retain(|run| run.modulus == modulus);
        if runs.is_empty() {
            return Err(anyhow!(WrongRequest("choose another --modulus"))
                .context(format!("none of these runs has modulus {modulus}")));
        }
    }
    common_modulus(runs.iter().map(|run| run.modulus))
        .map_err(|error| anyhow!(WrongRequest("choose those of one with --modulus")).context(error))?;
    Ok(runs)
}

/// What to call each run, its path from the directory that holds all, and where to keep what is said of
/// them: beside them if they are beside each other, else here.
pub fn names(runs: &[RunToCompare]) -> anyhow::Result<(Vec<String>, PathBuf)> {
    let parents = || runs.iter().filter_map(|run| run.path.parent().map(Path::to_owned));
    let common = |a: PathBuf, b: PathBuf| {
        let shared = a.components().zip(b.components()).take_while(|(a, b)| a == b);
        shared.map(|(component, _)| component).collect()
    };
    let directory = parents().reduce(common).context("a run is in no directory")?;
    let name = |run: &RunToCompare| {
        run.path.strip_prefix(&directory).unwrap_or(&run.path).to_string_lossy().into_owned()
    };
    let are_together = parents().all(|parent| parent == directory);
    let out = if are_together { directory.join("comparison") } else { "comparison".into() };
    Ok((runs.iter().map(name).collect(), out))
}

fn warn(words: &str) {
    // Where nobody reads them, warnings are not worth stopping for.
    let _ = writeln!(stderr(), "warning: {words}");
}
