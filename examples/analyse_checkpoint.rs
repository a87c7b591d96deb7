//! Analyses somebody's checkpoint, a state dict in TransformerLens' names:
//! `cargo run --release --example analyse_checkpoint -- FILE [KEY]`.

use std::{env, path::Path};

use anyhow::Context;
use clockwork_analysis::{AnalysisFiles, Observer};
use clockwork_model::{Checkpoint, ReadAs};
use clockwork_report::words;

/// Tells which stage begins.
struct Stages;

impl Observer for Stages {
    fn stage(&mut self, name: &str) {
        eprintln!("{name} …");
    }
}

fn analyse(file: &Path, key: Option<&str>) -> anyhow::Result<AnalysisFiles> {
    let read_as = ReadAs { key: key.map(str::to_owned), ..ReadAs::default() };
    let checkpoint = Checkpoint::open(file, &read_as)?;
    let analysis = AnalysisFiles::of(&checkpoint, &mut Stages)?;
    let summary = &analysis.findings.summary;
    println!("key frequencies modulo {}: {}", summary.p, words::list(&summary.key_freqs));
    for claim in &analysis.findings.claims {
        println!("{:<18} {}: {}", words::verdict(claim), claim.statement, words::found(claim));
    }
    Ok(analysis)
}

fn main() -> anyhow::Result<()> {
    let mut args = env::args().skip(1);
    let file = args.next().context("give a checkpoint file")?;
    analyse(Path::new(&file), args.next().as_deref())?;
    Ok(())
}

#[test]
fn finds_what_the_clock_is_made_of() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("clock.safetensors");
    let (config, weights) = clockwork_model::clock(17, &[3, 5], 16);
    Checkpoint::of_weights(config, weights).write(&file).unwrap();
    assert_eq!(analyse(&file, None).unwrap().findings.summary.key_freqs, [3, 5]);
}
