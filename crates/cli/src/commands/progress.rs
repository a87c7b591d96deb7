use std::{
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::Context;
use clockwork_analysis::{AnalysisFiles, CourseFindings, Progress, ProgressRow};
use clockwork_model::{Checkpoint, ReadAs};
use clockwork_report::words::{self, short};
use clockwork_training::RunFiles;
use serde::Serialize;

use crate::{
    args::ProgressArgs,
    checkpoint_path::checkpoint_path,
    claim_lines::claim_lines,
    commands::report::{report_text, write_report},
    course::{Course, Measured, course_directory},
    exit::Ended,
    memory::keep_freed_memory,
    printer::Printer,
    table::table,
    threads::start_threads,
};

/// How often it is looked for new checkpoints of a run that is followed.
const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// `clockwork progress`
pub fn progress(args: &ProgressArgs) -> anyhow::Result<Ended> {
    let printer = Printer::new(false);
    if !args.follow {
        keep_freed_memory();
    }
    start_threads(args.threads)?;
    let run = RunFiles::named(&args.run);
    let out = args.out.clone().unwrap_or_else(|| course_directory(&run, &args.freqs));
    let course = Course { run: &run, freqs: &args.freqs, directory: &out, with_maps: true };
    let Measured { progress, kept } = match args.follow {
        true => follow(&course, args.out.as_deref(), &printer)?,
        false => course.measure(&printer)?,
    };
    printer.result(&match args.json {
        true => serde_json::to_string_pretty(&Told::of(&progress))? + "\n",
        false => {
            text(&progress)
                + &kept.as_ref().map_or(String::new(), |()| format!("\n  measures {}\n", out.display()))
        }
    })?;
    kept?;
    Ok(Ended::Done)
}

/// Measures a run for as long as it is trained, and writes its report each time that there is a new checkpoint.
fn follow(course: &Course, out: Option<&Path>, printer: &Printer) -> anyhow::Result<Measured> {
    let page = out.map_or_else(|| course.run.report(), PathBuf::from);
    let mut measured_to = None;
    let mut told_of_page = false;
    loop {
        // Asked before what there is: the last checkpoint comes before the end.
        let is_trained = course.run.is_being_trained();
        let newest = course.run.checkpoints().steps().ok().and_then(|steps| steps.last().copied());
        if newest == measured_to && is_trained {
            thread::sleep(LOOKED_EVERY);
            continue;
        }
        // Maps are of the last checkpoint's largest cluster, which is another one tomorrow.
        let measured = match (Course { with_maps: !is_trained, ..*course }.measure(printer), is_trained) {
            (Ok(measured), _) => measured,
            (Err(error), false) => return Err(error),
            // A checkpoint may be moved away just now, as where a run goes on from an earlier one.
            (Err(error), true) => {
                printer.warn(&format!("{error:#}; the next checkpoint is waited for"));
                measured_to = newest;
                continue;
            }
        };
        measured_to = newest;
        match look(course.run, &measured.progress, &page, printer) {
            Ok(text) if !told_of_page => {
                printer.line(&text);
                told_of_page = true;
            }
            Ok(_) => {}
            Err(error) => printer.warn(&format!("{error:#}; the report is left out")),
        }
        // What cannot be kept would be measured again and again.
        if !is_trained || measured.kept.is_err() {
            return Ok(measured);
        }
        printer.line(&latest(&measured.progress));
    }
}

/// Writes the report of the newest checkpoint with what was measured up to it. Its analysis is not kept, as the next
/// checkpoint's takes its place.
fn look(run: &RunFiles, progress: &Progress, page: &Path, printer: &Printer) -> anyhow::Result<String> {
    let checkpoint = Checkpoint::open(&checkpoint_path(run.path(), None)?, &ReadAs::default())?;
    let analysis = AnalysisFiles::quick(&checkpoint, &mut ())
        .with_context(|| format!("cannot analyse {}", checkpoint.path.display()))?;
    Ok(report_text(&write_report(run, &analysis, Some(progress), page, printer)?))
}

/// Where a run that is followed has come to, in a line.
fn latest(progress: &Progress) -> String {
    let Some(row) = progress.rows.last() else { return "no checkpoint could be measured".to_owned() };
    let phases = words::phases(CourseFindings::of(progress).phases.as_ref());
    let test = row.measures.test.as_ref().map_or("–".to_owned(), |test| short(test.loss));
    let restricted = short(row.measures.all.restricted_loss_3d);
    let by = words::measured_by(progress);
    format!("step {}  test loss {test}, restricted {restricted}, {by}; {phases}", row.step)
}

/// What programs read: the measures, and what they tell.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    measured: &'a Progress,
    #[serde(flatten)]
    findings: CourseFindings,
}

impl<'a> Told<'a> {
    fn of(measured: &'a Progress) -> Self {
        Self { measured, findings: CourseFindings::of(measured) }
    }
}

/// The measures as tables: the course, and what leads.
fn text(progress: &Progress) -> String {
    let header = [
        "step",
        "train loss",
        "test loss",
        "restricted (3d)",
        "excluded (2d, train)",
        "explained",
        "in clusters",
        "squares",
        "symmetricity",
        "irrelevance",
        "certified",
    ];
    let rows = progress.rows.iter().map(cells).collect();
    let mut text = format!("  {}\n\n", words::measured_by(progress));
    text += &table(&header, rows, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let findings = CourseFindings::of(progress);
    if !findings.leads.is_empty() {
        let rows = findings.leads.iter().map(|lead| words::lead(lead).to_vec()).collect();
        text += "\n  what leads, once the training pairs are known\n";
        text += &table(&words::LEAD_COLUMNS, rows, &[1, 2, 3, 4]);
    }
    format!("{text}\n{}", course_text(&findings))
}

/// Phases and claims.
pub fn course_text(CourseFindings { phases, claims, .. }: &CourseFindings) -> String {
    format!("  phases: {}\n\n{}\n", words::phases(phases.as_ref()), claim_lines(claims).join("\n"))
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
        or_none(measures.gradient_symmetricity),
        short(measures.distance_irrelevance),
        measures.certified_accuracy.map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share)),
    ]
}
