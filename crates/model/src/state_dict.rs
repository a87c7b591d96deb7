use std::path::Path;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

use crate::{
    contents::Contents,
    stored_tensor::{Data, StoredTensor, strides_by_rows},
    torch_file::TorchFile,
};

/// The largest file that is read, in bytes: 8 GiB, thousands of times the size of the paper's network.
pub(crate) const MAX_FILE_BYTES: u64 = 1 << 33;

/// Where the JSON of a safetensors file starts.
const HEADER_START: usize = 8;

/// The named tensors of a safetensors file or of a pickle, none of them converted yet.
pub(crate) struct StateDict {
    /// All bytes of the file.
    bytes: Vec<u8>,
    contents: Contents,
}

type Result<T> = std::result::Result<T, String>;

impl StateDict {
    /// Reads a file's bytes by what is in them. The error says what is wrong with it, without its name.
    pub fn read(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let is_safetensors = bytes.get(HEADER_START) == Some(&b'{')
            || path.extension().is_some_and(|extension| extension == "safetensors");
        let contents = match is_safetensors {
            true => from_safetensors(&bytes)
                .map_err(|e| format!("not a whole safetensors file ({e}); take another checkpoint"))?,
            false => TorchFile::read(&bytes)
                .and_then(|file| Contents::of(&file))
                .map_err(|e| format!("neither a safetensors file nor a PyTorch state dict: {e}"))?,
        };
        Ok(Self { bytes, contents })
    }

    /// The names of all tensors, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.contents.tensors.keys().map(String::as_str)
    }

    /// A tensor's shape, outermost axis first.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.contents.tensors.get(name)?.as_ref().ok().map(|tensor| &tensor.shape[..])
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

    /// A tensor or a list of whole numbers, if there is one of that name.
    pub fn whole_numbers(&self, name: &str) -> Result<Option<Vec<i64>>> {
        let Some(tensor) = self.tensor(name)? else {
            return Ok(self.contents.lists.get(name).cloned());
        };
        let bytes = tensor.bytes(&self.bytes);
        Ok(Some(match tensor.dtype {
            Dtype::I64 => elements(&bytes, i64::from_le_bytes),
            Dtype::I32 => elements(&bytes, |b| i32::from_le_bytes(b).into()),
            other => return Err(format!("{name} holds {other:?} where whole numbers are expected")),
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

fn from_safetensors(bytes: &[u8]) -> std::result::Result<Contents, safetensors::SafeTensorError> {
    let file = SafeTensors::deserialize(bytes)?;
    let tensor = |view: safetensors::tensor::TensorView| {
        let (dtype, shape, start) = (view.dtype(), view.shape().to_vec(), view.data().as_ptr().addr());
        let start = start - bytes.as_ptr().addr();
        let data = Data::InFile(start..start + view.data().len());
        let strides = strides_by_rows(&shape);
        Ok(StoredTensor { dtype, shape, strides, data })
    };
    let tensors = file.iter().map(|(name, view)| (name.to_owned(), tensor(view))).collect();
    Ok(Contents { tensors, ..Contents::default() })
}

fn elements<const SIZE: usize, T>(bytes: &[u8], of: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    let (elements, _) = bytes.as_chunks::<SIZE>();
    elements.iter().copied().map(of).collect()
}
