//! Many runs as one network.

mod member;

use std::time::Instant;

use burn::{
    lr_scheduler::module_lr_scheduler::ModuleLrScheduler,
    module::Module,
    optim::{GradientsParams, ModuleOptimizer},
    train::Interrupter,
};
use clockwork_model::{Batch, Replicas, Weights, loss, sum_squared_weights};
use rayon::prelude::*;

use self::member::Member;
use crate::{
    Config, Ending, Error, Evaluation, Result, Run, Schedule, Summary, TrainingDevice,
    learner::{optimizer, warm_up},
    optimizer_state,
};

/// Trains runs that differ in nothing but the seed together, as one network with a leading axis for the
/// runs: one of this size leaves a GPU idle. Each has its own directory, split, initial weights and
/// early stop, and becomes what it would have become alone, but for how a device rounds when it has more
/// to do. `evaluated` hears of a run, by its place, whenever it was evaluated.
///
/// # Errors
///
/// [`Error::Together`] where the runs differ in more than the seed, or are not at the same step. What
/// stops one run is told in its place of the result, and does not stop the others.
pub fn train_together(
    runs: Vec<Run>,
    on: &TrainingDevice,
    threads: usize,
    interrupter: &Interrupter,
    evaluated: &dyn Fn(usize, &[Evaluation]),
) -> Result<Vec<Result<Summary>>> {
    let config = common(&runs)?;
    let member = |(place, run)| Member::new(place, run, on, threads);
    let mut trained = runs.into_iter().enumerate().map(member).collect::<Result<Vec<_>>>()?;
    let mut ended = Vec::new();
    let began = Instant::now();
    while !trained.is_empty() {
        let mut together = Together { config: &config, members: trained, began, evaluated };
        if let Err(error) = together.train(on, interrupter) {
            // What the device refuses, it refuses to all.
            let again = || match &error {
                Error::Device(words) => Error::Device(words.clone()),
                other => Error::Training(other.in_words()),
            };
            together.end(&|_| Some(Err(again())));
        }
        let (done, left): (Vec<_>, Vec<_>) = together.members.into_iter().partition(Member::has_ended);
        ended.extend(done);
        trained = left;
    }
    ended.sort_by_key(|member| member.place);
    Ok(ended.into_iter().map(Member::conclude).collect())
}

/// The settings that runs at the same step have in common.
fn common(runs: &[Run]) -> Result<Config> {
    let first = runs.first().ok_or(Error::Together("there is none"))?;
    let without_seed = |run: &Run| {
        let mut config = run.config.clone();
        config.training.seed = 0;
        config
    };
    let config = without_seed(first);
    if runs.iter().any(|run| without_seed(run) != config) {
        return Err(Error::Together("they differ in more than the seed"));
    }
    if runs.iter().any(|run| run.step != first.step) {
        return Err(Error::Together("they are not at the same step"));
    }
    Ok(config)
}

/// Runs at the same step.
struct Together<'a> {
    config: &'a Config,
    members: Vec<Member>,
    began: Instant,
    evaluated: &'a dyn Fn(usize, &[Evaluation]),
}

/// What they are trained with, on a device.
struct OnDevice {
    network: Replicas,
    optimizer: ModuleOptimizer,
    learning_rate: ModuleLrScheduler,
    /// All runs' training pairs, to differentiate on.
    train: Batch,
    /// The same, to evaluate on.
    of_train: Batch,
    of_test: Batch,
}

impl OnDevice {
    /// The runs at the step that they are at.
    fn new(members: &[Member], config: &Config, on: &TrainingDevice) -> Result<Self> {
        let (model, step) = (config.model(), members[0].run.step);
        let mut learning_rate = warm_up(&config.optimizer);
        (0..step).for_each(|_| {
            learning_rate.step();
        });
        let mut optimizer = optimizer(&config.optimizer, on);
        let states = members.iter().map(|member| member.run.optimizer.as_deref());
        if let Some(states) = states.collect::<Option<Vec<_>>>() {
            let record = optimizer_state::from_bytes_of_replicas(&states, &model, step);
            optimizer = optimizer.load_record(record.map_err(Error::Training)?);
        }
        let weights: Vec<&Weights> = members.iter().map(|member| &member.run.weights).collect();
        let splits = members.iter().map(|member| member.run.config.split()).collect::<Result<Vec<_>>>()?;
        let train: Vec<&[usize]> = splits.iter().map(|split| &split.train[..]).collect();
        let test: Vec<&[usize]> = splits.iter().map(|split| &split.test[..]).collect();
        let autodiff = on.device().clone().autodiff();
        Ok(Self {
            network: Replicas::from_weights(&weights, &model, &autodiff),
            optimizer,
            learning_rate,
            train: on.batch(model.modulus, &train, &autodiff),
            of_train: on.batch(model.modulus, &train, on.device()),
            of_test: on.batch(model.modulus, &test, on.device()),
        })
    }

