use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use clockwork_analysis::{ByOperation, Comparison, Findings, common_task};
use clockwork_files::{follow, pointed_at};
use clockwork_model::{Checkpoint, CheckpointFile, Operation, ReadAs, Task};
use clockwork_training::{RunFiles, Sweep, SweepManifest};

use crate::{
    exit::WrongRequest,
    missing::{instead_of, is_missing, what_is_missing},
    printer::Printer,
    relative_path::relative_to_here,
};

/// A run of which a checkpoint is to be compared.
pub struct RunToCompare {
    /// Its files.
    pub files: RunFiles,
    /// The step of the checkpoint.
    pub step: u64,
    /// What its network learned.
    task: Task,
    /// What is known of the checkpoint.
    pub known: Known,
}

/// What is known of a checkpoint.
pub enum Known {
    /// It was analysed, by this version.
    Analysed(Box<Findings>),
    /// It was not; this is the checkpoint.
    NotAnalysed(Box<CheckpointFile>),
}

impl RunToCompare {
    /// The run in a directory, if it has a checkpoint of the step asked for, or any where none is. What is analysed is
    /// kept without its weights, for there may be thousands.
    fn open(directory: &Path, step: Option<u64>) -> Result<Option<Self>, clockwork_model::Error> {
        let files = RunFiles::new(directory);
        let steps = files.checkpoints().steps().unwrap_or_default();
        let is_asked_for = |of: &&u64| step.is_none_or(|step| step == **of);
        let Some(&step) = steps.iter().rfind(is_asked_for) else { return Ok(None) };
        let checkpoint =
            Checkpoint::open(&relative_to_here(&files.checkpoints().weights(step)), &ReadAs::default())?;
        let task = checkpoint.checkpoint.metadata.task;
        let known = match Findings::read(&files.analysis(step)) {
            // One that was quick has no algorithm.
            Ok(findings) if findings.provenance.is_of(&checkpoint) && findings.algorithm.is_some() => {
                Known::Analysed(findings.into())
            }
            _ => Known::NotAnalysed(checkpoint.into()),
        };
        Ok(Some(Self { files, step, task, known }))
    }
}

/// The runs that directories stand for, each once: the runs of sweeps in place of sweeps. What a pattern
/// such as `runs/*` finds beside runs is passed over, with a warning where it is not ours.
pub fn runs_to_compare(
    asked: &[PathBuf],
    step: Option<u64>,
    printer: &Printer,
) -> anyhow::Result<Vec<RunToCompare>> {
    let mut directories = Vec::new();
    for path in asked {
        if fs::symlink_metadata(path).is_err() {
            return Err(anyhow!(WrongRequest::new("give directories of runs or sweeps, such as runs/*"))
                .context(what_is_missing(path)));
        }
        match SweepManifest::read(path) {
            Ok(Some(sweep)) => directories.extend(sweep.runs.iter().map(|run| path.join(&run.name))),
            Ok(None) if is_ours_beside_runs(path) => {}
            Ok(None) => directories.push(path.clone()),
            Err(error) => {
                printer.warn(&format!("{:#}; the runs in its directory are taken", anyhow!(error)));
                directories.extend(RunFiles::all_in(path).iter().map(|run| run.path().to_owned()));
            }
        }
    }
    // `latest` is another name for a run, which keeps its place among the others.
    directories.sort_by_key(|path| pointed_at(path).is_some());
    let mut seen = BTreeSet::new();
    let mut runs = Vec::new();
    for path in directories {
        let place = fs::canonicalize(follow(&path)).unwrap_or_else(|_| path.clone());
        if !seen.insert(place.clone()) {
            continue;
        }
        match RunToCompare::open(&place, step) {
            Ok(Some(run)) => runs.push(run),
            Ok(None) if is_missing(&path) => {
                printer.warn(&format!("{}: {}; left out", what_is_missing(&path), instead_of(&path)));
            }
            Ok(None) => {
                let of_step = step.map_or(String::new(), |step| format!(" of step {step}"));
                printer.warn(&format!("{}: no run with a checkpoint{of_step}; left out", path.display()));
            }
            Err(error) => printer.warn(&format!("{:#}; left out", anyhow!(error))),
        }
    }
    if runs.is_empty() {
        return Err(
            WrongRequest::new("there is no run to compare; give directories of runs or sweeps").into()
        );
    }
    Ok(runs)
}

/// Whether a file or directory is one that sweeps and comparisons leave beside runs.
fn is_ours_beside_runs(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let is_of_a_sweep = Sweep::FILES.iter().any(|of| name == *of);
    let has_comparison = [Comparison::FILE, ByOperation::FILE].iter().any(|file| path.join(file).is_file());
    let is_a_comparison = has_comparison && !RunFiles::new(path).is_run();
    is_of_a_sweep && path.is_file() || is_a_comparison
}

/// The runs of the modulus and of the operation asked for, or all if none is, which must then be of one modulus.
pub fn of_one_modulus(
    mut runs: Vec<RunToCompare>,
    modulus: Option<usize>,
    operation: Option<Operation>,
) -> anyhow::Result<Vec<RunToCompare>> {
    let none = |flag: &str, what: String| {
        anyhow!(WrongRequest::new(&format!("choose another --{flag}")))
            .context(format!("none of these runs {what}"))
    };
    if let Some(modulus) = modulus {
        runs.retain(|run| run.task.modulus == modulus);
        if runs.is_empty() {
            return Err(none("modulus", format!("has modulus {modulus}")));
        }
    }
    if let Some(operation) = operation {
        runs.retain(|run| run.task.operation == operation);
        if runs.is_empty() {
            return Err(none("operation", format!("learned {operation}")));
        }
    }
    common_task(runs.iter().map(|run| Task::addition(run.task.modulus)))
        .map_err(|error| anyhow!(WrongRequest::new("choose those of one with --modulus")).context(error))?;
    Ok(runs)
}

/// The name of each run, which is its path relative to the directory that holds them all, and the directory
/// for the comparison: beside the runs if all lie in one directory, else `comparison` in the current one.
pub fn names(runs: &[RunToCompare]) -> anyhow::Result<(Vec<String>, PathBuf)> {
    let parents = || runs.iter().filter_map(|run| run.files.path().parent().map(Path::to_owned));
    let common = |a: PathBuf, b: PathBuf| {
        let shared = a.components().zip(b.components()).take_while(|(a, b)| a == b);
        shared.map(|(component, _)| component).collect()
    };
    let directory = parents().reduce(common).context("a run is in no directory")?;
    let name = |run: &RunToCompare| {
        let path = run.files.path();
        path.strip_prefix(&directory).unwrap_or(path).to_string_lossy().into_owned()
    };
    let are_together = parents().all(|parent| parent == directory);
    let out = if are_together { directory.join("comparison") } else { "comparison".into() };
    Ok((runs.iter().map(name).collect(), out))
}
