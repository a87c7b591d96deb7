/// The standard normal quantile that leaves 2.5 % on either side.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// The interval of 95 % for a share of which `count` in `of` were found (Wilson 1927): the shares from which the one
/// found is less than 1.96 standard deviations away. Nothing where there were none to look at.
pub(super) fn interval(count: usize, of: usize) -> Option<[f64; 2]> {
    let (n, found) = (of as f64, count as f64 / of as f64);
    let square = QUANTILE * QUANTILE / n;
    let centre = (found + square / 2.0) / (1.0 + square);
    let half = (found * (1.0 - found) * square + square * square / 4.0).sqrt() / (1.0 + square);
    (of > 0).then(|| [(centre - half).max(0.0), (centre + half).min(1.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_tables() {
        // Newcombe 1998, table I.
        for (count, of, expected) in [
            (81, 263, [0.2553, 0.3662]),
            (15, 148, [0.0624, 0.1605]),
            (0, 20, [0.0, 0.1611]),
            (1, 29, [0.0061, 0.1718]),
        ] {
            let found = interval(count, of).unwrap();
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 5e-5, "{count} of {of}: {found} is not {expected}");
            }
        }
        assert_eq!(interval(0, 0), None);
        let [low, high] = interval(20, 20).unwrap();
        assert!((low - (1.0 - 0.1611)).abs() < 5e-5 && high == 1.0);
    }
}
