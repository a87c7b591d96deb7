use std::collections::BTreeMap;

use clockwork_model::matrix::{Into, Matrix, MatrixMut, product};
use rayon::prelude::*;

use crate::{Activations, FourierBasis, Losses, NeuronClusters, WLogit};

/// What becomes of the loss when neurons are restricted to their frequency, or left out. All losses are
/// bias-corrected, in nats.
#[derive(Debug, Clone, PartialEq)]
pub struct Ablation {
    /// Clusters projected onto their own frequency's constant, linear and quadratic terms, and the
    /// unclustered neurons as they are.
    pub neurons_in_key_freqs: f64,
    /// The same without each cluster in turn, by frequency.
    pub excluding_cluster: BTreeMap<usize, f64>,
    /// The same without the unclustered neurons.
    pub excluding_unclustered: f64,
}

impl Ablation {
    /// Projects, leaves out, and measures.
    #[must_use]
    pub fn new(
        basis: &FourierBasis,
        activations: &Activations,
        clusters: &NeuronClusters,
        w_logit: &WLogit,
        losses: &Losses,
    ) -> Self {
        let of_cluster: Vec<Vec<f64>> =
            clusters.key_freqs.iter().map(|&k| projected_logits(basis, clusters, w_logit, k)).collect();
        let of_unclustered = unclustered_logits(basis, activations, clusters, w_logit);
        let mut sum = of_unclustered.clone();
        of_cluster.iter().for_each(|part| add(&mut sum, part, 1.0));
        let without = |part: &[f64]| {
            let mut rest = sum.clone();
            add(&mut rest, part, -1.0);
            losses.bias_corrected(&rest)
        };
        Self {
            neurons_in_key_freqs: losses.bias_corrected(&sum),
            excluding_cluster: clusters
                .key_freqs
                .iter()
                .zip(&of_cluster)
                .map(|(&k, part)| (k, without(part)))
                .collect(),
            excluding_unclustered: without(&of_unclustered),
        }
    }
}

/// `sum += factor · part`.
fn add(sum: &mut [f64], part: &[f64], factor: f64) {
    sum.par_iter_mut().zip(part).for_each(|(sum, part)| *sum += factor * part);
}

/// What a cluster's neurons add to the logits [p², p] once each is projected onto its frequency's terms.
fn projected_logits(basis: &FourierBasis, clusters: &NeuronClusters, w_logit: &WLogit, k: usize) -> Vec<f64> {
    let p = basis.modulus();
    let d_mlp = clusters.cluster.len();
    let members = clusters.members(Some(k));
    let mut logits = vec![0.0; p * p * p];
    for (i, j) in basis.terms_of(k) {
        let coefficients = &clusters.coefficients[(i * p + j) * d_mlp..][..d_mlp];
        let mut of_term = vec![0.0; p];
        for &n in &members {
            let row = &w_logit.w_logit[n * p..][..p];
            of_term.iter_mut().zip(row).for_each(|(sum, w)| *sum += coefficients[n] * w);
        }
        basis.add_term(&mut logits, (i, j), &of_term);
    }
    logits
}

/// What the unclustered neurons, as they are, add to the logits, [p², p].
fn unclustered_logits(
    basis: &FourierBasis,
    activations: &Activations,
    clusters: &NeuronClusters,
    w_logit: &WLogit,
) -> Vec<f64> {
    let p = basis.modulus();
    let members = clusters.members(None);
    let mut logits = vec![0.0; p * p * p];
    if members.is_empty() {
        return logits;
    }
    let rows: Vec<f64> = members.iter().flat_map(|&n| &w_logit.w_logit[n * p..][..p]).copied().collect();
    logits.par_chunks_mut(p * p).enumerate().for_each(|(x, of_x)| {
        let acts = activations.neuron_acts.chunks_exact(clusters.cluster.len()).skip(x * p).take(p);
        let acts: Vec<f64> = acts.flat_map(|row| members.iter().map(move |&n| row[n])).collect();
        let acts = Matrix::new(&acts, members.len());
        product(Into::Fresh, MatrixMut::new(of_x, p), acts, Matrix::new(&rows, p));
    });
    logits
}
