//! Tensors as they stand in a file.

use std::{borrow::Cow, ops::Range};

use safetensors::Dtype;

/// The elements of a tensor as they stand in a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredTensor {
    /// The type of its elements.
    pub dtype: Dtype,
    /// Its shape, outermost axis first.
    pub shape: Vec<usize>,
    /// How many elements lie between neighbours along each axis.
    pub strides: Vec<usize>,
    /// Its elements and, if it is a view, what lies between them.
    pub data: Data,
}

/// Where elements are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    /// In these bytes of the file.
    InFile(Range<usize>),
    /// In bytes that had to be decoded.
    Decoded(Vec<u8>),
}

type Result<T> = std::result::Result<T, String>;

impl StoredTensor {
    /// A tensor whose elements are all there, and take no more than this many bytes: a view may repeat what it is a view
    /// of, and make much of little.
    pub fn new(
        dtype: Dtype,
        shape: Vec<usize>,
        strides: Vec<usize>,
        data: Data,
        most: usize,
    ) -> Result<Self> {
        let bytes = match &data {
            Data::InFile(range) => range.len(),
            Data::Decoded(bytes) => bytes.len(),
        };
        let available = bytes / size_of_element(dtype);
        let elements = shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length));
        let last = shape.iter().zip(&strides).try_fold(0_usize, |last, (&length, &stride)| {
            last.checked_add(length.saturating_sub(1).checked_mul(stride)?)
        });
        let is_whole = shape.len() == strides.len()
            && elements.is_some_and(|elements| {
                let most = most / size_of_element(dtype);
                elements == 0 || elements <= most && last.is_some_and(|last| last < available)
            });
        match is_whole {
            true => Ok(Self { dtype, shape, strides, data }),
            false => Err(format!("it has fewer elements than its shape calls for, {shape:?}")),
        }
    }

    /// Its bytes, without what lies between them.
    pub fn bytes<'a>(&'a self, file: &'a [u8]) -> Cow<'a, [u8]> {
        let data = match &self.data {
            Data::InFile(range) => &file[range.clone()],
            Data::Decoded(bytes) => &bytes[..],
        };
        let size = size_of_element(self.dtype);
        let elements: usize = self.shape.iter().product();
        if self.strides == strides_by_rows(&self.shape) || elements == 0 {
            return data[..elements * size].into();
        }
        let mut offsets = vec![0];
        for (&length, &stride) in self.shape.iter().zip(&self.strides) {
            offsets =
                offsets.iter().flat_map(|offset| (0..length).map(move |i| offset + i * stride)).collect();
        }
        offsets.iter().flat_map(|offset| &data[offset * size..][..size]).copied().collect()
    }
}

/// The strides of a tensor of this shape whose last axis is the innermost.
pub(crate) fn strides_by_rows(shape: &[usize]) -> Vec<usize> {
    (1..=shape.len()).map(|axis| product(&shape[axis..])).collect()
}

/// The strides of a tensor of this shape whose first axis is the innermost.
pub(crate) fn strides_by_columns(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| product(&shape[..axis])).collect()
}

/// A product that wraps: [`StoredTensor::new`] refuses a shape that is too large.
fn product(of: &[usize]) -> usize {
    of.iter().fold(1, |product, &length| product.wrapping_mul(length))
}

/// How many bytes an element takes.
pub(crate) fn size_of_element(of: Dtype) -> usize {
    of.bitsize() / 8
}
