//! The one training loop, whatever computes the gradient and however many networks there are.

use std::{
    thread,
    time::{Duration, Instant},
};

use burn::train::Interrupter;
use rayon::prelude::*;

use crate::{
    Config, Ending, Error, Looker, Result, StopWhen,
    checkpoint_writer::{CheckpointWriter, Job},
    member::Member,
    schedule::Schedule,
    trainee::Trainee,
};

/// How often observers hear of the steps between evaluations.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Runs that differ in nothing but the seed and are at the same step, while they are trained.
pub(crate) struct Group {
    /// The settings that they have in common.
    pub config: Config,
    pub members: Vec<Member>,
    pub interrupter: Interrupter,
    /// Looks at their checkpoints.
    pub looker: Looker,
    /// When the first of them was opened.
    pub began: Instant,
}

impl Group {
    /// Trains until a run ends. The others are then at the same step, and can be trained on without it.
    ///
    /// # Errors
    ///
    /// An error of the device, which concerns all runs.
    pub fn train(&mut self, trainee: &mut dyn Trainee) -> Result<()> {
        thread::scope(|scope| {
            let writer = CheckpointWriter::start(scope);
            let trained = self.train_and_keep(trainee, &writer);
            // A member is not done before its files are.
            self.fail(writer.finish());
            trained
        })
    }

    fn train_and_keep(&mut self, trainee: &mut dyn Trainee, writer: &CheckpointWriter) -> Result<()> {
        let schedule = Schedule::new(&self.config);
        let max_steps = self.config.training.max_steps;
        let mut step = self.members[0].run.step;
        let mut told = Instant::now();
        if step == 0 {
            self.evaluate(trainee, step, |_| true)?;
            self.keep(trainee, writer, step, |_| true)?;
        }
        // A run that was killed after its last step has nothing left to do.
        self.members.iter_mut().for_each(|member| member.settle(step));
        self.end_those_at(step, max_steps);
        while self.members.iter().all(|member| member.ending.is_none()) {
            if self.interrupter.should_stop() {
                self.keep(trainee, writer, step, |member| member.kept != step)?;
                let reason = self.interrupter.get_message().unwrap_or_else(|| "an error".to_owned());
                self.end(|_| Some(Ok(Ending::Interrupted(reason.clone()))));
                break;
            }
            if let Some(losses) = trainee.step() {
                self.refuse_infinite(&losses, step);
            }
            step += 1;
            // A look that ends a run at this step makes it the last, which is evaluated and kept.
            self.members.iter_mut().for_each(|member| member.settle(step));
            let is_evaluation = schedule.is_evaluation(step);
            let evaluated = self.evaluate(trainee, step, |of| is_evaluation || of.last_step() == step)?;
            if evaluated || told.elapsed() >= PROGRESS_EVERY {
                told = Instant::now();
                self.members.iter_mut().for_each(|member| member.observer.stepped(step));
            }
            let is_checkpoint = schedule.is_checkpoint(step);
            self.keep(trainee, writer, step, |of| is_checkpoint || of.last_step() == step)?;
            self.fail(writer.failures());
            self.end_those_at(step, max_steps);
            if is_checkpoint {
                self.members.iter_mut().for_each(|member| member.look(&self.looker));
            }
        }
        self.hold(trainee, step)
    }

    /// Ends the runs whose last step this is.
    fn end_those_at(&mut self, step: u64, max_steps: u64) {
        let ending = match self.config.stop_when() {
            _ if step >= max_steps => Ending::MaxSteps,
            StopWhen::Steps => Ending::EarlyStop,
            StopWhen::Clean => Ending::Clean,
        };
        self.end(|member| (member.last_step() <= step).then(|| Ok(ending.clone())));
    }

    /// Ends the runs to which `ending` gives an ending, of those that have none.
    pub fn end(&mut self, ending: impl Fn(&Member) -> Option<Result<Ending>>) {
        for member in self.members.iter_mut().filter(|member| member.ending.is_none()) {
            member.ending = ending(member);
        }
    }

    /// Ends the runs whose checkpoints could not be written, even those that took their last step. The first
    /// error of a run is the one to tell.
    fn fail(&mut self, failures: Vec<(usize, Error)>) {
        for (i, error) in failures {
            let ending = &mut self.members[i].ending;
            if !matches!(ending, Some(Err(_))) {
                *ending = Some(Err(error));
            }
        }
    }

