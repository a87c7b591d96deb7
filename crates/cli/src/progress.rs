use std::{
    fmt,
    io::{IsTerminal, Write, stderr},
    path::Path,
    time::{Duration, Instant},
};

use burn::train::{
    logger::{EvaluationProgressLogger, TrainingProgressLogger},
    metric::{MetricDefinition, MetricId, NumericEntry},
    renderer::{
        EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation, MetricsRendererTraining,
    },
};
use clockwork_training::{ACCURACY, EarlyStop, LOSS, Milestones, Run, TrainingDevice};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::duration::InWords;

/// How often a line is written where there is no terminal for a bar.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What a device is busy with before steps get fast.
const COMPILING: &str = "compiling the device's kernels";

/// Draws a run's progress: a bar on a terminal, elsewhere a line now and then.
pub struct Progress {
    bar: ProgressBar,
    is_terminal: bool,
    began: (Instant, u64),
    wrote: Instant,
    step: u64,
    train: Scores,
    test: Scores,
    milestones: Milestones,
    early_stop: EarlyStop,
    /// Whether the first steps compile kernels.
    compiles: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Scores {
    loss: f64,
    accuracy: f64,
}

impl Progress {
    /// The progress of a run that is about to go on from its step.
    pub fn new(run: &Run, path: &Path, device: &TrainingDevice) -> Self {
        let is_terminal = stderr().is_terminal();
        let mut early_stop = EarlyStop::new(run.config());
        for evaluation in run.evaluations() {
            early_stop.observe(evaluation.step, evaluation.test_loss);
        }
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(
            "{prefix:<11} {wide_bar:.cyan/dim} {pos}/{len} steps  {rate}  {left} left\n{msg}",
        )
        .expect("the template is well-formed")
        .with_key("rate", |state: &ProgressState, w: &mut dyn fmt::Write| {
            // A number that cannot be written is not worth stopping a run for; so below.
            let _ = write!(w, "{:.0} steps/s", state.per_sec());
        })
        .with_key("left", |state: &ProgressState, w: &mut dyn fmt::Write| {
            let _ = write!(w, "{}", InWords { seconds: state.eta().as_secs_f64() });
        });
        let bar = ProgressBar::with_draw_target(Some(early_stop.last_step()), target)
            .with_style(style)
            .with_position(run.step());
        bar.reset_eta();
        let progress = Self {
            bar,
            is_terminal,
            began: (Instant::now(), run.step()),
            wrote: Instant::now(),
            step: run.step(),
            train: Scores::default(),
            test: Scores::default(),
            milestones: run.evaluations().iter().collect(),
            early_stop,
            compiles: !device.is_processor(),
        };
        let verb = if run.step() == 0 { "training" } else { "going on with" };
        let from = if run.step() == 0 { String::new() } else { format!(" from step {}", run.step()) };
        let on = if progress.compiles { format!(" on {}", device.name()) } else { String::new() };
        progress.line(&format!("{verb} {}{from}{on}", path.display()));
        if progress.compiles {
            progress.bar.set_message(COMPILING);
            progress.bar.tick();
            if !is_terminal {
                progress.line(COMPILING);
            }
        }
        progress
    }

    /// Writes a line above the bar, or just the line.
    fn line(&self, line: &str) {
        if self.is_terminal {
            self.bar.println(line);
        } else {
            // Where nobody reads them, lines are not worth stopping a run for.
            let _ = writeln!(stderr(), "{line}");
        }
    }

    fn evaluated(&mut self) {
        let before = self.milestones.phase();
        self.milestones.observe(self.step, self.train.accuracy, self.test.accuracy);
        self.early_stop.observe(self.step, self.test.loss);
        let phase = self.milestones.phase();
        self.bar.set_length(self.early_stop.last_step());
        self.bar.set_prefix(phase.to_string());
        // What a step compiles comes after the evaluation before the first.
        let compiles = self.compiles && self.step == self.began.1;
        let note = if compiles { format!("  {COMPILING}") } else { String::new() };
        self.bar.set_message(self.scores() + &note);
        let is_news = phase != before || self.step == self.early_stop.last_step() || self.step == 0;
        if !self.is_terminal && (is_news || self.wrote.elapsed() >= LINE_EVERY) {
            self.wrote = Instant::now();
            let (began, from) = self.began;
            let rate = (self.step - from) as f64 / began.elapsed().as_secs_f64().max(1e-9);
            let steps_left = (self.early_stop.last_step() - self.step) as f64;
            let left = match rate > 0.0 {
                true => format!("{rate:.0} steps/s  {} left", InWords { seconds: steps_left / rate }),
                false => String::new(),
            };
            self.line(&format!(
                "step {:>6}/{}  {:<11}  {}  {left}",
                self.step,
                self.early_stop.last_step(),
                phase.to_string(),
                self.scores(),
            ));
        }
    }

    fn scores(&self) -> String {
        let split = |name, scores: Scores| {
            format!("{name} loss {:.2e} accuracy {:.1} %", scores.loss, 100.0 * scores.accuracy)
        };
        format!("{}  {}", split("train", self.train), split("test", self.test))
    }
}

/// The number of a metric that has a new one.
fn newest(state: &MetricState) -> Option<(&MetricId, f64)> {
    match state {
        MetricState::Numeric(entry, Some(NumericEntry::Value(value))) => Some((&entry.metric_id, *value)),
        _ => None,
    }
}

fn is(id: &MetricId, name: &str) -> bool {
    *id == MetricId::new(std::sync::Arc::new(name.to_owned()))
}

impl MetricsRendererTraining for Progress {
    fn update_train(&mut self, state: MetricState) {
        match newest(&state) {
            Some((id, loss)) if is(id, LOSS) => self.train.loss = loss,
            Some((id, accuracy)) if is(id, ACCURACY) => self.train.accuracy = accuracy,
            _ => {}
        }
    }

    fn update_valid(&mut self, state: MetricState) {
        match newest(&state) {
            Some((id, loss)) if is(id, LOSS) => self.test.loss = loss,
            // The accuracy on the test pairs is the last that an evaluation tells.
            Some((id, accuracy)) if is(id, ACCURACY) => {
                self.test.accuracy = accuracy;
                self.evaluated();
            }
            _ => {}
        }
    }
}

impl TrainingProgressLogger for Progress {
    fn start(&mut self, _epochs: usize, _starting_epoch: usize, _items: Option<usize>, _label: Option<&str>) {
    }
    fn update_epoch(&mut self, _epoch: usize) {}
    fn start_split(&mut self, _split: &str, _items: usize) {}

    fn update_split(&mut self, items_processed: usize) {
        self.step = items_processed as u64;
        self.bar.set_position(self.step);
    }

    fn end_split(&mut self) {}

    fn end(&mut self) {
        self.bar.finish_and_clear();
    }

    fn log_event_training(&mut self, _event: String) {}
}

impl MetricsRendererEvaluation for Progress {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl EvaluationProgressLogger for Progress {
    fn start_global_progress(&mut self, _tests: usize) {}
    fn start_test(&mut self, _name: &str, _items: usize) {}
    fn update_test_progress(&mut self, _items_processed: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _event: String) {}
}

impl MetricsRenderer for Progress {
    fn manual_close(&mut self) {}
    fn register_metric(&mut self, _definition: MetricDefinition) {}
}
