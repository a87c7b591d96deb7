use clockwork_model::Activation;

use crate::{AnalysedNetwork, Arrays, Cluster, FourierBasis, mean_squared::mean_squared};

/// The least fraction of a neuron's variance that its best frequency must explain for the neuron to be in
/// that frequency's cluster (Nanda et al. 2023, section 4.3).
pub const CLUSTER_FRAC_EXPLAINED: f64 = 0.85;

/// A cluster below this share of d_mlp names no key frequency.
const MIN_CLUSTER_SHARE: f64 = 0.01;

/// A neuron whose summed squared deviation from its mean is below this does nothing.
const DEAD_VARIANCE: f64 = 1e-12;

/// How many neurons of each cluster, and of those in none, are kept over all inputs.
const SAMPLED_PER_CLUSTER: usize = 5;

/// What `neurons.cluster` says of a neuron that is in no cluster.
pub(crate) const NO_CLUSTER: i64 = -1;

/// The neurons' activations in the 2D Fourier basis, and the cluster of each neuron: that of the
/// frequency that explains most of its variance, or none (Nanda et al. 2023, section 4.3). Where neurons square, the
/// linear terms of twice a frequency count as its own.
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
    /// The fraction of each neuron's variance in its part symmetric in x and y, [d_mlp]: 1 for a symmetric
    /// neuron, 1/2 for a function of x alone, 0 for an antisymmetric and for a dead neuron.
    pub frac_symmetric: Vec<f64>,
    /// The cluster that each neuron is in, [d_mlp].
    pub cluster: Vec<Cluster>,
    /// The frequencies that have a cluster, ascending.
    pub key_freqs: Vec<usize>,
}

