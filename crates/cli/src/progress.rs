use std::{
    path::Path,
    time::{Duration, Instant},
};

use clockwork_training::{EarlyStop, Evaluation, Milestones, Run, RunObserver, TrainingDevice};
use indicatif::ProgressBar;

use crate::{duration::seconds, printer::Printer};

/// How often a line is written where there is no terminal for a bar.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What a device does before its first steps.
const COMPILING: &str = "compiling the device's kernels";

/// Draws a run's progress: a bar on a terminal, elsewhere a line now and then.
pub struct Progress {
    printer: Printer,
    bar: ProgressBar,
    began: (Instant, u64),
    wrote: Instant,
    milestones: Milestones,
    early_stop: EarlyStop,
    /// What was found by the last look at a checkpoint.
    looked_at: Option<(u64, bool)>,
    /// Whether the first steps compile kernels.
    compiles: bool,
}

impl Progress {
    /// The progress of a run that is about to go on from its step.
    pub fn new(run: &Run, path: &Path, device: &TrainingDevice, printer: Printer) -> Self {
        let early_stop = EarlyStop::after(run.config(), run.evaluations());
        let template = "{prefix:<11} {wide_bar:.cyan/dim} {pos}/{len} steps  {rate}  {left} left\n{msg}";
        let bar = printer.bar(early_stop.last_step(), template).with_position(run.step());
        bar.reset_eta();
        let compiles = !device.is_processor();
        let verb = if run.step() == 0 { "training" } else { "going on with" };
        let from = if run.step() == 0 { String::new() } else { format!(" from step {}", run.step()) };
        let on = if compiles { format!(" on {}", device.name()) } else { String::new() };
        printer.line(&format!("{verb} {}{from}{on}: {}", path.display(), run.config().task()));
        if compiles {
            bar.set_message(COMPILING);
            bar.tick();
            if !printer.draws_bars() {
                printer.line(COMPILING);
            }
        }
        Self {
            printer,
            bar,
            began: (Instant::now(), run.step()),
            wrote: Instant::now(),
            milestones: run.evaluations().iter().collect(),
            early_stop,
            looked_at: None,
            compiles,
        }
    }

    /// Steps per second, and the time left at that rate.
    fn rate(&self, step: u64) -> String {
        let (began, from) = self.began;
        let rate = (step - from) as f64 / began.elapsed().as_secs_f64().max(1e-9);
        let steps_left = (self.early_stop.last_step() - step) as f64;
        match rate > 0.0 {
            true => format!("{rate:.0} steps/s  {} left", seconds(steps_left / rate)),
            false => String::new(),
        }
    }
}

impl RunObserver for Progress {
    fn stepped(&mut self, step: u64) {
        self.bar.set_position(step);
    }

    fn evaluated(&mut self, evaluation: &Evaluation) {
        let step = evaluation.step;
        let before = self.milestones.phase();
        self.milestones.observe(step, evaluation.train_accuracy, evaluation.test_accuracy);
        self.early_stop.observe(step, evaluation.test_loss);
        let (phase, last_step) = (self.milestones.phase(), self.early_stop.last_step());
        let scores = scores(evaluation)
            + &self.looked_at.map_or(String::new(), |(looked_at, is_clean)| {
                format!("  {} at step {looked_at}", if is_clean { "clean" } else { "not clean" })
            });
        // What a step compiles comes after the evaluation before the first.
        let note =
            if self.compiles && step == self.began.1 { format!("  {COMPILING}") } else { String::new() };
        self.bar.set_length(last_step);
        self.bar.set_position(step);
        self.bar.set_prefix(phase.to_string());
        self.bar.set_message(format!("{scores}{note}"));
        let is_news = phase != before || step == last_step || step == 0;
        if !self.printer.draws_bars() && (is_news || self.wrote.elapsed() >= LINE_EVERY) {
            self.wrote = Instant::now();
            let (phase, rate) = (phase.to_string(), self.rate(step));
            self.printer.line(&format!("step {step:>6}/{last_step}  {phase:<11}  {scores}  {rate}"));
        }
    }

    fn looked_at(&mut self, step: u64, is_clean: bool) {
        self.looked_at = Some((step, is_clean));
        if is_clean {
            self.early_stop.found_clean(step);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.printer.remove(&self.bar);
    }
}

fn scores(of: &Evaluation) -> String {
    let split =
        |name, loss: f64, accuracy: f64| format!("{name} loss {loss:.2e} accuracy {:.1} %", 100.0 * accuracy);
    format!(
        "{}  {}",
        split("train", of.train_loss, of.train_accuracy),
        split("test", of.test_loss, of.test_accuracy)
    )
}
