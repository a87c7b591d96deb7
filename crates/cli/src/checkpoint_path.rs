use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clockwork_files::follow;
use clockwork_training::RunFiles;

use crate::{
    exit::WrongRequest,
    missing::{instead_of, is_missing, what_is_missing},
};

/// The checkpoint file of a target: the file itself, or a run's checkpoint of `step`, the newest if none.
pub fn checkpoint_path(target: &Path, step: Option<u64>) -> anyhow::Result<PathBuf> {
    let target = &follow(target);
    if !target.is_dir() {
        return match (step, !is_missing(target)) {
            (Some(_), _) => Err(WrongRequest::new("--step goes with a run, not with a file").into()),
            (None, true) => Ok(target.to_owned()),
            (None, false) => Err(anyhow!(WrongRequest(instead_of(target))).context(what_is_missing(target))),
        };
    }
    let files = RunFiles::new(target).checkpoints();
    let not_a_run = || anyhow!(WrongRequest::new("no run here")).context(target.display().to_string());
    let steps = files.steps().map_err(|_| not_a_run())?;
    let newest = *steps.last().ok_or_else(not_a_run)?;
    let step = step.unwrap_or(newest);
    if steps.contains(&step) {
        return Ok(files.weights(step));
    }
    let nearest = steps.iter().min_by_key(|kept| kept.abs_diff(step)).unwrap_or(&newest);
    let run = target.display();
    Err(anyhow!(WrongRequest::new("choose another --step"))
        .context(format!("{run} keeps no checkpoint of step {step}; the nearest is {nearest}")))
}