impl NeuronClusters {
    /// Transforms the neurons and sorts them into clusters.
    pub(crate) fn new(basis: &FourierBasis, network: &AnalysedNetwork) -> Self {
        let (p, d_mlp) = (basis.modulus(), network.d_mlp);
        let coefficients = basis.transform_2d(&network.neuron_acts, d_mlp);
        let mut variance = vec![0.0; d_mlp];
        for row in coefficients.chunks_exact(d_mlp).skip(1) {
            variance.iter_mut().zip(row).for_each(|(sum, c)| *sum += c * c);
        }
        let (mut best_freq, mut most_explained) = (vec![1; d_mlp], vec![-1.0; d_mlp]);
        for (k, terms) in (1..).zip(basis.arrange_by_frequency(&coefficients, d_mlp)) {
            let mut explained = vec![0.0; d_mlp];
            for term in terms.chunks_exact(d_mlp).skip(1) {
                explained.iter_mut().zip(term).for_each(|(sum, c)| *sum += c * c);
            }
            for (i, j) in own_harmonics(basis, network.activation, k) {
                let term = &coefficients[(i * p + j) * d_mlp..][..d_mlp];
                explained.iter_mut().zip(term).for_each(|(sum, c)| *sum += c * c);
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
        // Where inputs have no coordinates, frequencies mean nothing.
        let has_clusters = network.coordinates_of().has_inputs();
        let of = |n: usize| match has_clusters && frac_explained[n] >= CLUSTER_FRAC_EXPLAINED {
            true => Cluster::Frequency(best_freq[n]),
            false => Cluster::Unclustered,
        };
        let mut cluster: Vec<Cluster> = (0..d_mlp).map(of).collect();
        let mut key_freqs = Vec::new();
        for k in basis.frequencies() {
            let of_freq = Cluster::Frequency(k);
            let size = cluster.iter().filter(|&&of| of == of_freq).count();
            if size as f64 >= MIN_CLUSTER_SHARE * d_mlp as f64 && size > 0 {
                key_freqs.push(k);
            } else {
                cluster.iter_mut().filter(|of| **of == of_freq).for_each(|of| *of = Cluster::Unclustered);
            }
        }
        let mut frac_active = vec![0.0; d_mlp];
        for row in network.neuron_acts_pre.chunks_exact(d_mlp) {
            frac_active
                .iter_mut()
                .zip(row)
                .for_each(|(count, &pre)| *count += f64::from(u8::from(pre > 0.0)));
        }
        frac_active.iter_mut().for_each(|count| *count /= (p * p) as f64);
        let frac_symmetric = frac_symmetric(p, &coefficients, &variance);
        Self {
            coefficients,
            variance,
            best_freq,
            frac_explained,
            frac_active,
            frac_symmetric,
            cluster,
            key_freqs,
        }
    }

    /// The clusters that there are: those of the key frequencies, ascending, and last the unclustered.
    pub fn clusters(&self) -> impl Iterator<Item = Cluster> {
        Cluster::all(&self.key_freqs)
    }

    /// The neurons of a cluster, ascending.
    #[must_use]
    pub fn members(&self, of: Cluster) -> Vec<usize> {
        (0..self.cluster.len()).filter(|&n| self.cluster[n] == of).collect()
    }

    /// Whether a neuron does nothing.
    pub(crate) fn is_dead(&self, neuron: usize) -> bool {
        self.variance[neuron] < DEAD_VARIANCE
    }

    /// How many neurons do nothing.
    #[must_use]
    pub fn dead(&self) -> usize {
        (0..self.variance.len()).filter(|&neuron| self.is_dead(neuron)).count()
    }

    /// All neurons, those of a cluster beside each other, key frequencies ascending, and those in no
    /// cluster last, [d_mlp].
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        self.clusters().flat_map(|cluster| self.members(cluster)).collect()
    }

    /// The median fraction explained of the neurons that are in a cluster.
    #[must_use]
    pub fn median_frac_explained(&self) -> Option<f64> {
        self.median_of_clustered(&self.frac_explained)
    }

    /// The median fraction symmetric in x and y of the neurons that are in a cluster.
    #[must_use]
    pub fn median_frac_symmetric(&self) -> Option<f64> {
        self.median_of_clustered(&self.frac_symmetric)
    }

    fn median_of_clustered(&self, of: &[f64]) -> Option<f64> {
        let clustered = of.iter().zip(&self.cluster).filter(|(_, cluster)| cluster.frequency().is_some());
        let mut values: Vec<f64> = clustered.map(|(&value, _)| value).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() {
            0 => None,
            n if n % 2 == 1 => Some(values[middle]),
            _ => Some(f64::midpoint(values[middle - 1], values[middle])),
        }
    }

    /// Adds the arrays behind its figures. `acts` are the neurons' activations, [p², d_mlp].
    pub(crate) fn insert_into(&self, arrays: &mut Arrays, p: usize, acts: &[f64]) {
        let d_mlp = self.cluster.len();
        let whole = |numbers: &[usize]| numbers.iter().map(|&n| n as i64).collect::<Vec<_>>();
        let number = |cluster: &Cluster| cluster.frequency().map_or(NO_CLUSTER, |k| k as i64);
        let cluster = self.cluster.iter().map(number).collect();
        arrays.insert_whole_numbers("neurons.cluster", &[d_mlp], cluster);
        arrays.insert_whole_numbers("neurons.best_freq", &[d_mlp], whole(&self.best_freq));
        arrays.insert_whole_numbers("neurons.order", &[d_mlp], whole(&self.order()));
        arrays.insert("neurons.frac_explained", &[d_mlp], self.frac_explained.clone());
        arrays.insert("neurons.frac_active", &[d_mlp], self.frac_active.clone());
        arrays.insert("neurons.frac_symmetric", &[d_mlp], self.frac_symmetric.clone());

        let first = |cluster| self.members(cluster).into_iter().take(SAMPLED_PER_CLUSTER);
        let sample: Vec<usize> = self.clusters().flat_map(first).collect();
        let of_sample = |data: &[f64]| {
            let column = |&n: &usize| data.iter().skip(n).step_by(d_mlp).copied();
            sample.iter().flat_map(column).collect::<Vec<f64>>()
        };
        let shape = [sample.len(), p, p];
        arrays.insert_whole_numbers("neurons.sample", &[sample.len()], whole(&sample));
        arrays.insert("neurons.sample_acts", &shape, of_sample(acts));
        arrays.insert("neurons.sample_acts_fourier", &shape, of_sample(&self.coefficients));

        let squared = |members: &[usize]| mean_squared(&self.coefficients, d_mlp, members);
        arrays.insert("neurons.mean_squared", &[p, p], squared(&(0..d_mlp).collect::<Vec<_>>()));
        for &k in &self.key_freqs {
            let of_cluster = squared(&self.members(Cluster::Frequency(k)));
            arrays.insert(format!("neurons.mean_squared.{k}"), &[p, p], of_cluster);
        }
    }
}

/// The terms that a frequency's neurons have beside its constant, linear and quadratic ones: the square of a sum of its
/// waves has waves of twice the frequency, a fifth of its variance where nothing else is added.
pub(crate) fn own_harmonics(basis: &FourierBasis, activation: Activation, k: usize) -> Vec<(usize, usize)> {
    match activation {
        Activation::Square => basis.harmonic_terms_of(k),
        _ => Vec::new(),
    }
}

/// The share of every neuron's variance that is symmetric in (x, y). The basis is the same for both, so a
/// function is symmetric where its coefficients are.
fn frac_symmetric(p: usize, coefficients: &[f64], variance: &[f64]) -> Vec<f64> {
    let d_mlp = variance.len();
    let row = |i: usize, j: usize| &coefficients[(i * p + j) * d_mlp..][..d_mlp];
    let mut symmetric = vec![0.0; d_mlp];
    for (i, j) in (1..p * p).map(|term| (term / p, term % p)) {
        for (sum, (a, b)) in symmetric.iter_mut().zip(row(i, j).iter().zip(row(j, i))) {
            *sum += (f64::midpoint(*a, *b)).powi(2);
        }
    }
    let of = |(symmetric, &variance): (f64, &f64)| {
        if variance < DEAD_VARIANCE { 0.0 } else { symmetric / variance }
    };
    symmetric.into_iter().zip(variance).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symmetry_of_neurons_known_by_hand() {
        let (p, basis) = (7, FourierBasis::new(7));
        let wave = |v: usize| (2.0 * std::f64::consts::PI * v as f64 / p as f64).cos();
        // Symmetric, of x alone, antisymmetric, dead.
        let of = |input: usize| {
            let (x, y) = (wave(input / p), wave(input % p));
            [x + y, x, x - y, 3.0]
        };
        let acts: Vec<f64> = (0..p * p).flat_map(of).collect();
        let coefficients = basis.transform_2d(&acts, 4);
        let variance: Vec<f64> =
            (0..4).map(|n| coefficients.chunks_exact(4).skip(1).map(|row| row[n] * row[n]).sum()).collect();
        let found = frac_symmetric(p, &coefficients, &variance);
        for (found, expected) in found.iter().zip([1.0, 0.5, 0.0, 0.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }
}
