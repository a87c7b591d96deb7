use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use clockwork_training::{
    Config, EarlyStop, Evaluation, Milestones, Phase, PlannedRun, SweepObserver, SweepRun, SweepState,
};
use indicatif::ProgressBar;

use crate::printer::Printer;

/// How often a line is written where there is no terminal for bars.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// How many runs have a bar of their own; more would push the bar over all off the terminal.
const BARS: usize = 12;

/// The length of a run on the bar over all runs.
const PER_RUN: u64 = 1000;

/// Draws a sweep's progress: a bar for each of a few runs that are being trained and one over all; where
/// there is no terminal, lines.
pub struct SweepProgress {
    printer: Printer,
    overall: ProgressBar,
    configs: BTreeMap<String, Config>,
    state: Mutex<State>,
}

struct State {
    jobs: BTreeMap<String, Job>,
    ended: usize,
    total: usize,
    wrote: Instant,
}

/// A run that is being trained.
struct Job {
    bar: ProgressBar,
    step: u64,
    last_step: u64,
    phase: Phase,
}

impl SweepProgress {
    /// The progress of a sweep that is about to go on; `trained` tells how.
    pub fn new(
        planned: &[PlannedRun],
        runs: &[SweepRun],
        path: &Path,
        trained: &str,
        printer: Printer,
    ) -> Self {
        let ended = runs.iter().filter(|run| run.state == SweepState::Finished).count();
        let overall = printer
            .bar(PER_RUN * runs.len() as u64, "{prefix} {wide_bar:.green/dim} {left} left{msg}")
            .with_position(PER_RUN * ended as u64);
        overall.reset_eta();
        let state = State { jobs: BTreeMap::new(), ended, total: runs.len(), wrote: Instant::now() };
        let configs = planned.iter().map(|run| (run.name.clone(), run.config.clone())).collect();
        let progress = Self { printer, overall, configs, state: Mutex::new(state) };
        let left = runs.len() - ended;
        let are = if ended > 0 { format!(", {ended} are finished") } else { String::new() };
        let line = format!("training {left} of {} runs{are}; {trained}: {}", runs.len(), path.display());
        progress.printer.line(&line);
        progress.draw_overall(&progress.state());
        progress
    }

    fn draw_overall(&self, state: &State) {
        let of_jobs = state.jobs.values().map(|job| PER_RUN * job.step / job.last_step.max(1));
        self.overall.set_position(PER_RUN * state.ended as u64 + of_jobs.sum::<u64>());
        self.overall.set_prefix(format!("{} of {} runs", state.ended, state.total));
        let hidden = if state.jobs.len() > BARS { format!("\n{}", phases(state)) } else { String::new() };
        self.overall.set_message(hidden);
    }

    fn add_job(&self, run: &SweepRun, says: &str) {
        let mut state = self.state();
        let last_step = self.configs.get(&run.name).map_or(0, |config| EarlyStop::new(config).last_step());
        let template = "{prefix} {wide_bar:.cyan/dim} {pos}/{len} steps  {msg}";
        let bar = match state.jobs.len() < BARS {
            true => self.printer.bar_above(&self.overall, last_step, template),
            false => ProgressBar::hidden(),
        };
        let bar = bar.with_prefix(run.name.clone()).with_message(says.to_owned());
        bar.tick();
        state.jobs.insert(run.name.clone(), Job { bar, step: 0, last_step, phase: Phase::Memorising });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked while it held the lock leaves at worst an outdated display.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many of the runs that are being trained are in which phase.
fn phases(state: &State) -> String {
    let mut count: BTreeMap<Phase, usize> = BTreeMap::new();
    state.jobs.values().for_each(|job| *count.entry(job.phase).or_default() += 1);
    let words: Vec<String> = count.iter().map(|(phase, count)| format!("{count} {phase}")).collect();
    words.join(", ")
}

impl Drop for SweepProgress {
    fn drop(&mut self) {
        for job in self.state().jobs.values() {
            self.printer.remove(&job.bar);
        }
        self.printer.remove(&self.overall);
    }
}

impl SweepObserver for SweepProgress {
    fn starts(&self, run: &SweepRun) {
        self.add_job(run, "starting");
        if !self.printer.draws_bars() {
            self.printer.line(&format!("{}: started", run.name));
        }
    }

    fn is_trained_elsewhere(&self, run: &SweepRun) {
        self.add_job(run, "waiting for the process that trains it");
        self.printer.line(&format!("{}: another process trains it; waiting for that", run.name));
    }

    fn evaluated(&self, run: &SweepRun, evaluations: &[Evaluation]) {
        let (Some(config), Some(last)) = (self.configs.get(&run.name), evaluations.last()) else { return };
        let early_stop = EarlyStop::after(config, evaluations);
        let phase = evaluations.iter().collect::<Milestones>().phase();
        let mut state = self.state();
        let Some(job) = state.jobs.get_mut(&run.name) else { return };
        let is_news = phase != job.phase;
        (job.step, job.last_step, job.phase) = (last.step, early_stop.last_step(), phase);
        job.bar.set_length(job.last_step);
        job.bar.set_position(job.step);
        let accuracy = 100.0 * last.test_accuracy;
        job.bar.set_message(format!("{phase}, test accuracy {accuracy:.1} %"));
        self.draw_overall(&state);
        if !self.printer.draws_bars() && is_news {
            self.printer.line(&format!("{}: {phase} at step {}", run.name, last.step));
        }
        if !self.printer.draws_bars() && state.wrote.elapsed() >= LINE_EVERY {
            state.wrote = Instant::now();
            let jobs = state.jobs.iter().map(|(name, job)| format!("{name} {}/{}", job.step, job.last_step));
            let jobs: Vec<String> = jobs.collect();
            let jobs = if jobs.len() > BARS { phases(&state) } else { jobs.join(", ") };
            self.printer.line(&format!("{} of {} runs; {jobs}", state.ended, state.total));
        }
    }

    fn ended(&self, run: &SweepRun) {
        let mut state = self.state();
        let job = state.jobs.remove(&run.name);
        let step = job.as_ref().map_or(0, |job| job.step);
        let words = match (run.state, &run.reason) {
            (SweepState::Finished, _) if step == 0 => "finished already".to_owned(),
            (SweepState::Finished, _) => format!("finished at step {step}"),
            (SweepState::Failed, Some(reason)) => format!("failed: {reason}"),
            (SweepState::Failed, None) => "failed".to_owned(),
            (SweepState::Waiting | SweepState::Running, _) => format!("stopped at step {step}"),
        };
        self.printer.line(&format!("{}: {words}", run.name));
        if let Some(job) = job {
            self.printer.remove(&job.bar);
        }
        if matches!(run.state, SweepState::Finished | SweepState::Failed) {
            state.ended += 1;
        }
        self.draw_overall(&state);
    }
}
