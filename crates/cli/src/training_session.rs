use std::{
    io::{IsTerminal, stdout},
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use burn::train::Interrupter;
use clockwork_report::{FIGURES, training_figures, write_figures};
use clockwork_training::{
    Change, Ending, Evaluation, Outcome, Run, RunFiles, RunObserver, SettingChange, TrainingDevice,
};

use crate::{
    args::TrainingArgs,
    dashboard::Dashboard,
    device::device_of,
    duration::seconds,
    exit::{Ended, WrongRequest},
    interrupt::{stop_on_ctrl_c, stop_with_sweep},
    looker::looker,
    printer::Printer,
    program::program,
    progress::Progress,
    relative_path::relative_to_here,
    threads::start_threads,
    training_curves::training_curves,
};

/// Refuses `--tui` where there is no terminal to draw it on.
pub fn require_terminal(args: &TrainingArgs) -> anyhow::Result<()> {
    if args.tui && !stdout().is_terminal() {
        return Err(WrongRequest::new("--tui needs a terminal; leave it out for plain lines").into());
    }
    Ok(())
}

/// Trains a run until it ends or the user stops it, and prints the outcome. Without a device, a resumed run
/// is trained on the backend that it was trained on before, and a new run on the processor.
pub fn train_and_tell(
    run: Run,
    device: Option<TrainingDevice>,
    args: &TrainingArgs,
    printer: &Printer,
) -> anyhow::Result<Ended> {
    run.notes().iter().for_each(|note| printer.warn(&note.to_string()));
    if let Some(change) = run.change() {
        printer.line(&change_text(change));
    }
    if let Some(aside) = run.aside() {
        let aside = relative_to_here(aside);
        printer.line(&format!("what was kept of later steps is put aside in {}", aside.display()));
    }
    let device = device.map_or_else(|| device_of(run.files()), Ok)?;
    let threads = start_threads(args.threads)?;
    let interrupter = Interrupter::new();
    stop_on_ctrl_c(&interrupter)?;
    stop_with_sweep(&interrupter);
    let files = RunFiles::new(relative_to_here(run.files().path()));
    let observer: Box<dyn RunObserver> = match args {
        TrainingArgs { quiet: true, .. } => Box::new(()),
        TrainingArgs { tui: true, .. } => Box::new(Dashboard::new(&run, &interrupter)),
        _ => Box::new(Progress::new(&run, files.path(), &device, printer.clone())),
    };
    let outcome = run.train(&device, threads, observer, &looker(), &interrupter)?;
    let loss = draw_curves(&files, &outcome.evaluations, printer);
    printer.result(&text(&outcome, files.path(), &loss))?;
    Ok(match outcome.ending {
        Ending::Interrupted(_) => Ended::Interrupted,
        Ending::MaxSteps | Ending::EarlyStop | Ending::Clean => Ended::Done,
    })
}

/// Draws the losses and accuracies over steps into the directory of a run's report. Returns the picture of the
/// losses.
pub fn draw_curves(files: &RunFiles, evaluations: &[Evaluation], printer: &Printer) -> PathBuf {
    let curves = training_figures(&training_curves(evaluations, &evaluations.iter().collect()));
    let directory = files.report().join(FIGURES);
    // The run is whole without its pictures.
    if let Err(error) = write_figures(&directory, &curves.each_ref()) {
        printer.warn(&format!("{:#}", anyhow!(error)));
    }
    directory.join(curves[0].file_of(&curves[0].frames[0])).with_extension("svg")
}

/// What is changed as a run is gone on with.
fn change_text(Change { step, settings, fresh_moments }: &Change) -> String {
    let settings = settings.iter().map(|SettingChange { key, from, to }| format!("{key} = {to}, not {from}"));
    let moments = fresh_moments.then(|| "the optimiser's moments begin anew".to_owned());
    let changes: Vec<String> = settings.chain(moments).collect();
    format!("from step {step} on: {}", changes.join("; "))
}

fn text(outcome: &Outcome, path: &Path, curves: &Path) -> String {
    let Outcome { ending, step, milestones, evaluations, elapsed_s } = outcome;
    let (path, curves) = (path.display(), curves.display());
    let passed = |milestone: Option<u64>| match milestone {
        Some(step) => format!("passed 99 % at step {step}"),
        None => "has not passed 99 %".to_owned(),
    };
    let split = |name, loss, accuracy: f64, milestone| {
        format!("  {name:<6} loss {loss:.3e}, accuracy {:.2} %, {}", 100.0 * accuracy, passed(milestone))
    };
    let (how, next) = match ending {
        Ending::Interrupted(_) => ("stopped", format!("{} resume {path}", program())),
        Ending::MaxSteps | Ending::EarlyStop | Ending::Clean => {
            ("finished", format!("{} analyze {path}", program()))
        }
    };
    let mut lines = vec![format!("{how} at step {step} after {}: {path}", seconds(*elapsed_s))];
    if let Some(last) = evaluations.last() {
        lines.push(split("train", last.train_loss, last.train_accuracy, milestones.memorised));
        lines.push(split("test", last.test_loss, last.test_accuracy, milestones.generalised));
    }
    lines.push(format!("  curves {curves}"));
    lines.push(format!("  next   {next}\n"));
    lines.join("\n")
}
