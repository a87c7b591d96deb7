/// A frequency is key where its squared norm exceeds this share of the largest one's.
pub(crate) const KEY_FREQ_RELATIVE_NORM: f64 = 0.25;

/// The frequencies, from 1, whose squared norm exceeds [`KEY_FREQ_RELATIVE_NORM`] of the largest.
pub(crate) fn by_norm(norm_by_freq: &[f64]) -> Vec<usize> {
    let largest = norm_by_freq.iter().copied().fold(0.0, f64::max);
    let is_key = |&(_, norm): &(usize, &f64)| *norm > KEY_FREQ_RELATIVE_NORM * largest;
    (1..).zip(norm_by_freq).filter(is_key).map(|(k, _)| k).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_a_quarter_of_the_largest() {
        assert_eq!(by_norm(&[1.0, 4.0, 0.9, 1.1]), [2, 4]);
        assert_eq!(by_norm(&[0.0, 0.0]), [0; 0]);
    }
}
