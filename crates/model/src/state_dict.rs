use std::{borrow::Cow, collections::BTreeMap, fs::File, io::BufReader, ops::Range, path::Path};

use half::{bf16, f16};
use pytorch_reader::{DType, PickleValue, PytorchReader};
use safetensors::{Dtype, SafeTensors};
use zip::ZipArchive;

/// The largest file that is read, in bytes: 8 GiB, thousands of times the size of the paper's network.
pub(crate) const MAX_FILE_BYTES: u64 = 1 << 33;

/// Where the JSON of a safetensors file starts.
const HEADER_START: usize = 8;

/// The named tensors of a safetensors file or of what PyTorch saved, none of them converted yet.
///
/// A pickle is read as data: the reader knows the few calls that rebuild tensors and dictionaries, keeps
/// the name of anything else, and executes nothing.
pub(crate) struct StateDict {
    tensors: BTreeMap<String, Tensor>,
    /// All bytes of a safetensors file.
    bytes: Vec<u8>,
    /// Lists of whole numbers beside the tensors of a pickle.
    lists: BTreeMap<String, Vec<i64>>,
}

struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    data: Data,
}

enum Data {
    /// In the bytes of a safetensors file.
    Here(Range<usize>),
    /// To be fetched from the storage of a PyTorch file.
    InPyTorch(pytorch_reader::Tensor),
}

type Result<T> = std::result::Result<T, String>;

impl StateDict {
    /// Reads a file's bytes by what is in them. The error says what is wrong with it, without its name.
    pub fn read(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let is_safetensors = bytes.get(HEADER_START) == Some(&b'{')
            || path.extension().is_some_and(|extension| extension == "safetensors");
        if is_safetensors {
            return Self::from_safetensors(bytes);
        }
        // Its reader fetches tensors from the file itself, one by one.
        let length = bytes.len() as u64;
        drop(bytes);
        Self::from_pytorch(path, length)
    }

    fn from_safetensors(bytes: Vec<u8>) -> Result<Self> {
        let broken = |e| format!("not a whole safetensors file ({e}); take another checkpoint");
        let file = SafeTensors::deserialize(&bytes).map_err(broken)?;
        let here = |data: &[u8]| {
            let start = data.as_ptr().addr() - bytes.as_ptr().addr();
            Data::Here(start..start + data.len())
        };
        let tensors = file
            .iter()
            .map(|(name, view)| {
                let (dtype, shape) = (view.dtype(), view.shape().to_vec());
                (name.to_owned(), Tensor { dtype, shape, data: here(view.data()) })
            })
            .collect();
        Ok(Self { tensors, bytes, lists: BTreeMap::new() })
    }

    fn from_pytorch(path: &Path, length: u64) -> Result<Self> {
        let broken =
            |e: &dyn std::fmt::Display| format!("neither a safetensors file nor a PyTorch state dict ({e})");
        refuse_if_it_unpacks_to_more(path, length)?;
        let mut tensors = BTreeMap::new();
        for (name, tensor) in PytorchReader::new(path).map_err(|e| broken(&e))?.into_tensors() {
            // A view may repeat what it is a view of; nothing that we read does.
            if tensor.byte_len() as u64 <= length {
                let (dtype, shape) = (dtype(tensor.dtype()), tensor.shape().to_vec());
                tensors.insert(name, Tensor { dtype, shape, data: Data::InPyTorch(tensor) });
            }
        }
        let mut lists = BTreeMap::new();
        if let Ok(PickleValue::Dict(values)) = PytorchReader::read_pickle_data(path, None) {
            for (name, value) in values {
                lists.extend(whole_numbers(value).map(|list| (name, list)));
            }
        }
        Ok(Self { tensors, bytes: Vec::new(), lists })
    }

    /// The names of all tensors, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// A tensor's shape, outermost axis first.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|tensor| &tensor.shape[..])
    }

    /// A tensor of floats in 32 bits; those of 64 are rounded.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.tensors.get(name).ok_or_else(|| format!("has no tensor {name}"))?;
        let bytes = self.bytes_of(name, tensor)?;
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
        let Some(tensor) = self.tensors.get(name) else {
            return Ok(self.lists.get(name).cloned());
        };
        let bytes = self.bytes_of(name, tensor)?;
        Ok(Some(match tensor.dtype {
            Dtype::I64 => elements(&bytes, i64::from_le_bytes),
            Dtype::I32 => elements(&bytes, |b| i32::from_le_bytes(b).into()),
            other => return Err(format!("{name} holds {other:?} where whole numbers are expected")),
        }))
    }

    fn bytes_of(&self, name: &str, tensor: &Tensor) -> Result<Cow<'_, [u8]>> {
        match &tensor.data {
            Data::Here(range) => Ok((&self.bytes[range.clone()]).into()),
            Data::InPyTorch(tensor) => {
                tensor.read().map(Into::into).map_err(|e| format!("cannot read {name}: {e}"))
            }
        }
    }
}

/// `torch.save` compresses nothing. An archive that says it unpacks to more than its own size is not
/// from there, and would make a small file fill the memory.
fn refuse_if_it_unpacks_to_more(path: &Path, length: u64) -> Result<()> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let Ok(mut archive) = ZipArchive::new(BufReader::new(file)) else {
        return Ok(()); // Older formats are no archives; the reader tells what is wrong with others.
    };
    let mut unpacked = 0_u64;
    for i in 0..archive.len() {
        let size = archive.by_index_raw(i).map(|entry| entry.size()).map_err(|e| e.to_string())?;
        unpacked = unpacked.saturating_add(size);
    }
    match unpacked > length {
        true => {
            Err("a compressed archive; save the state dict with torch.save, which does not compress".into())
        }
        false => Ok(()),
    }
}

fn whole_numbers(value: PickleValue) -> Option<Vec<i64>> {
    let PickleValue::List(values) = value else { return None };
    let number = |value| if let PickleValue::Int(number) = value { Some(number) } else { None };
    values.into_iter().map(number).collect()
}

fn elements<const SIZE: usize, T>(bytes: &[u8], of: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    let (elements, _) = bytes.as_chunks::<SIZE>();
    elements.iter().copied().map(of).collect()
}

fn dtype(of: DType) -> Dtype {
    match of {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}
