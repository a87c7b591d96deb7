use std::{collections::BTreeMap, f64::consts::PI};

use serde::{Deserialize, Serialize};

use crate::{
    AnalysedNetwork, Cluster, FourierBasis, NeuronClusters,
    additive::{Additive, range},
    quadrature::{Node, Quadrature},
    wave::Wave,
};

/// Which inputs are answered right by bounds on the weights alone, without running the network on any pair.
///
/// Each cluster is taken for a pizza: neurons r ReLU(cos(ω x + φ + δ/2) + cos(ω y + φ − δ/2)), read as w cos(ω z + 2φ). The sum over
/// its neurons is a quadrature of an integral that is (2/3) |2 cos(ω(x − y) + δ)/2| cos ω(x + y − z) times the sum of r w / 2π, and
/// the right answer's logit is ahead by what that gives, less bounds on everything else: the quadrature's error, what neurons get
/// and write beside, neurons in no cluster, what goes past the neurons, and what attention changes. Each bound is a sum of
/// absolute values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NeuronCertificate {
    /// The quadrature of each key frequency's cluster.
    #[serde(deserialize_with = "crate::keyed_by_freq::deserialize")]
    pub quadratures: BTreeMap<usize, Quadrature>,
    /// How many inputs are certified by the bound on the quadratures' errors that the spacing of phases gives.
    pub certified_by_spacing: usize,
    /// How many are certified by their largest errors, which take the sum over the neurons at each angle.
    pub certified_by_evaluation: usize,
    /// How many inputs there are.
    pub inputs: usize,
    /// What the bounds on everything but the clusters' integrals come to, by the margin that these alone would give, at the
    /// input where that is least. From 1 on nothing can be certified, whatever the quadratures are; nothing where the integrals
    /// give no input a margin.
    pub least_slack_by_margin: Option<f64>,
    /// How many multiplications it took.
    pub products: u64,
}

/// By what share of the sum of their absolute values sums may be rounded. Each has fewer than 2²⁰ operations of numbers with
/// 53 bits.
const ROUNDING: f64 = 1.0 / (1u64 << 32) as f64;

/// How many times the rounding of a logit is allowed for the tables, which fold the same products in another order.
const OF_TABLES: f64 = 32.0;

/// A key frequency's cluster, taken for a pizza.
struct Slice {
    k: usize,
    /// δ, the phase between x and y.
    delta: f64,
    quadrature: Quadrature,
    /// The sum of r w / 2π over its neurons.
    strength: f64,
    /// The sum of 2r times the largest difference of two logits that a neuron writes beside its wave.
    beside: f64,
}

/// Bounds on what is not in the clusters' integrals, for differences of two logits.
struct Slack {
    of_number: [Vec<f64>; 2],
    /// For every pair.
    constant: f64,
}

impl Slack {
    fn add(&mut self, other: &Self) {
        for (sums, others) in self.of_number.iter_mut().zip(&other.of_number) {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        }
        self.constant += other.constant;
    }
}

impl NeuronCertificate {
    /// The certificate of a network of ReLUs without layer norms that has key frequencies; none of any other.
    pub(crate) fn new(
        basis: &FourierBasis,
        network: &AnalysedNetwork,
        clusters: &NeuronClusters,
    ) -> Option<Self> {
        Self::certify(basis, network, clusters).map(|(certificate, _)| certificate)
    }

