use std::{
    collections::BTreeMap,
    fmt,
    io::{IsTerminal, Write, stderr},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use clockwork_training::{
    Config, EarlyStop, Evaluation, Milestones, Phase, SweepObserver, SweepPlan, SweepRun, SweepState,
};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::duration::InWords;

/// How often a line is written where there is no terminal for bars.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// How many runs have a bar of their own; more would push the bar over all off the terminal.
const BARS: usize = 12;

/// What a run adds to the bar over all.
const PER_RUN: u64 = 1000;

/// Draws a sweep's progress: a bar for each of a few runs that are being trained and one over all; where
/// there is no terminal, lines.
pub struct SweepProgress {
    bars: MultiProgress,
    overall: ProgressBar,
    how: How,
    configs: BTreeMap<String, Config>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Bars,
    Lines,
    Nothing,
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
    pub fn new(plan: &SweepPlan, runs: &[SweepRun], path: &Path, trained: &str, quiet: bool) -> Self {
        let how = match (quiet, stderr().is_terminal()) {
            (true, _) => How::Nothing,
            (false, true) => How::Bars,
            (false, false) => How::Lines,
        };
        let target =
            if how == How::Bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let ended = runs.iter().filter(|run| run.state == SweepState::Finished).count();
        let overall = ProgressBar::new(PER_RUN * runs.len() as u64)
            .with_style(style("{prefix} {wide_bar:.green/dim} {left} left{msg}"))
            .with_position(PER_RUN * ended as u64);
        let overall = bars.add(overall);
        overall.reset_eta();
        let progress = Self {
            bars,
            overall,
            how,
            configs: plan.runs.iter().map(|run| (run.name.clone(), run.config.clone())).collect(),
            state: Mutex::new(State {
                jobs: BTreeMap::new(),
                ended,
                total: runs.len(),
                wrote: Instant::now(),
            }),
        };
        let left = runs.len() - ended;
        let are = if ended > 0 { format!(", {ended} are finished") } else { String::new() };
        progress.line(&format!("training {left} of {} runs{are}; {trained}: {}", runs.len(), path.display()));
        progress.draw_overall(&progress.state());
        progress
    }

    /// Removes the bars.
    pub fn finish(&self) {
        self.overall.finish_and_clear();
        for job in self.state().jobs.values() {
            job.bar.finish_and_clear();
        }
    }

    /// Writes a line above the bars, or just the line.
    fn line(&self, line: &str) {
        // Where nobody reads them, lines are not worth stopping a sweep for.
        let _ = match self.how {
            How::Bars => self.bars.println(line),
            How::Lines => writeln!(stderr(), "{line}"),
            How::Nothing => Ok(()),
        };
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
        let bar = ProgressBar::new(last_step)
            .with_style(style("{prefix} {wide_bar:.cyan/dim} {pos}/{len} steps  {msg}"))
            .with_prefix(run.name.clone())
            .with_message(says.to_owned());
        let bar = match state.jobs.len() < BARS {
            true => self.bars.insert_before(&self.overall, bar),
            false => ProgressBar::hidden(),
        };
        bar.tick();
        state.jobs.insert(run.name.clone(), Job { bar, step: 0, last_step, phase: Phase::Memorising });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever held it left it as good as it is drawn.
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

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well-formed").with_key(
        "left",
        |state: &ProgressState, w: &mut dyn fmt::Write| {
            // A number that cannot be written is not worth stopping a sweep for.
            let _ = write!(w, "{}", InWords { seconds: state.eta().as_secs_f64() });
        },
    )
}

impl SweepObserver for SweepProgress {
    fn starts(&self, run: &SweepRun) {
        self.add_job(run, "starting");
        if self.how == How::Lines {
            self.line(&format!("{}: started", run.name));
        }
    }

    fn is_trained_elsewhere(&self, run: &SweepRun) {
        self.add_job(run, "waiting for the process that trains it");
        self.line(&format!("{}: another process trains it; waiting for that", run.name));
    }

    fn evaluated(&self, run: &SweepRun, evaluations: &[Evaluation]) {
        let (Some(config), Some(last)) = (self.configs.get(&run.name), evaluations.last()) else { return };
        let mut early_stop = EarlyStop::new(config);
        evaluations.iter().for_each(|of| early_stop.observe(of.step, of.test_loss));
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
        if self.how == How::Lines && is_news {
            self.line(&format!("{}: {phase} at step {}", run.name, last.step));
        }
        if self.how == How::Lines && state.wrote.elapsed() >= LINE_EVERY {
            state.wrote = Instant::now();
            let jobs = state.jobs.iter().map(|(name, job)| format!("{name} {}/{}", job.step, job.last_step));
            let jobs: Vec<String> = jobs.collect();
            let jobs = if jobs.len() > BARS { phases(&state) } else { jobs.join(", ") };
            self.line(&format!("{} of {} runs; {jobs}", state.ended, state.total));
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
        self.line(&format!("{}: {words}", run.name));
        if let Some(job) = job {
            job.bar.finish_and_clear();
            self.bars.remove(&job.bar);
        }
        if matches!(run.state, SweepState::Finished | SweepState::Failed) {
            state.ended += 1;
        }
        self.draw_overall(&state);
    }
}
