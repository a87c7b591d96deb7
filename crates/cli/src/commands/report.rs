use std::{
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use clockwork_analysis::AnalysisFiles;
use clockwork_report::Report;
use clockwork_training::read_metrics;

use super::{checkpoint_path::analysis_directory, program::program, training_curves::training_curves};
use crate::{
    args::ReportArgs,
    exit::{Ended, WrongRequest},
};

/// `clockwork report`
pub fn report(args: &ReportArgs) -> anyhow::Result<Ended> {
    let analysis_at = analysis_to_report(&args.run, args.step)?;
    let analysis = AnalysisFiles::read(&analysis_at)?;
    // An imported network has none.
    let evaluations = read_metrics(&args.run.join("metrics.jsonl"), u64::MAX)?;
    let training = training_curves(&evaluations, &evaluations.iter().collect());
    let record = fs::read(args.run.join("run.json")).ok().and_then(|json| serde_json::from_slice(&json).ok());
    let config = fs::read_to_string(args.run.join("config.toml")).ok();
    // `latest` is another run tomorrow; the page is to name today's.
    let name = fs::canonicalize(&args.run).with_context(|| format!("cannot open {}", args.run.display()))?;
    let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let report = Report {
        name: &name,
        analysis: &analysis,
        training: Some(&training),
        record: record.as_ref(),
        config: config.as_deref(),
    };
    let written = report.write(&args.run.join("report"))?;
    let text = format!(
        "report {}\n  {} pictures as SVG and PNG in {}\n",
        written.page.display(),
        written.pictures,
        written.figures.display()
    );
    // A reader that went away, such as `head`, is no failure of the report.
    let _ = stdout().write_all(text.as_bytes());
    if args.open {
        open::that(&written.page).with_context(|| format!("cannot open {}", written.page.display()))?;
    }
    Ok(Ended::Done)
}

/// The directory of the analysis of a run's step, of the one analysed last if none is asked for; or the
/// directory itself, if an analysis is in it.
fn analysis_to_report(run: &Path, step: Option<u64>) -> anyhow::Result<PathBuf> {
    let analyze = |step: &str| anyhow!("run `{} analyze {}{step}` first", program(), run.display());
    let wrong = |what: String| anyhow!(WrongRequest("give a run that was analysed")).context(what);
    if !run.is_dir() {
        return Err(wrong(format!("{} is no directory", run.display())));
    }
    if let Some(step) = step {
        let directory = analysis_directory(run, step);
        let is_analysed = directory.is_dir();
        return is_analysed
            .then_some(directory)
            .ok_or_else(|| wrong(format!("{}: {}", run.display(), analyze(&format!(" --step {step}")))));
    }
    if run.join("analysis.json").is_file() {
        return Ok(run.to_owned());
    }
    let analysed = fs::read_dir(run.join("analysis")).into_iter().flatten().flatten();
    let when =
        |path: &PathBuf| fs::metadata(path.join("analysis.json")).and_then(|file| file.modified()).ok();
    let analysed = analysed.map(|entry| entry.path()).filter(|path| when(path).is_some());
    analysed.max_by_key(when).ok_or_else(|| wrong(format!("{}: {}", run.display(), analyze(""))))
}
