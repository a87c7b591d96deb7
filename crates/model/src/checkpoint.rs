use std::{collections::HashMap, fs, io, path::Path};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::{
    Error, ModelConfig, NAMES, Orientation, Result, Split, Weights,
    checksum::sha256,
    import::{Import, SPLIT_NAMES},
    state_dict::MAX_FILE_BYTES,
    write_atomically,
};

/// The key of the safetensors metadata that holds [`CheckpointMetadata`] as JSON. There is only
/// this one, since the format keeps its keys in no fixed order and equal runs must write equal bytes.
const METADATA_KEY: &str = "clockwork";

/// The version of the metadata; a newer one is refused rather than misread.
const FORMAT_VERSION: u32 = 1;

/// What a checkpoint says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointMetadata {
    /// The optimisation step after which the weights were taken; 0 is before the first. Of an imported
    /// network it is 0 unless it was told.
    pub step: u64,
    /// The network's sizes.
    pub model: ModelConfig,
    /// Every setting of the run that made it; null for an imported network.
    pub config: serde_json::Value,
    /// The file that it was imported from, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedFrom>,
}

/// A file of someone else's that a network was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedFrom {
    /// Its name, without directories.
    pub file: String,
    /// Where in it the network is, if that had to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// How its tensors are oriented.
    pub orientation: Orientation,
}

/// The weights of a network and where they come from: one safetensors file with
/// `TransformerLens`' names and orientation.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Where the weights come from.
    pub metadata: CheckpointMetadata,
    /// The weights.
    pub weights: Weights,
    /// The pairs trained on, where an imported file tells. Our own runs' follow from their settings.
    pub split: Option<Split>,
}

#[derive(Serialize, Deserialize)]
struct VersionedMetadata {
    format_version: u32,
    #[serde(flatten)]
    metadata: CheckpointMetadata,
}

impl Checkpoint {
    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the system refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        let fail = |source| Error::Io { action: "write", path: path.to_owned(), source };
        write_atomically(path, &self.to_bytes().map_err(fail)?).map_err(fail)
    }

    /// Reads a file that [`write`](Self::write) wrote.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the system refuses, [`Error::Checkpoint`] where the file is truncated,
    /// foreign, or at odds with itself.
    pub fn read(path: &Path) -> Result<Self> {
        let fail = |source| Error::Io { action: "read", path: path.to_owned(), source };
        if fs::metadata(path).map_err(fail)?.len() > MAX_FILE_BYTES {
            return Err(problem(path, "too large to be a checkpoint"));
        }
        Self::from_bytes(&fs::read(path).map_err(fail)?).map_err(|what| problem(path, what))
    }

    /// Reads any file that holds a network: one of ours, or anyone's safetensors or PyTorch state dict
    /// with TransformerLens' names. Pickles are read as data, nothing in them is executed. `key` says
    /// where the state dict is in a file that holds several, such as `state_dicts.400`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the system refuses, [`Error::Checkpoint`] where the file is broken or holds
    /// another kind of network.
    pub fn open(path: &Path, key: Option<&str>) -> Result<Self> {
        let fail = |source| Error::Io { action: "read", path: path.to_owned(), source };
        let length = fs::metadata(path).map_err(fail)?.len();
        if key.is_none() && length <= MAX_FILE_BYTES && is_ours(&fs::read(path).map_err(fail)?) {
            return Self::read(path);
        }
        let Import { model, weights, split, orientation } = Import::read(path, key)?;
        let imported = ImportedFrom {
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            key: key.map(str::to_owned),
            sha256: sha256(path)?,
            orientation,
        };
        let config = serde_json::Value::Null;
        let metadata = CheckpointMetadata { step: 0, model, config, imported: Some(imported) };
        Ok(Self { metadata, weights, split })
    }

    fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let metadata = VersionedMetadata { format_version: FORMAT_VERSION, metadata: self.metadata.clone() };
        let info = HashMap::from([(METADATA_KEY.to_owned(), serde_json::to_string(&metadata)?)]);
        let bytes = self.weights.as_ref().map(|w| w.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>());
        let mut views = Vec::new();
        for (name, (shape, bytes)) in NAMES.zip(self.metadata.model.shapes().zip(bytes.as_ref())).into_array()
        {
            views.push((name, TensorView::new(Dtype::F32, shape, bytes).map_err(io::Error::other)?));
        }
        let indices = self.split.as_ref().map(|split| {
            [&split.train, &split.test]
                .map(|pairs| pairs.iter().flat_map(|&pair| (pair as i64).to_le_bytes()).collect::<Vec<_>>())
        });
        for (name, bytes) in SPLIT_NAMES.iter().zip(indices.iter().flatten()) {
            let view = TensorView::new(Dtype::I64, vec![bytes.len() / size_of::<i64>()], bytes);
            views.push((name, view.map_err(io::Error::other)?));
        }
        safetensors::serialize(views, Some(info)).map_err(io::Error::other)
    }

    fn from_bytes(bytes: &[u8]) -> std::result::Result<Self, String> {
        let broken = |e| format!("not a whole safetensors file ({e}); take another checkpoint");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(broken)?;
        let json = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(METADATA_KEY))
            .ok_or("not a checkpoint of clockwork: its metadata are missing")?;
        let VersionedMetadata { format_version, metadata } =
            serde_json::from_str(json).map_err(|e| format!("cannot read its metadata: {e}"))?;
        if format_version != FORMAT_VERSION {
            return Err(format!(
                "has format version {format_version}, this program reads {FORMAT_VERSION}; use the version that wrote it"
            ));
        }
        let config = metadata.model.validated().map_err(|e| e.to_string())?;
        let weights = NAMES.zip(config.shapes()).try_map(|(name, shape)| {
            let tensor = tensors.tensor(name).map_err(|_| format!("has no tensor {name}"))?;
            if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
                return Err(format!(
                    "{name} is {:?} {:?} where its metadata call for F32 {shape:?}",
                    tensor.dtype(),
                    tensor.shape()
                ));
            }
            let (values, _) = tensor.data().as_chunks::<4>();
            let weights: Vec<f32> = values.iter().copied().map(f32::from_le_bytes).collect();
            match weights.iter().all(|w| w.is_finite()) {
                true => Ok(weights),
                false => Err(format!("{name} holds values that are not finite")),
            }
        })?;
        let indices = |name: &str| match tensors.tensor(name) {
            Ok(tensor) if tensor.dtype() == Dtype::I64 => {
                let (pairs, _) = tensor.data().as_chunks::<8>();
                Ok(Some(pairs.iter().copied().map(i64::from_le_bytes).collect::<Vec<_>>()))
            }
            Ok(tensor) => Err(format!("{name} is {:?} where I64 is called for", tensor.dtype())),
            Err(_) => Ok(None),
        };
        let [train, test] = SPLIT_NAMES;
        let split = match (indices(train)?, indices(test)?) {
            (Some(train), test) => Some(Split::of_indices(config.modulus, &train, test.as_deref())?),
            (None, _) => None,
        };
        Ok(Self { metadata, weights, split })
    }
}

