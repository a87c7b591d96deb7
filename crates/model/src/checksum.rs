use std::{fs, path::Path};

use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The SHA-256 of a file's content, in hexadecimal digits.
///
/// # Errors
///
/// [`Error::Io`] where the system refuses.
pub fn sha256(path: &Path) -> Result<String> {
    let bytes =
        fs::read(path).map_err(|source| Error::Io { action: "read", path: path.to_owned(), source })?;
    Ok(Sha256::digest(&bytes).iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_of_a_published_example() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("abc");
        fs::write(&path, "abc").unwrap();
        let published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&path).unwrap(), published);
        assert!(sha256(directory.path()).is_err());
    }
}
