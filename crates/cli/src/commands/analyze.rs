use std::path::Path;

use anyhow::{Context, anyhow};
use clockwork_analysis::{AnalysisFiles, Claim, CourseFindings, Error, Findings, Observer};
use clockwork_model::Checkpoint;
use clockwork_report::words;
use clockwork_training::{Record, RunFiles};

use crate::{
    analysis_progress::AnalysisProgress,
    args::AnalyzeArgs,
    checkpoint_path::checkpoint_path,
    claim_lines::claim_lines,
    commands::{
        progress::course_text,
        report::{report_text, write_report},
    },
    course::{Course, Measured, course_directory, measured_course},
    exit::Ended,
    hints::is_output_forbidden,
    memory::keep_freed_memory,
    other_reading::doubt,
    printer::Printer,
    program::program,
    read_as::read_as,
    threads::start_threads,
};

/// `clockwork analyze`
pub fn analyze(args: &AnalyzeArgs) -> anyhow::Result<Ended> {
    let printer = Printer::new(false);
    keep_freed_memory();
    start_threads(args.threads)?;
    let path = checkpoint_path(&args.target, args.step)?;
    let read_as = read_as(&args.read)?;
    let mut checkpoint = Checkpoint::open(&path, &read_as)?;
    doubt(&path, &read_as, &mut checkpoint, &printer);
    // A reader of JSON is a program, which sees no bar.
    let mut observer: Box<dyn Observer> =
        if args.json { Box::new(()) } else { Box::new(AnalysisProgress::new(&printer)) };
    let analyse = if args.quick { AnalysisFiles::quick } else { AnalysisFiles::of };
    let analysis =
        analyse(&checkpoint, &mut *observer).with_context(|| format!("cannot analyse {}", path.display()))?;
    let Findings { summary, claims, provenance, .. } = &analysis.findings;
    let run = RunFiles::of_checkpoint(&path);
    let out = match (&args.out, &run) {
        (Some(out), _) => Some(out.clone()),
        (None, Some(run)) => Some(run.analysis(provenance.step)),
        (None, None) => None,
    };
    let written = out.as_ref().map_or(Ok(()), |out| analysis.write(out));
    let out = out.filter(|_| written.is_ok());
    drop(observer);
    let imported = provenance.imported.iter().filter(|_| args.json);
    imported.flat_map(words::reading).for_each(|sentence| printer.line(&sentence));
    if !args.json {
        let newest = run.as_ref().and_then(newest_step);
        printer.result(&text(&path, &analysis.findings, newest, out.as_deref()))?;
    }
    let measured = run.as_ref().filter(|_| args.progress).and_then(|run| measure_course(run, args, &printer));
    let course = measured.as_ref().map(|measured| CourseFindings::of(&measured.progress));
    if args.json {
        printer.result(&json(&analysis.findings, course.as_ref())?)?;
    } else if let Some(course) = &course {
        printer.result(&format!("\nhow it came about\n{}", course_text(course)))?;
    }
    // The figures are told whether they are kept or not; the run may be somebody else's.
    kept("the analysis is", written, args, &printer)?;
    let progress = match measured {
        Some(Measured { progress, kept: written }) => {
            kept("the measures are", written, args, &printer)?;
            Some(progress)
        }
        None => None,
    };
    if let (true, Some(run), Some(_)) = (args.report, &run, &out) {
        let directory = args.out.clone().unwrap_or_else(|| run.report());
        let progress = progress.or_else(|| measured_course(run, &printer));
        let written = write_report(run, &analysis, progress.as_ref(), &directory, &printer)?;
        printer.line(&report_text(&written));
    }
    // One that is about ReLU does not apply to another activation, and one about frequencies to an operation without
    // coordinates, which is no fault of the network. That it has no key frequency is.
    let has_no_key_freq = summary.coordinates.has_inputs() && summary.key_freqs.is_empty();
    let is_lacking = |claim: &Claim| !claim.holds() && (claim.fails() || has_no_key_freq);
    let is_course_lacking = course.is_some_and(|course| course.claims.iter().any(Claim::fails));
    let is_lacking = claims.iter().any(is_lacking) || is_course_lacking;
    Ok(if args.check && is_lacking { Ended::ClaimFailed } else { Ended::Done })
}

