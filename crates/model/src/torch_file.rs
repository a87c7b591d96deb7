//! Files with a pickle in which tensors refer to their elements: what `torch.save` writes, now and before PyTorch 1.6,
//! and pickles of NumPy arrays.

use std::{collections::BTreeMap, ops::Range};

use safetensors::Dtype;

use crate::{
    archive::Archive,
    element_type::{dtype_of_numpy, dtype_of_storage, dtype_of_torch},
    pickle::{Id, Object, Pickle, Value},
    stored_tensor::{Data, StoredTensor, size_of_element, strides_by_columns, strides_by_rows},
};

/// What a pickle of the format before PyTorch 1.6 begins with: a number of 80 bits.
const LEGACY_MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Where that number is looked for.
const LEGACY_SEARCH: usize = 64;

type Result<T> = std::result::Result<T, String>;

/// A file with a pickle in it.
pub(crate) struct TorchFile<'a> {
    bytes: &'a [u8],
    /// The pickle.
    pub pickle: Pickle<'a>,
    /// Where the elements of tensors are, by the key that the pickle has for them.
    storages: BTreeMap<String, Range<usize>>,
}

impl<'a> TorchFile<'a> {
    /// Reads a file's bytes, of any format.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let start = &bytes[..bytes.len().min(LEGACY_SEARCH)];
        match bytes {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::zip(bytes),
            _ if start.windows(LEGACY_MAGIC.len()).any(|of| of == LEGACY_MAGIC) => Self::legacy(bytes),
            _ => Ok(Self { bytes, pickle: Pickle::read(bytes)?, storages: BTreeMap::new() }),
        }
    }

    /// The format since PyTorch 1.6: an archive with `data.pkl`, and a file for each storage.
    fn zip(bytes: &'a [u8]) -> Result<Self> {
        let archive = Archive::read(bytes)?;
        let entries = archive.stored()?;
        let root = entries.keys().filter_map(|name| name.strip_suffix("data.pkl"));
        let root = root.filter(|root| root.is_empty() || root.ends_with('/')).min_by_key(|root| root.len());
        let root = root.ok_or("its archive has no data.pkl")?;
        let entry = |name: &str| entries.get(&format!("{root}{name}")[..]).map(|range| &bytes[range.clone()]);
        if entry("byteorder").is_some_and(|order| order.trim_ascii() != b"little") {
            return Err(BIG_ENDIAN.to_owned());
        }
        let pickle = Pickle::read(entry("data.pkl").unwrap_or_default())?;
        let of_storages = format!("{root}data/");
        let storage = |(name, range): (&&str, &Range<usize>)| {
            Some((name.strip_prefix(&of_storages)?.to_owned(), range.clone()))
        };
        let storages = entries.iter().filter_map(storage).collect();
        Ok(Self { bytes, pickle, storages })
    }

    /// The format before PyTorch 1.6: a number, a version, facts about the machine, the pickle, the keys of the
    /// storages; then each storage, after the number of its elements.
    fn legacy(bytes: &'a [u8]) -> Result<Self> {
        let mut at = 0;
        let mut next = || {
            let pickle = Pickle::read(&bytes[at..])?;
            at += pickle.length;
            Ok::<_, String>(pickle)
        };
        let (_, _, machine, pickle, keys) = (next()?, next()?, next()?, next()?, next()?);
        let is_little = |&(key, value): &(Id, Id)| {
            machine.text(key) != Some("little_endian") || machine.get(value) == &Value::Bool(true)
        };
        if !matches!(machine.get(machine.root), Value::Dict(facts) if facts.iter().all(is_little)) {
            return Err(BIG_ENDIAN.to_owned());
        }
        let mut file = Self { bytes, pickle, storages: BTreeMap::new() };
        let sizes: BTreeMap<String, usize> = (0..file.pickle.values().len() as Id)
            .filter_map(|id| file.storage_of(id))
            .map(|storage| (storage.key, storage.element.map_or(1, size_of_element)))
            .collect();
        for &key in keys.elements(keys.root).ok_or("it does not list its storages")? {
            let key = keys.text(key).ok_or("it names a storage by what is no text")?;
            let element = *sizes.get(key).ok_or("it has a storage that no tensor uses")?;
            let start = at + size_of::<u64>();
            let count = bytes.get(at..start).and_then(|count| count.try_into().ok()).map(u64::from_le_bytes);
            let length = count.and_then(|count| usize::try_from(count).ok()?.checked_mul(element));
            let end = length.and_then(|length| start.checked_add(length)).filter(|&end| end <= bytes.len());
            at = end.ok_or("it breaks off")?;
            file.storages.insert(key.to_owned(), start..at);
        }
        Ok(file)
    }

    /// The name of a class or a function.
    fn global(&self, id: Id) -> Option<&str> {
        match self.pickle.get(id) {
            Value::Global(name) => Some(name),
            // The old format kept the source code of a module beside its class.
            Value::Persistent(of) => match *self.pickle.elements(*of)? {
                [kind, class, ..] if self.pickle.text(kind) == Some("module") => match self.pickle.get(class)
                {
                    Value::Global(name) => Some(name),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    fn storage_of(&self, id: Id) -> Option<Storage> {
        let Value::Persistent(of) = self.pickle.get(id) else { return None };
        let of = self.pickle.elements(*of)?;
        let [kind, class, key, ..] = *of else { return None };
        // The oldest files may say here that it is a part of another.
        if of.get(5).is_some_and(|&part| self.pickle.get(part) != &Value::None) {
            return None;
        }
        let key = match self.pickle.get(key) {
            Value::Text(key) => key.to_string(),
            Value::Int(key) => key.to_string(),
            _ => return None,
        };
        let class = self.global(class)?;
        (self.pickle.text(kind) == Some("storage")).then(|| Storage { key, element: dtype_of_storage(class) })
    }

    fn number(&self, id: Id) -> Option<usize> {
        match self.pickle.get(id) {
            Value::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    fn numbers(&self, id: Id) -> Option<Vec<usize>> {
        self.pickle.elements(id)?.iter().map(|&id| self.number(id)).collect()
    }

    /// The tensor or array that an object is, if it is one; why not where it cannot be read.
    pub fn tensor(&self, object: &Object) -> Option<Result<StoredTensor>> {
        match self.call(object)? {
            // A parameter has a tensor in it.
            (
                "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state",
                &[tensor, ..],
            ) => {
                let Value::Object(object) = self.pickle.get(tensor) else { return None };
                let (function, arguments) = self.call(object)?;
                self.rebuilt(function, arguments, object.state)
            }
            (function, arguments) => self.rebuilt(function, arguments, object.state),
        }
    }

    /// The name of what an object would have called, and the arguments.
    fn call(&self, object: &Object) -> Option<(&str, &[Id])> {
        let (function, arguments) = (self.global(object.callable)?, self.pickle.elements(object.arguments)?);
        match (function, arguments) {
            // A tensor of a class of its own says how it would be rebuilt.
            ("torch._tensor._rebuild_from_type_v2", &[function, _, arguments, ..]) => {
                Some((self.global(function)?, self.pickle.elements(arguments)?))
            }
            call => Some(call),
        }
    }

    /// What a function that rebuilds tensors would return.
    fn rebuilt(&self, function: &str, arguments: &[Id], state: Option<Id>) -> Option<Result<StoredTensor>> {
        match (function, arguments) {
            (
                "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2",
                &[storage, offset, shape, strides, ..],
            ) => Some(self.torch_tensor(storage, offset, [shape, strides], None)),
            ("torch._utils._rebuild_tensor_v3", &[storage, offset, shape, strides, _, _, dtype, ..]) => {
                Some(self.torch_tensor(storage, offset, [shape, strides], Some(dtype)))
            }
            ("numpy.core.multiarray._reconstruct" | "numpy._core.multiarray._reconstruct", _) => {
                let &[_, shape, dtype, by_columns, data] = self.pickle.elements(state?)? else { return None };
                let by_columns = self.pickle.get(by_columns) == &Value::Bool(true);
                Some(self.numpy_array(shape, dtype, by_columns, data))
            }
            (
                "numpy.core.numeric._frombuffer" | "numpy._core.numeric._frombuffer",
                &[data, dtype, shape, order],
            ) => Some(self.numpy_array(shape, dtype, self.pickle.text(order) == Some("F"), data)),
            _ => None,
        }
    }

    fn torch_tensor(
        &self,
        storage: Id,
        offset: Id,
        [shape, strides]: [Id; 2],
        dtype: Option<Id>,
    ) -> Result<StoredTensor> {
        let storage = self.storage_of(storage).ok_or(NOT_KNOWN)?;
        let dtype = match dtype {
            Some(dtype) => self.global(dtype).and_then(dtype_of_torch),
            None => storage.element,
        };
        let dtype = dtype.ok_or(OF_ANOTHER_TYPE)?;
        let offset = self.number(offset).ok_or(NOT_KNOWN)?;
        let (shape, strides) = self.numbers(shape).zip(self.numbers(strides)).ok_or(NOT_KNOWN)?;
        let lost = || format!("there is no storage {}", storage.key);
        let range = self.storages.get(&storage.key).ok_or_else(lost)?;
        let skipped = offset.checked_mul(size_of_element(dtype));
        let start = skipped.and_then(|skipped| range.start.checked_add(skipped));
        let start = start.filter(|start| *start <= range.end).ok_or("it lies outside its storage")?;
        StoredTensor::new(dtype, shape, strides, Data::InFile(start..range.end), self.bytes.len())
    }

    fn numpy_array(&self, shape: Id, dtype: Id, by_columns: bool, data: Id) -> Result<StoredTensor> {
        let shape = self.numbers(shape).ok_or(NOT_KNOWN)?;
        let dtype = self.numpy_dtype(dtype).ok_or(OF_ANOTHER_TYPE)?;
        let data = self.numpy_data(data).ok_or(NOT_KNOWN)?;
        let strides = if by_columns { strides_by_columns(&shape) } else { strides_by_rows(&shape) };
        StoredTensor::new(dtype, shape, strides, data, self.bytes.len())
    }

    fn numpy_data(&self, id: Id) -> Option<Data> {
        match self.pickle.get(id) {
            Value::Bytes(data) => {
                let start = data.as_ptr().addr() - self.bytes.as_ptr().addr();
                Some(Data::InFile(start..start + data.len()))
            }
            // Before protocol 3 bytes are written as a text whose characters are below 256.
            Value::Object(object) if self.global(object.callable) == Some("_codecs.encode") => {
                let text = self.pickle.text(*self.pickle.elements(object.arguments)?.first()?)?;
                let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).ok());
                Some(Data::Decoded(bytes.collect::<Option<_>>()?))
            }
            Value::Text(empty) if empty.is_empty() => Some(Data::Decoded(Vec::new())),
            Value::Object(object) => {
                // A buffer of its own, such as a bytearray.
                let first = *self.pickle.elements(object.arguments)?.first()?;
                matches!(self.pickle.get(first), Value::Bytes(_)).then(|| self.numpy_data(first))?
            }
            _ => None,
        }
    }

    /// `numpy.dtype('f4', False, True)`, whose state has the order of its bytes.
    fn numpy_dtype(&self, id: Id) -> Option<Dtype> {
        let Value::Object(object) = self.pickle.get(id) else { return None };
        if self.global(object.callable)? != "numpy.dtype" {
            return None;
        }
        let order = object.state.and_then(|state| self.pickle.text(*self.pickle.elements(state)?.get(1)?));
        if order == Some(">") {
            return None;
        }
        dtype_of_numpy(self.pickle.text(*self.pickle.elements(object.arguments)?.first()?)?)
    }
}

/// What is wrong with a tensor that another version of PyTorch or NumPy wrote.
const NOT_KNOWN: &str = "its pickle describes it in a way that is not known";

/// What is wrong with complex numbers, texts and the like.
const OF_ANOTHER_TYPE: &str = "it holds elements of a type that is not read";

/// What is wrong with a file of a machine that writes a number's largest byte first.
const BIG_ENDIAN: &str = "it was saved on a big-endian machine; save it again on another";

/// The part of a file in which the elements of tensors are.
struct Storage {
    key: String,
    /// The type of its elements; none where it is not said, or not known.
    element: Option<Dtype>,
}
