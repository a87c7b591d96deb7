use std::fmt::Display;

use clockwork_files::sha256_of;
use safetensors::{SafeTensors, View, serialize};
use serde::Serialize;
use serde_json::Value;

/// The key of the safetensors metadata that a sealed file has: one, since the format keeps its keys in no fixed
/// order, and equal runs must write equal bytes.
const KEY: &str = "clockwork";

/// The field of these metadata that seals the file.
const FIELD: &str = "content_sha256";

/// The version of the metadata, if they say one, that came without a seal: that of version 0.1.
const UNSEALED: u32 = 1;

/// What is wrong with a file whose seal is broken or missing.
const DAMAGED: &str = "damaged: its content is not what was written; take another checkpoint";

/// The bytes of a safetensors file with metadata, as JSON under one key, that hold the SHA-256 of all else that
/// the file says: a bit that flips on a disk is noticed when the file is read.
///
/// # Errors
///
/// What `safetensors` refuses, in words.
pub fn sealed<N: AsRef<str> + Ord + Display, V: View>(
    metadata: &impl Serialize,
    mut tensors: Vec<(N, V)>,
) -> Result<Vec<u8>, String> {
    let mut metadata = serde_json::to_value(metadata).map_err(|e| e.to_string())?;
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let hash = {
        let json = metadata.to_string();
        let tensors: Vec<_> = tensors.iter().map(|(name, view)| (name.as_ref(), view.data())).collect();
        content_sha256(&json, tensors.iter().map(|(name, data)| (*name, &data[..])))
    };
    metadata[FIELD] = hash.into();
    let info = [(KEY.to_owned(), metadata.to_string())].into();
    serialize(tensors, Some(info)).map_err(|e| e.to_string())
}

/// The metadata of a safetensors file, checked against its seal if it has one; nothing where it has no metadata of
/// ours.
///
/// # Errors
///
/// What is wrong with the file, in words.
pub fn unsealed(bytes: &[u8]) -> Result<Option<Value>, String> {
    let broken = |e| format!("not a whole safetensors file ({e}); take another checkpoint");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let Some(json) = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY)) else {
        return Ok(None);
    };
    let mut metadata: Value =
        serde_json::from_str(json).map_err(|e| format!("cannot read its metadata: {e}"))?;
    let Some(Value::String(seal)) = metadata.as_object_mut().and_then(|fields| fields.remove(FIELD)) else {
        return match metadata["format_version"] == UNSEALED {
            true => Ok(Some(metadata)),
            false => Err(DAMAGED.to_owned()),
        };
    };
    let file = SafeTensors::deserialize(bytes).map_err(broken)?;
    let mut tensors = file.tensors();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let tensors = tensors.iter().map(|(name, view)| (name.as_str(), view.data()));
    match content_sha256(&metadata.to_string(), tensors) == seal {
        true => Ok(Some(metadata)),
        false => Err(DAMAGED.to_owned()),
    }
}

/// Whether a file has metadata of ours.
pub(crate) fn is_sealed(bytes: &[u8]) -> bool {
    let header = SafeTensors::read_metadata(bytes);
    header.is_ok_and(|(_, header)| header.metadata().as_ref().is_some_and(|m| m.contains_key(KEY)))
}

/// The hash of metadata without their seal, and of tensors in the order of their names.
fn content_sha256<'a>(json: &'a str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let tensors = tensors.flat_map(|(name, data)| [name.as_bytes(), data]);
    sha256_of([json.as_bytes()].into_iter().chain(tensors))
}

#[cfg(test)]
mod tests {
    use safetensors::{Dtype, tensor::TensorView};
    use serde_json::json;

    use super::*;

    fn file() -> Vec<u8> {
        let (a, b) = ([1_u8; 8], [2_u8; 4]);
        let tensor = |data| TensorView::new(Dtype::U8, vec![4], data).unwrap();
        let tensors = vec![("b", tensor(&b)), ("a", tensor(&a[..4]))];
        sealed(&json!({ "step": 7, "rate": 0.1 }), tensors).unwrap()
    }

    #[test]
    fn metadata_come_back_and_equal_content_is_equal_bytes() {
        assert_eq!(unsealed(&file()).unwrap(), Some(json!({ "step": 7, "rate": 0.1 })));
        assert_eq!(file(), file());
    }

    #[test]
    fn every_bit_that_flips_is_noticed() {
        let whole = file();
        for bit in 0..8 * whole.len() {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(Some(read)) = unsealed(&damaged) {
                // What the format says of a tensor but its name and data is checked by whoever reads it.
                let file = SafeTensors::deserialize(&damaged).unwrap();
                assert_eq!(read, json!({ "step": 7, "rate": 0.1 }), "bit {bit}");
                assert_eq!(
                    (file.tensor("a").unwrap().data(), file.tensor("b").unwrap().data()),
                    (&[1; 4][..], &[2; 4][..])
                );
            }
        }
    }
}
