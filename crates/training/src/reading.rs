use std::sync::Arc;

use burn::{
    tensor::TensorReadError,
    train::{
        logger::MetricLogger,
        metric::{
            Metric, MetricAttributes, MetricDefinition, MetricMetadata, MetricName, Numeric,
            NumericAttributes, NumericEntry, SerializedEntry, format_float,
            store::{EpochSummary, MetricsUpdate, Split},
        },
    },
};

use crate::learner::Scores;

/// The name under which burn's renderers get the losses.
pub const LOSS: &str = "Loss";

/// The name under which burn's renderers get the accuracies.
pub const ACCURACY: &str = "Accuracy";

/// A burn metric that shows what the evaluations found, and nothing on the steps between.
#[derive(Clone)]
pub(crate) struct Reading {
    name: MetricName,
    pick: fn(&Scores) -> f64,
    higher_is_better: bool,
    newest: Option<f64>,
    /// Whether `newest` is of the step at hand.
    is_new: bool,
}

impl Reading {
    pub fn loss() -> Self {
        Self::new(LOSS, |scores| scores.loss, false)
    }

    pub fn accuracy() -> Self {
        Self::new(ACCURACY, |scores| scores.accuracy, true)
    }

    fn new(name: &str, pick: fn(&Scores) -> f64, higher_is_better: bool) -> Self {
        Self { name: Arc::new(name.to_owned()), pick, higher_is_better, newest: None, is_new: false }
    }

    fn entry(&self) -> SerializedEntry {
        match self.newest {
            Some(value) => SerializedEntry::new(format_float(value, 3), value.to_string()),
            None => SerializedEntry::not_available(None),
        }
    }
}

impl Metric for Reading {
    type Input = Option<Scores>;

    fn name(&self) -> MetricName {
        self.name.clone()
    }

    fn attributes(&self) -> MetricAttributes {
        NumericAttributes { unit: None, higher_is_better: self.higher_is_better }.into()
    }

    fn update(
        &mut self,
        scores: &Option<Scores>,
        _metadata: &MetricMetadata,
    ) -> Result<SerializedEntry, TensorReadError> {
        self.is_new = scores.is_some();
        self.newest = scores.as_ref().map(self.pick).or(self.newest);
        Ok(self.entry())
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        Ok(self.entry())
    }

    fn clear(&mut self) {
        self.is_new = false;
    }
}

impl Numeric for Reading {
    fn value(&self) -> Option<NumericEntry> {
        self.newest.filter(|_| self.is_new).map(NumericEntry::Value)
    }

    fn running_value(&self) -> Option<NumericEntry> {
        self.value()
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.newest.unwrap_or(f64::NAN))
    }
}

/// Keeps burn from writing metric files of its own: a run has `metrics.jsonl`.
pub(crate) struct NoMetricFiles;

impl MetricLogger for NoMetricFiles {
    fn log(&mut self, _update: MetricsUpdate, _epoch: usize, _split: &Split) {}

    fn read_numeric(
        &mut self,
        _name: &str,
        _epoch: usize,
        _split: &Split,
    ) -> Result<Vec<NumericEntry>, String> {
        Ok(Vec::new())
    }

    fn log_metric_definition(&mut self, _definition: MetricDefinition) {}

    fn log_epoch_summary(&mut self, _summary: EpochSummary) {}
}