    /// The same, and whether each input is certified by spacing and by evaluation, [n²] each.
    fn certify(
        basis: &FourierBasis,
        network: &AnalysedNetwork,
        clusters: &NeuronClusters,
    ) -> Option<(Self, [Vec<bool>; 2])> {
        let (additive, of_tables) = network.additive()?;
        let rounding = OF_TABLES * network.logit_error()? + ROUNDING * largest_sums(network, &additive);
        let (n, d_mlp) = (basis.modulus(), network.d_mlp);
        let mut slack =
            Slack { of_number: additive.logit_slack.clone(), constant: additive.logit_constant_slack };
        let mut constant = additive.logit_constant.clone();
        let mut slices = Vec::new();
        for &k in &clusters.key_freqs {
            let members = clusters.members(Cluster::Frequency(k));
            slices.extend(slice(basis, network, &additive, &mut slack, k, &members));
        }
        if slices.is_empty() {
            return None;
        }
        let served: Vec<usize> = slices.iter().map(|slice| slice.k).collect();
        let is_taken =
            |neuron: usize| clusters.cluster[neuron].frequency().is_some_and(|k| served.contains(&k));
        for neuron in (0..d_mlp).filter(|&neuron| !is_taken(neuron)) {
            add_unclustered(network, &additive, &mut slack, &mut constant, neuron);
        }
        add_past_neurons(&additive, &mut slack, &mut constant);
        slack.constant += range(constant.iter().copied());

        let against = |x: usize, y: usize| slack.of_number[0][x] + slack.of_number[1][y] + slack.constant;
        let margins = |of: &dyn Fn(&Slice) -> [f64; 2]| -> Vec<f64> {
            (0..n).map(|distance| least_margin(n, &slices, distance, of)).collect()
        };
        // Terms of a margin may cancel, and each is rounded by itself.
        let largest_term =
            |of: &Slice| 2.0 * of.strength * (2.0 + 2.0 * of.quadrature.error_bound) + of.beside;
        let size: f64 = slices.iter().map(largest_term).sum();
        let certified = |error: &dyn Fn(&Quadrature) -> f64| -> Vec<bool> {
            let margins = margins(&|slice| [error(&slice.quadrature), slice.beside]);
            let is_certified = |(x, y): (usize, usize)| {
                let (margin, against) = (margins[(x + n - y) % n], against(x, y));
                margin - against > rounding + ROUNDING * (size + against)
            };
            basis.inputs().map(is_certified).collect()
        };
        let (integrals, beside) = (margins(&|_| [0.0; 2]), margins(&|slice| [0.0, slice.beside]));
        let slack_by_margin = |(x, y): (usize, usize)| {
            let distance = (x + n - y) % n;
            let slack = integrals[distance] - beside[distance] + against(x, y);
            (integrals[distance] > 0.0).then(|| slack / integrals[distance])
        };
        let least_slack_by_margin = basis.inputs().filter_map(slack_by_margin).min_by(f64::total_cmp);
        let nodes: usize = slices.iter().map(|slice| slice.quadrature.nodes).sum();
        // Waves of every neuron's input and output and what is beside them, the quadratures at 2n angles, and the margins.
        let products = 9 * n * d_mlp + 2 * n * nodes * 3 + 2 * n * n * slices.len() * 4 + n * n;
        let is_certified = [certified(&|of| of.error_bound), certified(&|of| of.error)];
        let [certified_by_spacing, certified_by_evaluation] =
            is_certified.each_ref().map(|of| of.iter().filter(|is| **is).count());
        let certificate = Self {
            certified_by_spacing,
            certified_by_evaluation,
            inputs: n * n,
            least_slack_by_margin,
            products: of_tables + products as u64,
            quadratures: slices.into_iter().map(|slice| (slice.k, slice.quadrature)).collect(),
        };
        Some((certificate, is_certified))
    }
}

/// The least margin over all x + y − z but 0 that the clusters give an input with a distance x − y, by the errors of their
/// quadratures and what is to be taken off beside.
fn least_margin(n: usize, slices: &[Slice], distance: usize, of: &dyn Fn(&Slice) -> [f64; 2]) -> f64 {
    let angle = |k: usize, v: usize| PI * (k * v % (2 * n)) as f64 / n as f64;
    let by_slice: Vec<(&Slice, f64)> = slices
        .iter()
        .map(|slice| (slice, (angle(slice.k, distance) + slice.delta / 2.0).cos().abs()))
        .collect();
    let at = |e: usize| {
        let of_slice = |(slice, near): &(&Slice, f64)| {
            let [error, beside] = of(slice);
            let sin = angle(slice.k, e).sin().abs();
            // ⅔ (1 − cos ω e) of the integral, less the error's part along the difference of two answers.
            let ahead = 4.0 / 3.0 * sin * sin - 2.0 * sin * error;
            near * (2.0 * slice.strength * ahead - beside)
        };
        by_slice.iter().map(of_slice).sum::<f64>()
    };
    (1..n).map(at).fold(f64::INFINITY, f64::min)
}

