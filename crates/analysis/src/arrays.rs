use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use clockwork_files::write_atomically;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::{Error, Result};

/// The key of the metadata that hold the SHA-256 of the checkpoint whose arrays a file holds.
const CHECKPOINT: &str = "checkpoint_sha256";

/// Named arrays, kept as one safetensors file: floats of 64 bits and whole numbers of 64 bits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arrays {
    arrays: BTreeMap<String, Array>,
}

#[derive(Debug, Clone, PartialEq)]
struct Array {
    shape: Vec<usize>,
    elements: Elements,
}

#[derive(Debug, Clone, PartialEq)]
enum Elements {
    Floats(Vec<f64>),
    WholeNumbers(Vec<i64>),
}

impl Arrays {
    /// Adds an array of floats, row-major.
    ///
    /// # Panics
    ///
    /// If there are not as many as the shape says.
    pub fn insert(&mut self, name: impl Into<String>, shape: &[usize], floats: Vec<f64>) {
        self.insert_array(name.into(), shape, floats.len(), Elements::Floats(floats));
    }

    /// Adds an array of whole numbers, row-major.
    ///
    /// # Panics
    ///
    /// If there are not as many as the shape says.
    pub(crate) fn insert_whole_numbers(
        &mut self,
        name: impl Into<String>,
        shape: &[usize],
        numbers: Vec<i64>,
    ) {
        self.insert_array(name.into(), shape, numbers.len(), Elements::WholeNumbers(numbers));
    }

    fn insert_array(&mut self, name: String, shape: &[usize], len: usize, elements: Elements) {
        assert_eq!(shape.iter().product::<usize>(), len, "{name} of shape {shape:?}");
        self.arrays.insert(name, Array { shape: shape.to_vec(), elements });
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.arrays.keys().map(String::as_str)
    }

    /// The elements of an array of floats that must have this shape. The error says what is missing.
    ///
    /// # Errors
    ///
    /// Where there is no such array, in words.
    pub fn floats(&self, name: &str, shape: &[usize]) -> std::result::Result<&[f64], String> {
        match self.array(name, shape)? {
            Elements::Floats(floats) => Ok(floats),
            Elements::WholeNumbers(_) => Err(format!("{name} holds whole numbers where floats are expected")),
        }
    }

    /// The elements of an array of whole numbers that must have this shape.
    ///
    /// # Errors
    ///
    /// Where there is no such array, in words.
    pub fn whole_numbers(&self, name: &str, shape: &[usize]) -> std::result::Result<&[i64], String> {
        match self.array(name, shape)? {
            Elements::WholeNumbers(numbers) => Ok(numbers),
            Elements::Floats(_) => Err(format!("{name} holds floats where whole numbers are expected")),
        }
    }

    /// The shape of an array.
    ///
    /// # Errors
    ///
    /// Where there is no such array, in words.
    pub fn shape(&self, name: &str) -> std::result::Result<&[usize], String> {
        self.arrays.get(name).map(|array| &array.shape[..]).ok_or_else(|| format!("has no array {name}"))
    }

    fn array(&self, name: &str, shape: &[usize]) -> std::result::Result<&Elements, String> {
        match self.shape(name)? == shape {
            true => Ok(&self.arrays[name].elements),
            false => {
                Err(format!("{name} has shape {:?} where {shape:?} is expected", self.arrays[name].shape))
            }
        }
    }

    /// Writes the file, whole or not at all, with the hash of the checkpoint that the arrays are of.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails.
    pub fn write(&self, path: &Path, checkpoint_sha256: &str) -> Result<()> {
        let fail = |source| Error::Io { action: "write", path: path.to_owned(), source };
        let views = self.arrays.iter().map(|(name, array)| {
            let (dtype, bytes) = match &array.elements {
                Elements::Floats(floats) => (Dtype::F64, bytes_of(floats, |f| f.to_le_bytes())),
                Elements::WholeNumbers(numbers) => (Dtype::I64, bytes_of(numbers, |n| n.to_le_bytes())),
            };
            (name, OwnedView { dtype, shape: array.shape.clone(), bytes })
        });
        let of = HashMap::from([(CHECKPOINT.to_owned(), checkpoint_sha256.to_owned())]);
        let bytes = safetensors::serialize(views, Some(of)).map_err(|e| fail(std::io::Error::other(e)))?;
        write_atomically(path, &bytes).map_err(fail)
    }

