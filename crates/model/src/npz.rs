//! What `numpy.savez` writes: an archive with an array in each file.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    archive::Archive,
    contents::Contents,
    element_type::dtype_of_numpy,
    stored_tensor::{Data, StoredTensor, strides_by_columns, strides_by_rows},
};

/// How an array of NumPy begins.
const MAGIC: &[u8] = b"\x93NUMPY";

/// The end of the name of each file.
const EXTENSION: &str = ".npy";

type Result<T> = std::result::Result<T, String>;

/// Whether an archive holds arrays and nothing else.
pub(crate) fn is_npz(archive: &Archive) -> bool {
    let mut names = archive.names().peekable();
    names.peek().is_some() && names.all(|name| name.ends_with(EXTENSION))
}

/// The arrays of an archive of them.
pub(crate) fn contents(archive: &Archive, bytes: &[u8]) -> Result<Contents> {
    let mut tensors = BTreeMap::new();
    for (name, array) in archive.unpacked()? {
        let name = name.strip_suffix(EXTENSION).unwrap_or(name);
        tensors.insert(name.to_owned(), array_of(array, bytes));
    }
    Ok(Contents { tensors, ..Contents::default() })
}

/// An array in the format of NumPy: a version, the length of a header, the header, which is a dictionary of Python's, and
/// the elements.
fn array_of(array: Cow<[u8]>, file: &[u8]) -> Result<StoredTensor> {
    let broken = || "it is no whole array of NumPy".to_owned();
    let after_magic = array.strip_prefix(MAGIC).ok_or_else(broken)?;
    let (length, header_start) = match after_magic {
        [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([*a, *b])), MAGIC.len() + 4),
        [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, MAGIC.len() + 6),
        _ => return Err(broken()),
    };
    let start = header_start.checked_add(length).filter(|start| *start <= array.len()).ok_or_else(broken)?;
    let header = std::str::from_utf8(&array[header_start..start]).map_err(|_| broken())?;
    let after = |key: &str| header.split_once(key).map(|(_, rest)| rest.trim_start_matches([':', ' ']));
    let text = |key: &str| after(key).and_then(|rest| rest.split(['\'', '"']).nth(1));
    let descr = text("'descr'").ok_or("it has several elements beside each other")?;
    let by_columns = after("'fortran_order'").is_some_and(|rest| rest.starts_with("True"));
    let shape =
        after("'shape'").and_then(|rest| rest.strip_prefix('(')?.split_once(')')).ok_or_else(broken)?.0;
    let shape = shape.split(',').map(str::trim).filter(|length| !length.is_empty());
    let shape =
        shape.map(str::parse).collect::<std::result::Result<Vec<usize>, _>>().map_err(|_| broken())?;
    let of_another_type = || format!("it holds elements of type {descr}, which is not read");
    let dtype = descr.strip_prefix(['<', '|', '=']).and_then(dtype_of_numpy).ok_or_else(of_another_type)?;
    let strides = if by_columns { strides_by_columns(&shape) } else { strides_by_rows(&shape) };
    let (data, most) = match array {
        // What lies in the file is found there.
        Cow::Borrowed(array) => {
            let at = array.as_ptr().addr() - file.as_ptr().addr();
            (Data::InFile(at + start..at + array.len()), file.len())
        }
        Cow::Owned(mut array) => (Data::Decoded(array.split_off(start)), usize::MAX),
    };
    StoredTensor::new(dtype, shape, strides, data, most)
}
