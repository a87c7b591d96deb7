use std::{
    fs,
    io::{IsTerminal, Write, stderr, stdout},
    path::Path,
};

use anyhow::Context;
use clockwork_analysis::{Comparison, Findings, RunFindings};
use clockwork_model::{sha256, write_atomically};
use clockwork_report::{ComparisonReport, TrainingCurves};
use clockwork_training::{Evaluation, Milestones, read_metrics};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    checkpoint_analysis::analyse,
    checkpoint_path::analysis_directory,
    comparison_csv::csv,
    comparison_table::in_words,
    relative_path::relative_to_here,
    runs_to_compare::{RunToCompare, names, of_one_modulus, runs_to_compare},
    threads::start_threads,
    training_curves::training_curves,
};
use crate::{args::CompareArgs, exit::Ended};

/// The figures of a comparison, in the directory of its report.
pub const COMPARISON: &str = "comparison.json";

/// `clockwork compare`
pub fn compare(args: &CompareArgs) -> anyhow::Result<Ended> {
    start_threads(args.threads)?;
    let runs = of_one_modulus(runs_to_compare(&args.runs)?, args.modulus)?;
    let (names, out) = names(&runs)?;
    let out = args.out.clone().unwrap_or_else(|| relative_to_here(&out));

    let bar = bar(runs.len());
    let mut findings = Vec::new();
    let mut curves = Vec::new();
    for (run, name) in runs.iter().zip(names) {
        bar.set_message(name.clone());
        let (of_run, of_training) = findings_of(run, name)?;
        findings.push(of_run);
        curves.push(of_training);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let comparison = Comparison::new(&findings)?;

    let json = serde_json::to_string_pretty(&comparison)? + "\n";
    let csv = csv(&comparison)?;
    let written = ComparisonReport { comparison: &comparison, training: &curves }.write(&out)?;
    for (name, text) in [(COMPARISON, &json), ("comparison.csv", &csv)] {
        let path = out.join(name);
        write_atomically(&path, text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let text = match (args.json, args.csv) {
        (true, _) => json,
        (_, true) => csv,
        _ => in_words(&comparison, &written.page),
    };
    // A reader that went away, such as `head`, is no failure of the comparison.
    let _ = stdout().write_all(text.as_bytes());
    if args.open {
        open::that(&written.page).with_context(|| format!("cannot open {}", written.page.display()))?;
    }
    Ok(Ended::Done)
}

/// What is known of a run, analysed if that was not done yet, and its training.
fn findings_of(run: &RunToCompare, name: String) -> anyhow::Result<(RunFindings, TrainingCurves)> {
    let at = analysis_directory(&run.path, run.step);
    let findings = match Findings::read(&at) {
        Ok(findings) if is_of(&findings, &run.checkpoint)? => findings,
        // What is missing, or of another checkpoint or version, is made anew.
        _ => {
            let analysis = analyse(&run.checkpoint, None, &mut ())?;
            analysis.write(&at)?;
            analysis.findings
        }
    };
    // An imported network has none.
    let evaluations: Vec<Evaluation> = read_metrics(&run.path.join("metrics.jsonl"), run.step)?;
    let milestones: Milestones = evaluations.iter().collect();
    let record = fs::read(run.path.join("run.json")).ok();
    let record = record.and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok());
    let state = record.and_then(|record| record["state"].as_str().map(str::to_owned));
    let path = relative_to_here(&run.path).display().to_string();
    let curves = training_curves(&evaluations, &milestones);
    Ok((RunFindings { name, path, state, generalised: milestones.generalised, findings }, curves))
}

/// Whether findings are those that this version has of a checkpoint.
fn is_of(findings: &Findings, checkpoint: &Path) -> anyhow::Result<bool> {
    let provenance = &findings.provenance;
    Ok(provenance.clockwork == env!("CARGO_PKG_VERSION") && provenance.sha256 == sha256(checkpoint)?)
}

fn bar(runs: usize) -> ProgressBar {
    let bar = if stderr().is_terminal() { ProgressBar::new(runs as u64) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("analysing {bar:20.cyan/dim} {pos}/{len}  {msg}");
    bar.with_style(style.expect("the template is well-formed"))
}
