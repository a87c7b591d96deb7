use std::{
    io::{IsTerminal, Write, stderr, stdout},
    path::Path,
};

use clockwork_analysis::{Claim, Findings, Observer, STAGES, Summary, UNCLUSTERED};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    checkpoint_analysis::analyse,
    checkpoint_path::{analysis_directory, checkpoint_path, run_of},
    threads::start_threads,
};
use crate::{args::AnalyzeArgs, exit::Ended};

/// `clockwork analyze`
pub fn analyze(args: &AnalyzeArgs) -> anyhow::Result<Ended> {
    start_threads(args.threads)?;
    let path = checkpoint_path(&args.target, args.step)?;
    let mut stages = Stages::new(args.json);
    let analysis = analyse(&path, args.key.as_deref(), &mut stages)?;
    stages.bar.finish_and_clear();
    let Findings { summary, claims, provenance } = &analysis.findings;
    let out = args.out.clone().or_else(|| run_of(&path).map(|run| analysis_directory(&run, provenance.step)));
    if let Some(out) = &out {
        analysis.write(out)?;
    }
    let text = match args.json {
        true => serde_json::to_string_pretty(summary)? + "\n",
        false => in_words(&path, summary, claims, out.as_deref()),
    };
    // A reader that went away, such as `head`, is no failure of the analysis.
    let _ = stdout().write_all(text.as_bytes());
    let all_hold = claims.iter().all(|claim| claim.holds);
    Ok(if args.check && !all_hold { Ended::ClaimFailed } else { Ended::Done })
}

fn in_words(path: &Path, summary: &Summary, claims: &[Claim], out: Option<&Path>) -> String {
    // The keys are text, whose order is not that of numbers.
    let clusters = summary.key_freqs.iter().map(ToString::to_string).chain([UNCLUSTERED.to_owned()]);
    let sizes: Vec<String> = clusters.map(|k| format!("{k}: {}", summary.cluster_sizes[&k])).collect();
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
    lines.extend(out.map(|out| format!("  figures {}", out.display())));
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
