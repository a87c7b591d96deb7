use anyhow::{Context, anyhow};
use clockwork_analysis::{AnalysisFiles, Comparison, CourseCurves, CourseFindings, Progress, RunFindings};
use clockwork_report::{ComparisonReport, TrainingCurves};
use clockwork_training::{Milestones, RunFiles};

use crate::{
    args::CompareArgs,
    comparison_csv::{checks_csv, runs_csv},
    comparison_table::text,
    course::{Course, Measured, measured_course},
    exit::Ended,
    facts::Facts,
    memory::keep_freed_memory,
    printer::Printer,
    relative_path::relative_to_here,
    runs_to_compare::{Known, RunToCompare, names, of_one_modulus, runs_to_compare},
    threads::start_threads,
    training_curves::training_curves,
};

/// The comparison for spreadsheets, beside its report: a line per run, and a line per run and figure of a claim.
const RUNS_CSV: &str = "comparison.csv";
const CHECKS_CSV: &str = "checks.csv";

/// `clockwork compare`
pub fn compare(args: &CompareArgs) -> anyhow::Result<Ended> {
    let printer = Printer::new(false);
    if args.progress {
        keep_freed_memory();
    }
    start_threads(args.threads)?;
    let runs = of_one_modulus(runs_to_compare(&args.runs, args.step, &printer)?, args.modulus)?;
    let (names, out) = names(&runs)?;
    let out = args.out.clone().unwrap_or_else(|| relative_to_here(&out));

    let bar = printer.bar(runs.len() as u64, "analysing {bar:20.cyan/dim} {pos}/{len}  {msg}");
    let mut findings = Vec::new();
    let (mut curves, mut courses) = (Vec::new(), Vec::new());
    for (run, name) in runs.into_iter().zip(names) {
        bar.set_message(name.clone());
        match findings_of(run, name, args.progress, &printer) {
            Ok((of_run, of_training, of_course)) => {
                findings.push(of_run);
                curves.push(of_training);
                courses.push(of_course);
            }
            Err(error) => printer.warn(&format!("{error:#}; left out")),
        }
        bar.inc(1);
    }
    printer.remove(&bar);
    let comparison = Comparison::new(&findings)?;

    let json = serde_json::to_string_pretty(&comparison)? + "\n";
    let csv = runs_csv(&comparison)?;
    let report = ComparisonReport { comparison: &comparison, training: &curves, courses: &courses };
    let written = report.write(
        &out,
        &[(Comparison::FILE, &json), (RUNS_CSV, &csv), (CHECKS_CSV, &checks_csv(&comparison)?)],
    )?;
    let text = match (args.json, args.csv) {
        (true, _) => json,
        (_, true) => csv,
        _ => text(&comparison, &written.page),
    };
    printer.result(&text)?;
    if args.open {
        open::that(&written.page).with_context(|| format!("cannot open {}", written.page.display()))?;
    }
    Ok(Ended::Done)
}

/// The findings of a run, which is analysed if it was not yet, what was measured in its training, and its course, which is
/// measured if that is asked for.
fn findings_of(
    run: RunToCompare,
    name: String,
    measures_course: bool,
    printer: &Printer,
) -> anyhow::Result<(RunFindings, TrainingCurves, Option<CourseCurves>)> {
    let RunToCompare { files, step, known, .. } = run;
    let findings = match known {
        Known::Analysed(findings) => *findings,
        Known::NotAnalysed(checkpoint) => {
            let analysis = AnalysisFiles::of(&checkpoint, &mut ())
                .with_context(|| format!("cannot analyse {}", checkpoint.path.display()))?;
            // What cannot be kept can still be compared.
            if let Err(error) = analysis.write(&files.analysis(step)) {
                printer.warn(&format!("{:#}; the analysis is not kept", anyhow!(error)));
            }
            analysis.findings
        }
    };
    let path = relative_to_here(files.path());
    let Facts { record, evaluations } = Facts::read(&RunFiles::new(&path), step, printer);
    let milestones: Milestones = evaluations.iter().collect();
    let state = record.map(|record| record.state().to_string());
    let path = path.display().to_string();
    let curves = training_curves(&evaluations, &milestones);
    let mut progress = course_of(&files, measures_course, printer).unwrap_or_else(|error| {
        printer.warn(&format!("{error:#}; how it came about is left out"));
        None
    });
    // A comparison of an earlier step knows nothing of what came later.
    progress.iter_mut().for_each(|progress| progress.cut_behind(step));
    let progress = progress.filter(|progress| progress.rows.len() > 1);
    let course = progress.as_ref().map(CourseFindings::of);
    let run = RunFindings { name, path, state, generalised: milestones.generalised, findings, course };
    Ok((run, curves, progress.as_ref().map(CourseCurves::of)))
}

/// The course of a run with several checkpoints, measured now or before.
fn course_of(run: &RunFiles, is_measured: bool, printer: &Printer) -> anyhow::Result<Option<Progress>> {
    let progress = if is_measured && run.checkpoints().steps()?.len() > 1 {
        let directory = run.analyses_directory();
        let course = Course { run, freqs: &[], directory: &directory, with_maps: false };
        let Measured { progress, kept } = course.measure(printer)?;
        // What cannot be kept can still be compared.
        if let Err(error) = kept {
            printer.warn(&format!("{:#}; the measures are not kept", anyhow!(error)));
        }
        Some(progress)
    } else {
        measured_course(run, printer)
    };
    let is_comparable = |progress: &Progress| {
        let is = progress.is_of_this_version();
        if !is {
            printer.warn(&format!(
                "{}: another version measured its course, which is left out; measure it with --progress",
                run.path().display()
            ));
        }
        is
    };
    Ok(progress.filter(is_comparable))
}
