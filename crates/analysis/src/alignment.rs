use std::collections::BTreeMap;

use faer::MatRef;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    AnalysedNetwork, Cluster, FourierBasis, NeuronClusters,
    product::{product, rows_of},
    share::share,
};

/// What the inputs of a cluster's neurons, and the logits of its frequency, look like over all inputs: linear centred kernel
/// alignment (Kornblith et al. 2019) with the forms that numbers can be combined to, each between 0 and 1. With
/// θ_x = ω_k x and θ_y = ω_k y.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Alignment {
    /// The neurons' inputs, with the disc cos θ_x + cos θ_y and sin θ_x + sin θ_y.
    pub disc: f64,
    /// The same with the disc whose waves of y are turned by the angle that fits best, cos θ_x + cos(θ_y + δ) and
    /// sin θ_x + sin(θ_y + δ), where x and y have embeddings of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disc_fitted: Option<f64>,
    /// That angle δ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disc_phase: Option<f64>,
    /// The neurons' inputs, with the torus of all four waves cos θ_x, sin θ_x, cos θ_y and sin θ_y.
    pub torus: f64,
    /// The neurons' inputs, with the circle cos(θ_x + θ_y) and sin(θ_x + θ_y).
    pub circle: f64,
    /// The logits' components of the frequency over answers, with the circle.
    pub logits_circle: f64,
    /// The same with the disc.
    pub logits_disc: f64,
}

/// How logits' components of a frequency over answers align with the circle, and with the disc.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LogitAlignment {
    pub circle: f64,
    pub disc: f64,
}

/// The forms of a frequency over all inputs.
struct Forms<'a> {
    basis: &'a FourierBasis,
    /// The rows of its waves.
    rows: Vec<usize>,
    disc: Columns,
    circle: Columns,
}

impl<'a> Forms<'a> {
    fn new(basis: &'a FourierBasis, k: usize) -> Self {
        let (n, rows) = (basis.modulus(), basis.rows_of(k));
        let disc = form(basis, &rows, &|wave, x, y| vec![wave[x] + wave[y]]);
        let circle = form(basis, &rows, &|wave, x, y| vec![wave[(x + y) % n]]);
        Self { basis, rows, disc, circle }
    }

    fn of_logits(&self, logits: &[f64]) -> LogitAlignment {
        let n = self.basis.modulus();
        let of_answers = |row: &[f64]| {
            let component =
                |wave: &usize| self.basis.row(*wave).iter().zip(row).map(|(w, logit)| w * logit).sum();
            self.rows.iter().map(component).collect::<Vec<f64>>()
        };
        let logits = centred(logits.chunks_exact(n).flat_map(of_answers).collect(), n * n);
        LogitAlignment { circle: logits.alignment(&self.circle), disc: logits.alignment(&self.disc) }
    }
}

/// What is made of a wave at an input (x, y).
type OfWave<'a> = &'a dyn Fn(&[f64], usize, usize) -> Vec<f64>;

/// What is made of each of some waves at each input.
fn form(basis: &FourierBasis, rows: &[usize], of_wave: OfWave) -> Columns {
    let at = |(x, y)| rows.iter().flat_map(move |&row| of_wave(basis.row(row), x, y)).collect::<Vec<f64>>();
    centred(basis.inputs().flat_map(at).collect(), basis.modulus().pow(2))
}

/// The alignment of logits [n², n] at a frequency.
pub(crate) fn logit_alignment(basis: &FourierBasis, logits: &[f64], k: usize) -> LogitAlignment {
    Forms::new(basis, k).of_logits(logits)
}

/// The alignment of each key frequency of a network, by the neurons of its cluster.
pub(crate) fn alignments(
    basis: &FourierBasis,
    clusters: &NeuronClusters,
    network: &AnalysedNetwork,
) -> BTreeMap<usize, Alignment> {
    let (n, d_mlp) = (basis.modulus(), network.d_mlp);
    let of_freq = |&k: &usize| {
        let forms = Forms::new(basis, k);
        let torus = form(basis, &forms.rows, &|wave, x, y| vec![wave[x], wave[y]]);
        let members = clusters.members(Cluster::Frequency(k));
        let inputs = network.neuron_acts_pre.chunks_exact(d_mlp);
        let inputs = inputs.flat_map(|row| members.iter().map(|&neuron| row[neuron])).collect();
        let inputs = centred(inputs, n * n);
        let logits = forms.of_logits(&network.logits);
        let fitted = network.has_own_embeddings().then(|| inputs.fitted_disc(basis, &forms));
        let alignment = Alignment {
            disc: inputs.alignment(&forms.disc),
            disc_fitted: fitted.map(|(disc, _)| disc),
            disc_phase: fitted.map(|(_, phase)| phase),
            torus: inputs.alignment(&torus),
            circle: inputs.alignment(&forms.circle),
            logits_circle: logits.circle,
            logits_disc: logits.disc,
        };
        (k, alignment)
    };
    clusters.key_freqs.par_iter().map(of_freq).collect()
}

/// Columns over all inputs, each with a mean of zero.
struct Columns {
    /// [n², width]
    values: Vec<f64>,
    width: usize,
    /// The norm of their Gram matrix, Xᵀ X.
    norm: f64,
}

