use std::{collections::BTreeMap, num::NonZeroUsize};

use burn::train::Interrupter;

use super::{PlannedRun, Sweep, SweepObserver, SweepPlan, SweepState, process};
use crate::{Ending, Error, Result, Run, Summary, TrainingDevice, train_together};

/// A sweep that trains its runs in this process, many as one network.
pub(super) struct InProcess<'a> {
    pub sweep: &'a Sweep,
    pub plan: &'a SweepPlan,
    pub at_a_time: NonZeroUsize,
    pub on: &'a TrainingDevice,
    pub threads: usize,
    pub observer: &'a dyn SweepObserver,
    pub interrupter: &'a Interrupter,
}

impl InProcess<'_> {
    /// Trains what is not finished.
    pub fn train(&self) -> Result<()> {
        let path = |i: usize| self.sweep.path.join(&self.plan.runs[i].name);
        let unfinished = self.sweep.unfinished().into_iter();
        let (elsewhere, here): (Vec<_>, Vec<_>) = unfinished.partition(|&i| process::is_trained(&path(i)));
        self.train_alike(&here)?;
        // What others train meanwhile is waited for last; where it is finished by then, it is found so.
        for &i in &elsewhere {
            let run = self.sweep.change(i, SweepState::Running, None)?;
            self.observer.is_trained_elsewhere(&run);
            let evaluated = |evaluations: &[_]| self.observer.evaluated(&run, evaluations);
            process::wait_until_let_go(&path(i), self.interrupter, &evaluated);
        }
        self.train_alike(&elsewhere)
    }

    /// Trains these runs, those of equal settings together.
    fn train_alike(&self, runs: &[usize]) -> Result<()> {
        let mut by_settings: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
        for (i, run) in self.plan.runs.iter().enumerate() {
            by_settings.entry(&run.settings).or_default().push(i);
        }
        // A run has the same company whatever is finished by now, or it would be rounded otherwise.
        let mut together = by_settings.values().flat_map(|alike| alike.chunks(self.at_a_time.get()));
        together.try_for_each(|together| {
            let some: Vec<usize> = together.iter().copied().filter(|i| runs.contains(i)).collect();
            self.train_some(&some)
        })
    }

    /// Trains runs of equal settings, those that are equally far together.
    fn train_some(&self, runs: &[usize]) -> Result<()> {
        let mut by_step: BTreeMap<u64, Vec<(usize, Run)>> = BTreeMap::new();
        for &i in runs {
            if self.interrupter.should_stop() {
                return Ok(());
            }
            let PlannedRun { name, config, .. } = &self.plan.runs[i];
            // Only those that are about to be trained are opened: an open run is locked.
            match Run::create_or_resume(&self.sweep.path, name, config) {
                Ok(run) => by_step.entry(run.step()).or_default().push((i, run)),
                Err(error) => self.settle(i, Err(error))?,
            }
        }
        by_step.into_values().try_for_each(|together| self.train_together(together))
    }

    fn train_together(&self, together: Vec<(usize, Run)>) -> Result<()> {
        let (places, runs): (Vec<usize>, Vec<Run>) = together.into_iter().unzip();
        let start = |&i: &usize| self.sweep.change(i, SweepState::Running, None);
        let entries = places.iter().map(start).collect::<Result<Vec<_>>>()?;
        entries.iter().for_each(|run| self.observer.starts(run));
        let evaluated = |i: usize, evaluations: &[_]| self.observer.evaluated(&entries[i], evaluations);
        let summaries = train_together(runs, self.on, self.threads, self.interrupter, &evaluated)?;
        places.into_iter().zip(summaries).try_for_each(|(i, summary)| self.settle(i, summary))
    }

    /// Notes what became of a run.
    fn settle(&self, i: usize, summary: Result<Summary>) -> Result<()> {
        let (state, reason) = match summary {
            Ok(Summary { ending: Ending::Interrupted(_), .. }) => (SweepState::Waiting, None),
            Ok(_) | Err(Error::Finished { .. }) => (SweepState::Finished, None),
            Err(error) => (SweepState::Failed, Some(error.in_words())),
        };
        self.observer.ended(&self.sweep.change(i, state, reason)?);
        Ok(())
    }
}