/// Takes a cluster for a pizza, and adds to the slack what its neurons get beside.
fn slice(
    basis: &FourierBasis,
    network: &AnalysedNetwork,
    additive: &Additive,
    slack: &mut Slack,
    k: usize,
    members: &[usize],
) -> Option<Slice> {
    let (n, d_mlp) = (basis.modulus(), network.d_mlp);
    let column =
        |of: &[f64], neuron: usize| of.iter().skip(neuron).step_by(d_mlp).copied().collect::<Vec<f64>>();
    let waves: Vec<[Wave; 2]> = members
        .iter()
        .map(|&neuron| additive.to_neurons.each_ref().map(|of| Wave::of(basis, k, &column(of, neuron))))
        .collect();
    // The phase of x's waves against y's, the same for the whole cluster.
    let against = waves.iter().fold(Wave::default(), |sum, [x, y]| sum.plus(x.times(y.conjugate())));
    let delta = against.phase();
    let angle = |k: usize, v: usize| 2.0 * PI * (k * v % n) as f64 / n as f64;
    let (mut nodes, mut beside) = (Vec::new(), 0.0);
    let mut own = Slack { of_number: [vec![0.0; n], vec![0.0; n]], constant: 0.0 };
    for (&neuron, [x, y]) in members.iter().zip(&waves) {
        let mean = x.turned(-delta / 2.0).plus(y.turned(delta / 2.0)).scaled(0.5);
        let (r, phi) = (mean.norm(), mean.phase());
        let row = &network.w_logit[neuron * n..][..n];
        let output = Wave::of(basis, k, row);
        // Of its output wave, the part that has twice the phase.
        let w = output.turned(-2.0 * phi).re.max(0.0);
        let largest = range(row.iter().copied());
        let mut constant = additive.constant[neuron];
        for (which, turn) in [delta / 2.0, -delta / 2.0].into_iter().enumerate() {
            let adds = column(&additive.to_neurons[which], neuron);
            let mean = adds.iter().sum::<f64>() / n as f64;
            constant += mean;
            for (number, value) in adds.iter().enumerate() {
                let off = (value - mean - r * (angle(k, number) + phi + turn).cos()).abs();
                let off = off + additive.neuron_slack[which][number * d_mlp + neuron];
                own.of_number[which][number] += off * largest;
            }
        }
        own.constant += (constant.abs() + additive.constant_slack[neuron]) * largest;
        let rest = row.iter().enumerate().map(|(z, value)| value - w * (angle(k, z) + 2.0 * phi).cos());
        beside += 2.0 * r * range(rest);
        if r * w > 0.0 {
            nodes.push(Node { phase: phi, weight: r * w });
        }
    }
    // x + y is one of n sums, or n more, which turns ω(x + y)/2 by half a turn if at all.
    let angles = (0..n).flat_map(|sum| [0.0, PI].map(|turn| angle(k, sum) / 2.0 + turn));
    let quadrature = Quadrature::new(&nodes, angles)?;
    // Of a cluster that is no quadrature, neurons are as any others.
    slack.add(&own);
    let strength = nodes.iter().map(|node| node.weight).sum::<f64>() / (2.0 * PI);
    Some(Slice { k, delta, quadrature, strength, beside })
}

/// What all terms of a difference of two logits come to at the most, each by its absolute value.
fn largest_sums(network: &AnalysedNetwork, additive: &Additive) -> f64 {
    let (n, d_mlp) = (additive.n, additive.d_mlp);
    let largest = |of: &[f64], width: usize, column: usize| {
        of.iter().skip(column).step_by(width).fold(0.0, |largest: f64, value| largest.max(value.abs()))
    };
    let of_neuron = |neuron: usize| {
        let pre: f64 = additive.to_neurons.iter().map(|of| largest(of, d_mlp, neuron)).sum();
        let row = &network.w_logit[neuron * n..][..n];
        (pre + additive.constant[neuron].abs()) * 2.0 * largest(row, 1, 0)
    };
    let past: f64 = additive.to_logits.iter().map(|of| largest(of, 1, 0)).sum();
    let of_neurons: f64 = (0..d_mlp).map(of_neuron).sum();
    of_neurons + 2.0 * (past + largest(&additive.logit_constant, 1, 0))
}

