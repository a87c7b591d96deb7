//! What many networks have in common, and what differs.

mod across;
mod by_operation;
mod claim_across;
mod compared_run;
mod course_across;
mod interval;
mod overlap;
mod spread;

use std::collections::{BTreeMap, BTreeSet};

use clockwork_model::Task;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    across::{Across, AlgorithmAcross, HoldAtLoss, MeanOverlap, Pair},
    by_operation::{ByOperation, OperationAcross, grouped_by_operation},
    claim_across::{CheckAcross, ClaimAcross},
    compared_run::{ComparedRun, HarmfulAblation, RunFindings},
    course_across::{CourseAcross, LeadAcross},
    overlap::Overlap,
    spread::Spread,
};
use crate::{Error, Result};

/// Networks of one task side by side, and figures over all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The modulus of all.
    pub p: usize,
    /// What all learned; of random answers, which each seed draws otherwise, the first.
    pub task: Task,
    /// One network each, in the order given.
    pub runs: Vec<ComparedRun>,
    /// Figures over all of them.
    pub across: Across,
}

impl Comparison {
    /// The name of its file, beside its report.
    pub const FILE: &str = "comparison.json";

    /// Compares networks, in the order given.
    ///
    /// # Errors
    ///
    /// [`Error::NothingToCompare`] where there is none, those of [`common_task`] where their tasks differ, and
    /// with them the frequencies; [`Error::Broken`] where a run's findings name an impossible frequency.
    pub fn new(of: &[RunFindings]) -> Result<Self> {
        let task = common_task(of.iter().map(|run| run.findings.provenance.task))?;
        let (p, frequencies) = (task.modulus, task.n_frequencies());
        let differing = differing_settings(of.iter().map(|run| &run.findings.provenance.config));
        let runs: Vec<ComparedRun> = of.iter().map(|run| ComparedRun::new(run, &differing)).collect();
        for run in &runs {
            if let Some(k) = run.all_key_freqs().find(|&k| k == 0 || k > frequencies) {
                let problem = format!("{k} is no frequency modulo {p}");
                return Err(Error::Broken { path: run.path.clone().into(), problem });
            }
        }
        Ok(Self { p, task, across: Across::new(frequencies, &runs), runs })
    }

    /// The settings in which the runs differ, beside the seed.
    #[must_use]
    pub fn differing_settings(&self) -> Vec<String> {
        let all: BTreeSet<&String> = self.runs.iter().flat_map(|run| run.settings.keys()).collect();
        all.into_iter().cloned().collect()
    }
}

/// The one task of networks that are to be compared; of random answers, which each seed draws otherwise, the first.
///
/// # Errors
///
/// [`Error::NothingToCompare`] where there is none; [`Error::Operations`] and [`Error::Moduli`] where there are
/// several.
pub fn common_task(tasks: impl Iterator<Item = Task>) -> Result<Task> {
    let tasks: Vec<Task> = tasks.collect();
    common(tasks.iter().map(Task::operation_name), Error::Operations)?;
    common(tasks.iter().map(|task| task.modulus), Error::Moduli)?;
    // Each seed draws other random answers, but they are of one kind.
    tasks.first().copied().ok_or(Error::NothingToCompare)
}

/// That there is one value alone; `differ` makes the error of several, each with how often it is there.
fn common<T: Ord>(
    values: impl Iterator<Item = T>,
    differ: impl FnOnce(Vec<(T, usize)>) -> Error,
) -> Result<()> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    if counts.len() > 1 { Err(differ(counts.into_iter().collect())) } else { Ok(()) }
}

/// The settings, as `section.key`, that are not the same in all configurations, except the seed. Imported
/// networks have no configuration and are left out.
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
