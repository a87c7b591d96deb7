use serde::{Deserialize, Serialize};

/// How far two sets of key frequencies are the same, against sets of the same sizes drawn at random from all
/// frequencies. The number that those share follows the hypergeometric distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// How many frequencies are in both.
    pub shared: usize,
    /// The Jaccard index, shared / in either; none for two empty sets.
    pub jaccard: Option<f64>,
    /// The Jaccard index to expect by chance.
    pub expected_jaccard: Option<f64>,
    /// Its variance by chance.
    pub jaccard_variance: Option<f64>,
    /// The probability that by chance at least as many are shared.
    pub p_value: f64,
}

impl Overlap {
    /// The overlap of two sets, each without repetition, out of `n` frequencies.
    #[must_use]
    pub fn new(a: &[usize], b: &[usize], n: usize) -> Self {
        let shared = a.iter().filter(|k| b.contains(k)).count();
        let jaccard = |shared: usize| {
            let either = a.len() + b.len() - shared;
            (either > 0).then(|| shared as f64 / either as f64)
        };
        let chance = hypergeometric(a.len(), b.len(), n);
        let mean = |of: &dyn Fn(f64) -> f64| {
            chance.iter().try_fold(0.0, |sum, &(shared, probability)| {
                jaccard(shared).map(|jaccard| sum + probability * of(jaccard))
            })
        };
        let expected = mean(&|jaccard| jaccard);
        let at_least = chance.iter().filter(|(i, _)| *i >= shared).map(|(_, probability)| probability);
        Self {
            shared,
            jaccard: jaccard(shared),
            expected_jaccard: expected,
            jaccard_variance: expected.and_then(|expected| mean(&|jaccard| (jaccard - expected).powi(2))),
            p_value: at_least.sum::<f64>().min(1.0),
        }
    }
}

/// How many elements two random sets of `a` and `b` out of `n` share, each number with its probability.
///
/// It is our own because that of statrs 0.19 is not a number for sets of a thousand.
fn hypergeometric(a: usize, b: usize, n: usize) -> Vec<(usize, f64)> {
    let (least, most) = ((a + b).saturating_sub(n), a.min(b));
    // Each probability in logarithms, from the one before; sums of large sets would underflow otherwise.
    let mut logarithms = vec![0.0];
    for i in least..most {
        let ratio = ((a - i) * (b - i)) as f64 / ((i + 1) * (n + i + 1 - a - b)) as f64;
        logarithms.push(logarithms[logarithms.len() - 1] + ratio.ln());
    }
    let largest = logarithms.iter().copied().fold(f64::MIN, f64::max);
    let weights: Vec<f64> = logarithms.iter().map(|logarithm| (logarithm - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    (least..=most).zip(weights.into_iter().map(|weight| weight / sum)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn two_of_four_by_hand() {
        // Of the 6 pairs out of 4, one is the same, 4 share one, one shares none: J = 1, 1/3, 0.
        let same = Overlap::new(&[1, 2], &[2, 1], 4);
        assert_eq!((same.shared, same.jaccard), (2, Some(1.0)));
        assert!(is_close(same.expected_jaccard.unwrap(), 7.0 / 18.0));
        assert!(is_close(same.jaccard_variance.unwrap(), 1.0 / 6.0 + 4.0 / 54.0 - (7.0_f64 / 18.0).powi(2)));
        assert!(is_close(same.p_value, 1.0 / 6.0));
        let one = Overlap::new(&[1, 2], &[2, 3], 4);
        assert_eq!((one.shared, one.jaccard), (1, Some(1.0 / 3.0)));
        assert!(is_close(one.p_value, 5.0 / 6.0));
    }

    #[test]
    fn disjoint_equal_and_single_sets_by_hand() {
        let disjoint = Overlap::new(&[1, 2, 3], &[4, 5], 29);
        assert_eq!((disjoint.shared, disjoint.jaccard), (0, Some(0.0)));
        assert!(is_close(disjoint.p_value, 1.0));

        // 3 of 29 can be drawn in 3654 ways.
        let equal = Overlap::new(&[7, 11, 29], &[7, 11, 29], 29);
        assert_eq!(equal.jaccard, Some(1.0));
        assert!(is_close(equal.p_value, 1.0 / 3654.0));

        let single = Overlap::new(&[56], &[56], 56);
        assert_eq!(single.jaccard, Some(1.0));
        assert!(is_close(single.p_value, 1.0 / 56.0));
        assert!(is_close(single.expected_jaccard.unwrap(), 1.0 / 56.0));
        let other = Overlap::new(&[55], &[56], 56);
        assert!(other.jaccard == Some(0.0) && is_close(other.p_value, 1.0));
    }

    #[test]
    fn empty_sets_have_no_index_and_all_frequencies_are_no_surprise() {
        let empty = Overlap::new(&[], &[], 5);
        assert_eq!((empty.jaccard, empty.expected_jaccard, empty.jaccard_variance), (None, None, None));
        assert!(is_close(empty.p_value, 1.0));
        let half = Overlap::new(&[], &[2], 5);
        assert_eq!((half.jaccard, half.expected_jaccard), (Some(0.0), Some(0.0)));
        let all = Overlap::new(&[1, 2, 3], &[1, 2, 3], 3);
        assert!(is_close(all.p_value, 1.0) && is_close(all.expected_jaccard.unwrap(), 1.0));
    }

    proptest! {
        #[test]
        fn as_counted_over_all_sets(n in 1_usize..9, a in 0_u32..256, b_size in 0_usize..9) {
            let members = |set: u32| (1..=n).filter(|k| set >> (k - 1) & 1 == 1).collect::<Vec<_>>();
            let a = members(a);
            let all: Vec<Vec<usize>> =
                (0..1 << n).map(members).filter(|b| b.len() == b_size.min(n)).collect();
            let overlaps: Vec<Overlap> = all.iter().map(|b| Overlap::new(&a, b, n)).collect();
            let count = overlaps.len() as f64;
            for overlap in &overlaps {
                let at_least = overlaps.iter().filter(|other| other.shared >= overlap.shared).count();
                prop_assert!(is_close(overlap.p_value, at_least as f64 / count));
            }
            if let Some(expected) = overlaps[0].expected_jaccard {
                let jaccards = || overlaps.iter().map(|overlap| overlap.jaccard.unwrap());
                prop_assert!(is_close(expected, jaccards().sum::<f64>() / count));
                let variance = jaccards().map(|j| (j - expected).powi(2)).sum::<f64>() / count;
                prop_assert!(is_close(overlaps[0].jaccard_variance.unwrap(), variance));
            }
        }

        #[test]
        fn probabilities_of_large_sets_sum_to_one(n in 1000_usize..2048, a in 0.0..1.0, b in 0.0..1.0) {
            let sizes = [a, b].map(|share| (share * n as f64) as usize);
            let chance = hypergeometric(sizes[0], sizes[1], n);
            prop_assert!(is_close(chance.iter().map(|(_, p)| p).sum(), 1.0));
            // The mean of the distribution has a closed form.
            let mean: f64 = chance.iter().map(|&(i, p)| i as f64 * p).sum();
            let expected = (sizes[0] * sizes[1]) as f64 / n as f64;
            prop_assert!((mean - expected).abs() < 1e-9 * (1.0 + expected), "{mean} {expected}");
        }
    }
}
