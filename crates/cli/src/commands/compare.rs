use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clockwork_analysis::{
    AnalysisFiles, ByOperation, Comparison, CourseCurves, CourseFindings, Error, Progress, RunFindings,
    grouped_by_operation,
};
use clockwork_model::Task;
use clockwork_report::{ComparisonReport, OperationsReport, TrainingCurves};
use clockwork_training::{Milestones, RunFiles};

use crate::{
    args::CompareArgs,
    comparison_csv::{checks_csv, operations_csv, runs_csv},
    comparison_table::{operations_text, text},
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

/// Operations beside each other for spreadsheets, a line each.
const OPERATIONS_CSV: &str = "operations.csv";

/// `clockwork compare`
pub fn compare(args: &CompareArgs) -> anyhow::Result<Ended> {
    let printer = Printer::new(false);
    if args.progress {
        keep_freed_memory();
    }
    start_threads(args.threads)?;
    let runs = runs_to_compare(&args.runs, args.step, &printer)?;
    let runs = of_one_modulus(runs, args.modulus, args.operation)?;
    let (names, out) = names(&runs)?;
    let out = args.out.clone().unwrap_or_else(|| relative_to_here(&out));

    let bar = printer.bar(runs.len() as u64, "analysing {bar:20.cyan/dim} {pos}/{len}  {msg}");
    let mut analysed = Vec::new();
    for (run, name) in runs.into_iter().zip(names) {
        bar.set_message(name.clone());
        match findings_of(run, name, args.progress, &printer) {
            Ok(run) => analysed.push(run),
            Err(error) => printer.warn(&format!("{error:#}; left out")),
        }
        bar.inc(1);
    }
    printer.remove(&bar);
    let mut groups = grouped_by_operation(analysed, |run| run.findings.findings.provenance.task);
    let outcome = match (groups.pop(), groups.is_empty()) {
        (None, _) => return Err(Error::NothingToCompare.into()),
        (Some((_, runs)), true) => compared(runs, &out)?.outcome,
        (Some(last), false) => {
            groups.push(last);
            compared_by_operation(groups, &out)?
        }
    };
    let Outcome { json, csv, text, page } = outcome;
    printer.result(match (args.json, args.csv) {
        (true, _) => &json,
        (_, true) => &csv,
        _ => &text,
    })?;
    if args.open {
        open::that(&page).with_context(|| format!("cannot open {}", page.display()))?;
    }
    Ok(Ended::Done)
}

/// What a comparison found, in each form in which it is printed, and its page.
struct Outcome {
    json: String,
    csv: String,
    text: String,
    page: PathBuf,
}

/// A run that was analysed: what was found in it, what was measured in its training, and its course, where that is known.
struct AnalysedRun {
    findings: RunFindings,
    training: TrainingCurves,
    course: Option<CourseCurves>,
}

/// A comparison of runs of one operation, which is written.
struct Compared {
    comparison: Comparison,
    training: Vec<TrainingCurves>,
    outcome: Outcome,
}

fn compared(runs: Vec<AnalysedRun>, out: &Path) -> anyhow::Result<Compared> {
    let (mut findings, mut training, mut courses) = (Vec::new(), Vec::new(), Vec::new());
    for run in runs {
        findings.push(run.findings);
        training.push(run.training);
        courses.push(run.course);
    }
    let comparison = Comparison::new(&findings)?;
    let json = serde_json::to_string_pretty(&comparison)? + "\n";
    let csv = runs_csv(&comparison)?;
    let report = ComparisonReport { comparison: &comparison, training: &training, courses: &courses };
    let beside = [(Comparison::FILE, &json[..]), (RUNS_CSV, &csv), (CHECKS_CSV, &checks_csv(&comparison)?)];
    let page = report.write(out, &beside)?.page;
    let text = text(&comparison, &page);
    Ok(Compared { comparison, training, outcome: Outcome { json, csv, text, page } })
}

/// Compares the runs of each operation in a directory of its own, and puts the operations beside each other.
fn compared_by_operation(groups: Vec<(Task, Vec<AnalysedRun>)>, out: &Path) -> anyhow::Result<Outcome> {
    let of_group = |(task, runs): (Task, _)| compared(runs, &out.join(task.operation_file_name()));
    let compared = groups.into_iter().map(of_group).collect::<anyhow::Result<Vec<Compared>>>()?;
    let operations = ByOperation::new(compared.iter().map(|of| &of.comparison))?;
    let training: Vec<Vec<TrainingCurves>> = compared.into_iter().map(|of| of.training).collect();
    let json = serde_json::to_string_pretty(&operations)? + "\n";
    let csv = operations_csv(&operations)?;
    let report = OperationsReport { operations: &operations, training: &training };
    let page = report.write(out, &[(ByOperation::FILE, &json), (OPERATIONS_CSV, &csv)])?.page;
    let text = operations_text(&operations, &page);
    Ok(Outcome { json, csv, text, page })
}

/// The findings of a run, which is analysed if it was not yet, what was measured in its training, and its course, which is
/// measured if that is asked for.
fn findings_of(
    run: RunToCompare,
    name: String,
    measures_course: bool,
    printer: &Printer,
) -> anyhow::Result<AnalysedRun> {
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
    let findings = RunFindings { name, path, state, generalised: milestones.generalised, findings, course };
    Ok(AnalysedRun { findings, training: curves, course: progress.as_ref().map(CourseCurves::of) })
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
