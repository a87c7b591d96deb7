use clockwork_model::sum_squared_weights;

use crate::{
    EarlyStop, Ending, Error, Evaluation, Result, Run, RunRecord, Summary, TrainingDevice,
    checkpoints::CheckpointFiles, metrics::write_metrics, run::conclude,
};

/// A run among those that are trained together.
pub(super) struct Member {
    /// Where it stands among them.
    pub place: usize,
    /// The run at the step that was last taken into it, with all its evaluations.
    pub run: Run,
    /// The step of its newest checkpoint.
    pub kept: u64,
    /// Seconds of training before this sitting.
    pub elapsed_s: f64,
    /// How it ended, once it has.
    pub ending: Option<Result<Ending>>,
    record: RunRecord,
    early_stop: EarlyStop,
}

impl Member {
    /// A run, from now on being trained.
    pub fn new(place: usize, run: Run, on: &TrainingDevice, threads: usize) -> Result<Self> {
        let mut early_stop = EarlyStop::new(&run.config);
        run.evaluations.iter().for_each(|of| early_stop.observe(of.step, of.test_loss));
        let elapsed_s = run.evaluations.last().map_or(0.0, |of| of.elapsed_s);
        Ok(Self {
            place,
            record: run.begin(on, threads)?,
            kept: run.step,
            early_stop,
            elapsed_s,
            run,
            ending: None,
        })
    }

    pub fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// The step that it ends at, as far as is known.
    pub fn last_step(&self) -> u64 {
        self.early_stop.last_step()
    }

    /// Takes an evaluation down; it ends where that has no finite loss.
    pub fn evaluated(&mut self, evaluation: Evaluation) {
        let step = evaluation.step;
        if !(evaluation.train_loss.is_finite() && evaluation.test_loss.is_finite()) {
            self.ending = Some(Err(Error::LossNotFinite { step, last_good: self.kept }));
            return;
        }
        self.early_stop.observe(step, evaluation.test_loss);
        self.run.evaluations.push(evaluation);
        let written = write_metrics(&self.run.directory.metrics(), &self.run.evaluations);
        self.settle(written);
    }

    /// Writes a checkpoint of the run as it is.
    pub fn keep(&mut self) {
        let written = self.write_checkpoint();
        if written.is_ok() {
            self.kept = self.run.step;
        }
        self.settle(written);
    }

    fn write_checkpoint(&self) -> Result<()> {
        let Run { step, weights, optimizer, directory, config, .. } = &self.run;
        if !sum_squared_weights(weights).is_finite() {
            return Err(Error::LossNotFinite { step: *step, last_good: self.kept });
        }
        let files = CheckpointFiles::new(directory.checkpoints());
        files.write_weights(*step, weights.clone(), config)?;
        optimizer.as_ref().map_or(Ok(()), |optimizer| files.write_optimizer_state(*step, optimizer))
    }

    /// Ends with an error, if that is what something came to.
    fn settle(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.ending = Some(Err(error));
        }
    }

    /// Notes what the sitting came to, and tells it.
    pub fn conclude(self) -> Result<Summary> {
        let unended = || Err(Error::Training("training ended before its time".to_owned()));
        let Run { directory, evaluations, step, .. } = self.run;
        let ending = self.ending.unwrap_or_else(unended).map(|ending| (step, ending));
        conclude(&directory, self.record, ending, evaluations)
    }
}
