use std::{fs, path::PathBuf};

use anyhow::{Context, anyhow};
use clockwork_analysis::AnalysisFiles;
use clockwork_report::Report;
use clockwork_training::RunFiles;

use crate::{
    args::ReportArgs,
    exit::{Ended, WrongRequest},
    printer::Printer,
    program::program,
    training_curves::training_curves,
};

/// `clockwork report`
pub fn report(args: &ReportArgs) -> anyhow::Result<Ended> {
    let run = RunFiles::new(&args.run);
    let analysis = AnalysisFiles::read(&analysis_to_report(&run, args.step)?)?;
    // An imported network has no evaluations.
    let evaluations = run.metrics(u64::MAX)?;
    let training = training_curves(&evaluations, &evaluations.iter().collect());
    let record = run.record().map(serde_json::to_value).transpose()?;
    let config = fs::read_to_string(run.config_path()).ok();
    // `latest` is another run tomorrow; the page is to name today's.
    let name = fs::canonicalize(&args.run).with_context(|| format!("cannot open {}", args.run.display()))?;
    let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let report = Report {
        name: &name,
        analysis: &analysis,
        training: Some(&training),
        record: record.as_ref(),
        config: config.as_deref(),
        further: &[],
    };
    let written = report.write(&run.report())?;
    Printer::new(false).result(&format!(
        "report {}\n  {} pictures as SVG and PNG in {}\n",
        written.page.display(),
        written.pictures,
        written.figures.display()
    ))?;
    if args.open {
        open::that(&written.page).with_context(|| format!("cannot open {}", written.page.display()))?;
    }
    Ok(Ended::Done)
}

/// The directory of the analysis of a run's step, of the one analysed last if none is asked for; or the
/// directory itself, if an analysis is in it.
fn analysis_to_report(run: &RunFiles, step: Option<u64>) -> anyhow::Result<PathBuf> {
    let path = run.path();
    let wrong = |what: String| anyhow!(WrongRequest("give a run that was analysed")).context(what);
    let analyze_first = |step: &str| {
        let analyze = format!("{} analyze {}{step}", program(), path.display());
        wrong(format!("{}: run `{analyze}` first", path.display()))
    };
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
