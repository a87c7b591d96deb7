use std::path::{Path, PathBuf};

use clockwork_files::pointed_at;
use clockwork_training::{LATEST, RunFiles};

/// What to do about a run that a user names and that is not there, or is no run.
pub fn instead_of(path: &Path) -> String {
    let newest = path.parent().and_then(|runs_dir| match runs_dir.as_os_str().is_empty() {
        true => RunFiles::newest_in(Path::new(".")),
        false => RunFiles::newest_in(runs_dir),
    });
    match (gone(path), newest) {
        (Some(target), Some(newest)) => {
            format!(
                "it points to {}, which is not there; the newest run is {}",
                target.display(),
                shown(&newest)
            )
        }
        (Some(target), None) => format!("it points to {}, which is not there", target.display()),
        (None, Some(newest)) => format!("give the directory of a run; the newest is {}", shown(&newest)),
        (None, None) => "give the directory of a run, such as runs/latest".to_owned(),
    }
}

fn shown(run: &RunFiles) -> String {
    let path = run.path();
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

/// Whether there is nothing at a path that a user names, or what stands for the newest run leads nowhere.
pub fn is_missing(path: &Path) -> bool {
    let is_latest = path.file_name().is_some_and(|name| name == LATEST);
    !path.exists() || is_latest && gone(path).is_some()
}

/// What is wrong with such a path.
pub fn what_is_missing(path: &Path) -> String {
    match gone(path) {
        Some(_) => format!("{} leads nowhere", path.display()),
        None => format!("{} does not exist", path.display()),
    }
}

/// What a path points to, if that is not there.
fn gone(path: &Path) -> Option<PathBuf> {
    pointed_at(path).filter(|target| !target.exists())
}
