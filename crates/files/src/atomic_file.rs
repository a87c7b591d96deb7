use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;

// Crates that write atomically draw a random name for the temporary file, so every killed process leaves
// one more file behind. Here it has one name, and the next write replaces it.

/// Writes a file so that whoever opens `path`, now or after a power cut, finds either what was
/// there before or all of `bytes`: a temporary file beside it is synced and renamed.
///
/// # Errors
///
/// The system's. The temporary file is then gone, and `path` is as it was, unless only the directory could
/// not be synced after the rename.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_name(path);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        // The error that matters is the one above; a leftover is overwritten by the next write.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_directory_of(path)
}

/// Writes a value as indented JSON that ends in a line break, as [`write_atomically`] writes bytes.
///
/// # Errors
///
/// Those of [`write_atomically`], and where the value cannot be serialised.
pub fn write_json_atomically(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut json = serde_json::to_vec_pretty(value)?;
    json.push(b'\n');
    write_atomically(path, &json)
}

/// Removes what interrupted calls of [`write_atomically`] left in a directory.
pub fn remove_leftovers(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(PREFIX.as_bytes()) && name.ends_with(SUFFIX.as_bytes()) {
            // Nothing depends on it, and the next write of the same file replaces it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// What the name of a temporary file starts with.
const PREFIX: &str = ".";

/// What it ends in.
const SUFFIX: &str = ".tmp";

/// The name, beside `path`, that a file has while it is being written.
fn temporary_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(PREFIX);
    name.push(path.file_name().unwrap_or_default());
    name.push(SUFFIX);
    path.with_file_name(name)
}

/// Makes a rename outlive a power cut.
#[cfg(unix)]
fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere directories cannot be opened, and the file system orders renames itself.
#[cfg(not(unix))]
fn sync_directory_of(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_file_and_leaves_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn leftovers_are_removed_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let files = ["kept", ".hidden", "kept.tmp", ".run.json.tmp"].map(|name| directory.path().join(name));
        files.iter().for_each(|file| fs::write(file, b"x").unwrap());
        remove_leftovers(directory.path());
        assert_eq!(files.map(|file| file.exists()), [true, true, true, false]);
    }

    #[test]
    fn json_is_indented_and_ends_in_a_line_break() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        write_json_atomically(&path, &[1, 2]).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "[\n  1,\n  2\n]\n");
    }

    #[test]
    fn a_failure_leaves_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::create_dir(&path).unwrap();
        write_atomically(&path, b"new").unwrap_err();
        assert!(path.is_dir());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
