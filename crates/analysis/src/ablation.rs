use std::collections::BTreeMap;

use clockwork_model::Activation;
use rayon::prelude::*;

use crate::{
    AnalysedNetwork, Cluster, FourierBasis, NeuronClusters,
    losses::Losses,
    neuron_clusters::own_harmonics,
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
    /// The same without the neurons that serve each key frequency in turn. It differs from the one without the cluster
    /// where neurons outside it serve the frequency too.
    pub excluding_own_neurons: BTreeMap<usize, f64>,
    /// The same without the neurons that serve no one frequency.
    pub excluding_serving_none: f64,
}

impl Ablation {
    /// Projects, leaves out, and measures. Beside the clusters is the frequency that each neuron serves.
    pub(crate) fn new(
        basis: &FourierBasis,
        network: &AnalysedNetwork,
        (clusters, served_freq): (&NeuronClusters, &[Option<usize>]),
        losses: &Losses,
    ) -> Self {
        let w_logit = &network.w_logit[..];
        let unclustered = clusters.members(Cluster::Unclustered);
        let of_neurons =
            |neurons: &[usize]| scaled(logits_of(basis, &network.neuron_acts, neurons, w_logit), network);
        let of_cluster = |cluster| match cluster {
            Cluster::Frequency(k) => {
                scaled(projected_logits(basis, network.activation, clusters, w_logit, k), network)
            }
            Cluster::Unclustered => of_neurons(&unclustered),
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
        let excluding_cluster: BTreeMap<Cluster, f64> =
            parts.iter().map(|(cluster, part)| (*cluster, without(part))).collect();
        let of_freq = |(cluster, loss): (&Cluster, &f64)| Some((cluster.frequency()?, *loss));
        let mut excluding_own_neurons: BTreeMap<usize, f64> =
            excluding_cluster.iter().filter_map(of_freq).collect();
        let mut serving_none = None;
        for (cluster, projected) in others {
            let Some(k) = cluster.frequency() else { continue };
            let beside: Vec<usize> =
                unclustered.iter().copied().filter(|&n| served_freq[n] == Some(k)).collect();
            if !beside.is_empty() {
                let mut own = of_neurons(&beside);
                add(serving_none.get_or_insert_with(|| first.1.clone()), &own, -1.0);
                add(&mut own, projected, 1.0);
                excluding_own_neurons.insert(k, without(&own));
            }
        }
        Self {
            neurons_in_key_freqs: losses.bias_corrected(&sum),
            excluding_serving_none: match &serving_none {
                Some(serving_none) => without(serving_none),
                None => excluding_cluster[&Cluster::Unclustered],
            },
            excluding_own_neurons,
            excluding_cluster,
        }
    }
}

/// `sum += factor · part`.
fn add(sum: &mut [f64], part: &[f64], factor: f64) {
    sum.par_iter_mut().zip(part).for_each(|(sum, part)| *sum += factor * part);
}

/// What neurons add to the logits [p², p] of a network that may have a layer norm before the unembedding: then it divides
/// by the standard deviation that it has on each input with all neurons as they are.
fn scaled(mut logits: Vec<f64>, network: &AnalysedNetwork) -> Vec<f64> {
    if let Some(scale) = &network.logit_scale {
        let rows = logits.par_chunks_mut(network.n()).zip(scale);
        rows.for_each(|(row, scale)| row.iter_mut().for_each(|logit| *logit *= scale));
    }
    logits
}

/// What a cluster's neurons add to the logits [p², p] once each is projected onto its frequency's terms.
fn projected_logits(
    basis: &FourierBasis,
    activation: Activation,
    clusters: &NeuronClusters,
    w_logit: &[f64],
    k: usize,
) -> Vec<f64> {
    let p = basis.modulus();
    let d_mlp = clusters.cluster.len();
    let members = clusters.members(Cluster::Frequency(k));
    let mut logits = vec![0.0; p * p * p];
    for (i, j) in basis.terms_of(k).into_iter().chain(own_harmonics(basis, activation, k)) {
        let coefficients = &clusters.coefficients[(i * p + j) * d_mlp..][..d_mlp];
        let mut of_term = vec![0.0; p];
        for &n in &members {
            let row = &w_logit[n * p..][..p];
            of_term.iter_mut().zip(row).for_each(|(sum, w)| *sum += coefficients[n] * w);
        }
        basis.add_term(&mut logits, (i, j), &of_term);
    }
    logits
}

/// What some neurons, as they are, add to the logits, [p², p]. `acts` are those of all neurons, [p², d_mlp].
fn logits_of(basis: &FourierBasis, acts: &[f64], members: &[usize], w_logit: &[f64]) -> Vec<f64> {
    let p = basis.modulus();
    let d_mlp = acts.len() / (p * p);
    let mut logits = vec![0.0; p * p * p];
    if members.is_empty() {
        return logits;
    }
    let rows: Vec<f64> = members.iter().flat_map(|&n| &w_logit[n * p..][..p]).copied().collect();
    logits.par_chunks_mut(p * p).enumerate().for_each(|(x, of_x)| {
        let acts = acts.chunks_exact(d_mlp).skip(x * p).take(p);
        let acts: Vec<f64> = acts.flat_map(|row| members.iter().map(move |&n| row[n])).collect();
        write_product(of_x, rows_of(&acts, members.len()), rows_of(&rows, p));
    });
    logits
}