/// Passes an error of writing on, but only warns where a run's own place may not be written to.
fn kept(what: &str, written: Result<(), Error>, args: &AnalyzeArgs, printer: &Printer) -> anyhow::Result<()> {
    match written {
        Err(error) if args.out.is_none() && is_output_forbidden(&error) => {
            printer.warn(&format!("{:#}; {what} not kept, use --out for another place", anyhow!(error)));
            Ok(())
        }
        written => Ok(written?),
    }
}

/// Measures all checkpoints of a run that has several. What goes wrong does not stop the analysis.
fn measure_course(run: &RunFiles, args: &AnalyzeArgs, printer: &Printer) -> Option<Measured> {
    if run.checkpoints().steps().is_ok_and(|steps| steps.len() < 2) {
        return None;
    }
    let directory = args.out.clone().unwrap_or_else(|| course_directory(run, &[]));
    let course = Course { run, freqs: &[], directory: &directory, with_maps: true };
    match course.measure(printer) {
        Ok(measured) => Some(measured),
        Err(error) => {
            printer.warn(&format!("{error:#}; how it came about is left out"));
            None
        }
    }
}

/// The summary, with the measures as one more key, and what the run's course tells as another.
fn json(findings: &Findings, course: Option<&CourseFindings>) -> anyhow::Result<String> {
    let mut summary = serde_json::to_value(&findings.summary)?;
    summary["measures"] = serde_json::to_value(&findings.measures)?;
    if let Some(algorithm) = &findings.algorithm {
        summary["algorithm"] = serde_json::to_value(algorithm)?;
    }
    if let Some(course) = course {
        summary["course"] = serde_json::to_value(course)?;
    }
    Ok(serde_json::to_string_pretty(&summary)? + "\n")
}

fn text(path: &Path, findings: &Findings, newest: Option<u64>, out: Option<&Path>) -> String {
    let Findings { summary, claims, provenance, algorithm, .. } = findings;
    let sizes: Vec<String> =
        summary.cluster_sizes.iter().map(|(cluster, size)| format!("{cluster}: {size}")).collect();
    let frequencies = provenance.task.n_frequencies();
    let mut lines = vec![
        path.display().to_string(),
        match summary.coordinates.has_inputs() {
            true => format!("  key frequencies {:?} of 1 to {frequencies}", summary.key_freqs),
            false => "  key frequencies do not apply".to_owned(),
        },
        format!(
            "  loss {:.3e}, accuracy {:.2} % on all inputs",
            summary.original_loss,
            100.0 * summary.accuracy
        ),
    ];
    lines.extend(summary.train_loss.zip(summary.test_loss).map(|(train, test)| {
        format!("  loss {train:.3e} on the pairs trained on, {test:.3e} on those held out")
    }));
    if summary.coordinates.has_inputs() {
        lines.push(format!("  neurons per cluster {}", sizes.join(", ")));
    }
    lines.extend(words::bases(summary).map(|sentence| format!("  {sentence}")));
    lines.extend(words::conditions(provenance, summary).iter().map(|sentence| format!("  {sentence}")));
    lines.extend(words::peculiarities(summary).iter().map(|sentence| format!("  {sentence}")));
    lines.extend(
        algorithm
            .iter()
            .flat_map(|of| [format!("  {}", words::algorithm(of)), format!("  {}", words::certificates(of))]),
    );
    lines.push(String::new());
    lines.extend(claim_lines(claims));
    lines.extend(words::reasons(claims).iter().map(|reason| format!("    {reason}")));
    lines.extend(words::train_on(findings, newest, &program()).map(|on| format!("  train on {on}")));
    lines.extend(out.map(|out| format!("  figures {}", out.display())));
    lines.join("\n") + "\n"
}

/// The step that a run is at, if it was trained here.
fn newest_step(run: &RunFiles) -> Option<u64> {
    match run.record()? {
        Record::Trained(record) => Some(record.step),
        Record::Imported(_) => None,
    }
}