/// Adds a neuron outside the clusters: the middle of what it can do to what is constant, and the rest to the slack.
fn add_unclustered(
    network: &AnalysedNetwork,
    additive: &Additive,
    slack: &mut Slack,
    constant: &mut [f64],
    neuron: usize,
) {
    let (n, d_mlp) = (additive.n, additive.d_mlp);
    let ends = |which: usize| {
        let at = |number: usize| number * d_mlp + neuron;
        (0..n).fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], number| {
            let (value, slack) =
                (additive.to_neurons[which][at(number)], additive.neuron_slack[which][at(number)]);
            [low.min(value - slack), high.max(value + slack)]
        })
    };
    let (x, y) = (ends(0), ends(1));
    let (of_all, off) = (additive.constant[neuron], additive.constant_slack[neuron]);
    let [low, high] = [x[0] + y[0] + of_all - off, x[1] + y[1] + of_all + off].map(|pre| pre.max(0.0));
    let row = &network.w_logit[neuron * n..][..n];
    constant.iter_mut().zip(row).for_each(|(sum, w)| *sum += f64::midpoint(low, high) * w);
    slack.constant += (high - low) / 2.0 * range(row.iter().copied());
}

/// Adds what goes past the neurons: its mean over numbers to what is constant, and the rest to the slack.
fn add_past_neurons(additive: &Additive, slack: &mut Slack, constant: &mut [f64]) {
    let n = additive.n;
    for (to_logits, slack) in additive.to_logits.iter().zip(&mut slack.of_number) {
        let mut mean = vec![0.0; n];
        for row in to_logits.chunks_exact(n) {
            mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / n as f64);
        }
        for (row, slack) in to_logits.chunks_exact(n).zip(slack) {
            *slack += range(row.iter().zip(&mean).map(|(value, mean)| value - mean));
        }
        constant.iter_mut().zip(&mean).for_each(|(sum, mean)| *sum += mean);
    }
}

#[cfg(test)]
mod tests {
    use clockwork_model::{clock, pizza};
    use proptest::prelude::*;

    use super::*;
    use crate::perturbed::{answered_right, perturbed};

    const P: usize = 17;

    const FREQS: [usize; 4] = [1, 3, 4, 7];

    /// Enough angles for the spacing of phases to tell something.
    const ANGLES: usize = 96;

    /// The certificate, whether each input is certified, and whether it is answered right.
    fn certify(network: &AnalysedNetwork) -> Option<(NeuronCertificate, [Vec<bool>; 2], Vec<bool>)> {
        let basis = FourierBasis::new(P);
        let clusters = NeuronClusters::new(&basis, network);
        let (certificate, is_certified) = NeuronCertificate::certify(&basis, network, &clusters)?;
        Some((certificate, is_certified, answered_right(network)))
    }

    #[test]
    fn a_pizza_is_certified_by_its_weights_alone_and_noise_lowers_that() {
        let certified = |noise| {
            let (of, ..) = certify(&perturbed(pizza(P, &FREQS, ANGLES), noise, 1)).unwrap();
            assert!(of.certified_by_spacing <= of.certified_by_evaluation);
            assert_eq!(of.quadratures.keys().copied().collect::<Vec<usize>>(), FREQS);
            of.certified_by_spacing
        };
        let found = [0.0, 1e-3, 3e-3, 1e-2].map(certified);
        assert_eq!(found[0], P * P);
        assert!(found.is_sorted_by(|a, b| a >= b) && found[3] == 0, "{found:?}");
    }

    #[test]
    fn a_clock_is_no_pizza_and_few_phases_prove_nothing() {
        let (of_clock, ..) = certify(&perturbed(clock(P, &FREQS, ANGLES), 0.0, 0)).unwrap();
        assert!(of_clock.least_slack_by_margin.unwrap() > 1.0, "{of_clock:?}");
        assert_eq!((of_clock.certified_by_spacing, of_clock.certified_by_evaluation), (0, 0));
        let (of_few, ..) = certify(&perturbed(pizza(P, &FREQS, 16), 0.0, 0)).unwrap();
        assert!(of_few.quadratures.values().all(|of| of.error_bound > 2.0 / 3.0));
        assert_eq!((of_few.certified_by_spacing, of_few.certified_by_evaluation), (0, P * P));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_certified_input_is_answered_right(exponent in -7.0_f64..-1.0, seed in 0_u64..1_000) {
            let network = perturbed(pizza(P, &FREQS, ANGLES), 10_f64.powf(exponent), seed);
            if let Some((_, is_certified, is_right)) = certify(&network) {
                for certified in is_certified {
                    prop_assert!(certified.iter().zip(&is_right).all(|(certified, right)| *right || !certified));
                }
            }
        }
    }
}
