use std::{collections::BTreeMap, f64::consts::PI};

use clockwork_model::Split;

use crate::{FourierBasis, Losses, ablation::add_term};

/// The logits in the 2D Fourier basis, and what becomes of the loss without some of their components.
#[derive(Debug, Clone)]
pub struct Logits {
    /// 2D Fourier coefficients of every logit, [p, p, p].
    pub coefficients: Vec<f64>,
    /// Bias-corrected loss of the components along cos ω_k(x + y) and sin ω_k(x + y) of the key
    /// frequencies alone, in nats.
    pub loss_trig_only: f64,
    /// Loss without those two components of one key frequency, in nats, with no bias correction.
    pub excluded_loss: BTreeMap<usize, ExcludedLoss>,
    /// C_k in logits ≈ Σ C_k cos ω_k(x + y − z), by least squares.
    pub coefficients_of_sum: BTreeMap<usize, f64>,
    /// The share of the logits' variance, but for means per answer and per input, that this explains.
    pub frac_variance_explained: f64,
}

/// The loss without a frequency's components, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExcludedLoss {
    /// Over all inputs.
    pub all: f64,
    /// Over the inputs trained on, and those held out, where they are known.
    pub train_and_test: Option<[f64; 2]>,
}

impl Logits {
    /// Transforms, projects, and measures.
    #[must_use]
    pub fn new(basis: &FourierBasis, key_freqs: &[usize], losses: &Losses, split: Option<&Split>) -> Self {
        let p = basis.modulus();
        let coefficients = basis.transform_2d(losses.original, p);
        let mut trig_only = vec![0.0; losses.original.len()];
        let mut excluded_loss = BTreeMap::new();
        for &k in key_freqs {
            let mut along = vec![0.0; losses.original.len()];
            for direction in basis.sum_directions(k) {
                let mut component = vec![0.0; p];
                for &((i, j), weight) in &direction {
                    let row = &coefficients[(i * p + j) * p..][..p];
                    component.iter_mut().zip(row).for_each(|(sum, c)| *sum += weight * c);
                }
                for &(term, weight) in &direction {
                    let of_term: Vec<f64> = component.iter().map(|c| weight * c).collect();
                    add_term(basis, &mut along, term, &of_term);
                }
            }
            trig_only.iter_mut().zip(&along).for_each(|(sum, along)| *sum += along);
            let without: Vec<f64> = losses.original.iter().zip(&along).map(|(l, along)| l - along).collect();
            let of_split =
                |split: &Split| [&split.train, &split.test].map(|of| losses.of_inputs(&without, of));
            let loss = ExcludedLoss { all: losses.of(&without), train_and_test: split.map(of_split) };
            excluded_loss.insert(k, loss);
        }
        let (coefficients_of_sum, frac_variance_explained) = fit(p, key_freqs, losses.original);
        Self {
            coefficients,
            loss_trig_only: losses.bias_corrected(&trig_only),
            excluded_loss,
            coefficients_of_sum,
            frac_variance_explained,
        }
    }
}

/// The least-squares fit of logits, means apart, by cos ω_k(x + y − z), which are orthogonal.
fn fit(p: usize, key_freqs: &[usize], logits: &[f64]) -> (BTreeMap<usize, f64>, f64) {
    let mut mean_of_answer = vec![0.0; p];
    for row in logits.chunks_exact(p) {
        mean_of_answer.iter_mut().zip(row).for_each(|(sum, logit)| *sum += logit / (p * p) as f64);
    }
    let mut variance = 0.0;
    // cos ω_k(x + y − z) depends on x + y − z alone, so logits are summed over inputs alike in it.
    let mut by_difference = vec![0.0; p];
    for (input, row) in logits.chunks_exact(p).enumerate() {
        let sum = input / p + input % p;
        let mean = row.iter().zip(&mean_of_answer).map(|(l, m)| l - m).sum::<f64>() / p as f64;
        for (z, (logit, of_answer)) in row.iter().zip(&mean_of_answer).enumerate() {
            let centred = logit - of_answer - mean;
            variance += centred * centred;
            by_difference[(sum + p - z) % p] += centred;
        }
    }
    let mut explained = 0.0;
    let of = |k: usize| {
        let wave: Vec<f64> = (0..p).map(|d| (2.0 * PI * ((k * d) % p) as f64 / p as f64).cos()).collect();
        let norm = (p * p) as f64 * wave.iter().map(|w| w * w).sum::<f64>();
        let coefficient = by_difference.iter().zip(&wave).map(|(l, w)| l * w).sum::<f64>() / norm;
        explained += coefficient * coefficient * norm;
        (k, coefficient)
    };
    let coefficients = key_freqs.iter().copied().map(of).collect();
    (coefficients, explained / variance)
}

/// The shares of squared 2D coefficients [p, p, batch], the constant apart, that are quadratic and linear
/// terms of the key frequencies.
#[must_use]
pub fn quadratic_and_linear_shares(
    basis: &FourierBasis,
    key_freqs: &[usize],
    coefficients: &[f64],
    batch: usize,
) -> [f64; 2] {
    let p = basis.modulus();
    let power: Vec<f64> = coefficients.chunks_exact(batch).map(|c| c.iter().map(|c| c * c).sum()).collect();
    let whole: f64 = power.iter().skip(1).sum();
    let (mut quadratic, mut linear) = (0.0, 0.0);
    for &k in key_freqs {
        for (i, j) in basis.terms_of(k).into_iter().skip(1) {
            *(if i > 0 && j > 0 { &mut quadratic } else { &mut linear }) += power[i * p + j];
        }
    }
    [quadratic / whole, linear / whole]
}
