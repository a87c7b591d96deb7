use clockwork_model::{Checkpoint, Weights, sum_squared_weights};

use crate::{
    EarlyStop, Ending, Error, Evaluation, Looker, Outcome, Result, Run, RunObserver, RunRecord, RunState,
    TrainingDevice, checkpoint_writer::Snapshot, look::Look, scores::Scores,
};

/// A run of a group.
pub(crate) struct Member {
    /// Its place among all runs that were asked for.
    pub place: usize,
    /// The run at the step that was last taken into it, with all its evaluations.
    pub run: Run,
    /// The step of its newest checkpoint.
    pub kept: u64,
    /// How it ended, once it has.
    pub ending: Option<Result<Ending>>,
    /// Seconds of training before.
    elapsed_s: f64,
    record: RunRecord,
    early_stop: EarlyStop,
    /// The looks at its checkpoints that are not settled, in the order of their steps.
    looks: Vec<Look>,
    pub observer: Box<dyn RunObserver>,
}

impl Member {
    /// Prepares a run for training, and marks it as running in its `run.json`.
    pub fn new(
        place: usize,
        run: Run,
        observer: Box<dyn RunObserver>,
        on: &TrainingDevice,
        threads: usize,
        looker: &Looker,
    ) -> Result<Self> {
        let early_stop = EarlyStop::after(&run.config, &run.evaluations);
        let elapsed_s = run.evaluations.last().map_or(0.0, |of| of.elapsed_s);
        let record = run.begin(on, threads)?;
        let (kept, ending, looks) = (run.step, None, Vec::new());
        let mut member = Self { place, run, kept, ending, elapsed_s, record, early_stop, looks, observer };
        if let Err(error) = member.look_again(looker) {
            member.ending = Some(Err(error));
        }
        Ok(member)
    }

    /// Asks for the looks again that were not settled when the run was stopped.
    fn look_again(&mut self, looker: &Looker) -> Result<()> {
        let (step, every) = (self.run.step, self.run.kept_every);
        let mut before = self.run.config.clone();
        before.training.checkpoint_every = every;
        let rule = EarlyStop::after(&before, &self.run.evaluations);
        for earlier in (step.saturating_sub(every)..step).filter(|&earlier| rule.looks_at(earlier)) {
            let path = self.run.files().checkpoints().weights(earlier);
            let checkpoint =
                Checkpoint::read(&path).map_err(|e| Error::Look { step: earlier, source: e.into() })?;
            self.looks.push(looker.look(checkpoint));
        }
        self.look(looker);
        Ok(())
    }

    /// Asks for a look at the run as it is, where that may end it.
    pub fn look(&mut self, looker: &Looker) {
        if self.ending.is_none() && self.early_stop.looks_at(self.run.step) {
            let (config, step) = (&self.run.config, self.run.step);
            let mut checkpoint = Checkpoint::of_weights(config.model(), self.run.weights.clone());
            (checkpoint.metadata.task, checkpoint.metadata.step) = (config.task(), step);
            self.looks.push(looker.look(checkpoint));
        }
    }

    /// Takes note of what was found by the looks that must be settled by a step, and waits for those that are not.
    pub fn settle(&mut self, step: u64) {
        let settled =
            self.looks.iter().take_while(|look| self.early_stop.known_by(look.step) <= step).count();
        for look in self.looks.drain(..settled).collect::<Vec<_>>() {
            let looked_at = look.step;
            match look.result() {
                Ok(is_clean) => {
                    self.observer.looked_at(looked_at, is_clean);
                    if is_clean {
                        self.early_stop.found_clean(looked_at);
                    }
                }
                Err(error) if self.ending.is_none() => self.ending = Some(Err(error)),
                Err(_) => {}
            }
        }
    }

    /// Whether it ended.
    pub fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// The step that it ends at, as far as is known by now.
    pub fn last_step(&self) -> u64 {
        self.early_stop.last_step()
    }

    /// Writes an evaluation down. The run ends where a loss is not finite: then there is no evaluation.
    pub fn evaluate(
        &mut self,
        step: u64,
        [train, test]: [Scores; 2],
        weights: &Weights,
        elapsed_s: f64,
    ) -> Option<Evaluation> {
        if !(train.loss.is_finite() && test.loss.is_finite()) {
            self.ending = Some(Err(Error::LossNotFinite { step, last_good: self.kept }));
            return None;
        }
        let evaluation = Evaluation {
            step,
            train_loss: train.loss,
            test_loss: test.loss,
            train_accuracy: train.accuracy,
            test_accuracy: test.accuracy,
            sum_squared_weights: sum_squared_weights(weights),
            elapsed_s: self.elapsed_s + elapsed_s,
        };
        self.early_stop.observe(step, test.loss);
        self.run.evaluations.push(evaluation);
        if let Err(error) = self.run.directory.files().write_metrics(&self.run.evaluations) {
            self.ending = Some(Err(error));
        }
        Some(evaluation)
    }

    /// A snapshot of the run; an error where its weights are not finite, for nothing could resume from them.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let Run { step, weights, optimizer, .. } = &self.run;
        match sum_squared_weights(weights).is_finite() {
            true => Ok(Snapshot { step: *step, weights: weights.clone(), optimizer: optimizer.clone() }),
            false => Err(Error::LossNotFinite { step: *step, last_good: self.kept }),
        }
    }

    /// Writes down how the run ended, tells the observer, and lets the run go.
    pub fn conclude(self) -> Result<Outcome> {
        let Self { run, mut record, ending, early_stop, mut observer, .. } = self;
        let Run { directory, evaluations, step, .. } = run;
        let ending = ending.unwrap_or_else(|| Err(Error::Training("it ended before its time".to_owned())));
        let last = evaluations.last();
        record.elapsed_s = last.map_or(0.0, |of| of.elapsed_s);
        record.step = if ending.is_ok() { step } else { last.map_or(0, |of| of.step) };
        let (state, reason) = match &ending {
            Ok(Ending::MaxSteps) => (RunState::Finished, "took training.max_steps steps".to_owned()),
            Ok(Ending::EarlyStop) => {
                (RunState::Finished, "the test loss stayed below training.stop_below_test_loss".to_owned())
            }
            Ok(Ending::Clean) => (RunState::Finished, "the circuit is clean".to_owned()),
            Ok(Ending::Interrupted(reason)) => (RunState::Stopped, reason.clone()),
            Err(error) => (RunState::Stopped, error.chain()),
        };
        record.clean_at = early_stop.clean_at().filter(|_| matches!(ending, Ok(Ending::Clean)));
        (record.state, record.reason) = (state, Some(reason));
        let written = directory.files().write_record(&record);
        let ending = ending?;
        written?;
        observer.ended(&ending);
        let milestones = evaluations.iter().collect();
        Ok(Outcome { ending, step, milestones, elapsed_s: record.elapsed_s, evaluations })
    }
}
