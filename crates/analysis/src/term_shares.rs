use crate::{
    FourierBasis,
    product::{product, rows_of},
    share::share,
};

/// How much of some functions of (x, y) is constant, linear and quadratic terms of key frequencies, by their squared 2D
/// Fourier coefficients, summed over the functions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TermShares {
    /// The constant's share of all squares.
    pub constant: f64,
    /// The share of linear terms, waves of x or of y alone, of all squares but the constant's.
    pub linear: f64,
    /// The share of quadratic terms, products of a wave of x and one of y, of all squares but the constant's.
    pub quadratic: f64,
}

impl TermShares {
    /// Those of 2D coefficients, [p, p, batch].
    pub fn of_coefficients(
        basis: &FourierBasis,
        key_freqs: &[usize],
        coefficients: &[f64],
        batch: usize,
    ) -> Self {
        let p = basis.modulus();
        let power: Vec<f64> =
            coefficients.chunks_exact(batch).map(|c| c.iter().map(|c| c * c).sum()).collect();
        let varying = power.iter().skip(1).sum();
        Self::of_power(basis, key_freqs, |(i, j)| power[i * p + j], varying)
    }

    /// Those of functions by their values, [p, p, batch]. No other terms are computed than those of the key frequencies.
    pub fn of_values(basis: &FourierBasis, key_freqs: &[usize], values: &[f64], batch: usize) -> Self {
        let p = basis.modulus();
        let rows: Vec<usize> =
            std::iter::once(0).chain(key_freqs.iter().flat_map(|&k| basis.rows_of(k))).collect();
        let waves: Vec<f64> = rows.iter().flat_map(|&row| basis.row(row)).copied().collect();
        let over_x = product(rows_of(&waves, p), rows_of(values, p * batch)); // [rows, p, batch]
        let power = |(i, j): (usize, usize)| {
            let row = rows.iter().position(|row| *row == i).expect("a key frequency's term is of its rows");
            let of_x = &over_x[row * p * batch..][..p * batch];
            basis.component(j, of_x, batch).iter().map(|c| c * c).sum::<f64>()
        };
        // The basis is orthonormal: coefficients but for the constant's have the squares of the centred values.
        let mut means = vec![0.0; batch];
        for row in values.chunks_exact(batch) {
            means.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / (p * p) as f64);
        }
        let squares =
            |row: &[f64]| row.iter().zip(&means).map(|(value, mean)| (value - mean).powi(2)).sum::<f64>();
        Self::of_power(basis, key_freqs, power, values.chunks_exact(batch).map(squares).sum())
    }

    /// Those of the squares of each term, and of all but the constant's.
    fn of_power(
        basis: &FourierBasis,
        key_freqs: &[usize],
        power: impl Fn((usize, usize)) -> f64,
        varying: f64,
    ) -> Self {
        let (mut quadratic, mut linear) = (0.0, 0.0);
        for &k in key_freqs {
            for (i, j) in basis.terms_of(k).into_iter().skip(1) {
                *(if i > 0 && j > 0 { &mut quadratic } else { &mut linear }) += power((i, j));
            }
        }
        let constant = power((0, 0));
        Self {
            constant: share(constant, constant + varying),
            linear: share(linear, varying),
            quadratic: share(quadratic, varying),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_function_made_by_hand_from_values_and_from_coefficients() {
        let (p, k, basis) = (7, 2, FourierBasis::new(7));
        let [constant, cos, sin, other] = [0, 2 * k - 1, 2 * k, 1].map(|row| basis.row(row));
        // Squares: 4 constant; 1 + 4 linear, 9 quadratic and 2 of another frequency, which is 16 in all.
        let at = |(x, y): (usize, usize)| {
            2.0 * constant[x] * constant[y]
                + cos[x] * constant[y]
                + 2.0 * constant[x] * sin[y]
                + 3.0 * cos[x] * sin[y]
                + 2.0_f64.sqrt() * other[x] * constant[y]
        };
        // The second function is zero.
        let values: Vec<f64> = basis.inputs().flat_map(|input| [at(input), 0.0]).collect();
        let coefficients = basis.transform_2d(&values, 2);
        for of in [
            TermShares::of_values(&basis, &[k], &values, 2),
            TermShares::of_coefficients(&basis, &[k], &coefficients, 2),
        ] {
            let found = [of.constant, of.linear, of.quadratic];
            for (found, expected) in found.into_iter().zip([4.0 / 20.0, 5.0 / 16.0, 9.0 / 16.0]) {
                assert!((found - expected).abs() < 1e-12, "{of:?}");
            }
        }
        // A wave on a constant a billion times as large.
        let faint: Vec<f64> = basis.inputs().map(|(x, _)| 1e9 + cos[x]).collect();
        let of = TermShares::of_values(&basis, &[k], &faint, 1);
        assert!((of.linear - 1.0).abs() < 1e-6 && of.quadratic < 1e-6, "{of:?}");
        let nothing = TermShares::of_values(&basis, &[k], &vec![0.0; 2 * p * p], 2);
        assert_eq!([nothing.constant, nothing.linear, nothing.quadratic], [0.0; 3]);
    }
}
