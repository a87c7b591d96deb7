use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clockwork_files::{sha256, write_atomically};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::{
    CheckpointMetadata, Error, ImportedFrom, ModelConfig, NAMES, Result, Split, Task, Weights,
    checkpoint_metadata::{FORMAT_VERSION, StoredMetadata},
    foreign_file::what_it_is,
    import::Import,
    seal::{is_sealed, sealed, unsealed},
    split::SPLIT_NAMES,
    state_dict::MAX_FILE_BYTES,
};

/// The weights of a network and where they come from: one safetensors file with
/// `TransformerLens`' names and orientation.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Where the weights come from.
    pub metadata: CheckpointMetadata,
    /// The weights.
    pub weights: Weights,
    /// The pairs trained on and held out, where an imported file lists them.
    pub listed_split: Option<Split>,
}

/// A checkpoint that was read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointFile {
    /// The file, as it was given.
    pub path: PathBuf,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// What it holds.
    pub checkpoint: Checkpoint,
}

impl Checkpoint {
    /// Weights that were made by hand, such as those of the [`clock`](crate::clock): of addition, at step 0, with
    /// no configuration and no split.
    #[must_use]
    pub fn of_weights(model: ModelConfig, weights: Weights) -> Self {
        let task = Task::addition(model.modulus);
        let config = serde_json::Value::Null;
        let metadata = CheckpointMetadata {
            step: 0,
            task,
            model,
            split: None,
            config,
            settings_sha256: None,
            imported: None,
        };
        Self { metadata, weights, listed_split: None }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails.
    pub fn write(&self, path: &Path) -> Result<()> {
        let fail = |source| Error::Io { action: "write", path: path.to_owned(), source };
        write_atomically(path, &self.to_bytes().map_err(fail)?).map_err(fail)
    }

    /// Reads a file that [`write`](Self::write) wrote.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails, [`Error::Checkpoint`] where the file is truncated,
    /// foreign, or at odds with itself.
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_bytes(&read(path)?).map_err(|what| problem(path, what))
    }

    /// The pairs trained on and held out, where they are known: those that an imported file lists, or those
    /// that the run's rule draws.
    #[must_use]
    pub fn split(&self) -> Option<Split> {
        let drawn = || Split::new(self.metadata.task, self.metadata.split?).ok();
        self.listed_split.clone().or_else(drawn)
    }

    /// Reads any file that holds a network: one of ours, or anyone's safetensors or PyTorch state dict
    /// with TransformerLens' names. Pickles are read as data, nothing in them is executed. `key` says
    /// where the state dict is in a file that holds several, such as `state_dicts.400`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails, [`Error::Checkpoint`] where the file is broken or holds
    /// another kind of network.
    pub fn open(path: &Path, key: Option<&str>) -> Result<CheckpointFile> {
        let bytes = read(path)?;
        if let Some(what) = what_it_is(path, &bytes) {
            return Err(problem(path, what));
        }
        let sha256 = sha256(&bytes);
        let checkpoint = if key.is_none() && is_sealed(&bytes) {
            Self::from_bytes(&bytes).map_err(|what| problem(path, what))?
        } else {
            let Import { task, model, weights, split, orientation } = Import::read(path, bytes, key)?;
            let imported = ImportedFrom {
                file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                key: key.map(str::to_owned),
                sha256: sha256.clone(),
                orientation,
            };
            let mut read = Self::of_weights(model, weights);
            (read.metadata.task, read.metadata.imported, read.listed_split) = (task, Some(imported), split);
            read
        };
        Ok(CheckpointFile { path: path.to_owned(), sha256, checkpoint })
    }

    fn to_bytes(&self) -> io::Result<Vec<u8>> {
        self.to_bytes_with(&StoredMetadata::from(self.metadata.clone()))
    }

    fn to_bytes_with(&self, metadata: &StoredMetadata) -> io::Result<Vec<u8>> {
        let bytes = self.weights.as_ref().map(|w| w.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>());
        let mut views = Vec::new();
        for (name, (shape, bytes)) in NAMES.zip(self.metadata.model.shapes().zip(bytes.as_ref())).into_array()
        {
            views.push((name, TensorView::new(Dtype::F32, shape, bytes).map_err(io::Error::other)?));
        }
        let indices = self.listed_split.as_ref().map(|split| {
            [&split.train, &split.test]
                .map(|pairs| pairs.iter().flat_map(|&pair| (pair as i64).to_le_bytes()).collect::<Vec<_>>())
        });
        for (name, bytes) in SPLIT_NAMES.iter().zip(indices.iter().flatten()) {
            let view = TensorView::new(Dtype::I64, vec![bytes.len() / size_of::<i64>()], bytes);
            views.push((name, view.map_err(io::Error::other)?));
        }
        sealed(metadata, views).map_err(io::Error::other)
    }

