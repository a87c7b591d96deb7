use rayon::prelude::*;

use crate::FourierBasis;

/// A unit vector over all inputs (x, y): products of a basis vector over x and one over y, each with its
/// weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Direction {
    terms: Vec<((usize, usize), f64)>,
}

impl Direction {
    /// The direction of a sum of products: ((i, j), weight) for basis vector `i` over x times `j` over y, each
    /// pair once. The weights are scaled to a unit vector.
    ///
    /// cos ω_k(x − y) is cos ω_k x cos ω_k y + sin ω_k x sin ω_k y:
    ///
    /// ```
    /// use clockwork_analysis::{Direction, FourierBasis};
    ///
    /// let (basis, k) = (FourierBasis::new(7), 2);
    /// let [cos, sin] = [basis.rows_of(k)[0], basis.rows_of(k)[1]];
    /// let difference = Direction::new(vec![((cos, cos), 1.0), ((sin, sin), 1.0)]);
    /// let wave = difference.over_inputs(&basis);
    /// assert!((wave[0] - wave[3 * 7 + 3]).abs() < 1e-12, "it is the same wherever x − y is");
    /// ```
    ///
    /// # Panics
    ///
    /// If all weights are 0.
    #[must_use]
    pub fn new(mut terms: Vec<((usize, usize), f64)>) -> Self {
        let norm = terms.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
        assert!(norm > 0.0, "a direction has a weight that is not 0");
        terms.iter_mut().for_each(|(_, weight)| *weight /= norm);
        Self { terms }
    }

    /// The product of basis vector `i` over x and `j` over y.
    #[must_use]
    pub fn of_term(i: usize, j: usize) -> Self {
        Self { terms: vec![((i, j), 1.0)] }
    }

    /// The vector itself, [p²], x first.
    #[must_use]
    pub fn over_inputs(&self, basis: &FourierBasis) -> Vec<f64> {
        let at = |(x, y)| {
            self.terms.iter().map(|&((i, j), weight)| weight * basis.row(i)[x] * basis.row(j)[y]).sum()
        };
        basis.inputs().map(at).collect()
    }

    /// The inner product of this direction with each column of 2D coefficients [p, p, batch]: [batch].
    #[must_use]
    pub fn component_of(&self, coefficients: &[f64], p: usize, batch: usize) -> Vec<f64> {
        let mut component = vec![0.0; batch];
        for &((i, j), weight) in &self.terms {
            let row = &coefficients[(i * p + j) * batch..][..batch];
            component.iter_mut().zip(row).for_each(|(sum, c)| *sum += weight * c);
        }
        component
    }
}

impl FourierBasis {
    /// The unit vectors along cos ω_k(x + y) and sin ω_k(x + y). There is no sine for p/2.
    #[must_use]
    pub fn sum_directions(&self, k: usize) -> Vec<Direction> {
        let directions = match self.rows_of(k)[..] {
            [c, s] => vec![vec![((c, c), 1.0), ((s, s), -1.0)], vec![((s, c), 1.0), ((c, s), 1.0)]],
            [c] => vec![vec![((c, c), 1.0)]],
            _ => unreachable!("a frequency has one row or two"),
        };
        directions.into_iter().map(Direction::new).collect()
    }

    /// The projection of every column of data over the inputs, [p², batch], onto the space of some
    /// directions that are orthogonal to each other, such as a
    /// frequency's [`sum_directions`](Self::sum_directions).
    #[must_use]
    pub fn project(&self, data: &[f64], batch: usize, directions: &[Direction]) -> Vec<f64> {
        self.along(&self.transform_2d(data, batch), batch, directions)
    }

    /// As [`project`](Self::project), from the data's 2D coefficients [p, p, batch].
    #[must_use]
    pub fn along(&self, coefficients: &[f64], batch: usize, directions: &[Direction]) -> Vec<f64> {
        let mut projection = vec![0.0; coefficients.len()];
        for direction in directions {
            let component = direction.component_of(coefficients, self.modulus(), batch);
            for &(term, weight) in &direction.terms {
                let of_term: Vec<f64> = component.iter().map(|c| weight * c).collect();
                self.add_term(&mut projection, term, &of_term);
            }
        }
        projection
    }

