use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::Path,
    time::Duration,
};

use serde::Serialize;
use tempfile::{Builder, NamedTempFile};

/// What the name of a temporary file starts with, before the name of the file that it becomes.
const PREFIX: &str = ".";

/// What it ends in, after some letters that no other process draws.
const SUFFIX: &str = ".clockwork-tmp";

/// From this age on, a temporary file is one that a killed process left.
const ABANDONED: Duration = Duration::from_hours(1);

/// Writes a file so that whoever opens `path`, now or after a power cut, finds either what was
/// there before or all of `bytes`: a temporary file beside it is synced and renamed. Of several processes
/// that write the same file at once, each succeeds, and the last wins whole.
///
/// # Errors
///
/// The system's. The temporary file is then gone, and `path` is as it was, unless only the directory could
/// not be synced after the rename.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = temporary(path, new_file)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
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

/// Removes what interrupted calls of [`write_atomically`] left in a directory to which nobody else writes now.
pub fn remove_leftovers(directory: &Path) {
    remove_leftovers_of(directory, Duration::ZERO);
}

/// Removes what interrupted calls of [`write_atomically`] left in a directory to which others may be writing:
/// only what is older than an hour.
pub fn remove_old_leftovers(directory: &Path) {
    remove_leftovers_of(directory, ABANDONED);
}

fn remove_leftovers_of(directory: &Path, age: Duration) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let is_temporary = name.starts_with(PREFIX.as_bytes()) && name.ends_with(SUFFIX.as_bytes());
        let written = || entry.metadata().and_then(|file| file.modified()).ok();
        let is_old = || written().and_then(|at| at.elapsed().ok()).is_some_and(|elapsed| elapsed >= age);
        if is_temporary && (age.is_zero() || is_old()) {
            // Nothing depends on it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// What becomes `path`, beside it, under a name that no other process draws and that `make` is given. It is
/// removed again unless it is persisted.
pub(crate) fn temporary<F>(
    path: &Path,
    make: impl FnMut(&Path) -> io::Result<F>,
) -> io::Result<NamedTempFile<F>> {
    let mut prefix = OsString::from(PREFIX);
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    Builder::new().prefix(&prefix).suffix(SUFFIX).make_in(directory_of(path), make)
}

/// A new file with the permissions that any new file gets: a library's are for secrets.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).open(path)
}

/// The directory that a file is in.
fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Waits until no other process writes a set of files into a directory, where the system has locks: of several, the
/// last then wins with all its files. The turn ends with the value.
#[must_use]
pub fn in_turn(directory: &Path) -> Option<File> {
    // Where a directory cannot be opened or locked, each file is still whole.
    let turn = File::open(directory).ok()?;
    turn.lock().ok()?;
    Some(turn)
}

/// Makes a rename outlive a power cut, where the file system can.
#[cfg(unix)]
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    match File::open(directory_of(path))?.sync_all() {
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

/// Elsewhere directories cannot be opened, and the file system orders renames itself.
#[cfg(not(unix))]
pub(crate) fn sync_directory_of(_path: &Path) -> io::Result<()> {
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
        let names = ["kept", ".hidden", ".mine.tmp", ".run.json.aB3.clockwork-tmp"];
        let files = names.map(|name| directory.path().join(name));
        files.iter().for_each(|file| fs::write(file, b"x").unwrap());
        remove_old_leftovers(directory.path());
        assert!(files.iter().all(|file| file.exists()), "another process may be writing it");
        let leftover = File::options().write(true).open(&files[3]).unwrap();
        leftover.set_modified(std::time::SystemTime::now() - 2 * ABANDONED).unwrap();
        remove_old_leftovers(directory.path());
        assert_eq!(files.each_ref().map(|file| file.exists()), [true, true, true, false]);
        fs::write(&files[3], b"x").unwrap();
        remove_leftovers(directory.path());
        assert_eq!(files.map(|file| file.exists()), [true, true, true, false]);
    }

    #[test]
    fn of_many_writers_at_once_each_succeeds_and_one_wins_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let contents: Vec<Vec<u8>> = (0..8).map(|writer| vec![writer; 100_000]).collect();
        std::thread::scope(|scope| {
            for content in &contents {
                let path = &path;
                scope.spawn(move || (0..20).for_each(|_| write_atomically(path, content).unwrap()));
            }
        });
        assert!(contents.contains(&fs::read(&path).unwrap()));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_has_the_permissions_of_any_other() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let [plain, atomic] = ["plain", "atomic"].map(|name| directory.path().join(name));
        fs::write(&plain, b"x").unwrap();
        write_atomically(&atomic, b"x").unwrap();
        let [plain, atomic] = [plain, atomic].map(|path| fs::metadata(path).unwrap().permissions().mode());
        assert_eq!(atomic, plain);
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
