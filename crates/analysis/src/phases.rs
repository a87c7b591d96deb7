//! The phases of neurons: cos(ω_k x + φ_x) and cos(ω_k y + φ_y) go into one, and cos(ω_k z + ψ) comes out of it. In a
//! clock the phases of the inputs add up to that of the output.

use std::collections::BTreeMap;

use crate::{Cluster, FourierBasis, NeuronClusters, participation::InputWaves, wave::Wave};

/// The mean of |sin(φ_x + φ_y − ψ)| over the neurons of each cluster: 0 where they add up, 2/π where they have nothing to
/// do with each other. The neurons' rows of `W_logit` are given by their Fourier coefficients, [d_mlp, n].
pub(crate) fn phase_misalignment(
    basis: &FourierBasis,
    clusters: &NeuronClusters,
    inputs: &InputWaves,
    w_logit: &[f64],
) -> BTreeMap<usize, f64> {
    let (n, d_mlp) = (basis.modulus(), clusters.cluster.len());
    let of_cluster = |&k: &usize| {
        let members = clusters.members(Cluster::Frequency(k));
        let of_neuron = |&neuron: &usize| {
            let input = |of: &[f64]| Wave::of_coefficients(basis, k, |row| of[row * d_mlp + neuron]).phase();
            let output = Wave::of_coefficients(basis, k, |row| w_logit[neuron * n + row]).phase();
            (input(&inputs.of_x) + input(&inputs.of_y) - output).sin().abs()
        };
        (k, members.iter().map(of_neuron).sum::<f64>() / members.len() as f64)
    };
    // Every key frequency of a network has a cluster.
    clusters.key_freqs.iter().map(of_cluster).collect()
}
