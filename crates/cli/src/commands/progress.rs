use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clockwork_analysis::{
    Claim, CoursePhases, Lead, Progress, ProgressRow, course_claims, key_freqs_of, leads,
};
use clockwork_model::{Checkpoint, CheckpointFile, ReadAs};
use clockwork_report::words::{self, short};
use clockwork_training::RunFiles;
use rayon::prelude::*;
use serde::Serialize;

use crate::{
    args::ProgressArgs,
    checkpoint_path::checkpoint_path,
    claim_lines::claim_lines,
    exit::{Ended, WrongRequest},
    printer::Printer,
    table::table,
    threads::start_threads,
};

/// How often what is measured is kept on the way: whoever interrupts loses no more than that.
const KEPT_EVERY: Duration = Duration::from_secs(5);

/// How many checkpoints are measured at once: while one is in a part of its own that uses one thread, another uses the
/// rest. Each takes about 200 MB for p = 113.
const AT_ONCE: usize = 2;

/// `clockwork progress`
pub fn progress(args: &ProgressArgs) -> anyhow::Result<Ended> {
    let printer = Printer::new(false);
    start_threads(args.threads)?;
    let run = RunFiles::named(&args.run);
    // The newest checkpoint, or why there is none.
    let newest = checkpoint_path(&args.run, None)?;
    let steps = run.checkpoints().steps()?;
    let out = args.out.clone().unwrap_or_else(|| run.analyses_directory());
    let newest = Checkpoint::open(&newest, &ReadAs::default())?;
    let mut measured = wanted(args, &newest)?;
    let kept = Progress::read(&out).unwrap_or_else(|error| {
        printer.warn(&format!("{:#}; measured anew", anyhow!(error)));
        None
    });
    let kept = kept.filter(|kept| kept.is_like(&measured)).map_or_else(Vec::new, |kept| kept.rows);

    let bar =
        printer.bar(steps.len() as u64, "measuring {bar:20.cyan/dim} step {msg}  {pos}/{len}  {left} left");
    let mut kept_at = Instant::now();
    for steps in steps.chunks(AT_ONCE) {
        bar.set_message(steps[0].to_string());
        let of_step = |&step: &u64| row(&run, step, &kept, &measured.key_freqs);
        let rows: Vec<anyhow::Result<ProgressRow>> = steps.par_iter().map(of_step).collect();
        for row in rows {
            match row {
                Ok(row) => measured.rows.push(row),
                Err(error) => printer.warn(&format!("{error:#}; left out")),
            }
        }
        bar.inc(steps.len() as u64);
        if kept_at.elapsed() > KEPT_EVERY {
            measured.write(&out)?;
            kept_at = Instant::now();
        }
    }
    printer.remove(&bar);
    measured.write(&out)?;
    printer.result(&match args.json {
        true => serde_json::to_string_pretty(&Told::of(&measured))? + "\n",
        false => text(&measured) + &format!("\n  measures {}\n", out.display()),
    })?;
    Ok(Ended::Done)
}

/// What programs read: the measures, and what they tell.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    measured: &'a Progress,
    phases: CoursePhases,
    leads: Vec<Lead>,
    claims: Vec<Claim>,
}

impl<'a> Told<'a> {
    fn of(measured: &'a Progress) -> Self {
        let (phases, leads) = (CoursePhases::of(measured), leads(measured));
        Self { measured, phases, leads, claims: course_claims(measured) }
    }
}

/// A measurement by the frequencies asked for, or those of the newest checkpoint.
fn wanted(args: &ProgressArgs, newest: &CheckpointFile) -> anyhow::Result<Progress> {
    if args.freqs.is_empty() {
        let freqs = key_freqs_of(&newest.checkpoint)
            .with_context(|| format!("cannot measure {}", newest.path.display()))?;
        return Ok(Progress::new(freqs, Some(newest.checkpoint.metadata.step)));
    }
    let most = newest.checkpoint.metadata.task.n_frequencies();
    let mut freqs = args.freqs.clone();
    freqs.sort_unstable();
    freqs.dedup();
    match freqs.iter().find(|k| !(1..=most).contains(*k)) {
        Some(k) => Err(anyhow!(WrongRequest(format!("choose --freqs from 1 to {most}")))
            .context(format!("{k} is no frequency of this run"))),
        None => Ok(Progress::new(freqs, None)),
    }
}

/// The row of a step: the one that was measured before if the checkpoint is the same.
fn row(run: &RunFiles, step: u64, kept: &[ProgressRow], key_freqs: &[usize]) -> anyhow::Result<ProgressRow> {
    let path = run.checkpoints().weights(step);
    let file = Checkpoint::open(&path, &ReadAs::default())?;
    match kept.iter().find(|row| row.step == step && row.sha256 == file.sha256) {
        Some(row) => Ok(row.clone()),
        None => {
            ProgressRow::of(&file, key_freqs).with_context(|| format!("cannot measure {}", path.display()))
        }
    }
}

/// The measures as tables: the course, and what leads.
fn text(progress: &Progress) -> String {
    let of = match progress.key_freqs_of_step {
        Some(step) => format!("the key frequencies of step {step}"),
        None => "the frequencies chosen".to_owned(),
    };
    let header = [
        "step",
        "train loss",
        "test loss",
        "restricted (3d)",
        "excluded (2d, train)",
        "explained",
        "in clusters",
        "squares",
    ];
    let rows = progress.rows.iter().map(cells).collect();
    let mut text = format!("  by {of}: {}\n\n", words::list(&progress.key_freqs));
    text += &table(&header, rows, &[0, 1, 2, 3, 4, 5, 6, 7]);
    let leads = leads(progress);
    if !leads.is_empty() {
        let header = ["measure", "from", "to", "half of its way at", "before the test accuracy"];
        let rows = leads.iter().map(lead_cells).collect();
        text += "\n  what leads, once the training pairs are known\n";
        text += &table(&header, rows, &[1, 2, 3, 4]);
    }
    let phases = words::phases(&CoursePhases::of(progress));
    let claims = claim_lines(&course_claims(progress)).join("\n");
    format!("{text}\n  phases: {phases}\n\n{claims}\n")
}

fn cells(row: &ProgressRow) -> Vec<String> {
    let measures = &row.measures;
    let or_none = |value: Option<f64>| value.map_or("–".to_owned(), short);
    vec![
        row.step.to_string(),
        or_none(measures.train.as_ref().map(|train| train.loss)),
        or_none(measures.test.as_ref().map(|test| test.loss)),
        short(measures.all.restricted_loss_3d),
        or_none(measures.train.as_ref().map(|train| train.excluded_loss_2d)),
        format!("{:.1} %", 100.0 * measures.frac_logits_explained_3d),
        format!("{:.0} %", 100.0 * row.share_in_clusters()),
        short(row.sum_squared_weights),
    ]
}

fn lead_cells(lead: &Lead) -> Vec<String> {
    let before = match lead.steps_before_test_accuracy {
        0 => "at once".to_owned(),
        steps if steps > 0 => format!("{steps} steps before"),
        steps => format!("{} steps behind", -steps),
    };
    vec![lead.measure.clone(), short(lead.from), short(lead.to), lead.halfway.to_string(), before]
}
