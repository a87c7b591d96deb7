use std::collections::BTreeMap;

use faer::MatRef;
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
    /// The neurons' inputs, with the torus of all four waves cos θ_x, sin θ_x, cos θ_y and sin θ_y.
    pub torus: f64,
    /// The neurons' inputs, with the circle cos(θ_x + θ_y) and sin(θ_x + θ_y).
    pub circle: f64,
    /// The logits' components of the frequency over answers, with the circle.
    pub logits_circle: f64,
    /// The same with the disc.
    pub logits_disc: f64,
}

/// What is made of a wave at an input (x, y).
type OfWave<'a> = &'a dyn Fn(&[f64], usize, usize) -> Vec<f64>;

/// The alignment of each key frequency of a network.
pub(crate) fn alignments(
    basis: &FourierBasis,
    clusters: &NeuronClusters,
    network: &AnalysedNetwork,
) -> BTreeMap<usize, Alignment> {
    let (n, d_mlp) = (basis.modulus(), network.d_mlp);
    let of_freq = |&k: &usize| {
        let rows = basis.rows_of(k);
        // What is made of each wave of the frequency at each input.
        let forms = |of_wave: OfWave| {
            let at = |(x, y)| {
                rows.iter().flat_map(move |&row| of_wave(basis.row(row), x, y)).collect::<Vec<f64>>()
            };
            centred(basis.inputs().flat_map(at).collect(), n * n)
        };
        let disc = forms(&|wave, x, y| vec![wave[x] + wave[y]]);
        let torus = forms(&|wave, x, y| vec![wave[x], wave[y]]);
        let circle = forms(&|wave, x, y| vec![wave[(x + y) % n]]);

        let members = clusters.members(Cluster::Frequency(k));
        let inputs = network.neuron_acts_pre.chunks_exact(d_mlp);
        let inputs = inputs.flat_map(|row| members.iter().map(|&neuron| row[neuron])).collect();
        let inputs = centred(inputs, n * n);
        let of_answers = |row: &[f64]| {
            let component = |wave: &usize| basis.row(*wave).iter().zip(row).map(|(w, logit)| w * logit).sum();
            rows.iter().map(component).collect::<Vec<f64>>()
        };
        let logits = centred(network.logits.chunks_exact(n).flat_map(of_answers).collect(), n * n);
        let alignment = Alignment {
            disc: inputs.alignment(&disc),
            torus: inputs.alignment(&torus),
            circle: inputs.alignment(&circle),
            logits_circle: logits.alignment(&circle),
            logits_disc: logits.alignment(&disc),
        };
        (k, alignment)
    };
    clusters.key_freqs.iter().map(of_freq).collect()
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

    /// ‖Xᵀ Y‖² / (‖Xᵀ X‖ ‖Yᵀ Y‖); 0 where either does not vary.
    fn alignment(&self, other: &Self) -> f64 {
        share(self.products(other), self.norm * other.norm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
