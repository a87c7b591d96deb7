use std::time::Instant;

use burn::train::Interrupter;

use crate::{
    Config, Error, Looker, Outcome, Result, Run, RunObserver, TrainingDevice, launch::launch, member::Member,
    training_loop::Group,
};

impl Run {
    /// Trains to the end, or until `interrupter` is told to stop. `looker` tells whether the circuit is clean, where
    /// that ends the run.
    ///
    /// # Errors
    ///
    /// [`Error::LossNotFinite`] where the loss stops being a number; [`Error::NoDevice`] where burn could not
    /// load an optimiser's state for what `BURN_DEVICE` says; [`Error::Look`] where a checkpoint cannot be looked at;
    /// [`Error::Io`] where a file cannot be written; [`Error::Device`] and [`Error::Training`] where burn fails. The run is
    /// then marked stopped and its checkpoints are whole.
    pub fn train(
        self,
        on: &TrainingDevice,
        threads: usize,
        observer: Box<dyn RunObserver>,
        looker: &Looker,
        interrupter: &Interrupter,
    ) -> Result<Outcome> {
        let outcomes = train_together(vec![(self, observer)], on, threads, looker, interrupter)?;
        outcomes.into_iter().next().expect("one run has one outcome")
    }
}

/// Trains runs that differ in nothing but the seed together, as one network with a leading axis for the
/// runs: one of this size leaves a GPU idle. Each has its own directory, split, initial weights, early stop
/// and observer, and becomes what it would have become alone, but for how a device rounds when it has more
/// to do.
///
/// # Errors
///
/// [`Error::Together`] where there is no run, or the runs differ in more than the seed or are not at the same
/// step; [`Error::NoDevice`] where burn could not load an optimiser's state for what `BURN_DEVICE` says;
/// [`Error::Io`] where a `run.json` cannot be written. The result has one element per run, in order; an
/// error of one run is its element and does not stop the others.
pub fn train_together(
    runs: Vec<(Run, Box<dyn RunObserver>)>,
    on: &TrainingDevice,
    threads: usize,
    looker: &Looker,
    interrupter: &Interrupter,
) -> Result<Vec<Result<Outcome>>> {
    let config = common(&runs)?;
    TrainingDevice::check_environment()?;
    let began = Instant::now();
    let member = |(place, (run, observer))| Member::new(place, run, observer, on, threads, looker);
    let mut members = runs.into_iter().enumerate().map(member).collect::<Result<Vec<_>>>()?;
    let mut outcomes: Vec<(usize, Result<Outcome>)> = Vec::new();
    while !members.is_empty() {
        let (config, interrupter, looker) = (config.clone(), interrupter.clone(), looker.clone());
        let mut group = Some(Group { config, members, interrupter, looker, began });
        let launched = launch(&mut group, on);
        let mut group = group.ok_or_else(|| Error::Training("burn kept the runs".to_owned()))?;
        if let Err(error) = launched {
            group.end(|_| Some(Err(error.for_another())));
        }
        let (ended, others): (Vec<_>, Vec<_>) = group.members.into_iter().partition(Member::has_ended);
        outcomes.extend(ended.into_iter().map(|member| (member.place, member.conclude())));
        members = others;
    }
    outcomes.sort_by_key(|(place, _)| *place);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// The settings that runs at the same step have in common.
fn common(runs: &[(Run, Box<dyn RunObserver>)]) -> Result<Config> {
    let (first, _) = runs.first().ok_or(Error::Together("there is none"))?;
    let config = first.config.without_seed();
    if runs.iter().any(|(run, _)| run.config.without_seed() != config) {
        return Err(Error::Together("they differ in more than the seed"));
    }
    if runs.iter().any(|(run, _)| run.step != first.step) {
        return Err(Error::Together("they are not at the same step"));
    }
    if runs.iter().any(|(run, _)| run.moments_age() != first.moments_age()) {
        return Err(Error::Together("their optimiser's moments have not seen equally many steps"));
    }
    Ok(config)
}
