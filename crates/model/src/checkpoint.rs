use std::{
    io,
    path::{Path, PathBuf},
};

use clockwork_files::{sha256, write_atomically};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::{
    CheckpointMetadata, Error, ForeignFile, ModelConfig, NAMES, OtherNetwork, ReadAs, Result, Split,
    StoredNetwork, Task, Weights,
    checkpoint_metadata::{FORMAT_VERSION, StoredMetadata},
    foreign_file::what_it_is,
    seal::{is_sealed, sealed, unsealed},
    split::SPLIT_NAMES,
    state_dict::read_bytes,
};

/// The weights of a network and where they come from: one safetensors file with
/// `TransformerLens`' names and orientation.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Where the weights come from.
    pub metadata: CheckpointMetadata,
    /// The weights.
    pub network: StoredNetwork,
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
        Self::new(Task::addition(model.modulus), model, StoredNetwork::Paper(weights))
    }

    /// The same of a network of any architecture that learned a task. One that computes what the paper's does becomes the
    /// paper's.
    #[must_use]
    pub fn of_network(task: Task, network: OtherNetwork) -> Self {
        Self::new(task, network.architecture.sizes(task.modulus), StoredNetwork::of(network))
    }

    fn new(task: Task, model: ModelConfig, network: StoredNetwork) -> Self {
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
        Self { metadata, network, listed_split: None }
    }

    /// The weights of the paper's network, if it is that.
    #[must_use]
    pub fn weights(&self) -> Option<&Weights> {
        match &self.network {
            StoredNetwork::Paper(weights) => Some(weights),
            StoredNetwork::Other(_) => None,
        }
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
        Self::from_bytes(&read_bytes(path)?).map_err(|what| problem(path, what))
    }

    /// The pairs trained on and held out, where they are known: those that an imported file lists, or those
    /// that the run's rule draws.
    #[must_use]
    pub fn split(&self) -> Option<Split> {
        let drawn = || Split::new(self.metadata.task, self.metadata.split?).ok();
        self.listed_split.clone().or_else(drawn)
    }

    /// Reads any file that holds a network: one of ours, or anyone's safetensors, PyTorch state dict or NumPy archive.
    /// Pickles are read as data, nothing in them is executed. What a file does not say itself is taken from `read_as`, or
    /// assumed, which [`ImportedFrom`](crate::ImportedFrom) tells.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails, [`Error::Checkpoint`] where the file is broken or holds
    /// another kind of network, [`Error::Names`] where it is not known what its tensors are, and
    /// [`Error::SeveralNetworks`] where it holds several and none was chosen.
    pub fn open(path: &Path, read_as: &ReadAs) -> Result<CheckpointFile> {
        let bytes = read_bytes(path)?;
        let (sha256, checkpoint) = if is_sealed(&bytes) {
            (sha256(&bytes), Self::sealed_in(path, &bytes, read_as).map_err(|what| problem(path, what))?)
        } else {
            let file = ForeignFile::read(path, bytes)?;
            (file.sha256().to_owned(), file.checkpoint(read_as)?)
        };
        Ok(CheckpointFile { path: path.to_owned(), sha256, checkpoint })
    }

    /// The checkpoint in a file of ours, of which nothing need be said.
    fn sealed_in(path: &Path, bytes: &[u8], read_as: &ReadAs) -> std::result::Result<Self, String> {
        match what_it_is(path, bytes) {
            Some(what) => Err(what),
            None if *read_as != ReadAs::default() => {
                Err("a checkpoint of clockwork's own, which says itself how it is read".to_owned())
            }
            None => Self::from_bytes(bytes),
        }
    }

    fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let architecture = self.network.architecture().cloned();
        self.to_bytes_with(&StoredMetadata::from(self.metadata.clone()).of_architecture(architecture))
    }

    fn to_bytes_with(&self, metadata: &StoredMetadata) -> io::Result<Vec<u8>> {
        let tensors = self.network.tensors(&self.metadata.model).into_iter();
        let bytes = tensors.map(|(name, shape, values)| {
            (name, shape, values.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>())
        });
        let bytes: Vec<_> = bytes.collect();
        let mut views = Vec::new();
        for (name, shape, bytes) in &bytes {
            views.push((*name, TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(io::Error::other)?));
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
        let (split_sha256, architecture) = (metadata.split_sha256.clone(), metadata.architecture.clone());
        let metadata = CheckpointMetadata::from(metadata);
        let config = match &architecture {
            None => metadata.model.validated(),
            Some(of) => {
                of.clone().validated(metadata.model.modulus).map(|of| of.sizes(metadata.model.modulus))
            }
        };
        let config = config.map_err(|e| e.to_string())?;
        metadata.task.validated().map_err(|e| e.to_string())?;
        if metadata.model != config {
            return Err("its sizes are not those of its architecture".to_owned());
        }
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
        let weights = |name: &str, shape: &[usize]| {
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
        };
        let network = match architecture {
            None => StoredNetwork::Paper(
                NAMES.zip(config.shapes()).try_map(|(name, shape)| weights(name, &shape))?,
            ),
            Some(architecture) => {
                let shapes = architecture.shapes(config.modulus).into_iter();
                let read = shapes.map(|(name, shape)| Ok((name, weights(name, &shape)?)));
                let tensors = read.collect::<std::result::Result<_, String>>()?;
                StoredNetwork::Other(OtherNetwork { architecture, tensors })
            }
        };
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
        Ok(Self { metadata, network, listed_split })
    }
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
            network: StoredNetwork::Paper(initial_weights(&model, 1)),
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
