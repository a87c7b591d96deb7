use std::{collections::BTreeMap, fs, path::Path};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value};

use crate::{
    Error,
    archive::Archive,
    contents::Contents,
    npz,
    stored_tensor::{Data, StoredTensor, strides_by_rows},
    torch_file::TorchFile,
};

/// The largest file that is read, in bytes: 8 GiB, thousands of times the size of the paper's network.
pub(crate) const MAX_FILE_BYTES: u64 = 1 << 33;

/// A file's bytes, unless it is too large to be a checkpoint.
pub(crate) fn read_bytes(path: &Path) -> crate::Result<Vec<u8>> {
    let fail = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let problem = |problem: &str| Error::Checkpoint { path: path.to_owned(), problem: problem.to_owned() };
    let file = fs::metadata(path).map_err(fail)?;
    if !file.is_file() && !file.is_dir() {
        return Err(problem("a pipe or a device, which can be read only once; save it as a file first"));
    }
    if file.len() > MAX_FILE_BYTES {
        return Err(problem("too large to be a checkpoint"));
    }
    fs::read(path).map_err(fail)
}

/// Where the JSON of a safetensors file starts.
const HEADER_START: usize = 8;

/// The named tensors of a safetensors file, of several together, of a pickle or of NumPy's archive, none of them
/// converted yet.
pub(crate) struct StateDict {
    /// All bytes of the file, or of all files.
    bytes: Vec<u8>,
    contents: Contents,
}

/// A list of whole numbers, or of pairs of them.
pub(crate) enum Listed {
    Numbers(Vec<i64>),
    Pairs(Vec<[i64; 2]>),
}

type Result<T> = std::result::Result<T, String>;

impl StateDict {
    /// Reads a file's bytes by what is in them. The error says what is wrong with it, without its name.
    pub fn read(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let is_safetensors = bytes.get(HEADER_START) == Some(&b'{')
            || path.extension().is_some_and(|extension| extension == "safetensors");
        let contents = match is_safetensors {
            true => from_safetensors(&bytes, 0)?,
            false => from_pickle_or_npz(&bytes)
                .map_err(|e| format!("neither a safetensors file nor a PyTorch state dict: {e}"))?,
        };
        Ok(Self { bytes, contents })
    }

    /// Reads several safetensors files, each with a part of the tensors.
    pub fn of_shards(shards: Vec<Vec<u8>>) -> Result<Self> {
        let (mut bytes, mut tensors) = (Vec::new(), BTreeMap::new());
        for shard in shards {
            tensors.extend(from_safetensors(&shard, bytes.len())?.tensors);
            bytes.extend(shard);
        }
        Ok(Self { bytes, contents: Contents { tensors, ..Contents::default() } })
    }

    /// The settings of the configurations in the file, each with its path.
    pub fn configs(&self) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
        self.contents.configs.iter().map(|(path, settings)| (&path[..], settings))
    }

    /// The names of all tensors, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.contents.tensors.keys().map(String::as_str)
    }

    /// A tensor's shape, outermost axis first.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.contents.tensors.get(name)?.as_ref().ok().map(|tensor| &tensor.shape[..])
    }

    /// A tensor that cannot be read, if there is one, and why.
    pub fn unreadable(&self) -> Option<String> {
        let problem = |(name, tensor): (&String, &Result<StoredTensor>)| {
            tensor.as_ref().err().map(|problem| format!("cannot read {name}: {problem}"))
        };
        self.contents.tensors.iter().find_map(problem)
    }

    /// A tensor of floats in 32 bits; those of 64 are rounded.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.tensor(name)?.ok_or_else(|| format!("has no tensor {name}"))?;
        let bytes = tensor.bytes(&self.bytes);
        Ok(match tensor.dtype {
            Dtype::F64 => elements(&bytes, |b| f64::from_le_bytes(b) as f32),
            Dtype::F32 => elements(&bytes, f32::from_le_bytes),
            Dtype::F16 => elements(&bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => elements(&bytes, |b| bf16::from_le_bytes(b).to_f32()),
            other => return Err(format!("{name} holds {other:?} where floats are expected")),
        })
    }

    /// A tensor or a list of whole numbers or of pairs of them, if there is one of that name.
    pub fn listed(&self, name: &str) -> Result<Option<Listed>> {
        let Some(tensor) = self.tensor(name)? else {
            let Contents { lists, pairs, .. } = &self.contents;
            let numbers = lists.get(name).cloned().map(Listed::Numbers);
            return Ok(numbers.or_else(|| pairs.get(name).cloned().map(Listed::Pairs)));
        };
        let bytes = tensor.bytes(&self.bytes);
        let numbers = match tensor.dtype {
            Dtype::I64 => elements(&bytes, i64::from_le_bytes),
            Dtype::I32 => elements(&bytes, |b| i32::from_le_bytes(b).into()),
            Dtype::I16 => elements(&bytes, |b| i16::from_le_bytes(b).into()),
            Dtype::U32 => elements(&bytes, |b| u32::from_le_bytes(b).into()),
            Dtype::U16 => elements(&bytes, |b| u16::from_le_bytes(b).into()),
            Dtype::U8 => elements(&bytes, |[b]| i64::from(b)),
            other => return Err(format!("{name} holds {other:?} where whole numbers are expected")),
        };
        Ok(Some(match tensor.shape[..] {
            [_, 2] => Listed::Pairs(numbers.as_chunks().0.to_vec()),
            // With the token `=`.
            [_, 3] => Listed::Pairs(numbers.as_chunks().0.iter().map(|[x, y, _]| [*x, *y]).collect()),
            _ => Listed::Numbers(numbers),
        }))
    }

    fn tensor(&self, name: &str) -> Result<Option<&StoredTensor>> {
        match self.contents.tensors.get(name) {
            Some(Ok(tensor)) => Ok(Some(tensor)),
            Some(Err(problem)) => Err(format!("cannot read {name}: {problem}")),
            None => Ok(None),
        }
    }
}

/// The tensors of a safetensors file whose bytes lie behind others.
fn from_safetensors(bytes: &[u8], behind: usize) -> Result<Contents> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| format!("not a whole safetensors file ({e}); take another checkpoint"))?;
    let tensor = |view: safetensors::tensor::TensorView| {
        let (dtype, shape, start) = (view.dtype(), view.shape().to_vec(), view.data().as_ptr().addr());
        let start = behind + start - bytes.as_ptr().addr();
        let data = Data::InFile(start..start + view.data().len());
        let strides = strides_by_rows(&shape);
        Ok(StoredTensor { dtype, shape, strides, data })
    };
    let tensors = file.iter().map(|(name, view)| (name.to_owned(), tensor(view))).collect();
    Ok(Contents { tensors, ..Contents::default() })
}

fn from_pickle_or_npz(bytes: &[u8]) -> Result<Contents> {
    if let [b'P', b'K', 3, 4, ..] = bytes {
        let archive = Archive::read(bytes)?;
        if npz::is_npz(&archive) {
            return npz::contents(&archive, bytes);
        }
    }
    Contents::of(&TorchFile::read(bytes)?)
}

fn elements<const SIZE: usize, T>(bytes: &[u8], of: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    let (elements, _) = bytes.as_chunks::<SIZE>();
    elements.iter().copied().map(of).collect()
}
