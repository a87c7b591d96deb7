//! What many networks have in common, and what differs.

mod across;
mod compared_run;
mod overlap;
mod spread;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    across::{Across, ClaimAcross, MeanOverlap, Pair},
    compared_run::{ComparedRun, HarmfulAblation, few_in_words},
    overlap::Overlap,
    spread::Spread,
};
use crate::{Error, Findings, Result};

/// Networks of one modulus side by side, and figures over all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The modulus of all.
    pub p: usize,
    /// One network each, in the order given.
    pub runs: Vec<ComparedRun>,
    /// Figures over all of them.
    pub across: Across,
}

/// A network that is to be compared.
#[derive(Debug, Clone)]
pub struct RunFindings {
    /// What to call it; no two alike.
    pub name: String,
    /// Where it is kept.
    pub path: String,
    /// Whether its training is finished, where that is known.
    pub state: Option<String>,
    /// The step at which its test accuracy passed 99 %, if it did and it is known.
    pub generalised: Option<u64>,
    /// What was found in it.
    pub findings: Findings,
}

impl Comparison {
    /// Compares networks, in the order given.
    ///
    /// # Errors
    ///
    /// [`Error::NothingToCompare`] where there is none, [`Error::Moduli`] where their moduli differ, and
    /// with them the frequencies that there are; [`Error::Broken`] for a frequency that there is not.
    pub fn new(of: &[RunFindings]) -> Result<Self> {
        let p = common_modulus(of.iter().map(|run| run.findings.summary.p))?;
        let differing = differing_settings(of.iter().map(|run| &run.findings.provenance.config));
        let runs: Vec<ComparedRun> = of.iter().map(|run| ComparedRun::new(run, &differing)).collect();
        for run in &runs {
            if let Some(k) = run.all_key_freqs().find(|&k| k == 0 || k > p / 2) {
                let problem = format!("{k} is no frequency modulo {p}");
                return Err(Error::Broken { path: run.path.clone().into(), problem });
            }
        }
        let claims: Vec<_> = of.iter().map(|run| (run.name.as_str(), &run.findings.claims[..])).collect();
        Ok(Self { p, across: Across::new(p / 2, &runs, &claims), runs })
    }

    /// The settings in which the runs differ, beside the seed.
    #[must_use]
    pub fn differing_settings(&self) -> Vec<String> {
        let all: BTreeSet<&String> = self.runs.iter().flat_map(|run| run.settings.keys()).collect();
        all.into_iter().cloned().collect()
    }
}

/// The one modulus of networks that are to be compared.
///
/// # Errors
///
/// [`Error::NothingToCompare`] where there is none, [`Error::Moduli`] where there are several.
pub fn common_modulus(moduli: impl Iterator<Item = usize>) -> Result<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    moduli.for_each(|modulus| *counts.entry(modulus).or_default() += 1);
    let mut moduli = counts.keys();
    match (moduli.next(), moduli.next()) {
        (None, _) => Err(Error::NothingToCompare),
        (Some(&modulus), None) => Ok(modulus),
        (Some(_), Some(_)) => Err(Error::Moduli(counts.into_iter().collect())),
    }
}

/// The settings, as `section.key`, that are not the same in all configurations. Networks without one, for
/// nobody knows how they were trained, do not count, and neither does the seed.
fn differing_settings<'a>(configs: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let mut values: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    let mut count = 0;
    for config in configs.filter_map(Value::as_object) {
        count += 1;
        for (section, keys) in config {
            for (key, value) in keys.as_object().into_iter().flatten() {
                values.entry(format!("{section}.{key}")).or_default().push(value);
            }
        }
    }
    // A version of another time may have had other settings.
    let differ = |values: &[&Value]| values.len() < count || values.iter().any(|value| value != &values[0]);
    values.retain(|key, values| key != "training.seed" && differ(values));
    values.into_keys().collect()
}