    /// Ends the runs whose loss before a step was no number.
    fn refuse_infinite(&mut self, losses: &[f64], step: u64) {
        for (member, _) in self.members.iter_mut().zip(losses).filter(|(_, loss)| !loss.is_finite()) {
            member.ending = Some(Err(Error::LossNotFinite { step, last_good: member.kept }));
        }
    }

    /// The places of the runs that have not ended and for which `is_due`.
    fn due(&self, is_due: impl Fn(&Member) -> bool) -> Vec<usize> {
        let is_due = |&i: &usize| self.members[i].ending.is_none() && is_due(&self.members[i]);
        (0..self.members.len()).filter(is_due).collect()
    }

    /// Evaluates the runs for which `is_due`. Returns whether there were any.
    fn evaluate(
        &mut self,
        trainee: &mut dyn Trainee,
        step: u64,
        is_due: impl Fn(&Member) -> bool,
    ) -> Result<bool> {
        let due = self.due(is_due);
        if due.is_empty() {
            return Ok(false);
        }
        let (scores, weights) = (trainee.scores()?, trainee.weights()?);
        let elapsed_s = self.began.elapsed().as_secs_f64();
        // Several at a time, for each waits for the disk.
        let members = self.members.par_iter_mut().enumerate().filter(|(i, _)| due.contains(i));
        let evaluated = members.map(|(i, member)| {
            let evaluation = member.evaluate(step, scores[i], &weights[i], elapsed_s);
            (member, evaluation)
        });
        for (member, evaluation) in evaluated.collect::<Vec<_>>() {
            evaluation.iter().for_each(|evaluation| member.observer.evaluated(evaluation));
        }
        Ok(true)
    }

    /// Queues a checkpoint of every run for which `is_due`.
    fn keep(
        &mut self,
        trainee: &mut dyn Trainee,
        writer: &CheckpointWriter,
        step: u64,
        is_due: impl Fn(&Member) -> bool,
    ) -> Result<()> {
        let due = self.due(is_due);
        if due.is_empty() {
            return Ok(());
        }
        self.hold(trainee, step)?;
        let mut jobs = Vec::new();
        for i in due {
            let member = &mut self.members[i];
            match member.snapshot() {
                Ok(snapshot) => {
                    let (files, config) = (member.run.files().checkpoints(), member.run.config.clone());
                    jobs.push(Job { run: i, files, config, snapshot });
                    member.kept = step;
                }
                Err(error) => member.ending = Some(Err(error)),
            }
        }
        writer.write(jobs);
        Ok(())
    }

