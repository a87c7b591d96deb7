//! Tells the crate which state of the sources it was built from, so that it knows an analysis that another state made.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

/// What figures and claims come from, seen from this crate.
const SOURCES: [&str; 2] = ["src", "../model/src"];

fn main() -> io::Result<()> {
    let mut hasher = DefaultHasher::new();
    for directory in SOURCES {
        println!("cargo::rerun-if-changed={directory}");
        let directory = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join(directory);
        let mut files = files_under(&directory)?;
        files.sort();
        for file in files {
            file.strip_prefix(&directory).map_err(io::Error::other)?.hash(&mut hasher);
            fs::read(&file)?.hash(&mut hasher);
        }
    }
    println!("cargo::rustc-env=CLOCKWORK_ANALYSIS_SOURCES={:016x}", hasher.finish());
    Ok(())
}

/// All files under a directory, in no order.
fn files_under(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files.extend(files_under(&path)?),
            false => files.push(path),
        }
    }
    Ok(files)
}
