use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::AlgorithmKind;

use super::{
    ClaimAcross, ComparedRun, CourseAcross, Overlap, Spread, claim_across::claims_across, interval::interval,
};

/// Figures over all networks that are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Across {
    /// How many networks.
    pub runs: usize,
    /// How many frequencies there are, ⌊p/2⌋.
    pub frequencies: usize,
    /// In how many networks each frequency is key, by the neurons' rule.
    pub key_freq_counts: BTreeMap<usize, usize>,
    /// In how many it would be by chance, on average.
    pub expected_key_freq_count: f64,
    /// The number of key frequencies.
    pub key_freqs_per_run: Spread,
    /// In how many networks the three rules name the same key frequencies.
    pub rules_name_the_same: usize,
    /// The overlap of key frequencies over all pairs, where there is one.
    pub jaccard: Option<MeanOverlap>,
    /// The overlap of key frequencies of each pair: the first network's with each after it, then the
    /// second's.
    pub pairs: Vec<Pair>,
    /// The step at which test accuracy passed 99 %, over those that did.
    pub generalised: Option<Spread>,
    /// How many networks follow each algorithm, of those of which it was asked.
    #[serde(default)]
    pub algorithms: Vec<AlgorithmAcross>,
    /// In how many networks every claim holds that applies.
    pub all_claims_hold: usize,
    /// The interval of 95 % for the share of such networks.
    pub all_claims_hold_interval: Option<[f64; 2]>,
    /// The same by the loss, a decade each, the lowest first; decades without a network are left out.
    pub all_claims_hold_by_loss: Vec<HoldAtLoss>,
    /// Each claim, and where it holds.
    pub claims: Vec<ClaimAcross>,
    /// What courses have in common, where some were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<CourseAcross>,
    /// The names of networks with the same weights, group by group. Each is still counted as one network.
    pub same_weights: Vec<Vec<String>>,
}

/// The mean Jaccard index over all pairs that have one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanOverlap {
    /// Over how many pairs.
    pub pairs: usize,
    /// The mean.
    pub mean: f64,
    /// The mean to expect of sets of the same sizes drawn at random.
    pub expected: f64,
    /// The standard deviation of such a mean. The indices of two random pairs are independent even where
    /// they have a set in common, so the variance of their sum is the sum of their variances.
    pub standard_deviation: f64,
}

/// Two networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The one.
    pub a: String,
    /// The other.
    pub b: String,
    /// How far their key frequencies are the same.
    #[serde(flatten)]
    pub overlap: Overlap,
}

/// How many networks follow an algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AlgorithmAcross {
    /// The algorithm.
    pub algorithm: AlgorithmKind,
    /// How many networks follow it.
    pub runs: usize,
    /// Of how many it was asked which they follow.
    pub of: usize,
    /// The interval of 95 % for the share of such networks.
    pub interval: Option<[f64; 2]>,
}

/// In how many networks of a decade of loss every claim holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HoldAtLoss {
    /// Their loss over all inputs is below 10 to this power, and not below 10 to the power before it.
    pub below: i32,
    /// How many networks.
    pub runs: usize,
    /// In how many of them every claim holds that applies.
    pub all_claims_hold: usize,
    /// The interval of 95 % for the share of such networks.
    pub interval: Option<[f64; 2]>,
}

impl Across {
    /// Figures over networks, each of which has as many frequencies.
    pub(super) fn new(frequencies: usize, runs: &[ComparedRun]) -> Self {
        let is_key = |k: usize| runs.iter().filter(|run| run.key_freqs.contains(&k)).count();
        let numbers: Vec<f64> = runs.iter().map(|run| run.key_freqs.len() as f64).collect();
        let generalised: Vec<f64> = runs.iter().filter_map(|run| Some(run.generalised? as f64)).collect();
        let pairs = pairs(frequencies, runs);
        let of_networks: Vec<_> = runs.iter().map(|run| (run.name.as_str(), &run.claims[..])).collect();
        let all_claims_hold = runs.iter().filter(|run| run.holds_all()).count();
        Self {
            runs: runs.len(),
            frequencies,
            key_freq_counts: (1..=frequencies).map(|k| (k, is_key(k))).collect(),
            expected_key_freq_count: numbers.iter().sum::<f64>() / frequencies as f64,
            key_freqs_per_run: Spread::new(&numbers).expect("at least one network is compared"),
            rules_name_the_same: runs.iter().filter(|run| run.rules_name_the_same).count(),
            jaccard: mean_overlap(&pairs),
            pairs,
            generalised: Spread::new(&generalised),
            algorithms: algorithms(runs),
            all_claims_hold,
            all_claims_hold_interval: interval(all_claims_hold, runs.len()),
            all_claims_hold_by_loss: by_loss(runs),
            claims: claims_across(&of_networks),
            course: CourseAcross::new(runs),
            same_weights: same_weights(runs),
        }
    }