    fn step(&mut self) {
        let logits = self.network.last_position(&self.train).logits;
        // The sum of the runs' mean losses has each one's own gradient.
        let pairs = self.train.len() / self.network.len();
        let loss = loss::per_example(logits, &self.train).sum() / pairs as f64;
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        self.network = self.optimizer.step(self.learning_rate.step(), self.network.clone(), gradients);
    }
}

impl Together<'_> {
    /// Trains until a run ends. The others are then at the same step, and can be trained on without it, as they
    /// would be had they been stopped there.
    fn train(&mut self, on: &TrainingDevice, interrupter: &Interrupter) -> Result<()> {
        let schedule = Schedule::new(self.config);
        let max_steps = self.config.training.max_steps;
        let mut device = OnDevice::new(&self.members, self.config, on)?;
        let mut step = self.members[0].run.step;
        if step == 0 {
            self.evaluate(&device, step, &|_| true)?;
            self.keep(&device, step, &|_| true)?;
        }
        while self.members.iter().all(|member| !member.has_ended()) {
            if interrupter.should_stop() {
                self.keep(&device, step, &|member| member.kept != step)?;
                let reason = interrupter.get_message().unwrap_or_else(|| "an error".to_owned());
                self.end(&|_| Some(Ok(Ending::Interrupted(reason.clone()))));
                return Ok(());
            }
            device.step();
            step += 1;

            let is_evaluation = schedule.is_evaluation(step);
            self.evaluate(&device, step, &|member| is_evaluation || member.last_step() == step)?;
            let is_checkpoint = schedule.is_checkpoint(step);
            self.keep(&device, step, &|member| is_checkpoint || member.last_step() == step)?;
            let ending = if step < max_steps { Ending::EarlyStop } else { Ending::MaxSteps };
            self.end(&|member| (member.last_step() == step).then(|| Ok(ending.clone())));
        }
        self.hold(&device, step)
    }

    /// The members that have not ended and for which something is due.
    fn due(&self, is_due: &dyn Fn(&Member) -> bool) -> Vec<usize> {
        let is_due = |&i: &usize| !self.members[i].has_ended() && is_due(&self.members[i]);
        (0..self.members.len()).filter(is_due).collect()
    }

    /// Ends those for which there is an ending.
    fn end(&mut self, ending: &dyn Fn(&Member) -> Option<Result<Ending>>) {
        for i in self.due(&|_| true) {
            self.members[i].ending = ending(&self.members[i]);
        }
    }

    fn evaluate(&mut self, device: &OnDevice, step: u64, is_due: &dyn Fn(&Member) -> bool) -> Result<()> {
        let due = self.due(is_due);
        if due.is_empty() {
            return Ok(());
        }
        let (network, r) = (device.network.valid(), self.members.len());
        let scores = |batch: &Batch| -> Result<(Vec<f64>, Vec<f64>)> {
            let logits = network.last_position(batch).logits;
            let accuracies = loss::accuracies(logits.clone(), batch, r)?;
            Ok((loss::means(loss::per_example(logits, batch), r)?, accuracies))
        };
        let (train, test) = (scores(&device.of_train)?, scores(&device.of_test)?);
        let weights = network.weights()?;
        let elapsed_s = self.began.elapsed().as_secs_f64();
        // Several at a time, for each waits for the disk.
        let members = self.members.par_iter_mut().enumerate();
        members.filter(|(i, _)| due.contains(i)).for_each(|(i, member)| {
            member.evaluated(Evaluation {
                step,
                train_loss: train.0[i],
                test_loss: test.0[i],
                train_accuracy: train.1[i],
                test_accuracy: test.1[i],
                sum_squared_weights: sum_squared_weights(&weights[i]),
                elapsed_s: member.elapsed_s + elapsed_s,
            });
        });
        for i in due {
            (self.evaluated)(self.members[i].place, &self.members[i].run.evaluations);
        }
        Ok(())
    }

    /// Writes the checkpoints that are due; several at a time too.
    fn keep(&mut self, device: &OnDevice, step: u64, is_due: &dyn Fn(&Member) -> bool) -> Result<()> {
        let due = self.due(is_due);
        if due.is_empty() {
            return Ok(());
        }
        self.hold(device, step)?;
        let members = self.members.par_iter_mut().enumerate();
        members.filter(|(i, _)| due.contains(i)).for_each(|(_, member)| member.keep());
        Ok(())
    }

    /// Takes what the device has come to into the runs.
    fn hold(&mut self, device: &OnDevice, step: u64) -> Result<()> {
        let weights = device.network.weights()?;
        let states = match step {
            0 => vec![None; weights.len()], // There is none before the first step.
            _ => optimizer_state::to_bytes_of_replicas(device.optimizer.to_record(), weights.len())
                .map_err(Error::Training)?
                .into_iter()
                .map(Some)
                .collect(),
        };
        for ((member, weights), state) in self.members.iter_mut().zip(weights).zip(states) {
            (member.run.step, member.run.weights, member.run.optimizer) = (step, weights, state);
        }
        Ok(())
    }
}
