use std::{
    io::{IsTerminal, Write, stderr, stdout},
    path::Path,
};

use burn::train::{
    Interrupter,
    renderer::{MetricsRenderer, tui::TuiMetricsRendererWrapper},
};
use clockwork_report::{training_figures, write_figures};
use clockwork_training::{BackendChoice, Ending, Error, HAS_WGPU, Run, Silent, Summary, TrainingDevice};

use super::{
    interrupt::{stop_on_ctrl_c, stop_with_sweep},
    program::program,
    relative_path::relative_to_here,
    threads::start_threads,
    training_curves::training_curves,
};
use crate::{
    args::{BackendArg, SittingArgs},
    duration::InWords,
    exit::{Ended, WrongRequest},
    progress::Progress,
};

/// Where the pictures of a run are, in its directory.
const FIGURES: &str = "report/figures";

/// Refuses `--tui` where there is no terminal to draw it on.
pub fn require_terminal(args: &SittingArgs) -> anyhow::Result<()> {
    if args.tui && !stdout().is_terminal() {
        return Err(WrongRequest("--tui needs a terminal; leave it out for plain lines").into());
    }
    Ok(())
}

/// The device that is asked for, if one is. What `auto` comes to is told, unless `quiet`.
pub fn device(asked: Option<BackendArg>, quiet: bool) -> Result<Option<TrainingDevice>, Error> {
    let choose = |asked| match asked {
        BackendArg::Cpu => Ok(TrainingDevice::cpu()),
        BackendArg::Wgpu => TrainingDevice::choose(BackendChoice::Wgpu),
        BackendArg::Auto => {
            let device = TrainingDevice::choose(BackendChoice::Auto)?;
            let words = match (device.is_processor(), HAS_WGPU) {
                (false, _) => device.name(),
                (true, true) => "the processor, for no GPU was found",
                (true, false) => "the processor, for this clockwork was built without wgpu",
            };
            if !quiet {
                // Where nobody reads it, it is not worth failing for.
                let _ = writeln!(stderr(), "--backend auto: {words}");
            }
            Ok(device)
        }
    };
    asked.map(choose).transpose()
}

/// The kind of device that a run was trained on: on another it would end in other bytes.
fn device_of(run: &Run) -> Result<TrainingDevice, Error> {
    match run.directory().record() {
        Some(record) if record.backend.name == "wgpu" => TrainingDevice::choose(BackendChoice::Wgpu),
        _ => Ok(TrainingDevice::cpu()),
    }
}

/// Trains a run to its end, or until the user stops it, and tells what came of it. Where no device is
/// given, it goes on as it began, a new one on the processor.
pub fn sit(run: Run, device: Option<TrainingDevice>, args: &SittingArgs) -> anyhow::Result<Ended> {
    let device = device.map_or_else(|| device_of(&run), Ok)?;
    let threads = start_threads(args.threads)?;
    let interrupter = Interrupter::new();
    stop_on_ctrl_c(&interrupter)?;
    stop_with_sweep(&interrupter);
    let path = relative_to_here(run.directory().path());
    let renderer: Box<dyn MetricsRenderer> = match args {
        SittingArgs { quiet: true, .. } => Box::new(Silent),
        SittingArgs { tui: true, .. } => Box::new(TuiMetricsRendererWrapper::new(interrupter.clone(), None)),
        _ => Box::new(Progress::new(&run, &path, &device)),
    };
    let summary = run.train(&device, threads, renderer, &interrupter)?;
    // The run is whole without its picture.
    if let Err(error) = draw_training_curves(&summary, &path) {
        let _ = writeln!(stderr(), "warning: {error:#}");
    }
    if !args.quiet {
        // A reader that went away, such as `head`, is no failure of the run.
        let _ = stdout().write_all(in_words(&summary, &path).as_bytes());
    }
    Ok(match summary.ending {
        Ending::Interrupted(_) => Ended::Interrupted,
        Ending::MaxSteps | Ending::EarlyStop => Ended::Done,
    })
}

/// Writes the run's `report/figures/loss.*` and `accuracy.*`.
fn draw_training_curves(summary: &Summary, run: &Path) -> anyhow::Result<()> {
    let figures = training_figures(&training_curves(&summary.evaluations, &summary.milestones));
    write_figures(&run.join(FIGURES), &[&figures[0], &figures[1]])?;
    Ok(())
}

fn in_words(summary: &Summary, path: &Path) -> String {
    let Summary { ending, step, milestones, evaluations, elapsed_s } = summary;
    let passed = |milestone: Option<u64>| match milestone {
        Some(step) => format!("passed 99 % at step {step}"),
        None => "has not passed 99 %".to_owned(),
    };
    let split = |name, loss, accuracy: f64, milestone| {
        format!("  {name:<6} loss {loss:.3e}, accuracy {:.2} %, {}", 100.0 * accuracy, passed(milestone))
    };
    let (how, next) = match ending {
        Ending::Interrupted(_) => ("stopped", format!("{} resume {}", program(), path.display())),
        Ending::MaxSteps | Ending::EarlyStop => {
            ("finished", format!("{} analyze {}", program(), path.display()))
        }
    };
    let time = InWords { seconds: *elapsed_s };
    let mut lines = vec![format!("{how} at step {step} after {time}: {}", path.display())];
    if let Some(last) = evaluations.last() {
        lines.push(split("train", last.train_loss, last.train_accuracy, milestones.memorised));
        lines.push(split("test", last.test_loss, last.test_accuracy, milestones.generalised));
    }
    lines.push(format!("  curves {}", path.join(FIGURES).join("loss.svg").display()));
    lines.push(format!("  next   {next}\n"));
    lines.join("\n")
}
