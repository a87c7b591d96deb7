//! Frequencies of which one's double is the sum or the difference of two others.

/// Two of these frequencies that a frequency resonates with: twice it is their sum or their difference, up to sign and
/// modulo n. Neurons of a frequency that resonates often carry the other two as well, and stay so: of networks with
/// such a frequency about half have it so, of others one in twenty (`docs/seeds.md`).
pub(crate) fn resonance(n: usize, freq: usize, among: &[usize]) -> Option<[usize; 2]> {
    let others: Vec<usize> = among.iter().copied().filter(|&k| k != freq).collect();
    // A wave of frequency n − k is one of frequency k.
    let either_sign = |k: usize| [k as i64, -(k as i64)];
    let resonates = |a: usize, b: usize| {
        let mut sums =
            either_sign(a).into_iter().flat_map(|a| either_sign(b).map(|b| 2 * freq as i64 + a + b));
        sums.any(|sum| sum.checked_rem_euclid(n as i64) == Some(0))
    };
    others.iter().enumerate().find_map(|(i, &a)| {
        let b = others[i + 1..].iter().copied().find(|&b| resonates(a, b))?;
        Some([a, b])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_a_frequency_is_the_sum_or_the_difference_of_two_others_up_to_sign() {
        // 16 = 3 + 13 = 19 − 3 = 41 − (7 + 18) = 41 − (20 + 5).
        for others in [[3, 13], [3, 19], [7, 18], [5, 20]] {
            assert_eq!(resonance(41, 8, &[others[0], 8, others[1]]), Some(others));
            assert_eq!(resonance(41, 8, &[1, others[0], 8, others[1]]), Some(others));
        }
        // A second harmonic, and one other alone, are no resonance.
        for others in [&[][..], &[3], &[4, 14], &[8, 16], &[4, 9], &[3, 20]] {
            assert_eq!(resonance(41, 8, others), None, "{others:?}");
        }
    }
}
