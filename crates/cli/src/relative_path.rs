use std::{
    env,
    path::{Path, PathBuf},
};

/// The path as a user in this directory would type it.
pub fn relative_to_here(path: &Path) -> PathBuf {
    let here = env::current_dir().and_then(|here| here.canonicalize());
    match here.ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned)) {
        Some(relative) => relative,
        None => path.to_owned(),
    }
}