    /// Adds to data over the inputs, [p², batch], a term's values times a vector [batch].
    pub(crate) fn add_term(&self, data: &mut [f64], (i, j): (usize, usize), of_term: &[f64]) {
        let (p, batch) = (self.modulus(), of_term.len());
        data.par_chunks_mut(p * batch).zip(self.row(i)).for_each(|(of_x, along_x)| {
            for (row, along_y) in of_x.chunks_exact_mut(batch).zip(self.row(j)) {
                let weight = along_x * along_y;
                row.iter_mut().zip(of_term).for_each(|(value, of_term)| *value += weight * of_term);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;

    use super::*;

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    fn assert_close(found: &[f64], expected: &[f64]) -> Result<(), TestCaseError> {
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            prop_assert!((found - expected).abs() < 1e-10, "{} is not {}", found, expected);
        }
        Ok(())
    }

    fn noise(n: usize) -> Vec<f64> {
        (0..n).map(|i| (i as f64 * 12.9898).sin()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_wave_of_the_sum_is_its_own_projection(p in 3_usize..16, k in 1_usize..8) {
            prop_assume!(k <= p / 2);
            let basis = FourierBasis::new(p);
            let wave = |f: fn(f64) -> f64| -> Vec<f64> {
                (0..p * p).map(|i| f(2.0 * PI * (k * (i / p + i % p)) as f64 / p as f64)).collect()
            };
            for (direction, wave) in basis.sum_directions(k).into_iter().zip([wave(f64::cos), wave(f64::sin)]) {
                assert_close(&basis.project(&wave, 1, &[direction]), &wave)?;
            }
        }

        #[test]
        fn directions_are_orthonormal(p in 3_usize..10, k in 1_usize..5, l in 1_usize..5) {
            prop_assume!(k <= p / 2 && l <= p / 2);
            let basis = FourierBasis::new(p);
            let (of_k, of_l) = (basis.sum_directions(k), basis.sum_directions(l));
            for (i, a) in of_k.iter().enumerate() {
                for (j, b) in of_l.iter().enumerate() {
                    let expected = if (k, i) == (l, j) { 1.0 } else { 0.0 };
                    let found = dot(&a.over_inputs(&basis), &b.over_inputs(&basis));
                    prop_assert!((found - expected).abs() < 1e-12);
                }
            }
        }

        #[test]
        fn a_projection_is_what_inner_products_say_and_stays(p in 3_usize..8, k in 1_usize..4) {
            prop_assume!(k <= p / 2);
            let (basis, batch) = (FourierBasis::new(p), 2);
            let data = noise(p * p * batch);
            let directions = basis.terms_of(k).into_iter().map(|(i, j)| Direction::of_term(i, j)).collect::<Vec<_>>();
            let mut expected = vec![0.0; data.len()];
            for direction in &directions {
                let v = direction.over_inputs(&basis);
                for b in 0..batch {
                    let along: f64 = v.iter().enumerate().map(|(i, v)| v * data[i * batch + b]).sum();
                    v.iter().enumerate().for_each(|(i, v)| expected[i * batch + b] += along * v);
                }
            }
            let projected = basis.project(&data, batch, &directions);
            assert_close(&projected, &expected)?;
            assert_close(&basis.project(&projected, batch, &directions), &projected)?;
        }

        #[test]
        fn nothing_is_lost_by_projecting_onto_everything(p in 3_usize..8) {
            let basis = FourierBasis::new(p);
            let all: Vec<Direction> =
                (0..p * p).map(|term| Direction::of_term(term / p, term % p)).collect();
            let data = noise(p * p);
            assert_close(&basis.project(&data, 1, &all), &data)?;
        }
    }
}
