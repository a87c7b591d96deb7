use crate::{Activations, FourierBasis};

/// A neuron joins its best frequency's cluster above this fraction of its variance.
pub const CLUSTER_FRAC_EXPLAINED: f64 = 0.85;

/// A cluster below this share of d_mlp names no key frequency.
pub const MIN_CLUSTER_SHARE: f64 = 0.01;

/// A neuron whose summed squared deviation from its mean is below this does nothing.
pub const DEAD_VARIANCE: f64 = 1e-12;

/// The neurons in the 2D Fourier basis, and which frequency each serves.
#[derive(Debug, Clone)]
pub struct NeuronClusters {
    /// 2D Fourier coefficients of every neuron's activations, [p, p, d_mlp].
    pub coefficients: Vec<f64>,
    /// Sum of squared coefficients but for the constant: p² times the variance, [d_mlp].
    pub variance: Vec<f64>,
    /// The frequency that explains most of each neuron's variance, [d_mlp].
    pub best_freq: Vec<usize>,
    /// The fraction of the variance that it explains, [d_mlp]; 0 for a dead neuron.
    pub frac_explained: Vec<f64>,
    /// The fraction of inputs on which each neuron fires, [d_mlp].
    pub frac_active: Vec<f64>,
    /// The frequency whose cluster each neuron is in, [d_mlp].
    pub cluster: Vec<Option<usize>>,
    /// The frequencies that have a cluster, ascending.
    pub key_freqs: Vec<usize>,
}

impl NeuronClusters {
    /// Transforms the neurons and sorts them into clusters.
    #[must_use]
    pub fn new(basis: &FourierBasis, activations: &Activations) -> Self {
        let p = basis.modulus();
        let d_mlp = activations.neuron_acts.len() / (p * p);
        let coefficients = basis.transform_2d(&activations.neuron_acts, d_mlp);
        let mut variance = vec![0.0; d_mlp];
        for row in coefficients.chunks_exact(d_mlp).skip(1) {
            variance.iter_mut().zip(row).for_each(|(sum, c)| *sum += c * c);
        }
        let (mut best_freq, mut most_explained) = (vec![1; d_mlp], vec![-1.0; d_mlp]);
        for k in basis.frequencies() {
            let mut explained = vec![0.0; d_mlp];
            for (i, j) in basis.terms_of(k).into_iter().skip(1) {
                let row = &coefficients[(i * p + j) * d_mlp..][..d_mlp];
                explained.iter_mut().zip(row).for_each(|(sum, c)| *sum += c * c);
            }
            for n in 0..d_mlp {
                if explained[n] > most_explained[n] {
                    (best_freq[n], most_explained[n]) = (k, explained[n]);
                }
            }
        }
        let is_dead = |n: usize| variance[n] < DEAD_VARIANCE;
        let frac_explained: Vec<f64> =
            (0..d_mlp).map(|n| if is_dead(n) { 0.0 } else { most_explained[n] / variance[n] }).collect();
        let mut cluster: Vec<Option<usize>> = (0..d_mlp)
            .map(|n| (frac_explained[n] >= CLUSTER_FRAC_EXPLAINED).then_some(best_freq[n]))
            .collect();
        let mut key_freqs = Vec::new();
        for k in basis.frequencies() {
            let size = cluster.iter().filter(|&&freq| freq == Some(k)).count();
            if size as f64 >= MIN_CLUSTER_SHARE * d_mlp as f64 && size > 0 {
                key_freqs.push(k);
            } else {
                cluster.iter_mut().filter(|freq| **freq == Some(k)).for_each(|freq| *freq = None);
            }
        }
        let mut frac_active = vec![0.0; d_mlp];
        for row in activations.neuron_acts_pre.chunks_exact(d_mlp) {
            frac_active
                .iter_mut()
                .zip(row)
                .for_each(|(count, &pre)| *count += f64::from(u8::from(pre > 0.0)));
        }
        frac_active.iter_mut().for_each(|count| *count /= (p * p) as f64);
        Self { coefficients, variance, best_freq, frac_explained, frac_active, cluster, key_freqs }
    }

    /// The neurons of a frequency's cluster, or with `None` those in no cluster, ascending.
    #[must_use]
    pub fn members(&self, freq: Option<usize>) -> Vec<usize> {
        (0..self.cluster.len()).filter(|&n| self.cluster[n] == freq).collect()
    }

    /// How many neurons do nothing.
    #[must_use]
    pub fn dead(&self) -> usize {
        self.variance.iter().filter(|&&variance| variance < DEAD_VARIANCE).count()
    }

    /// The median fraction explained of the neurons that are in a cluster.
    #[must_use]
    pub fn median_frac_explained(&self) -> Option<f64> {
        let mut fractions: Vec<f64> = (0..self.cluster.len())
            .filter(|&n| self.cluster[n].is_some())
            .map(|n| self.frac_explained[n])
            .collect();
        fractions.sort_by(f64::total_cmp);
        let middle = fractions.len() / 2;
        match fractions.len() {
            0 => None,
            n if n % 2 == 1 => Some(fractions[middle]),
            _ => Some(f64::midpoint(fractions[middle - 1], fractions[middle])),
        }
    }
}
