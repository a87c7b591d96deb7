use std::f64::consts::PI;

use clockwork_model::Task;
use faer::MatRef;
use rayon::prelude::*;

use crate::product::{product, rows_of, write_product};

/// The orthonormal Fourier basis of functions on the numbers mod p, the n of the task's coordinates.
///
/// Row 0 is constant, row 2k − 1 is cos(2πkx/p) and row 2k is sin(2πkx/p), for k = 1 … ⌊p/2⌋. For even
/// p the last frequency, p/2, has only a cosine, +1, −1, ….
#[derive(Debug, Clone)]
pub struct FourierBasis {
    p: usize,
    /// [p, p], one basis vector a row.
    rows: Vec<f64>,
}

impl FourierBasis {
    /// The basis for a modulus.
    #[must_use]
    pub fn new(p: usize) -> Self {
        let mut rows = Vec::with_capacity(p * p);
        for i in 0..p {
            let k = i.div_ceil(2) as f64;
            let wave = |x: usize| {
                // Reducing kx mod p first keeps the angle, and so the wave, exact for large x.
                let angle = 2.0 * PI * ((k as usize * x) % p) as f64 / p as f64;
                if i % 2 == 1 || i == 0 { angle.cos() } else { angle.sin() }
            };
            let row: Vec<f64> = (0..p).map(wave).collect();
            let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            rows.extend(row.into_iter().map(|v| v / norm));
        }
        Self { p, rows }
    }

    /// The modulus.
    #[must_use]
    pub fn modulus(&self) -> usize {
        self.p
    }