    /// How verdicts depend on the loss, by decade; nothing where all networks hold every claim, or none does.
    #[must_use]
    pub fn verdicts_by_loss(&self) -> &[HoldAtLoss] {
        match (1..self.runs).contains(&self.all_claims_hold) {
            true => &self.all_claims_hold_by_loss,
            false => &[],
        }
    }

    /// The pair whose overlap is the least likely by chance, if any two networks share a frequency that
    /// are not one and the same.
    #[must_use]
    pub fn most_alike(&self) -> Option<&Pair> {
        let is_one = |Pair { a, b, .. }: &Pair| {
            self.same_weights.iter().any(|names| names.contains(a) && names.contains(b))
        };
        let sharing = self.pairs.iter().filter(|pair| pair.overlap.shared > 0 && !is_one(pair));
        sharing.min_by(|a, b| a.overlap.p_value.total_cmp(&b.overlap.p_value))
    }
}

fn algorithms(runs: &[ComparedRun]) -> Vec<AlgorithmAcross> {
    let mut counts: BTreeMap<AlgorithmKind, usize> = BTreeMap::new();
    runs.iter().filter_map(|run| run.algorithm).for_each(|kind| *counts.entry(kind).or_default() += 1);
    let of = counts.values().sum();
    let across = |(algorithm, runs)| AlgorithmAcross { algorithm, runs, of, interval: interval(runs, of) };
    counts.into_iter().map(across).collect()
}

fn pairs(frequencies: usize, runs: &[ComparedRun]) -> Vec<Pair> {
    let pair = |a: &ComparedRun, b: &ComparedRun| Pair {
        a: a.name.clone(),
        b: b.name.clone(),
        overlap: Overlap::new(&a.key_freqs, &b.key_freqs, frequencies),
    };
    let others = |(i, a)| runs[i + 1..].iter().map(move |b| pair(a, b));
    runs.iter().enumerate().flat_map(others).collect()
}

fn mean_overlap(pairs: &[Pair]) -> Option<MeanOverlap> {
    let of = |figure: &dyn Fn(&Overlap) -> Option<f64>| -> Vec<f64> {
        pairs.iter().filter_map(|pair| figure(&pair.overlap)).collect()
    };
    let jaccards = of(&|overlap| overlap.jaccard);
    let count = jaccards.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    (!jaccards.is_empty()).then(|| MeanOverlap {
        pairs: jaccards.len(),
        mean: mean(&jaccards),
        expected: mean(&of(&|overlap| overlap.expected_jaccard)),
        standard_deviation: (mean(&of(&|overlap| overlap.jaccard_variance)) / count).sqrt(),
    })
}

fn by_loss(runs: &[ComparedRun]) -> Vec<HoldAtLoss> {
    let mut decades: BTreeMap<i32, Vec<bool>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.original_loss.is_finite()) {
        decades.entry(decade_above(run.original_loss)).or_default().push(run.holds_all());
    }
    let decade = |(below, verdicts): (i32, Vec<bool>)| {
        let (runs, hold) = (verdicts.len(), verdicts.iter().filter(|holds| **holds).count());
        HoldAtLoss { below, runs, all_claims_hold: hold, interval: interval(hold, runs) }
    };
    decades.into_iter().map(decade).collect()
}

/// The least power of ten that a loss is below.
fn decade_above(loss: f64) -> i32 {
    // A loss of 0 has no logarithm.
    loss.max(f64::MIN_POSITIVE).log10().floor() as i32 + 1
}

/// Two networks whose figures are the same to the last bit have the same weights; their files can differ in
/// what they say of them.
fn same_weights(runs: &[ComparedRun]) -> Vec<Vec<String>> {
    let mut by_figures: BTreeMap<Vec<u64>, Vec<String>> = BTreeMap::new();
    for run in runs {
        let figures = run.embedding_norm_by_freq.iter().chain([&run.original_loss]);
        by_figures
            .entry(figures.map(|figure| figure.to_bits()).collect())
            .or_default()
            .push(run.name.clone());
    }
    by_figures.into_values().filter(|names| names.len() > 1).collect()
}
