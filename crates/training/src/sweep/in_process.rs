use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc};

use burn::train::Interrupter;

use super::{PlannedRun, Sweep, SweepObserver, SweepRun, SweepState, process};
use crate::{
    Ending, Error, Evaluation, Looker, Outcome, Result, Run, RunObserver, TrainingDevice, train_together,
};

impl Sweep {
    /// Trains the unfinished runs on a device, in this process, at most `at_a_time` together. Runs are
    /// trained together if they differ in nothing but the seed and are at the same step. `threads` is
    /// recorded in each `run.json`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the manifest cannot be written. An error that stops a run, or all runs of a group,
    /// is recorded in the manifest as the reason why they failed, and does not stop the others.
    pub fn train_together(
        &self,
        at_a_time: NonZeroUsize,
        (on, threads): (&TrainingDevice, usize),
        observer: &Arc<dyn SweepObserver>,
        looker: &Looker,
        interrupter: &Interrupter,
    ) -> Result<()> {
        InProcess { sweep: self, at_a_time, on, threads, observer, looker, interrupter }.train()
    }
}

/// A sweep that trains its runs in this process, many as one network.
struct InProcess<'a> {
    sweep: &'a Sweep,
    at_a_time: NonZeroUsize,
    on: &'a TrainingDevice,
    threads: usize,
    observer: &'a Arc<dyn SweepObserver>,
    looker: &'a Looker,
    interrupter: &'a Interrupter,
}

impl InProcess<'_> {
    /// Trains what is not finished.
    fn train(&self) -> Result<()> {
        let path = |i: usize| self.sweep.path.join(&self.sweep.planned[i].name);
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
        for (i, run) in self.sweep.planned.iter().enumerate() {
            by_settings.entry(&run.settings).or_default().push(i);
        }
        // The runs are cut into groups before the finished ones are left out, so that a resumed sweep trains
        // the same runs together: how a device rounds depends on the group.
        let mut together = by_settings.values().flat_map(|alike| alike.chunks(self.at_a_time.get()));
        together.try_for_each(|together| {
            let some: Vec<usize> = together.iter().copied().filter(|i| runs.contains(i)).collect();
            self.train_some(&some)
        })
    }

    /// Trains runs of equal settings, those that are equally far and go equally far together.
    fn train_some(&self, runs: &[usize]) -> Result<()> {
        let mut alike: BTreeMap<(u64, u64, String), Vec<(usize, Run)>> = BTreeMap::new();
        for &i in runs {
            if self.interrupter.should_stop() {
                return Ok(());
            }
            let PlannedRun { name, config, .. } = &self.sweep.planned[i];
            // Only those that are about to be trained are opened: an open run is locked.
            match Run::create_or_resume(&self.sweep.path, name, config, self.sweep.locking) {
                // A run that was trained on by itself is to take more steps than others.
                Ok(run) => {
                    let how = (run.step(), run.moments_age(), run.config.without_seed().to_toml());
                    alike.entry(how).or_default().push((i, run));
                }
                Err(error) => self.settle(i, Err(error))?,
            }
        }
        alike.into_values().try_for_each(|together| self.train_together(together))
    }

    fn train_together(&self, together: Vec<(usize, Run)>) -> Result<()> {
        let mut places = Vec::new();
        let mut runs = Vec::new();
        for (i, run) in together {
            let entry = self.sweep.change(i, SweepState::Running, None)?;
            self.observer.starts(&entry);
            let observer = Arc::clone(self.observer);
            let evaluations = run.evaluations().to_vec();
            let of_run: Box<dyn RunObserver> = Box::new(OfRun { observer, entry, evaluations });
            places.push(i);
            runs.push((run, of_run));
        }
        let outcomes = train_together(runs, self.on, self.threads, self.looker, self.interrupter)?;
        places.into_iter().zip(outcomes).try_for_each(|(i, outcome)| self.settle(i, outcome))
    }

    /// Writes down what became of a run.
    fn settle(&self, i: usize, outcome: Result<Outcome>) -> Result<()> {
        let (state, reason) = match outcome {
            Ok(Outcome { ending: Ending::Interrupted(_), .. }) => (SweepState::Waiting, None),
            Ok(_) | Err(Error::Finished { .. }) => (SweepState::Finished, None),
            Err(error) => (SweepState::Failed, Some(error.chain())),
        };
        self.observer.ended(&self.sweep.change(i, state, reason)?);
        Ok(())
    }
}

/// Passes a run's evaluations on to the sweep's observer.
struct OfRun {
    observer: Arc<dyn SweepObserver>,
    entry: SweepRun,
    evaluations: Vec<Evaluation>,
}

impl RunObserver for OfRun {
    fn evaluated(&mut self, evaluation: &Evaluation) {
        self.evaluations.push(*evaluation);
        self.observer.evaluated(&self.entry, &self.evaluations);
    }
}