/// Subtracts its mean from each of some columns over `rows` inputs.
fn centred(mut values: Vec<f64>, rows: usize) -> Columns {
    let width = values.len() / rows;
    let mut means = vec![0.0; width];
    for row in values.chunks_exact(width) {
        means.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / rows as f64);
    }
    for row in values.chunks_exact_mut(width) {
        row.iter_mut().zip(&means).for_each(|(value, mean)| *value -= mean);
    }
    let columns = Columns { values, width, norm: 0.0 };
    Columns { norm: columns.products(&columns).sqrt(), ..columns }
}

impl Columns {
    fn matrix(&self) -> MatRef<'_, f64> {
        rows_of(&self.values, self.width)
    }

    /// The squared norm of Xᵀ Y.
    fn products(&self, other: &Self) -> f64 {
        product(self.matrix().transpose(), other.matrix()).iter().map(|entry| entry * entry).sum()
    }

    /// The alignment with the disc whose waves of y are turned by the angle that fits best, and that angle.
    fn fitted_disc(&self, basis: &FourierBasis, forms: &Forms) -> (f64, f64) {
        let of_x = form(basis, &forms.rows, &|wave, x, _| vec![wave[x]]);
        let of_y = form(basis, &forms.rows, &|wave, _, y| vec![wave[y]]);
        // With a and b the columns' products with the waves of x and of y, those with the turned disc are
        // a + b turned, whose squared norm is a cosine in the angle.
        let products = |with: &Self| product(self.matrix().transpose(), with.matrix());
        let (a, b) = (products(&of_x), products(&of_y));
        let along = |i: usize, j: usize| {
            let width = forms.rows.len();
            let pairs = a.chunks_exact(width).zip(b.chunks_exact(width));
            pairs.map(|(a, b)| if i < width && j < width { a[i] * b[j] } else { 0.0 }).sum::<f64>()
        };
        let (cos, sin) = (along(0, 0) + along(1, 1), along(1, 0) - along(0, 1));
        let squares = |of: &[f64]| of.iter().map(|v| v * v).sum::<f64>();
        let most = squares(&a) + squares(&b) + 2.0 * cos.hypot(sin);
        (share(most, self.norm * forms.disc.norm), sin.atan2(cos))
    }

    /// ‖Xᵀ Y‖² / (‖Xᵀ X‖ ‖Yᵀ Y‖); 0 where either does not vary.
    fn alignment(&self, other: &Self) -> f64 {
        share(self.products(other), self.norm * other.norm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_that_is_turned_is_found_with_its_angle() {
        for (n, k, turn) in [(9, 2, 0.7), (9, 2, -2.5), (8, 4, std::f64::consts::PI)] {
            let basis = FourierBasis::new(n);
            let forms = Forms::new(&basis, k);
            let angle = |v: usize| std::f64::consts::TAU * (k * v) as f64 / n as f64;
            let disc = |turn: f64| {
                let at = |(x, y)| {
                    [angle(x).cos() + (angle(y) + turn).cos(), angle(x).sin() + (angle(y) + turn).sin()]
                };
                centred(basis.inputs().flat_map(at).collect(), n * n)
            };
            let (alignment, found) = disc(turn).fitted_disc(&basis, &forms);
            assert!((alignment - 1.0).abs() < 1e-12, "{alignment}");
            assert!((found - turn).abs() < 1e-9, "{found} is not {turn}");
            // The plain figure is the part that is not turned away.
            assert!(disc(turn).alignment(&forms.disc) < 0.95);
        }
    }

    #[test]
    fn columns_are_aligned_with_their_rotations_and_not_with_what_is_independent_of_them() {
        let (n, basis) = (9, FourierBasis::new(9));
        let columns = |of: &dyn Fn(usize, usize) -> [f64; 2]| {
            centred(basis.inputs().flat_map(|(x, y)| of(x, y)).collect(), n * n)
        };
        let [cos, sin] = [3, 4].map(|row| basis.row(row));
        let circle = columns(&|x, y| [cos[(x + y) % n], sin[(x + y) % n]]);
        // Turned by an angle, scaled and moved.
        let turned = columns(&|x, y| {
            let (c, s) = (cos[(x + y) % n], sin[(x + y) % n]);
            [5.0 + 2.0 * (0.6 * c - 0.8 * s), 2.0 * (0.8 * c + 0.6 * s) - 1.0]
        });
        let of_x = columns(&|x, _| [cos[x], sin[x]]);
        let both =
            centred(basis.inputs().flat_map(|(x, y)| [cos[x], sin[x], cos[y], sin[y]]).collect(), n * n);
        assert!((circle.alignment(&turned) - 1.0).abs() < 1e-12);
        assert!(circle.alignment(&of_x) < 1e-12);
        // Two of four directions as large: ‖Xᵀ Y‖² = 2, ‖Xᵀ X‖ = √2 and ‖Yᵀ Y‖ = 2.
        assert!((of_x.alignment(&both) - 0.5_f64.sqrt()).abs() < 1e-12);
        assert!(circle.alignment(&columns(&|_, _| [1.0, 2.0])) < 1e-12, "they do not vary");
    }
}
