//! The index of a network whose tensors are in several safetensors files, as Hugging Face's libraries write it.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::{
    Error,
    state_dict::{MAX_FILE_BYTES, read_bytes},
};

/// How the name of an index ends.
const EXTENSION: &str = ".index.json";

/// The most files that an index may have.
const MAX_SHARDS: usize = 1 << 10;

/// An index.
pub(crate) struct Index {
    /// The names of the files beside it, in order.
    pub shards: Vec<String>,
}

/// The index that a file is, if it is one. The error says what is wrong with it.
pub(crate) fn index(path: &Path, bytes: &[u8]) -> Result<Option<Index>, String> {
    if !path.to_string_lossy().ends_with(EXTENSION) {
        return Ok(None);
    }
    let index: Value =
        serde_json::from_slice(bytes).map_err(|e| format!("no index of safetensors files: {e}"))?;
    let Some(Value::Object(files)) = index.get("weight_map") else {
        return Err("no index of safetensors files: it has no weight_map".to_owned());
    };
    let mut shards = BTreeSet::new();
    for (tensor, file) in files {
        let name = file.as_str().filter(|name| is_plain(name));
        let problem = || format!("{tensor} is in {file}, which is no safetensors file beside it");
        shards.insert(name.ok_or_else(problem)?);
    }
    match shards.len() {
        0 => Err("an index of no files".to_owned()),
        n if n > MAX_SHARDS => Err(format!("an index of more than {MAX_SHARDS} files")),
        _ => Ok(Some(Index { shards: shards.into_iter().map(str::to_owned).collect() })),
    }
}

/// Whether a name is one of a safetensors file in the same directory.
fn is_plain(name: &str) -> bool {
    name.ends_with(".safetensors") && Path::new(name).file_name().is_some_and(|file| file == name)
}

/// The bytes of files beside an index, together no more than one file may have.
pub(crate) fn read_shards(index: &Path, names: &[String]) -> crate::Result<Vec<Vec<u8>>> {
    let mut left = MAX_FILE_BYTES;
    let shard = |name: &String| {
        let bytes = read_bytes(&index.with_file_name(name))?;
        left = left.checked_sub(bytes.len() as u64).ok_or_else(|| Error::Checkpoint {
            path: index.to_owned(),
            problem: "an index of files that are too large together to be a checkpoint".to_owned(),
        })?;
        Ok(bytes)
    };
    names.iter().map(shard).collect()
}
