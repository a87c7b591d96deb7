//! The figures that claims stand on, as far as they are not in the summary: of the frequency with the worst, and against
//! what each network's own bound is.

use std::collections::BTreeMap;

use crate::{
    Check, Summary,
    bounds::{Bound, LOSS, WORTH_OF_WAVE},
};

/// The loss without that frequency which costs least, against what leaving it out must cost: what its wave is worth,
/// within limits.
pub(crate) fn cost_of_least(
    of: &Summary,
    freqs: &[usize],
    quantity: &str,
    losses: &BTreeMap<usize, f64>,
    bound: &Bound,
) -> Check {
    let worth = |k: usize| {
        let waves = of.loss_waves_excluding.get(&k).copied().unwrap_or(f64::INFINITY);
        (WORTH_OF_WAVE * waves).clamp(of.compared_loss(), bound.value * of.compared_loss())
    };
    let (k, _) = least(freqs, |k| Some(losses.get(&k)? / worth(k)));
    let value = losses.get(&k).copied().unwrap_or(f64::INFINITY);
    Check { bound: worth(k), ..bound.worst(quantity, (k, value)) }
}

/// A loss against a multiple of the original. One that is next to nothing may grow to that of a network that generalises.
pub(crate) fn grown_from(original: f64, bound: &Bound, loss: f64) -> Check {
    Check { bound: f64::max(bound.value * original, LOSS.value), ..bound.check("loss", loss) }
}

/// The frequency that `W_logit` reads most but for these.
pub(crate) fn strongest_but(of: &Summary, freqs: &[usize]) -> Option<usize> {
    let others = (1..).zip(&of.w_logit_norm_by_freq).filter(|(k, _)| !freqs.contains(k));
    others.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(k, _)| k)
}

/// The frequency with the least figure, and the figure. One that is no number is less than any other.
pub(crate) fn least(freqs: &[usize], figure: impl Fn(usize) -> Option<f64>) -> (usize, f64) {
    let figures = freqs.iter().filter_map(|&k| Some((k, figure(k)?)));
    let order = |a: f64, b: f64| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(&b));
    figures.min_by(|(_, a), (_, b)| order(*a, *b)).unwrap_or((0, f64::INFINITY))
}

/// The share of a frequency's columns of `W_logit` that comes from the neurons that serve it, were they as strong as those of
/// the mean frequency: what comes from others is about as much for all, and a larger share of a weak one.
pub(crate) fn share_from_own_neurons(of: &Summary, freqs: &[usize], k: usize) -> Option<f64> {
    let norm = |k: usize| of.w_logit_norm_by_freq[k - 1];
    let mean = freqs.iter().map(|&k| norm(k)).sum::<f64>() / freqs.len() as f64;
    Some(at_mean_strength(*of.w_logit_frac_from_own_neurons.get(&k)?, norm(k), mean))
}

/// The share of what neurons supply for a frequency that lies along cos or sin of ω_k(x + y), the lesser of both,
/// were it as strong as the mean frequency's.
pub(crate) fn share_along_sum(of: &Summary, freqs: &[usize], k: usize) -> Option<f64> {
    let shares = |k: usize| {
        let of_waves = [of.cos_component_frac.get(&k), of.sin_component_frac.get(&k)];
        of_waves.into_iter().flatten().copied()
    };
    // What lies along them gives C_k. A wave of p/2 is ±1 at both its arguments: it has twice the square of any other
    // in the inputs, and twice in the answers.
    let square_of_wave = |k: usize| if 2 * k == of.n { 4.0 } else { 1.0 };
    let strength =
        |k: usize, share: f64| of.logit_coefficients.get(&k).map(|c| c * c * square_of_wave(k) / share);
    let of_freq = |k: usize| shares(k).filter_map(move |share| strength(k, share));
    let strengths: Vec<f64> = freqs.iter().flat_map(|&k| of_freq(k)).collect();
    let mean = strengths.iter().sum::<f64>() / strengths.len() as f64;
    let at_mean = shares(k).filter_map(|share| Some(at_mean_strength(share, strength(k, share)?, mean)));
    at_mean.min_by(f64::total_cmp)
}

/// What a share would be if what comes from elsewhere were compared with the strength of the mean frequency instead of
/// this one's, where the mean is larger.
fn at_mean_strength(share: f64, strength: f64, mean: f64) -> f64 {
    // Where there is no mean, the share counts as it is.
    1.0 - (1.0 - share) * f64::min(strength / mean, 1.0)
}
