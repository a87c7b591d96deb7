//! Matrix products of row-major data.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};

/// Row-major data with rows of `columns` numbers.
pub(crate) fn rows_of(data: &[f64], columns: usize) -> MatRef<'_, f64> {
    MatRef::from_row_major_slice(data, data.len() / columns, columns)
}

/// The product of two matrices, row-major, [rows of a, columns of b].
pub(crate) fn product(a: MatRef<f64>, b: MatRef<f64>) -> Vec<f64> {
    let mut out = vec![0.0; a.nrows() * b.ncols()];
    write_product(&mut out, a, b);
    out
}

/// Writes the product of two matrices, row-major, over `out`, [rows of a, columns of b].
///
/// One thread computes it, so that the order of its sums, and with it every bit, is always the same.
pub(crate) fn write_product(out: &mut [f64], a: MatRef<f64>, b: MatRef<f64>) {
    let out = MatMut::from_row_major_slice_mut(out, a.nrows(), b.ncols());
    matmul(out, Accum::Replace, a, b, 1.0, Par::Seq);
}
