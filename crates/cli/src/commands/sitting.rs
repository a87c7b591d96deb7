use std::{
    io::{IsTerminal, Write, stderr, stdout},
    path::Path,
};

use burn::{
    tensor::Device,
    train::{
        Interrupter,
        renderer::{MetricsRenderer, tui::TuiMetricsRendererWrapper},
    },
};
use clockwork_report::{training_figures, write_figures};
use clockwork_training::{Ending, Run, Silent, Summary};

use super::{
    interrupt::{stop_on_ctrl_c, stop_with_sweep},
    program::program,
    relative_path::relative_to_here,
    threads::start_threads,
    training_curves::training_curves,
};
use crate::{
    args::SittingArgs,
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

/// Trains a run to its end, or until the user stops it, and tells what came of it.
pub fn sit(run: Run, args: &SittingArgs) -> anyhow::Result<Ended> {
    let threads = start_threads(args.threads)?;
    let interrupter = Interrupter::new();
    stop_on_ctrl_c(&interrupter)?;
    stop_with_sweep(&interrupter);
    let path = relative_to_here(run.directory().path());
    let renderer: Box<dyn MetricsRenderer> = match args {
        SittingArgs { quiet: true, .. } => Box::new(Silent),
        SittingArgs { tui: true, .. } => Box::new(TuiMetricsRendererWrapper::new(interrupter.clone(), None)),
        _ => Box::new(Progress::new(&run, &path)),
    };
    let summary = run.train(&Device::flex(), threads, renderer, &interrupter)?;
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
