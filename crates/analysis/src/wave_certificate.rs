use std::{collections::BTreeMap, f64::consts::TAU};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Which inputs the waves Σ C_k cos ω_k(x + y − z) answer right by themselves, whatever else is in the logits.
///
/// With C_k fitted to the logits, the right answer is ahead of any other by at least the waves' margin M. What is left of the
/// logits favours some wrong answer of (x, y) by at most ρ(x, y), so that an input with ρ < M is answered right for that reason.
/// Differences are rounded towards "not certified", and logits are trusted up to their rounding error: that a certified input
/// is answered right is a theorem about the weights.
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
    /// The certificate of logits [n², n], by the amplitudes of their waves and how far they can be from exact ones.
    pub(crate) fn new(
        n: usize,
        logits: &[f64],
        amplitudes: &BTreeMap<usize, f64>,
        logit_error: Option<f64>,
    ) -> Self {
        let waves: Vec<f64> = (0..n)
            .map(|e| amplitudes.iter().map(|(k, c)| c * (TAU * (k * e % n) as f64 / n as f64).cos()).sum())
            .collect();
        if amplitudes.is_empty() {
            return Self { margin: 0.0, certified: 0, inputs: n * n, logit_error };
        }
        // A difference of rounded numbers is moved to the next one, on the side that certifies less. Whatever numbers the
        // waves are rounded to, the same are in the margin and in what is left.
        let margin = waves[1..].iter().map(|wave| (waves[0] - wave).next_down()).fold(f64::INFINITY, f64::min);
        let allowed = (2.0 * logit_error.unwrap_or(0.0)).next_up();
        let is_certified = |(input, logits): (usize, &[f64])| {
            let answer = (input / n + input % n) % n;
            let favours = |z: usize| {
                let [logits, waves] =
                    [[logits[z], logits[answer]], [waves[(answer + n - z) % n], waves[0]]];
                let of_logits = (logits[0] - logits[1]).next_up();
                let of_waves = (waves[0] - waves[1]).next_down();
                (of_logits - of_waves).next_up()
            };
            let most = (0..n).filter(|&z| z != answer).map(favours).fold(f64::NEG_INFINITY, f64::max);
            (most + allowed).next_up() < margin
        };
        // Waves that put another answer first are no reason for the right one.
        let certified = match margin > 0.0 {
            true => logits.par_chunks(n).enumerate().filter(|&of| is_certified(of)).count(),
            false => 0,
        };
        Self { margin, certified, inputs: n * n, logit_error }
    }

    /// The share of the inputs that is certified.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.certified as f64 / self.inputs as f64
    }
}
