use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::logits_by_sum::waves_by_difference;

/// On which inputs the waves Σ C_k cos ω_k(x + y − z) outweigh everything else in the logits.
///
/// With C_k fitted to the logits, the right answer is ahead of any other by at least the waves' margin M. What is left of the
/// logits favours some wrong answer of (x, y) by at most ρ(x, y), so that an input with ρ < M is answered right for that reason.
/// Differences are rounded towards "not certified", and logits are trusted up to their rounding error: that a certified input
/// is answered right is a theorem about the weights, in the 32 bits that they are kept in. Inputs are those that have
/// coordinates; an answer that has none, 0 among products, must be behind the right one too.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WaveCertificate {
    /// M, the least margin of the waves at any x + y − z but 0.
    pub margin: f64,
    /// How many inputs are certified.
    pub certified: usize,
    /// How many inputs there are.
    pub inputs: usize,
    /// How far a logit that was computed in 64 bits can be from that of exact arithmetic. Nothing where no bound is known,
    /// behind a layer norm; the certificate is then about the logits as computed.
    pub logit_error: Option<f64>,
}

impl WaveCertificate {
    /// The certificate of logits [n², n], by the amplitudes of their waves, how far they can be from exact ones, and the largest
    /// logit of each input that is of no such answer, where there are others.
    pub(crate) fn new(
        n: usize,
        logits: &[f64],
        amplitudes: &BTreeMap<usize, f64>,
        logit_error: Option<f64>,
        rivals: Option<&[f64]>,
    ) -> Self {
        let error = logit_error.unwrap_or(0.0);
        let (margin, mut is_certified) = certified_inputs(n, logits, amplitudes, error);
        for (input, is_certified) in is_certified.iter_mut().enumerate().filter(|_| rivals.is_some()) {
            let ahead = logits[input * n + (input / n + input % n) % n] - rivals.map_or(0.0, |of| of[input]);
            *is_certified &= ahead.next_down() > (2.0 * error).next_up();
        }
        let certified = is_certified.into_iter().filter(|is| *is).count();
        Self { margin, certified, inputs: n * n, logit_error }
    }

    /// The share of the inputs that is certified.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.certified as f64 / self.inputs as f64
    }
}

/// M, and whether each input is certified, [n²].
fn certified_inputs(
    n: usize,
    logits: &[f64],
    amplitudes: &BTreeMap<usize, f64>,
    error: f64,
) -> (f64, Vec<bool>) {
    // Logits that are no numbers prove nothing.
    if amplitudes.is_empty() || !logits.iter().all(|logit| logit.is_finite()) {
        return (0.0, vec![false; n * n]);
    }
    let waves = waves_by_difference(n, &amplitudes.iter());
    // A difference of rounded numbers is moved to the next one, on the side that certifies less. Whatever numbers the
    // waves are rounded to, the same are in the margin and in what is left.
    let margin = waves[1..].iter().map(|wave| (waves[0] - wave).next_down()).fold(f64::INFINITY, f64::min);
    let allowed = (2.0 * error).next_up();
    let is_certified = |(input, logits): (usize, &[f64])| {
        let answer = (input / n + input % n) % n;
        let favours = |z: usize| {
            let [logits, waves] = [[logits[z], logits[answer]], [waves[(answer + n - z) % n], waves[0]]];
            let of_logits = (logits[0] - logits[1]).next_up();
            let of_waves = (waves[0] - waves[1]).next_down();
            (of_logits - of_waves).next_up()
        };
        let most = (0..n).filter(|&z| z != answer).map(favours).fold(f64::NEG_INFINITY, f64::max);
        (most + allowed).next_up() < margin
    };
    // Waves that put another answer first are no reason for the right one.
    let is_certified = |of: (usize, &[f64])| margin > 0.0 && is_certified(of);
    (margin, logits.par_chunks(n).enumerate().map(is_certified).collect())
}

#[cfg(test)]
mod tests {
    use clockwork_model::clock;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        AnalysedNetwork,
        logits_by_sum::BySum,
        perturbed::{answered_right, perturbed},
    };

    const P: usize = 13;

    const FREQS: [usize; 3] = [1, 3, 4];

    /// The clock with noise on every weight.
    fn noisy(noise: f64, seed: u64) -> AnalysedNetwork {
        perturbed(clock(P, &FREQS, 12), noise, seed)
    }

    /// Whether each input is certified, and whether it is answered right.
    fn certified_and_right(network: &AnalysedNetwork) -> Vec<(bool, bool)> {
        let amplitudes = BySum::of_logits(P, &network.logits).amplitudes(&FREQS);
        let error = network.logit_error().unwrap();
        let (_, certified) = certified_inputs(P, &network.logits, &amplitudes, error);
        certified.into_iter().zip(answered_right(network)).collect()
    }

    #[test]
    fn noise_lowers_the_certificate() {
        let certified = |noise| certified_and_right(&noisy(noise, 1)).iter().filter(|(is, _)| *is).count();
        let found = [0.0, 0.02, 0.05, 0.2].map(certified);
        assert_eq!(found[0], P * P);
        assert!(found.is_sorted_by(|a, b| a >= b) && found[3] < P * P / 2, "{found:?}");
    }

    #[test]
    fn without_waves_nothing_is_certified() {
        let network = noisy(0.0, 0);
        let none = WaveCertificate::new(P, &network.logits, &BTreeMap::new(), None, None);
        assert_eq!((none.margin, none.certified, none.accuracy()), (0.0, 0, 0.0));
        // Waves that are upside down put the right answer last.
        let turned = BTreeMap::from([(1, -3.0)]);
        assert_eq!(WaveCertificate::new(P, &network.logits, &turned, None, None).certified, 0);
        // An answer that is not among them may be ahead of all.
        let amplitudes = BySum::of_logits(P, &network.logits).amplitudes(&FREQS);
        let certified = |rival: f64| {
            let rivals = vec![rival; P * P];
            WaveCertificate::new(P, &network.logits, &amplitudes, None, Some(&rivals)).certified
        };
        assert_eq!([certified(-1e9), certified(1e9)], [P * P, 0]);
        let of_none = vec![f64::NAN; P * P * P];
        assert_eq!(WaveCertificate::new(P, &of_none, &amplitudes, None, None).certified, 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_certified_input_is_answered_right(noise in 0.0_f64..0.4, seed in 0_u64..1_000) {
            for (input, (is_certified, is_right)) in certified_and_right(&noisy(noise, seed)).into_iter().enumerate() {
                prop_assert!(is_right || !is_certified, "{} of noise {}", input, noise);
            }
        }
    }
}