    /// Reads a file that [`write`](Self::write) wrote, of this checkpoint.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails, [`Error::Broken`] where it is not whole, says that it is of another
    /// checkpoint, or holds anything else than finite floats and whole numbers of 64 bits.
    pub fn read(path: &Path, checkpoint_sha256: &str) -> Result<Self> {
        let fail = |source| Error::Io { action: "read", path: path.to_owned(), source };
        let bytes = fs::read(path).map_err(fail)?;
        Self::from_bytes(&bytes, checkpoint_sha256)
            .map_err(|problem| Error::Broken { path: path.to_owned(), problem })
    }

    fn from_bytes(bytes: &[u8], checkpoint_sha256: &str) -> std::result::Result<Self, String> {
        let broken = |e| format!("not a whole safetensors file ({e})");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        // Files of version 0.1 do not say it.
        let of = header.metadata().as_ref().and_then(|metadata| metadata.get(CHECKPOINT));
        if of.is_some_and(|of| of != checkpoint_sha256) {
            return Err("holds the arrays of another checkpoint than the JSON file beside it".to_owned());
        }
        let array = |(name, view): (&str, TensorView)| {
            let (eights, _) = view.data().as_chunks::<8>();
            let elements = match view.dtype() {
                Dtype::F64 => {
                    let floats: Vec<f64> = eights.iter().copied().map(f64::from_le_bytes).collect();
                    if !floats.iter().all(|float| float.is_finite()) {
                        return Err(format!("{name} holds values that are not finite"));
                    }
                    Elements::Floats(floats)
                }
                Dtype::I64 => {
                    Elements::WholeNumbers(eights.iter().copied().map(i64::from_le_bytes).collect())
                }
                other => return Err(format!("{name} holds {other:?} where F64 or I64 is expected")),
            };
            Ok((name.to_owned(), Array { shape: view.shape().to_vec(), elements }))
        };
        Ok(Self { arrays: file.iter().map(array).collect::<std::result::Result<_, _>>()? })
    }
}

struct OwnedView {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl safetensors::View for OwnedView {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> std::borrow::Cow<'_, [u8]> {
        (&self.bytes).into()
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

fn bytes_of<T>(elements: &[T], bytes: impl Fn(&T) -> [u8; 8]) -> Vec<u8> {
    elements.iter().flat_map(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays() -> Arrays {
        let mut arrays = Arrays::default();
        arrays.insert("a", &[2, 3], vec![0.1, -2.0, 3.0, 4.0, 5.0, 6.0]);
        arrays.insert_whole_numbers("b", &[2], vec![-1, 7]);
        arrays
    }

    #[test]
    fn come_back_as_they_were_and_are_known_by_name_kind_and_shape() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("arrays.safetensors");
        arrays().write(&path, "5e").unwrap();
        let read = Arrays::read(&path, "5e").unwrap();
        assert_eq!(read, arrays());
        assert_eq!(read.floats("a", &[2, 3]).unwrap()[1], -2.0);
        assert_eq!(read.whole_numbers("b", &[2]).unwrap(), [-1, 7]);
        assert_eq!(read.floats("c", &[1]).unwrap_err(), "has no array c");
        assert_eq!(read.floats("a", &[3, 2]).unwrap_err(), "a has shape [2, 3] where [3, 2] is expected");
        assert_eq!(read.floats("b", &[2]).unwrap_err(), "b holds whole numbers where floats are expected");

        let of_another = Arrays::read(&path, "6f").unwrap_err().to_string();
        assert!(of_another.ends_with("of another checkpoint than the JSON file beside it"), "{of_another}");
        let bytes = fs::read(&path).unwrap();
        for kept in 0..bytes.len() {
            assert!(Arrays::from_bytes(&bytes[..kept], "5e").is_err(), "{kept} bytes are no whole file");
        }
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        let mut arrays = arrays();
        arrays.insert("c", &[1], vec![f64::NAN]);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("arrays.safetensors");
        arrays.write(&path, "5e").unwrap();
        let error = Arrays::read(&path, "5e").unwrap_err().to_string();
        assert!(error.ends_with("c holds values that are not finite"), "{error}");
    }
}
