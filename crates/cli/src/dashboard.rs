use std::sync::Arc;

use burn::train::{
    Interrupter,
    logger::TrainingProgressLogger,
    metric::{
        MetricAttributes, MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry,
        SerializedEntry, format_float,
    },
    renderer::{MetricState, MetricsRenderer, MetricsRendererTraining, tui::TuiMetricsRendererWrapper},
};
use clockwork_training::{EarlyStop, Evaluation, Run, RunObserver};

#[cfg(unix)]
use crate::terminal::{keep_ctrl_c, remember};

/// Burn's dashboard: curves of the losses and accuracies.
pub struct Dashboard {
    renderer: TuiMetricsRendererWrapper,
}

/// Digits of a metric's newest value.
const DIGITS: usize = 3;

/// The metrics that it shows, and whether higher is better.
const METRICS: [(&str, bool); 2] = [("Loss", false), ("Accuracy", true)];

impl Dashboard {
    /// The dashboard of a run that is about to go on. Its key for stopping tells `interrupter`; Ctrl-C does what it
    /// does everywhere.
    pub fn new(run: &Run, interrupter: &Interrupter) -> Self {
        #[cfg(unix)]
        remember();
        let mut renderer = TuiMetricsRendererWrapper::new(interrupter.clone(), None);
        for (name, higher_is_better) in METRICS {
            renderer.register_metric(MetricDefinition {
                metric_id: id(name),
                name: Arc::new(name.to_owned()),
                description: None,
                attributes: MetricAttributes::Numeric(NumericAttributes { unit: None, higher_is_better }),
            });
        }
        let last_step = EarlyStop::after(run.config(), run.evaluations()).last_step() as usize;
        renderer.start(1, 1, Some(last_step), None);
        renderer.start_split("train", last_step);
        #[cfg(unix)]
        keep_ctrl_c();
        Self { renderer }
    }
}

impl RunObserver for Dashboard {
    fn stepped(&mut self, step: u64) {
        self.renderer.update_split(step as usize);
    }

    fn evaluated(&mut self, of: &Evaluation) {
        self.renderer.update_split(of.step as usize);
        let [loss, accuracy] = METRICS.map(|(name, _)| name);
        for (name, train, test) in
            [(loss, of.train_loss, of.test_loss), (accuracy, of.train_accuracy, of.test_accuracy)]
        {
            self.renderer.update_train(state(name, train));
            self.renderer.update_valid(state(name, test));
        }
    }
}

fn id(name: &str) -> MetricId {
    MetricId::new(Arc::new(name.to_owned()))
}

fn state(name: &str, value: f64) -> MetricState {
    let entry = SerializedEntry::new(format_float(value, DIGITS), value.to_string());
    MetricState::Numeric(MetricEntry::new(id(name), entry), Some(NumericEntry::Value(value)))
}
