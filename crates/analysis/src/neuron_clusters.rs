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
    /// The fraction of each neuron's variance that stays when x and y change places, [d_mlp]: 1 where it
    /// treats them alike, 1/2 where they have nothing to do with each other; 0 for a dead neuron.
    pub frac_symmetric: Vec<f64>,
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
        for (k, terms) in (1..).zip(basis.arrange_by_frequency(&coefficients, d_mlp)) {
            let mut explained = vec![0.0; d_mlp];
            for term in terms.chunks_exact(d_mlp).skip(1) {
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

    /// All neurons, those of a cluster beside each other, key frequencies ascending, and those in no
    /// cluster last, [d_mlp].
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let clusters = self.key_freqs.iter().copied().map(Some).chain([None]);
        clusters.flat_map(|freq| self.members(freq)).collect()
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
        let mut values: Vec<f64> =
            of.iter().zip(&self.cluster).filter(|(_, freq)| freq.is_some()).map(|(&v, _)| v).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() {
            0 => None,
            n if n % 2 == 1 => Some(values[middle]),
            _ => Some(f64::midpoint(values[middle - 1], values[middle])),
        }
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
