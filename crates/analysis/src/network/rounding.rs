//! How far what is computed in 64 bits can be from what exact arithmetic finds (Higham, "Accuracy and Stability of Numerical
//! Algorithms", 2002, sections 2.2 and 3.1, without underflow): bounds on norms, each rounded upwards.

use std::ops::{Add, Mul};

use clockwork_model::Activation;

/// The largest relative error of one operation, 2⁻⁵³.
const UNIT: f64 = f64::EPSILON / 2.0;

/// The relative error that an exponential, an error function or a hyperbolic tangent is trusted to keep, several times what libraries state.
const OF_FUNCTION: f64 = 32.0 * UNIT;

/// The largest slope of any activation but the square, with room: that of GELU is 1.129 and that of SiLU 1.100.
const SLOPE: f64 = 1.2;

/// A number that is not below what it bounds: every operation rounds upwards.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Upper(pub f64);

impl Add for Upper {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0).next_up())
    }
}

impl Mul for Upper {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self((self.0 * other.0).next_up())
    }
}

impl Upper {
    const ZERO: Self = Self(0.0);

    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    fn sqrt(self) -> Self {
        Self(self.0.sqrt().next_up())
    }
}

/// The Euclidean norm of numbers, at most.
pub(super) fn norm(of: &[f64]) -> Upper {
    of.iter().fold(Upper::ZERO, |sum, &v| sum + Upper(v) * Upper(v)).sqrt()
}

/// The largest norm among rows of a width, at most.
pub(super) fn largest_norm(rows: &[f64], width: usize) -> Upper {
    rows.chunks_exact(width).map(norm).fold(Upper::ZERO, Upper::max)
}

/// γ_n, the relative error of a sum of n products in any order.
pub(super) fn gamma(terms: usize) -> Upper {
    let sum = Upper(terms as f64) * Upper(UNIT);
    // n is far below 2⁵², so nu / (1 − nu) is below nu (1 + 2nu).
    sum * (Upper(1.0) + Upper(2.0) * sum)
}

/// A vector of which its norm is known, at most, and how far the computed one is from the exact one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounded {
    pub norm: Upper,
    pub error: Upper,
}

impl Bounded {
    /// One that is exact.
    pub fn exact(norm: Upper) -> Self {
        Self { norm, error: Upper::ZERO }
    }

    /// Its product with a matrix [rows, ..] that is exact.
    pub fn times(self, matrix: Upper, rows: usize) -> Self {
        let norm = (self.norm + self.error) * matrix;
        Self { norm, error: self.error * matrix + gamma(rows) * norm }
    }

    /// The sum of two.
    pub fn plus(self, other: Self) -> Self {
        let norm = self.norm + other.norm;
        let error = self.error + other.error;
        Self { norm, error: error + Upper(UNIT) * (norm + error) }
    }

    /// What neurons make of it.
    pub fn through(self, activation: Activation) -> Self {
        match activation {
            Activation::Relu => self,
            Activation::Square => {
                let norm = self.norm * self.norm;
                let reach = Upper(2.0) * self.norm + self.error;
                let error = reach * self.error;
                Self { norm, error: error + Upper(UNIT) * (norm + error) }
            }
            Activation::Gelu | Activation::GeluTanh | Activation::Silu => {
                let error = Upper(SLOPE) * self.error;
                Self { norm: self.norm, error: error + Upper(OF_FUNCTION) * (self.norm + error) }
            }
        }
    }
}

/// The sum over tokens of how far the softmax of some scores can be from the exact one, by the norms of queries and keys.
pub(super) fn softmax_error(
    query: Bounded,
    key: Bounded,
    d_head: usize,
    divisor: f64,
    tokens: usize,
) -> Upper {
    let by_divisor = Upper((1.0 / divisor).next_up());
    let (query_norm, key_norm) = (query.norm + query.error, key.norm + key.error);
    let score = query_norm * key_norm * by_divisor;
    let of_products = query.error * key_norm + key.error * query_norm + gamma(d_head) * query_norm * key_norm;
    // The division, and the subtraction of the largest score.
    let of_score = of_products * by_divisor + Upper(4.0 * UNIT) * score;
    // An exponential whose argument is off by δ is off by a share of e^δ − 1, below 2δ while δ is below 1; numerator and
    // denominator are off by it, and by their own rounding.
    let of_exponential = Upper(4.0) * of_score + Upper(OF_FUNCTION);
    match of_exponential.0 < 0.1 {
        true => Upper(3.0) * of_exponential + Upper(4.0) * gamma(tokens + 1),
        // No softmax is further from another than 2, but for the rounding of its own sum.
        false => Upper(2.0) + Upper(4.0) * gamma(tokens + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_above_what_rounding_does() {
        // A sum of a third, a thousand times, in 64 bits against itself in integers: 1000/3 as the nearest numbers.
        let third = 1.0_f64 / 3.0;
        let rows = vec![third; 1000];
        let computed: f64 = rows.iter().map(|v| v * 1.0).sum();
        // 1000 times the number nearest to a third is exact in 64 bits and 10 more, and 1e3 is 2^3 · 125.
        let exact = 125.0 * third * 8.0;
        let bounded = Bounded::exact(norm(&rows)).times(norm(&vec![1.0; 1000]), 1000);
        assert!((computed - exact).abs() <= bounded.error.0, "{computed} {exact} {bounded:?}");
        assert!(bounded.error.0 < 1e-10 && bounded.norm.0 >= exact);
        // Sums of norms do not shrink.
        let twice = bounded.plus(bounded);
        assert!(twice.error.0 >= 2.0 * bounded.error.0 && twice.norm.0 >= 2.0 * bounded.norm.0);
        assert!(bounded.through(Activation::Square).error.0 > bounded.error.0);
    }

    #[test]
    fn a_softmax_whose_scores_nobody_knows_can_be_any() {
        let [sure, unsure] = [1e-12, 1.0].map(|error| Bounded { norm: Upper(3.0), error: Upper(error) });
        let key = Bounded::exact(Upper(2.0));
        assert!(softmax_error(sure, key, 32, 5.0, 3).0 < 1e-10);
        assert!((2.0..2.001).contains(&softmax_error(unsure, key, 32, 5.0, 3).0));
    }
}
