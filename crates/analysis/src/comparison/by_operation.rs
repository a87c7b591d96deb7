use std::collections::BTreeMap;

use clockwork_model::{CoordinatesOf, Task};
use serde::{Deserialize, Serialize};

use super::{ComparedRun, Comparison, Spread, interval::interval};
use crate::{Basis, Error, Result, common_task};

/// Networks of several operations modulo one number side by side: what groks, when, and by which frequencies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ByOperation {
    /// The modulus of all.
    pub p: usize,
    /// A row per operation, in the order in which they were given.
    pub operations: Vec<OperationAcross>,
}

/// Figures over the networks of one operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationAcross {
    /// The operation, as the configuration writes it.
    pub operation: String,
    /// Its name as part of a file's.
    pub file_name: String,
    /// What has coordinates in which it is addition.
    pub coordinates: CoordinatesOf,
    /// How many networks.
    pub runs: usize,
    /// How many of them generalised: their test accuracy passed 99 % or, where training is not known, they answer so many of all
    /// inputs right.
    pub generalised: usize,
    /// The interval of 95 % for the share of such networks.
    pub generalised_interval: Option<[f64; 2]>,
    /// The steps at which test accuracy passed 99 %, over those that did.
    pub steps: Option<Spread>,
    /// The steps that the networks are of.
    pub trained: Spread,
    /// Fraction of all inputs that are answered right.
    pub accuracy: Spread,
    /// How many frequencies there are in the operation's own coordinates.
    pub frequencies: usize,
    /// In how many networks a frequency is key, by the neurons' rule; those that are key in none are left out.
    pub key_freqs: BTreeMap<usize, usize>,
    /// The number of key frequencies.
    pub key_freqs_per_run: Spread,
    /// The mean over networks of the Gini coefficient of the embedding in each basis that the modulus offers.
    pub gini_by_basis: BTreeMap<Basis, f64>,
    /// In how many networks every claim holds that applies.
    pub all_claims_hold: usize,
    /// How many claims apply, in the network to which most do.
    pub claims_that_apply: usize,
}

/// The least accuracy of a network that generalised, where its training is not known.
const GENERALISED: f64 = 0.99;

/// Networks grouped by their operation, in the order in which each comes first.
#[must_use]
pub fn grouped_by_operation<T>(of: Vec<T>, task: impl Fn(&T) -> Task) -> Vec<(Task, Vec<T>)> {
    let mut groups: Vec<(Task, Vec<T>)> = Vec::new();
    for one in of {
        let task = task(&one);
        match groups.iter_mut().find(|(other, _)| other.operation_name() == task.operation_name()) {
            Some((_, group)) => group.push(one),
            None => groups.push((task, vec![one])),
        }
    }
    groups
}

impl ByOperation {
    /// The name of its file, beside its report.
    pub const FILE: &str = "operations.json";

    /// Puts comparisons of the networks of one operation each beside each other.
    ///
    /// # Errors
    ///
    /// [`Error::NothingToCompare`] where there is none, [`Error::Moduli`] where they are not of one modulus.
    pub fn new<'a>(of: impl Iterator<Item = &'a Comparison> + Clone) -> Result<Self> {
        let p = common_task(of.clone().map(|of| Task::addition(of.p)))?.modulus;
        let operations = of.map(|of| OperationAcross::new(of).ok_or(Error::NothingToCompare));
        Ok(Self { p, operations: operations.collect::<Result<_>>()? })
    }
}

impl OperationAcross {
    fn new(of: &Comparison) -> Option<Self> {
        let Comparison { task, runs, across, .. } = of;
        let spread = |values: &mut dyn Iterator<Item = f64>| Spread::new(&values.collect::<Vec<f64>>());
        let generalised = runs.iter().filter(|run| match run.seed {
            Some(_) => run.generalised.is_some(),
            None => run.accuracy >= GENERALISED,
        });
        let generalised = generalised.count();
        let bases = runs.iter().flat_map(|run| run.gini_by_basis.keys());
        let mean = |basis: &Basis| {
            let all = runs.iter().filter_map(|run| run.gini_by_basis.get(basis));
            (*basis, all.clone().sum::<f64>() / all.count() as f64)
        };
        Some(Self {
            operation: task.operation_name(),
            file_name: task.operation_file_name(),
            coordinates: task.coordinates().of,
            runs: runs.len(),
            generalised,
            generalised_interval: interval(generalised, runs.len()),
            steps: across.generalised,
            trained: spread(&mut runs.iter().map(|run| run.step as f64))?,
            accuracy: spread(&mut runs.iter().map(|run| run.accuracy))?,
            frequencies: across.frequencies,
            key_freqs: across
                .key_freq_counts
                .iter()
                .filter(|(_, n)| **n > 0)
                .map(|(&k, &n)| (k, n))
                .collect(),
            key_freqs_per_run: across.key_freqs_per_run,
            gini_by_basis: bases.map(mean).collect(),
            all_claims_hold: across.all_claims_hold,
            claims_that_apply: runs.iter().map(ComparedRun::claims_that_apply).max()?,
        })
    }
}