    fn from_bytes(bytes: &[u8]) -> std::result::Result<Self, String> {
        let metadata = unsealed(bytes)?.ok_or("not a checkpoint of clockwork: its metadata are missing")?;
        let metadata: StoredMetadata =
            serde_json::from_value(metadata).map_err(|e| format!("cannot read its metadata: {e}"))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let format_version = metadata.format_version;
        if !(1..=FORMAT_VERSION).contains(&format_version) {
            return Err(format!(
                "has format version {format_version}, this program reads 1 to {FORMAT_VERSION}; use the version that wrote it"
            ));
        }
        let split_sha256 = metadata.split_sha256.clone();
        let metadata = CheckpointMetadata::from(metadata);
        let config = metadata.model.validated().map_err(|e| e.to_string())?;
        if metadata.task.modulus != config.modulus {
            let task = metadata.task.modulus;
            return Err(format!("its task is modulo {task}, its network modulo {}", config.modulus));
        }
        if let (Some(rule), Some(hash)) = (metadata.split, split_sha256) {
            let drawn = Split::new(metadata.task, rule).map_err(|e| e.to_string())?;
            if drawn.sha256() != hash {
                return Err("the pairs that it was trained on are not those that its seed draws".to_owned());
            }
        }
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
        let listed_split = match (indices(train)?, indices(test)?) {
            (Some(train), test) => Some(Split::of_indices(metadata.task, &train, test.as_deref())?),
            (None, _) => None,
        };
        Ok(Self { metadata, weights, listed_split })
    }
}

/// A file's bytes, unless it is too large to be a checkpoint.
fn read(path: &Path) -> Result<Vec<u8>> {
    let fail = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let file = fs::metadata(path).map_err(fail)?;
    if !file.is_file() && !file.is_dir() {
        return Err(problem(
            path,
            "a pipe or a device, which can be read only once; save it as a file first",
        ));
    }
    if file.len() > MAX_FILE_BYTES {
        return Err(problem(path, "too large to be a checkpoint"));
    }
    fs::read(path).map_err(fail)
}

fn problem(path: &Path, problem: impl Into<String>) -> Error {
    Error::Checkpoint { path: path.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{SplitRule, initial_weights};

    fn checkpoint() -> Checkpoint {
        let model = ModelConfig { modulus: 5, d_model: 4, n_heads: 2, d_mlp: 6 };
        let task = Task::addition(5);
        let config = serde_json::json!({"task": {"train_fraction": 0.5}, "training": {"seed": 4}});
        let split = Some(SplitRule { train_fraction: 0.5, seed: 3 });
        let settings_sha256 = Some("5e".repeat(32));
        Checkpoint {
            weights: initial_weights(&model, 1),
            metadata: CheckpointMetadata {
                step: 1200,
                task,
                model,
                split,
                config,
                settings_sha256,
                imported: None,
            },
            listed_split: None,
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
    fn a_file_of_version_0_1_has_its_split_among_its_settings() {
        let mut stored = StoredMetadata::from(checkpoint().metadata);
        (stored.task, stored.split, stored.split_sha256) = (None, None, None);
        let old = CheckpointMetadata::from(stored);
        assert_eq!(old.split, Some(SplitRule { train_fraction: 0.5, seed: 4 }));
        assert_eq!(old.task, checkpoint().metadata.task);
    }

    #[test]
    fn pairs_that_the_seed_does_not_draw_are_refused() {
        let mut stored = StoredMetadata::from(checkpoint().metadata);
        stored.split = Some(SplitRule { train_fraction: 0.5, seed: 8 });
        let problem = Checkpoint::from_bytes(&checkpoint().to_bytes_with(&stored).unwrap()).unwrap_err();
        assert_eq!(problem, "the pairs that it was trained on are not those that its seed draws");
    }

    #[test]
    fn a_task_of_another_modulus_is_refused() {
        let mut broken = checkpoint();
        broken.metadata.task.modulus = 7;
        let problem = Checkpoint::from_bytes(&broken.to_bytes().unwrap()).unwrap_err();
        assert_eq!(problem, "its task is modulo 7, its network modulo 5");
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

        let mut newer = StoredMetadata::from(checkpoint().metadata);
        newer.format_version = 7;
        let newer = checkpoint().to_bytes_with(&newer).unwrap();
        assert!(Checkpoint::from_bytes(&newer).unwrap_err().starts_with("has format version 7"));

        // Files of version 0.1 are not sealed.
        let weights = checkpoint().to_bytes().unwrap();
        let tensors = SafeTensors::deserialize(&weights).unwrap();
        let mut stored = StoredMetadata::from(checkpoint().metadata);
        stored.format_version = 1;
        let json = serde_json::to_string(&stored).unwrap();
        let info = [("clockwork".to_owned(), json)].into();
        let old = safetensors::serialize(tensors.iter().collect::<Vec<_>>(), Some(info)).unwrap();
        assert_eq!(Checkpoint::from_bytes(&old).unwrap(), checkpoint());
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