/// Whether a file says that it is a checkpoint of ours.
fn is_ours(bytes: &[u8]) -> bool {
    let header = SafeTensors::read_metadata(bytes);
    header.is_ok_and(|(_, header)| header.metadata().as_ref().is_some_and(|m| m.contains_key(METADATA_KEY)))
}

fn problem(path: &Path, problem: impl Into<String>) -> Error {
    Error::Checkpoint { path: path.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::initial_weights;

    fn checkpoint() -> Checkpoint {
        let model = ModelConfig { modulus: 5, d_model: 4, n_heads: 2, d_mlp: 6 };
        let config = serde_json::json!({"task": {"seed": 1, "modulus": 5}, "a": 0.1});
        Checkpoint {
            weights: initial_weights(&model, 1),
            metadata: CheckpointMetadata { step: 1200, model, config, imported: None },
            split: None,
        }
    }

    #[test]
    fn comes_back_as_it_was_and_always_in_the_same_bytes() {
        let bytes = checkpoint().to_bytes().unwrap();
        assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint());
        for _ in 0..20 {
            assert_eq!(checkpoint().to_bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn tensors_carry_the_names_and_shapes_of_transformer_lens() {
        let bytes = checkpoint().to_bytes().unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.len(), 11);
        assert_eq!(tensors.tensor("blocks.0.attn.W_O").unwrap().shape(), [2, 2, 4]);
        assert_eq!(tensors.tensor("unembed.W_U").unwrap().shape(), [4, 5]);
    }

    #[test]
    fn a_foreign_or_newer_file_is_refused_in_words() {
        let foreign = safetensors::serialize(Vec::<(&str, TensorView)>::new(), None).unwrap();
        let message = Checkpoint::from_bytes(&foreign).unwrap_err();
        assert_eq!(message, "not a checkpoint of clockwork: its metadata are missing");

        let newer = String::from_utf8_lossy(&checkpoint().to_bytes().unwrap()).into_owned();
        assert!(newer.contains(r#"\"format_version\":1"#));
        let mut newer = checkpoint().to_bytes().unwrap();
        let at = newer.windows(18).position(|w| w == br#"\"format_version\""#).unwrap();
        newer[at + 19] = b'7';
        assert!(Checkpoint::from_bytes(&newer).unwrap_err().starts_with("has format version 7"));
    }

    proptest! {
        #[test]
        fn truncated_files_are_refused(share in 0.0..1.0) {
            let bytes = checkpoint().to_bytes().unwrap();
            let kept = (share * bytes.len() as f64) as usize;
            prop_assert!(Checkpoint::from_bytes(&bytes[..kept]).is_err());
        }

        #[test]
        fn flipped_bits_never_panic(at: prop::sample::Index, bit in 0_u8..8) {
            let mut bytes = checkpoint().to_bytes().unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            let _ = Checkpoint::from_bytes(&bytes);
        }
    }
}
