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
    leave_vector_registers();
}

/// Tells the processor that the upper halves of its vector registers are free. Kernels of matrix products leave them in use,
/// and on Intel's processors every plain instruction that comes later, such as those of an exponential, waits for them: a
/// loss takes several times as long.
fn leave_vector_registers() {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        simd.avx._mm256_zeroupper();
    }
}
