use std::path::Path;

use anyhow::{Context, anyhow};
use clockwork_analysis::{AnalysisFiles, Claim, CourseFindings, Findings, Observer};
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
        report::{course_of, report_text, write_report},
    },
    course::{Course, Measured},
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
    if args.progress {
        keep_freed_memory();
    }
    start_threads(args.threads)?;
    let path = checkpoint_path(&args.target, args.step)?;
    let read_as = read_as(&args.read)?;
    let mut checkpoint = Checkpoint::open(&path, &read_as)?;
    doubt(&path, &read_as, &mut checkpoint, &printer);
    // A reader of JSON is a program, which sees no bar.
    let mut observer: Box<dyn Observer> =
        if args.json { Box::new(()) } else { Box::new(AnalysisProgress::new(&printer)) };
    let analysis = AnalysisFiles::of(&checkpoint, &mut *observer)
        .with_context(|| format!("cannot analyse {}", path.display()))?;
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
    let measured = match &run {
        Some(run) if args.progress => measure_course(run, args.out.as_deref(), &printer)?,
        _ => None,
    };
    let course = measured.as_ref().map(|measured| CourseFindings::of(&measured.progress));
    match (args.json, &course) {
        (true, course) => printer.result(&json(&analysis.findings, course.as_ref())?)?,
        (false, Some(course)) => printer.result(&format!("\nhow it came about\n{}", course_text(course)))?,
        (false, None) => {}
    }
    // The figures are told whether they are kept or not; the run may be somebody else's.
    let (progress, progress_written) = measured.map(|of| (of.progress, of.kept)).unzip();
    for (what, written) in
        [("the analysis is", written), ("the measures are", progress_written.unwrap_or(Ok(())))]
    {
        match written {
            Err(error) if args.out.is_none() && is_output_forbidden(&error) => {
                let error = anyhow!(error);
                printer.warn(&format!("{error:#}; {what} not kept, use --out for another place"));
            }
            written => written?,
        }
    }
    if let (true, Some(run), Some(_)) = (args.report, &run, &out) {
        let directory = args.out.clone().unwrap_or_else(|| run.report());
        let progress = progress.or_else(|| course_of(run, &printer));
        let written = write_report(run, &analysis, progress.as_ref(), &directory, &printer)?;
        printer.line(&report_text(&written));
    }
    // One that is about ReLU does not apply to another activation, and is no fault of the network.
    let is_lacking = |claim: &Claim| !claim.holds() && (claim.fails() || summary.key_freqs.is_empty());
    let of_course = course.iter().flat_map(|course| &course.claims);
    let is_failed = claims.iter().any(is_lacking) || of_course.into_iter().any(Claim::fails);
    Ok(if args.check && is_failed { Ended::ClaimFailed } else { Ended::Done })
}

/// Measures all checkpoints of a run that has several.
fn measure_course(run: &RunFiles, out: Option<&Path>, printer: &Printer) -> anyhow::Result<Option<Measured>> {
    if run.checkpoints().steps()?.len() < 2 {
        return Ok(None);
    }
    let directory = out.map_or_else(|| run.analyses_directory(), Path::to_owned);
    let course = Course { run, freqs: &[], directory: &directory, with_maps: true };
    course.measure(printer).map(Some)
}

/// The summary, with the measures as one more key, and what the run's course tells as another.
fn json(findings: &Findings, course: Option<&CourseFindings>) -> anyhow::Result<String> {
    let mut summary = serde_json::to_value(&findings.summary)?;
    summary["measures"] = serde_json::to_value(&findings.measures)?;
    if let Some(course) = course {
        summary["course"] = serde_json::to_value(course)?;
    }
    Ok(serde_json::to_string_pretty(&summary)? + "\n")
}

fn text(path: &Path, findings: &Findings, newest: Option<u64>, out: Option<&Path>) -> String {
    let Findings { summary, claims, provenance, .. } = findings;
    let sizes: Vec<String> =
        summary.cluster_sizes.iter().map(|(cluster, size)| format!("{cluster}: {size}")).collect();
    let frequencies = provenance.task.n_frequencies();
    let mut lines = vec![
        path.display().to_string(),
        format!("  key frequencies {:?} of 1 to {frequencies}", summary.key_freqs),
        format!(
            "  loss {:.3e}, accuracy {:.2} % on all inputs",
            summary.original_loss,
            100.0 * summary.accuracy
        ),
    ];
    lines.extend(summary.train_loss.zip(summary.test_loss).map(|(train, test)| {
        format!("  loss {train:.3e} on the pairs trained on, {test:.3e} on those held out")
    }));
    lines.push(format!("  neurons per cluster {}", sizes.join(", ")));
    lines.extend(words::conditions(provenance, summary).iter().map(|sentence| format!("  {sentence}")));
    lines.extend(words::peculiarities(summary).iter().map(|sentence| format!("  {sentence}")));
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