    /// Copies the trainee's weights and optimiser states into the runs that have not ended.
    fn hold(&mut self, trainee: &mut dyn Trainee, step: u64) -> Result<()> {
        if self.members.iter().all(|member| member.ending.is_some()) {
            return Ok(());
        }
        let weights = trainee.weights()?;
        // There is none before the first step.
        let states = if step == 0 { Vec::new() } else { trainee.optimizer_states(step)? };
        let mut states = states.into_iter().map(Some);
        for (member, weights) in self.members.iter_mut().zip(weights) {
            let state = states.next().flatten();
            if member.ending.is_none() {
                (member.run.step, member.run.weights, member.run.optimizer) = (step, weights, state);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clockwork_model::{Weights, initial_weights};

    use super::*;
    use crate::{Locking, Run, TrainingDevice, scores::Scores};

    /// Networks that never change; the loss of the second stops being a number at a step.
    struct Scripted {
        weights: Vec<Weights>,
        step: u64,
        /// The step before which the second network's loss is no number.
        broken_at: u64,
    }

    impl Trainee for Scripted {
        fn step(&mut self) -> Option<Vec<f64>> {
            let second = if self.step == self.broken_at { f64::NAN } else { 1.0 };
            self.step += 1;
            Some([1.0, second][..self.weights.len()].to_vec())
        }

        fn scores(&mut self) -> Result<Vec<[Scores; 2]>> {
            Ok(vec![[Scores { loss: 1.0, accuracy: 0.5 }; 2]; self.weights.len()])
        }

        fn weights(&mut self) -> Result<Vec<Weights>> {
            Ok(self.weights.clone())
        }

        fn optimizer_states(&mut self, _step: u64) -> Result<Vec<Vec<u8>>> {
            let nothing: Vec<(&str, safetensors::tensor::TensorView)> = Vec::new();
            let state = safetensors::serialize(nothing, None).map_err(|e| Error::Training(e.to_string()))?;
            Ok(vec![state; self.weights.len()])
        }
    }

    fn group(runs_dir: &Path, seeds: &[u64], settings: &[&str]) -> (Group, Scripted) {
        let common = ["task.modulus=5", "model.d_model=8", "model.d_mlp=4", "training.checkpoint_every=4"];
        let settings: Vec<String> = common.iter().chain(settings).map(ToString::to_string).collect();
        let config = Config::load(None, &settings).unwrap();
        let looker = Looker::never();
        let member = |(place, seed): (usize, &u64)| {
            let mut config = config.clone();
            config.training.seed = *seed;
            let run = Run::create(runs_dir, &seed.to_string(), config, Locking::Needed).unwrap();
            Member::new(place, run, Box::new(()), &TrainingDevice::cpu(), 1, &looker).unwrap()
        };
        let members = seeds.iter().enumerate().map(member).collect();
        let weights = seeds.iter().map(|&seed| initial_weights(&config.model(), seed)).collect();
        let trainee = Scripted { weights, step: 0, broken_at: u64::MAX };
        let (interrupter, began) = (Interrupter::new(), Instant::now());
        (Group { config, members, interrupter, looker, began }, trainee)
    }

    #[test]
    fn a_loss_that_is_no_number_ends_its_run_and_leaves_the_others_at_their_step() {
        let runs_dir = tempfile::tempdir().unwrap();
        let (mut group, mut trainee) = group(runs_dir.path(), &[0, 1], &["training.max_steps=10"]);
        trainee.broken_at = 6;
        group.train(&mut trainee).unwrap();
        let ended: Vec<bool> = group.members.iter().map(Member::has_ended).collect();
        assert_eq!((ended, group.members[0].run.step), (vec![false, true], 7));
        let broken = group.members.pop().unwrap().conclude();
        let last_good = 4;
        assert!(matches!(broken, Err(Error::LossNotFinite { step: 6, last_good: l }) if l == last_good));
        group.train(&mut trainee).unwrap();
        let outcome = group.members.pop().unwrap().conclude().unwrap();
        assert_eq!((outcome.step, outcome.ending), (10, Ending::MaxSteps));
    }

    #[test]
    fn an_interrupted_run_keeps_the_step_that_it_is_at() {
        let runs_dir = tempfile::tempdir().unwrap();
        let (mut group, mut trainee) = group(runs_dir.path(), &[0], &["training.max_steps=10"]);
        group.interrupter.stop(Some("enough"));
        group.train(&mut trainee).unwrap();
        let files = group.members[0].run.files().clone();
        let outcome = group.members.pop().unwrap().conclude().unwrap();
        assert_eq!((outcome.step, outcome.ending), (0, Ending::Interrupted("enough".to_owned())));
        assert_eq!(files.checkpoints().steps().unwrap(), [0]);
        assert_eq!(trainee.step, 0);
    }

    #[test]
    fn a_run_that_may_stop_early_without_cleanup_ends_at_the_third_low_evaluation() {
        let runs_dir = tempfile::tempdir().unwrap();
        let settings = [
            "training.max_steps=100",
            "training.eval_every=5",
            "training.stop_below_test_loss=2",
            "training.stop_when=steps",
            "training.cleanup_steps=0",
        ];
        let (mut group, mut trainee) = group(runs_dir.path(), &[0], &settings);
        group.train(&mut trainee).unwrap();
        let outcome = group.members.pop().unwrap().conclude().unwrap();
        assert_eq!(outcome.ending, Ending::EarlyStop);
        assert_eq!(outcome.step, outcome.evaluations[2].step);
    }

    #[cfg(unix)]
    #[test]
    fn the_first_failure_to_write_is_the_one_to_tell() {
        let runs_dir = tempfile::tempdir().unwrap();
        let (mut group, mut trainee) = group(runs_dir.path(), &[0], &["training.max_steps=20"]);
        let files = group.members[0].run.files().clone();
        // Where a checkpoint's file should be, a directory that is not empty is.
        for step in [1, 2, 4] {
            std::fs::create_dir_all(files.checkpoints().weights(step).join("in the way")).unwrap();
        }
        group.train(&mut trainee).unwrap();
        let error = group.members.pop().unwrap().conclude().unwrap_err().chain();
        assert!(error.contains("step-0000001.safetensors"), "{error}");
    }
}
