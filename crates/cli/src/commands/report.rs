use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use clockwork_analysis::{AnalysisFiles, Progress};
use clockwork_files::sha256;
use clockwork_report::{Report, Written};
use clockwork_training::RunFiles;

use crate::{
    args::ReportArgs,
    course::measured_course,
    exit::{Ended, WrongRequest},
    facts::Facts,
    missing::{instead_of, is_missing, what_is_missing},
    printer::Printer,
    program::program,
    training_curves::training_curves,
};

/// `clockwork report`
pub fn report(args: &ReportArgs) -> anyhow::Result<Ended> {
    let printer = Printer::new(false);
    let run = RunFiles::named(&args.run);
    let analysis = AnalysisFiles::read(&analysis_to_report(&run, args.step)?)?;
    let out = args.out.clone().unwrap_or_else(|| run.report());
    let written = write_report(&run, &analysis, measured_course(&run, &printer).as_ref(), &out, &printer)?;
    printer.result(&(report_text(&written) + "\n"))?;
    if args.open {
        open::that(&written.page).with_context(|| format!("cannot open {}", written.page.display()))?;
    }
    Ok(Ended::Done)
}

/// Writes the report of a run's analysis, with what was measured of its checkpoints, into a directory.
pub fn write_report(
    run: &RunFiles,
    analysis: &AnalysisFiles,
    progress: Option<&Progress>,
    out: &Path,
    printer: &Printer,
) -> anyhow::Result<Written> {
    let Facts { record, evaluations } = Facts::read(run, u64::MAX, printer);
    let training = training_curves(&evaluations, &evaluations.iter().collect());
    let provenance = &analysis.findings.provenance;
    let weights = run.checkpoints().weights(provenance.step);
    if fs::read(&weights).is_ok_and(|bytes| sha256(&bytes) != provenance.sha256) {
        let analyze = format!("{} analyze {} --step {}", program(), run.path().display(), provenance.step);
        printer
            .warn(&format!("{} has changed since it was analysed; run `{analyze}` again", weights.display()));
    }
    let record = record.map(serde_json::to_value).transpose()?;
    let config = fs::read_to_string(run.config_path()).ok();
    // `latest` is another run tomorrow; the page is to name today's.
    let path =
        fs::canonicalize(run.path()).with_context(|| format!("cannot open {}", run.path().display()))?;
    let name = RunFiles::new(path).name();
    let report = Report {
        name: &name,
        analysis,
        training: Some(&training),
        progress,
        record: record.as_ref(),
        config: config.as_deref(),
        further: &[],
    };
    Ok(report.write(out)?)
}

/// What was written, in words.
pub fn report_text(written: &Written) -> String {
    format!(
        "report {}\n  {} pictures as SVG and PNG in {}",
        written.page.display(),
        written.pictures,
        written.figures.display()
    )
}

/// The directory of the analysis of a run's step, of the one analysed last if none is asked for; or the
/// directory itself, if an analysis is in it.
fn analysis_to_report(run: &RunFiles, step: Option<u64>) -> anyhow::Result<PathBuf> {
    let path = run.path();
    let wrong = |what: String| anyhow!(WrongRequest::new("give a run that was analysed")).context(what);
    let analyze_first = |step: &str| {
        let analyze = format!("{} analyze {}{step}", program(), path.display());
        wrong(format!("{}: run `{analyze}` first", path.display()))
    };
    if is_missing(path) {
        return Err(anyhow!(WrongRequest(instead_of(path))).context(what_is_missing(path)));
    }
    if !path.is_dir() {
        return Err(wrong(format!("{} is no directory", path.display())));
    }
    if let Some(step) = step {
        let directory = run.analysis(step);
        return match directory.is_dir() {
            true => Ok(directory),
            false => Err(analyze_first(&format!(" --step {step}"))),
        };
    }
    if AnalysisFiles::analysed_at(path).is_some() {
        return Ok(path.to_owned());
    }
    let analysed = run.analyses().into_iter();
    let analysed =
        analysed.filter_map(|directory| Some((AnalysisFiles::analysed_at(&directory)?, directory)));
    analysed.max().map(|(_, directory)| directory).ok_or_else(|| analyze_first(""))
}
