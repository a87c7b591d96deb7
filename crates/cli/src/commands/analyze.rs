use std::{
    fs,
    io::{IsTerminal, Write, stderr, stdout},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use clockwork_analysis::{Analysis, Claim, Observer, STAGES, Summary, claims};
use clockwork_model::{Checkpoint, write_atomically};
use clockwork_training::{CheckpointFiles, Config};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::threads::start_threads;
use crate::{
    args::AnalyzeArgs,
    exit::{Ended, WrongRequest},
};

/// The content of `analysis.json`.
#[derive(Serialize)]
struct AnalysisFile<'a> {
    summary: &'a Summary,
    claims: &'a [Claim],
    provenance: Provenance<'a>,
}

/// What was analysed, by what.
#[derive(Serialize)]
struct Provenance<'a> {
    checkpoint: &'a Path,
    step: u64,
    config: &'a serde_json::Value,
    clockwork: &'static str,
}

/// `clockwork analyze`
pub fn analyze(args: &AnalyzeArgs) -> anyhow::Result<Ended> {
    start_threads(args.threads)?;
    let path = checkpoint_path(args)?;
    let checkpoint = Checkpoint::read(&path).map_err(clockwork_training::Error::from)?;
    // A checkpoint says how its pairs were split; should a later version say it otherwise, the figures
    // that need the split are left out.
    let config: Option<Config> = serde_json::from_value(checkpoint.metadata.config.clone()).ok();
    let split = config.and_then(|config| config.split().ok());
    let mut stages = Stages::new(args.json);
    let model = checkpoint.metadata.model;
    let analysis = Analysis::new(&checkpoint.weights, &model, split.as_ref(), &mut stages)
        .with_context(|| format!("cannot analyse {}", path.display()))?;
    let summary = Summary::new(&analysis);
    stages.bar.finish_and_clear();
    let claims = claims(&summary);

    let out =
        args.out.clone().or_else(|| run_of(&path).map(|run| directory_in(&run, checkpoint.metadata.step)));
    if let Some(out) = &out {
        let provenance = Provenance {
            checkpoint: &path,
            step: checkpoint.metadata.step,
            config: &checkpoint.metadata.config,
            clockwork: env!("CARGO_PKG_VERSION"),
        };
        write_json(
            &out.join("analysis.json"),
            &AnalysisFile { summary: &summary, claims: &claims, provenance },
        )?;
    }
    let text = match args.json {
        true => serde_json::to_string_pretty(&summary)? + "\n",
        false => in_words(&path, &summary, &claims, out.as_deref()),
    };
    // A reader that went away, such as `head`, is no failure of the analysis.
    let _ = stdout().write_all(text.as_bytes());
    let all_hold = claims.iter().all(|claim| claim.holds);
    Ok(if args.check && !all_hold { Ended::ClaimFailed } else { Ended::Done })
}

/// The file that a run, a run's step, or a file stands for.
fn checkpoint_path(args: &AnalyzeArgs) -> anyhow::Result<PathBuf> {
    if !args.target.is_dir() {
        return match (args.step, args.target.exists()) {
            (Some(_), _) => Err(WrongRequest("--step goes with a run, not with a file").into()),
            (None, true) => Ok(args.target.clone()),
            (None, false) => {
                Err(anyhow!(WrongRequest("give a run, such as runs/latest, or a checkpoint file"))
                    .context(format!("{} does not exist", args.target.display())))
            }
        };
    }
    let files = CheckpointFiles::new(args.target.join("checkpoints"));
    let not_a_run = || anyhow!(WrongRequest("no run here")).context(args.target.display().to_string());
    let steps = files.steps().map_err(|_| not_a_run())?;
    let newest = *steps.last().ok_or_else(not_a_run)?;
    let step = args.step.unwrap_or(newest);
    if steps.contains(&step) {
        return Ok(files.weights(step));
    }
    let nearest = steps.iter().min_by_key(|kept| kept.abs_diff(step)).unwrap_or(&newest);
    let run = args.target.display();
    Err(anyhow!(WrongRequest("choose another --step"))
        .context(format!("{run} keeps no checkpoint of step {step}; the nearest is {nearest}")))
}

/// The run whose checkpoint a file is, if it is one's.
fn run_of(checkpoint: &Path) -> Option<PathBuf> {
    let run = checkpoint.parent()?.parent()?;
    run.join("config.toml").is_file().then(|| run.to_owned())
}

fn directory_in(run: &Path, step: u64) -> PathBuf {
    run.join(format!("analysis/step-{step:07}"))
}

fn write_json(path: &Path, content: &impl Serialize) -> anyhow::Result<()> {
    let mut json = serde_json::to_vec_pretty(content)?;
    json.push(b'\n');
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        write_atomically(path, &json)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn in_words(path: &Path, summary: &Summary, claims: &[Claim], out: Option<&Path>) -> String {
    let sizes: Vec<String> = summary.cluster_sizes.iter().map(|(k, n)| format!("{k}: {n}")).collect();
    let mut lines = vec![
        path.display().to_string(),
        format!("  key frequencies {:?} of 1 to {}", summary.key_freqs, summary.p / 2),
        format!(
            "  loss {:.3e}, accuracy {:.2} % on all inputs",
            summary.original_loss,
            100.0 * summary.accuracy
        ),
        format!("  neurons per cluster {}", sizes.join(", ")),
        String::new(),
    ];
    let width = claims.iter().map(|claim| claim.claim.chars().count()).max().unwrap_or(0);
    for Claim { claim, value, bound, holds } in claims {
        let verdict = if *holds { "holds" } else { "FAILS" };
        lines.push(format!("  {verdict}  {claim:<width$}  {value}  ({bound})"));
    }
    let held = claims.iter().filter(|claim| claim.holds).count();
    lines.push(format!("\n  {held} of {} claims hold", claims.len()));
    lines.extend(out.map(|out| format!("  figures {}", out.join("analysis.json").display())));
    lines.join("\n") + "\n"
}

/// Names the stage at hand.
struct Stages {
    bar: ProgressBar,
}

impl Stages {
    fn new(hidden: bool) -> Self {
        let bar = if hidden || !stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(STAGES.len() as u64)
        };
        let style =
            ProgressStyle::with_template("{bar:20.cyan/dim} {msg}").expect("the template is well-formed");
        Self { bar: bar.with_style(style) }
    }
}

impl Observer for Stages {
    fn stage(&mut self, name: &str) {
        self.bar.set_message(name.to_owned());
        self.bar.inc(1);
    }
}
