use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::atomic_file::{sync_directory_of, temporary, write_atomically};

/// A file with more bytes is no pointer: no name of a file is longer.
const LONGEST: u64 = 256;

/// Makes `path` another name for the directory `target` beside it: a symbolic link, or, where the file system
/// has none, a small file that holds the target's name. What pointed elsewhere before is replaced.
///
/// # Errors
///
/// [`ErrorKind::AlreadyExists`] where `path` is a directory or a file of another kind, which stays; the
/// system's where neither a link nor a file can be made.
pub fn point(path: &Path, target: &str) -> io::Result<()> {
    if let Ok(there) = fs::symlink_metadata(path)
        && !there.is_symlink()
        && !(there.is_file() && target_of(path).is_some())
    {
        let kind = if there.is_dir() { "a directory" } else { "a file" };
        return Err(io::Error::new(ErrorKind::AlreadyExists, format!("it is {kind}, not a link")));
    }
    link(path, target).or_else(|_| write_atomically(path, format!("{target}\n").as_bytes()))
}

/// What `path` stands for: the directory beside it that it names, if it is a small file that [`point`] made,
/// else `path` itself.
#[must_use]
pub fn follow(path: &Path) -> PathBuf {
    match fs::symlink_metadata(path).is_ok_and(|there| there.is_file()) {
        true => pointed_at(path).filter(|target| target.is_dir()).unwrap_or_else(|| path.to_owned()),
        false => path.to_owned(),
    }
}

/// What a link, or a small file in place of one, points to, whether it is there or not.
#[must_use]
pub fn pointed_at(path: &Path) -> Option<PathBuf> {
    let linked = fs::read_link(path).ok();
    linked.or_else(|| target_of(path).map(PathBuf::from)).map(|target| path.with_file_name(target))
}

/// The one line of a small file.
fn target_of(path: &Path) -> Option<String> {
    let file = fs::metadata(path).ok()?;
    if !file.is_file() || file.len() > LONGEST {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    let name = text.strip_suffix('\n')?;
    let is_name = !name.is_empty() && !name.contains(['\n', '/', '\\']) && name != "." && name != "..";
    is_name.then(|| name.to_owned())
}

/// A link cannot be written over, but another can be renamed over it.
#[cfg(unix)]
fn link(path: &Path, target: &str) -> io::Result<()> {
    let make = |path: &Path| std::os::unix::fs::symlink(target, path);
    let link = temporary(path, make)?;
    link.persist(path).map_err(|e| e.error)?;
    sync_directory_of(path)
}

/// Elsewhere links need privileges that a user may lack.
#[cfg(not(unix))]
fn link(_path: &Path, _target: &str) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for name in ["first", "second"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        directory
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_leaves_nothing_else() {
        let directory = runs();
        let path = directory.path().join("latest");
        for target in ["first", "second"] {
            point(&path, target).unwrap();
            assert_eq!(fs::read_link(&path).unwrap(), Path::new(target));
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_file_with_a_name_stands_for_the_directory_beside_it_and_is_replaced() {
        let directory = runs();
        let path = directory.path().join("latest");
        fs::write(&path, "first\n").unwrap();
        assert_eq!(follow(&path), directory.path().join("first"));
        point(&path, "second").unwrap();
        assert_eq!(
            fs::canonicalize(follow(&path)).unwrap(),
            fs::canonicalize(directory.path().join("second")).unwrap()
        );
        fs::remove_file(&path).unwrap();
        for other in ["none\n", "first", "first\nsecond\n", "..\n", ""] {
            fs::write(&path, other).unwrap();
            assert_eq!(follow(&path), path, "{other:?}");
        }
        fs::write(&path, "none\n").unwrap();
        assert_eq!(pointed_at(&path), Some(directory.path().join("none")));
    }

    #[test]
    fn what_is_no_pointer_stays() {
        let directory = runs();
        let path = directory.path().join("latest");
        fs::create_dir(&path).unwrap();
        assert_eq!(point(&path, "first").unwrap_err().to_string(), "it is a directory, not a link");
        fs::remove_dir(&path).unwrap();
        fs::write(&path, "my notes\non runs\n").unwrap();
        assert_eq!(point(&path, "first").unwrap_err().to_string(), "it is a file, not a link");
        assert_eq!(fs::read_to_string(&path).unwrap(), "my notes\non runs\n");
    }
}
