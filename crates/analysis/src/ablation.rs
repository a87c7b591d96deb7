use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::{
    Cluster, FourierBasis, NeuronClusters, WLogit,
    losses::Losses,
    product::{rows_of, write_product},
};

/// The mean loss over all inputs, in nats and bias-corrected, when neurons are restricted to their cluster's
/// frequency or left out (after Nanda et al. 2023, section 4.4).
#[derive(Debug, Clone, PartialEq)]
pub struct Ablation {
    /// Clusters projected onto their own frequency's constant, linear and quadratic terms, and the
    /// unclustered neurons as they are.
    pub neurons_in_key_freqs: f64,
    /// The same without each cluster in turn, the unclustered neurons among them.
    pub excluding_cluster: BTreeMap<Cluster, f64>,
}

impl Ablation {
    /// Projects, leaves out, and measures. `acts` are the neurons' activations, [p², d_mlp].
    pub(crate) fn new(
        basis: &FourierBasis,
        acts: &[f64],
        clusters: &NeuronClusters,
        w_logit: &WLogit,
        losses: &Losses,
    ) -> Self {
        let of_cluster = |cluster| match cluster {
            Cluster::Frequency(k) => projected_logits(basis, clusters, w_logit, k),
            Cluster::Unclustered => unclustered_logits(basis, acts, clusters, w_logit),
        };
        let parts: Vec<(Cluster, Vec<f64>)> =
            clusters.clusters().map(|cluster| (cluster, of_cluster(cluster))).collect();
        // The sum starts with the unclustered: the order of its terms decides the last bits of a figure.
        let (first, others) = parts.split_last().expect("the unclustered are always there");
        let mut sum = first.1.clone();
        others.iter().for_each(|(_, part)| add(&mut sum, part, 1.0));
        let without = |part: &[f64]| {
            let mut rest = sum.clone();
            add(&mut rest, part, -1.0);
            losses.bias_corrected(&rest)
        };
        Self {
            neurons_in_key_freqs: losses.bias_corrected(&sum),
            excluding_cluster: parts.iter().map(|(cluster, part)| (*cluster, without(part))).collect(),
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
    let members = clusters.members(Cluster::Frequency(k));
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
    acts: &[f64],
    clusters: &NeuronClusters,
    w_logit: &WLogit,
) -> Vec<f64> {
    let p = basis.modulus();
    let members = clusters.members(Cluster::Unclustered);
    let mut logits = vec![0.0; p * p * p];
    if members.is_empty() {
        return logits;
    }
    let rows: Vec<f64> = members.iter().flat_map(|&n| &w_logit.w_logit[n * p..][..p]).copied().collect();
    logits.par_chunks_mut(p * p).enumerate().for_each(|(x, of_x)| {
        let acts = acts.chunks_exact(clusters.cluster.len()).skip(x * p).take(p);
        let acts: Vec<f64> = acts.flat_map(|row| members.iter().map(move |&n| row[n])).collect();
        write_product(of_x, rows_of(&acts, members.len()), rows_of(&rows, p));
    });
    logits
}
