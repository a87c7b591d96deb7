//! Which frequency each neuron serves.

use crate::{Cluster, FourierBasis, NeuronClusters, WLogit, named_freq::read_freqs, resonance::resonance};

/// The least fraction of its variance that a frequency must explain for a neuron outside its cluster to serve it, where
/// that is all that the neuron writes. Just below the 0.85 of a cluster are the neurons of a weak frequency, which have
/// more of its harmonics and of noise: more than half of what neurons in no cluster do is theirs (`docs/seeds.md`).
const WRITER_FRAC_EXPLAINED: f64 = 0.7;

/// The least share of a neuron's row of `W_logit` in a frequency's columns where that frequency is all that it writes.
const WRITTEN_SHARE: f64 = 0.95;

/// The same fraction where the frequency resonates. Neurons that carry such a frequency and the two others have two
/// thirds and more (`docs/seeds.md`).
const SHARED_FRAC_EXPLAINED: f64 = 0.5;

/// The frequency that each neuron serves, [d_mlp]: that of its cluster. A neuron in none serves the key frequency
/// that explains it best if that one explains 70 % of it and has 95 % of what it writes, and if it resonates with two
/// others, where it explains half.
pub(crate) fn served_freq(
    basis: &FourierBasis,
    clusters: &NeuronClusters,
    w_logit: &WLogit,
) -> Vec<Option<usize>> {
    let NeuronClusters { cluster, best_freq, frac_explained, key_freqs, .. } = clusters;
    let read = read_freqs(&w_logit.norm_by_freq);
    let resonates = |k: &&usize| read.contains(k) && resonance(basis.modulus(), **k, &read).is_some();
    let resonating: Vec<usize> = key_freqs.iter().filter(resonates).copied().collect();
    let is_writer = |i: usize, k: usize| {
        frac_explained[i] >= WRITER_FRAC_EXPLAINED && w_logit.frac_written(basis, i, k) >= WRITTEN_SHARE
    };
    let is_shared =
        |i: usize, k: usize| frac_explained[i] >= SHARED_FRAC_EXPLAINED && resonating.contains(&k);
    let served = |i: usize| match cluster[i] {
        Cluster::Frequency(k) => Some(k),
        Cluster::Unclustered => {
            Some(best_freq[i]).filter(|k| key_freqs.contains(k) && (is_writer(i, *k) || is_shared(i, *k)))
        }
    };
    (0..cluster.len()).map(served).collect()
}
