use std::{env, num::NonZeroUsize, path::Path, sync::Arc, thread::available_parallelism};

use anyhow::Context;
use burn::train::Interrupter;
use clockwork_training::{
    Evaluation, Milestones, PlannedRun, RunFiles, Seeds, Sweep, SweepObserver, SweepPlan, SweepRun,
    SweepState, TrainingDevice,
};

use crate::{
    args::{SweepArgs, locking},
    device::device,
    duration::seconds,
    exit::Ended,
    interrupt::stop_on_ctrl_c,
    looker::{looker, require_that_it_can_be_looked_at},
    printer::Printer,
    program::program,
    relative_path::relative_to_here,
    sweep_progress::SweepProgress,
    table::table,
    threads::start_threads,
};

/// Runs that a GPU trains together.
const TOGETHER: NonZeroUsize = NonZeroUsize::new(32).expect("it is not zero");

/// `clockwork sweep`
pub fn sweep(args: &SweepArgs) -> anyhow::Result<Ended> {
    let printer = Printer::new(args.quiet);
    let seeds: Seeds = args.seeds.parse()?;
    let plan = SweepPlan::new(args.config.as_deref(), &args.settings, &seeds)?;
    plan.runs.iter().try_for_each(|run| require_that_it_can_be_looked_at(&run.config))?;
    let device = device(args.backend, &printer)?.unwrap_or_else(TrainingDevice::cpu);
    let is_together = !device.is_processor();
    // Runs side by side get more done than threads that share one: they wait for nobody.
    let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let default = if is_together { TOGETHER } else { cores };
    let jobs = args.jobs.unwrap_or(default).min(NonZeroUsize::new(plan.runs.len()).unwrap_or(default));
    let threads = if is_together { start_threads(None)? } else { (cores.get() / jobs).max(1) };
    let clockwork = env::current_exe().context("cannot find this program")?;
    let command = |directory: &Path, base: &Path, run: &PlannedRun| {
        let mut command = command(&clockwork, directory, base, run, &device, threads);
        command.extend(args.no_lock.then(|| "--no-lock".to_owned()));
        command
    };
    let sweep = Sweep::open(&args.runs_dir, &name(args), plan, locking(args.no_lock), command)?;
    sweep.notes().iter().for_each(|note| printer.warn(&note.to_string()));

    let interrupter = Interrupter::new();
    stop_on_ctrl_c(&interrupter)?;
    let path = relative_to_here(sweep.path());
    let how = match is_together {
        true => format!("{jobs} together on {}, whose kernels are compiled first", device.name()),
        false if threads == 1 => format!("{jobs} at a time, 1 thread each"),
        false => format!("{jobs} at a time, {threads} threads each"),
    };
    let progress = SweepProgress::new(sweep.planned(), &sweep.runs(), &path, &how, printer.clone());
    let progress: Arc<dyn SweepObserver> = Arc::new(progress);
    let trained = match is_together {
        true => sweep.train_together(jobs, (&device, threads), &progress, &looker(), &interrupter),
        false => sweep.train(jobs, &*progress, &interrupter),
    };
    drop(progress);
    trained?;
    let runs = sweep.runs();
    printer.result(&text(&path, &runs))?;
    Ok(if runs.iter().any(|run| run.state == SweepState::Failed) {
        Ended::RunFailed
    } else if runs.iter().any(|run| run.state != SweepState::Finished) {
        Ended::Interrupted
    } else {
        Ended::Done
    })
}

/// The sweep's name: the same for the same configuration file, so that the same command goes on with it.
fn name(args: &SweepArgs) -> String {
    let of_file = args
        .config
        .as_deref()
        .and_then(Path::file_stem)
        .map_or("paper".into(), |stem| stem.to_string_lossy());
    args.name.clone().unwrap_or_else(|| format!("{of_file}-sweep"))
}

/// The program and arguments that train a run, wherever they are started.
fn command(
    clockwork: &Path,
    directory: &Path,
    base: &Path,
    run: &PlannedRun,
    device: &TrainingDevice,
    threads: usize,
) -> Vec<String> {
    let mut command = vec![clockwork.display().to_string(), "train".to_owned()];
    command.extend([format!("--config={}", base.display()), format!("--seed={}", run.seed)]);
    command.extend(run.settings.iter().map(|setting| format!("--set={setting}")));
    command.extend([format!("--runs-dir={}", directory.display()), format!("--name={}", run.name)]);
    let backend = if device.is_processor() { "cpu" } else { "wgpu" };
    command.push(format!("--backend={backend}"));
    command.extend([format!("--threads={threads}"), "--or-resume".to_owned(), "--quiet".to_owned()]);
    command
}

fn text(path: &Path, runs: &[SweepRun]) -> String {
    let rows = runs.iter().map(|run| row(path, run)).collect();
    let header = ["run", "state", "step", "test accuracy 99 %", "test loss", "time", ""];
    let count = |state| runs.iter().filter(|run| run.state == state).count();
    let (finished, failed) = (count(SweepState::Finished), count(SweepState::Failed));
    let mut lines = vec![table(&header, rows, &[2, 3, 4, 5])];
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    lines.push(format!("{finished} of {} runs finished{failed}: {}", runs.len(), path.display()));
    lines.push(match finished == runs.len() {
        true => format!("  next   {} compare {}\n", program(), path.display()),
        false => "  next   the same command goes on with the others\n".to_owned(),
    });
    lines.join("\n")
}

/// A run's row in the last table.
fn row(path: &Path, run: &SweepRun) -> Vec<String> {
    // What is wrong with metrics that cannot be read, the run's own process tells.
    let evaluations = RunFiles::new(path.join(&run.name)).metrics(u64::MAX).unwrap_or_default();
    let of_last = |text: &dyn Fn(&Evaluation) -> String| evaluations.last().map_or("–".to_owned(), text);
    let generalised = evaluations.iter().collect::<Milestones>().generalised;
    let state = match run.state {
        SweepState::Waiting => "waiting",
        SweepState::Running => "running",
        SweepState::Finished => "finished",
        SweepState::Failed => "failed",
    };
    vec![
        run.name.clone(),
        state.to_owned(),
        of_last(&|last| last.step.to_string()),
        generalised.map_or("–".to_owned(), |step| format!("step {step}")),
        of_last(&|last| format!("{:.3e}", last.test_loss)),
        of_last(&|last| seconds(last.elapsed_s)),
        run.reason.clone().unwrap_or_default(),
    ]
}
