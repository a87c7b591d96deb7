use std::f64::consts::{PI, SQRT_2};

use clockwork_model::matrix::{Into, Matrix, MatrixMut, product};
use rayon::prelude::*;

/// The orthonormal Fourier basis of functions on the numbers mod p.
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

    /// The names of the rows: `const`, `cos 1`, `sin 1`, ….
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let name = |i: usize| match i {
            0 => "const".to_owned(),
            i if i % 2 == 1 => format!("cos {}", i.div_ceil(2)),
            i => format!("sin {}", i / 2),
        };
        (0..self.p).map(name).collect()
    }

    /// Basis vector `i`, [p].
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.rows[i * self.p..][..self.p]
    }

    /// All basis vectors, [p, p].
    #[must_use]
    pub fn matrix(&self) -> Matrix<'_, f64> {
        Matrix::new(&self.rows, self.p)
    }

    /// Coefficients along the first axis: from [p, batch] to [p, batch].
    #[must_use]
    pub fn transform(&self, data: &[f64], batch: usize) -> Vec<f64> {
        let mut out = vec![0.0; data.len()];
        product(Into::Fresh, MatrixMut::new(&mut out, batch), self.matrix(), Matrix::new(data, batch));
        out
    }

    /// Coefficients along the first two axes: from [p, p, batch] to [p, p, batch]. Coefficient (i, j) is
    /// that of the product of row i over x and row j over y.
    #[must_use]
    pub fn transform_2d(&self, data: &[f64], batch: usize) -> Vec<f64> {
        let p = self.p;
        let mut over_y = vec![0.0; data.len()];
        over_y.par_chunks_mut(p * batch).zip(data.par_chunks(p * batch)).for_each(|(out, of_x)| {
            product(Into::Fresh, MatrixMut::new(out, batch), self.matrix(), Matrix::new(of_x, batch));
        });
        // Several rows of coefficients at a time: a product wants more than one row.
        let rows_at_once = p.div_ceil(rayon::current_num_threads().max(1)).max(1);
        let mut out = vec![0.0; data.len()];
        out.par_chunks_mut(rows_at_once * p * batch).enumerate().for_each(|(i, out)| {
            let rows = self.matrix().rows(i * rows_at_once, out.len() / (p * batch));
            product(Into::Fresh, MatrixMut::new(out, p * batch), rows, Matrix::new(&over_y, p * batch));
        });
        out
    }

    /// The constant, linear and quadratic terms of a frequency as pairs of rows: nine, or four for p/2.
    #[must_use]
    pub fn terms_of(&self, k: usize) -> Vec<(usize, usize)> {
        let rows: Vec<usize> = std::iter::once(0).chain(self.rows_of(k)).collect();
        rows.iter().flat_map(|&i| rows.iter().map(move |&j| (i, j))).collect()
    }

    /// The unit vectors along cos ω_k(x + y) and sin ω_k(x + y) in the 2D basis, as the weights of
    /// pairs of rows. There is no sine for p/2.
    #[must_use]
    pub fn sum_directions(&self, k: usize) -> Vec<Vec<((usize, usize), f64)>> {
        match self.rows_of(k)[..] {
            [c, s] => vec![
                vec![((c, c), 1.0 / SQRT_2), ((s, s), -1.0 / SQRT_2)],
                vec![((s, c), 1.0 / SQRT_2), ((c, s), 1.0 / SQRT_2)],
            ],
            [c] => vec![vec![((c, c), 1.0)]],
            _ => unreachable!("a frequency has one row or two"),
        }
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
        fn a_wave_of_the_sum_lies_along_its_direction(p in 3_usize..16, k in 1_usize..8) {
            prop_assume!(k <= p / 2);
            let basis = FourierBasis::new(p);
            let wave = |f: fn(f64) -> f64| -> Vec<f64> {
                (0..p * p).map(|i| f(2.0 * PI * (k * (i / p + i % p)) as f64 / p as f64)).collect()
            };
            for (direction, wave) in basis.sum_directions(k).iter().zip([wave(f64::cos), wave(f64::sin)]) {
                let coefficients = basis.transform_2d(&wave, 1);
                let along: f64 = direction.iter().map(|&((i, j), weight)| weight * coefficients[i * p + j]).sum();
                prop_assert!((along * along - dot(&wave, &wave)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn names_and_rows_go_up_to_the_largest_frequency() {
        assert_eq!(FourierBasis::new(5).names(), ["const", "cos 1", "sin 1", "cos 2", "sin 2"]);
        let even = FourierBasis::new(6);
        assert_eq!(even.names().last().unwrap(), "cos 3");
        assert_eq!((even.rows_of(3), even.terms_of(3).len(), even.terms_of(2).len()), (vec![5], 4, 9));
        assert!(
            even.row(5)
                .iter()
                .enumerate()
                .all(|(x, v)| (v * 6_f64.sqrt() - (-1_f64).powi(x as i32)).abs() < 1e-12)
        );
    }
}
