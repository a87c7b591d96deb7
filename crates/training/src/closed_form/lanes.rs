//! Loops over rows that the compiler turns into vector instructions.
//!
//! Every row is a whole number of [`LANES`], so no loop has a remainder, and sums run over a fixed
//! number of lanes, so their last bits are the same on every processor.

/// Rows are padded with zeros to a multiple of this many numbers: two AVX-512 registers.
pub(super) const LANES: usize = 32;

/// The next multiple of [`LANES`].
pub(super) fn padded(length: usize) -> usize {
    length.next_multiple_of(LANES)
}

/// `out = base + Σ weight · row`, where a row's numbers are those from `start` on.
#[inline(always)]
pub(super) fn combine(out: &mut [f32], base: &[f32], rows: &[(f32, &[f32])], start: usize) {
    let (out, _) = out.as_chunks_mut::<LANES>();
    let (base, _) = base.as_chunks::<LANES>();
    for (i, (out, base)) in out.iter_mut().zip(base).enumerate() {
        let mut sum = *base;
        for &(weight, row) in rows {
            let row: &[f32; LANES] = row[start + i * LANES..][..LANES].as_array().expect("of this length");
            for l in 0..LANES {
                sum[l] += weight * row[l];
            }
        }
        *out = sum;
    }
}

/// Negative numbers become zero.
#[inline(always)]
pub(super) fn relu(row: &mut [f32]) {
    for value in row {
        *value = value.max(0.0);
    }
}

/// Zero where the neuron is silent.
#[inline(always)]
pub(super) fn mask(gradient: &mut [f32], acts: &[f32]) {
    for (gradient, act) in gradient.iter_mut().zip(acts) {
        *gradient = if *act > 0.0 { *gradient } else { 0.0 };
    }
}

/// Returns `a · b` and adds `weight · b` to `sum`, in one pass over memory.
#[inline(always)]
pub(super) fn dot_and_add(a: &[f32], b: &[f32], weight: f32, sum: &mut [f32]) -> f32 {
    let (a, _) = a.as_chunks::<LANES>();
    let (b, _) = b.as_chunks::<LANES>();
    let (sum, _) = sum.as_chunks_mut::<LANES>();
    let mut dot = [0.0; LANES];
    for ((a, b), sum) in a.iter().zip(b).zip(sum) {
        for l in 0..LANES {
            dot[l] += a[l] * b[l];
            sum[l] += weight * b[l];
        }
    }
    total(&dot)
}

/// Adds `row` to `sum`.
#[inline(always)]
pub(super) fn add(sum: &mut [f32], row: &[f32]) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += value;
    }
}

/// The largest number.
#[inline(always)]
pub(super) fn max(row: &[f32]) -> f32 {
    let (chunks, _) = row.as_chunks::<LANES>();
    let mut largest = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for l in 0..LANES {
            largest[l] = if chunk[l] > largest[l] { chunk[l] } else { largest[l] };
        }
    }
    largest.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

/// What `exp_and_sum` leaves out: e⁻⁴⁰ = 4e-18 of the largest term is far below the last bit of the
/// sum, and, scaled down to a gradient, would soon be a subnormal number, which processors handle a
/// hundred times slower.
const NEGLIGIBLE: f32 = -40.0;

/// Replaces every number by `exp(number − shift)`, where `shift` is the largest number, and returns
/// their sum; terms below [`NEGLIGIBLE`] are zero.
#[inline(always)]
pub(super) fn exp_and_sum(row: &mut [f32], shift: f32) -> f32 {
    let (chunks, _) = row.as_chunks_mut::<LANES>();
    let mut sum = [0.0; LANES];
    for chunk in chunks {
        for l in 0..LANES {
            let x = chunk[l] - shift;
            chunk[l] = if x > NEGLIGIBLE { exp(x) } else { 0.0 };
            sum[l] += chunk[l];
        }
    }
    total(&sum)
}

/// Multiplies every number.
#[inline(always)]
pub(super) fn scale(row: &mut [f32], factor: f32) {
    for value in row {
        *value *= factor;
    }
}

#[inline(always)]
fn total(lanes: &[f32; LANES]) -> f32 {
    let mut lanes = *lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            lanes[l] += lanes[l + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// e^x to 2 units in the last place for −87 ≤ x ≤ 88, without branches; below that 1.6e-38.
///
/// x = n ln 2 + r with |r| ≤ ln 2 / 2, and e^r by the polynomial of Cephes' `expf` (Moshier 1992).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    /// Adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x > -87.0 { x } else { -87.0 };
    let x = if x < 88.0 { x } else { 88.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let mut y = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        y = y * r + coefficient;
    }
    let y = y * r * r + r + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    y * f32::from_bits(exponent << 23)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn exp_is_exact_to_two_units_in_the_last_place(x in -87.0_f32..88.0) {
            let exact = f64::from(x).exp();
            prop_assert!((f64::from(exp(x)) - exact).abs() <= 2.0 * f64::from(f32::EPSILON) * exact);
        }

        #[test]
        fn rows_are_combined_as_written(
            a in prop::collection::vec(-2.0_f32..2.0, 3 * LANES),
            b in prop::collection::vec(-2.0_f32..2.0, 3 * LANES),
            weight in -2.0_f32..2.0,
        ) {
            let mut sum = a.clone();
            let dot = dot_and_add(&a, &b, weight, &mut sum);
            let exact: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a * b)).sum();
            prop_assert!((f64::from(dot) - exact).abs() < 1e-4);
            let mut out = vec![0.0; 3 * LANES];
            combine(&mut out, &a, &[(weight, &[&[7.0; LANES], &b[..]].concat())], LANES);
            prop_assert_eq!(&out, &sum);
            prop_assert_eq!(max(&out), out.iter().copied().fold(f32::MIN, f32::max));
            mask(&mut out, &b);
            for ((out, sum), b) in out.iter().zip(&sum).zip(&b) {
                prop_assert_eq!(*out, if *b > 0.0 { *sum } else { 0.0 });
            }
        }
    }

    #[test]
    fn exp_saturates() {
        assert!(exp(-1e30) < 2e-38 && exp(f32::NEG_INFINITY) >= 0.0);
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(1e30).is_finite());
    }
}