    /// All inputs (x, y), as pairs of the addition modulo p.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        Task::addition(self.p).pairs()
    }

    /// The frequencies, 1 … ⌊p/2⌋.
    #[must_use]
    pub fn frequencies(&self) -> std::ops::RangeInclusive<usize> {
        1..=self.p / 2
    }

    /// The rows of a frequency: its cosine's and, unless it is p/2, its sine's.
    #[must_use]
    pub fn rows_of(&self, k: usize) -> Vec<usize> {
        (2 * k - 1..=2 * k).filter(|&row| row < self.p).collect()
    }

    /// The names of the rows for a modulus: `const`, `cos 1`, `sin 1`, ….
    #[must_use]
    pub fn names(p: usize) -> Vec<String> {
        let name = |i: usize| match i {
            0 => "const".to_owned(),
            i if i % 2 == 1 => format!("cos {}", i.div_ceil(2)),
            i => format!("sin {}", i / 2),
        };
        (0..p).map(name).collect()
    }

    /// Basis vector `i`, [p].
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.rows[i * self.p..][..self.p]
    }

    /// All basis vectors, [p, p].
    fn matrix(&self) -> MatRef<'_, f64> {
        rows_of(&self.rows, self.p)
    }

    /// The Fourier coefficients of row-major data of this shape along one axis, which has length p. The
    /// result has the same shape.
    ///
    /// # Panics
    ///
    /// If the data have not that shape.
    #[must_use]
    pub fn transform(&self, data: &[f64], shape: &[usize], axis: usize) -> Vec<f64> {
        assert!(
            shape[axis] == self.p && data.len() == shape.iter().product::<usize>(),
            "data of shape {shape:?}"
        );
        let batch: usize = shape[axis + 1..].iter().product();
        if batch == 1 {
            return product(rows_of(data, self.p), self.matrix().transpose());
        }
        let mut out = vec![0.0; data.len()];
        for (out, data) in out.chunks_exact_mut(self.p * batch).zip(data.chunks_exact(self.p * batch)) {
            write_product(out, self.matrix(), rows_of(data, batch));
        }
        out
    }

    /// Coefficients along the first two axes: from [p, p, batch] to [p, p, batch]. Coefficient (i, j) is
    /// that of the product of row i over x and row j over y.
    #[must_use]
    pub fn transform_2d(&self, data: &[f64], batch: usize) -> Vec<f64> {
        let p = self.p;
        let mut over_y = vec![0.0; data.len()];
        over_y.par_chunks_mut(p * batch).zip(data.par_chunks(p * batch)).for_each(|(out, of_x)| {
            write_product(out, self.matrix(), rows_of(of_x, batch));
        });
        // Several rows of coefficients at a time: a product wants more than one row.
        let rows_at_once = p.div_ceil(rayon::current_num_threads().max(1)).max(1);
        let mut out = vec![0.0; data.len()];
        out.par_chunks_mut(rows_at_once * p * batch).enumerate().for_each(|(i, out)| {
            let rows = self.matrix().subrows(i * rows_at_once, out.len() / (p * batch));
            write_product(out, rows, rows_of(&over_y, p * batch));
        });
        out
    }

    /// The component along a basis vector of each column of data over the numbers, [p, width]: [width].
    pub(crate) fn component(&self, row: usize, data: &[f64], width: usize) -> Vec<f64> {
        let mut component = vec![0.0; width];
        for (wave, values) in self.row(row).iter().zip(data.chunks_exact(width)) {
            component.iter_mut().zip(values).for_each(|(sum, value)| *sum += wave * value);
        }
        component
    }

    /// The constant, linear and quadratic terms of a frequency as pairs of rows: nine, or four for p/2.
    pub(crate) fn terms_of(&self, k: usize) -> Vec<(usize, usize)> {
        let rows: Vec<usize> = std::iter::once(0).chain(self.rows_of(k)).collect();
        rows.iter().flat_map(|&i| rows.iter().map(move |&j| (i, j))).collect()
    }

    /// The linear terms of the second harmonic of a frequency, 2k up to sign and modulo p: what squares of its waves have
    /// beside its own terms. None where 2k is 0.
    pub(crate) fn harmonic_terms_of(&self, k: usize) -> Vec<(usize, usize)> {
        let harmonic = usize::min(2 * k % self.p, self.p - 2 * k % self.p);
        match harmonic {
            0 => Vec::new(),
            _ => self.rows_of(harmonic).into_iter().flat_map(|row| [(row, 0), (0, row)]).collect(),
        }
    }

    /// 2D coefficients [p, p, batch] sorted by frequency: for each, from 1 on, those of its constant,
    /// linear and quadratic terms, [3, 3, batch], or [2, 2, batch] for p/2, which has no sine.
    pub(crate) fn arrange_by_frequency(&self, coefficients: &[f64], batch: usize) -> Vec<Vec<f64>> {
        let of_term = |(i, j): (usize, usize)| &coefficients[(i * self.p + j) * batch..][..batch];
        let of_freq = |k| self.terms_of(k).into_iter().flat_map(of_term).copied().collect();
        self.frequencies().map(of_freq).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_basis_is_orthonormal(p in 3_usize..40) {
            let basis = FourierBasis::new(p);
            for i in 0..p {
                for j in 0..p {
                    let expected = if i == j { 1.0 } else { 0.0 };
                    prop_assert!((dot(basis.row(i), basis.row(j)) - expected).abs() < 1e-12);
                }
            }
        }

        #[test]
        fn parseval_holds_in_two_dimensions(p in 3_usize..12, batch in 1_usize..4, seed in 0_u64..1000) {
            let basis = FourierBasis::new(p);
            let data: Vec<f64> = (0..p * p * batch).map(|i| ((i as f64 + seed as f64) * 0.7).sin()).collect();
            let coefficients = basis.transform_2d(&data, batch);
            prop_assert!((dot(&data, &data) - dot(&coefficients, &coefficients)).abs() < 1e-9);
        }

        #[test]
        fn two_axes_at_once_are_one_after_the_other(p in 3_usize..9, batch in 1_usize..4) {
            let basis = FourierBasis::new(p);
            let data: Vec<f64> = (0..p * p * batch).map(|i| (i as f64 * 1.3).sin()).collect();
            let shape = [p, p, batch];
            let one_by_one = basis.transform(&basis.transform(&data, &shape, 1), &shape, 0);
            for (found, expected) in basis.transform_2d(&data, batch).iter().zip(one_by_one) {
                prop_assert!((found - expected).abs() < 1e-12);
            }
        }

        #[test]
        fn the_last_axis_is_transformed_as_the_first_of_the_transpose(p in 3_usize..9, rows in 1_usize..5) {
            let basis = FourierBasis::new(p);
            let at = |i: usize, x: usize| (i as f64 + 1.7 * x as f64).cos();
            let data: Vec<f64> = (0..rows * p).map(|n| at(n / p, n % p)).collect();
            let transpose: Vec<f64> = (0..rows * p).map(|n| at(n % rows, n / rows)).collect();
            let (last, first) = (basis.transform(&data, &[rows, p], 1), basis.transform(&transpose, &[p, rows], 0));
            for n in 0..rows * p {
                prop_assert!((last[n] - first[(n % p) * rows + n / p]).abs() < 1e-12);
            }
        }

        #[test]
        fn frequencies_share_out_all_terms_that_are_of_one(p in 3_usize..12) {
            let basis = FourierBasis::new(p);
            let coefficients: Vec<f64> = (0..p * p).map(|i| i as f64).collect();
            let arranged = basis.arrange_by_frequency(&coefficients, 1);
            prop_assert_eq!(arranged.len(), p / 2);
            for (k, terms) in (1..).zip(arranged) {
                let (c, s) = (2 * k - 1, 2 * k);
                let rows: &[usize] = if s < p { &[0, c, s] } else { &[0, c] };
                let expected = rows.iter().flat_map(|i| rows.iter().map(move |j| (i * p + j) as f64));
                prop_assert_eq!(terms, expected.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn names_and_rows_go_up_to_the_largest_frequency() {
        assert_eq!(FourierBasis::names(5), ["const", "cos 1", "sin 1", "cos 2", "sin 2"]);
        let even = FourierBasis::new(6);
        assert_eq!(FourierBasis::names(6).last().unwrap(), "cos 3");
        assert_eq!((even.rows_of(3), even.terms_of(3).len(), even.terms_of(2).len()), (vec![5], 4, 9));
        assert!(
            even.row(5)
                .iter()
                .enumerate()
                .all(|(x, v)| (v * 6_f64.sqrt() - (-1_f64).powi(x as i32)).abs() < 1e-12)
        );
    }
}
