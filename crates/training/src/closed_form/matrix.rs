//! Row-major matrices of 32 bits and their products.

use gemm::Parallelism;

/// A view of a row-major matrix whose rows may lie further apart than they are long.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// All of `data` as rows of the given length.
    pub fn new(data: &'a [f32], columns: usize) -> Self {
        Self { data, rows: data.len() / columns, columns, row_stride: columns, column_stride: 1 }
    }

    /// The columns from `start` on, `columns` of them.
    pub fn columns(self, start: usize, columns: usize) -> Self {
        assert!(start + columns <= self.columns, "the columns are the matrix's own");
        Self { data: self.data.get(start * self.column_stride..).unwrap_or_default(), columns, ..self }
    }

    /// The rows from `start` on, `rows` of them.
    pub fn rows(self, start: usize, rows: usize) -> Self {
        assert!(start + rows <= self.rows, "the rows are the matrix's own");
        Self { data: &self.data[start * self.row_stride..], rows, ..self }
    }

    /// The transpose, without moving anything.
    pub fn t(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// The place after the last element.
    fn end(&self) -> usize {
        (self.rows.max(1) - 1) * self.row_stride + (self.columns.max(1) - 1) * self.column_stride + 1
    }
}

/// A matrix to write to.
#[derive(Debug)]
pub struct MatrixMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// All of `data` as rows of the given length.
    pub fn new(data: &'a mut [f32], columns: usize) -> Self {
        Self { rows: data.len() / columns, data, columns, row_stride: columns }
    }

    /// The columns from `start` on, `columns` of them.
    pub fn columns(self, start: usize, columns: usize) -> Self {
        assert!(start + columns <= self.columns, "the columns are the matrix's own");
        Self { data: &mut self.data[start..], columns, ..self }
    }
}

/// What a product does with the values of the matrix that it is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accum {
    /// Replaces them.
    Replace,
    /// Is added to them.
    Add,
}

/// `out = a b`, or `out += a b`, on this thread alone: how a product is cut up decides its last bits,
/// so it must not depend on how many threads there are.
///
/// # Panics
///
/// If the shapes do not fit.
#[expect(clippy::needless_pass_by_value, reason = "a view to write to is used up by the write")]
pub fn product(accum: Accum, out: MatrixMut, a: Matrix, b: Matrix) {
    assert!(
        a.rows == out.rows && b.columns == out.columns && a.columns == b.rows,
        "{}x{} times {}x{} into {}x{}",
        a.rows,
        a.columns,
        b.rows,
        b.columns,
        out.rows,
        out.columns
    );
    if out.rows == 0 || out.columns == 0 {
        return;
    }
    if a.columns == 0 {
        if accum == Accum::Replace {
            (0..out.rows).for_each(|i| out.data[i * out.row_stride..][..out.columns].fill(0.0));
        }
        return;
    }
    assert!(a.end() <= a.data.len() && b.end() <= b.data.len(), "the operands hold all their rows");
    assert!((out.rows - 1) * out.row_stride + out.columns <= out.data.len(), "the result holds all its rows");
    #[expect(unsafe_code, reason = "gemm takes raw pointers")]
    // SAFETY: the assertions above keep every element within its slice, the strides are positive, and
    // the borrows keep the operands apart from the result.
    unsafe {
        gemm::gemm(
            out.rows,
            out.columns,
            a.columns,
            out.data.as_mut_ptr(),
            1,
            out.row_stride as isize,
            accum == Accum::Add,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sum_of_nothing_is_zero() {
        let mut out = [1.0; 6];
        let (a, b) = (Matrix::new(&[], 2).t(), Matrix::new(&[], 3));
        product(Accum::Add, MatrixMut::new(&mut out, 3), a, b);
        assert_eq!(out, [1.0; 6]);
        product(Accum::Replace, MatrixMut::new(&mut out, 3), a, b);
        assert_eq!(out, [0.0; 6]);
    }

    proptest! {
        #[test]
        fn products_are_those_of_the_definition(
            m in 1_usize..9, k in 1_usize..9, n in 1_usize..9, pad in 0_usize..4, sum: bool, transposed: bool,
            values in prop::collection::vec(-2.0_f32..2.0, 300),
        ) {
            let (rows, columns) = if transposed { (k, m) } else { (m, k) };
            let a = Matrix::new(&values[..rows * (columns + pad)], columns + pad).columns(pad, columns);
            let a = if transposed { a.t() } else { a };
            let at = |i: usize, l: usize| if transposed { values[l * (m + pad) + pad + i] } else { values[i * (k + pad) + pad + l] };
            let b = Matrix::new(&values[100..100 + k * n], n);
            let mut out = values[200..200 + m * (n + pad)].to_vec();
            let before = out.clone();
            let accum = if sum { Accum::Add } else { Accum::Replace };
            product(accum, MatrixMut::new(&mut out, n + pad).columns(pad, n), a, b);
            for i in 0..m {
                for j in 0..n + pad {
                    let old = before[i * (n + pad) + j];
                    let expected = if j < pad {
                        old
                    } else {
                        let product: f32 = (0..k).map(|l| at(i, l) * values[100 + l * n + j - pad]).sum();
                        product + if sum { old } else { 0.0 }
                    };
                    prop_assert!((out[i * (n + pad) + j] - expected).abs() < 1e-5);
                }
            }
        }
    }
}
