//! A quantity of one's own, with its figure and its claim, in a report: by how much the right answer's logit
//! is above every other. `cargo run --release --example new_quantity -- DIRECTORY` writes it there.

use std::{env, path::Path};

use anyhow::Context;
use clockwork_analysis::{Analysis, AnalysisFiles, Check, Claim, Relation};
use clockwork_model::{Checkpoint, CheckpointFile, clock};
use clockwork_report::{Axis, Content, Entry, Figure, HeatMap, Report, Section, Written};

/// The margin of every input, [n²], x first: the right answer's logit minus the largest other.
fn margins(of: &Analysis) -> Vec<f64> {
    let (answers, logits) = (&of.network.answers, &of.network.logits);
    let margin = |(&answer, row): (&usize, &[f64])| {
        let others = (0..row.len()).filter(|&z| z != answer).map(|z| row[z]);
        row[answer] - others.fold(f64::NEG_INFINITY, f64::max)
    };
    answers.iter().zip(logits.chunks_exact(of.network.n())).map(margin).collect()
}

fn report_margins(of: &CheckpointFile, directory: &Path) -> anyhow::Result<Written> {
    let analysis = Analysis::new(&of.checkpoint, &mut ())?;
    let (n, margins) = (analysis.network.n(), margins(&analysis));
    let least = margins.iter().copied().fold(f64::INFINITY, f64::min);
    let mut files = AnalysisFiles::new(of, &analysis);
    let (quantity, source) = ("least margin".to_owned(), "e times as likely as any other answer".to_owned());
    let check = Check { quantity, freq: None, value: least, relation: Relation::Above, bound: 1.0, source };
    files.findings.claims.push(Claim::new("margin", "every answer is clear", vec![check]));

    // A map's columns go to the right and its rows upwards, as x and y are to.
    let cells = (0..n * n).map(|cell| margins[cell % n * n + cell / n]).collect();
    let map = Content::HeatMap(HeatMap::new(n, cells, "margin", true));
    let figure = Figure::new("margin", "Margin over (x, y)", [Axis::of("x"), Axis::of("y")], map);
    let text = format!("The least margin is {least:.2}. Where the margin is below 0, the answer is wrong.");
    let further = [Section::new("margin", "Margin: how clear answers are", vec![Entry::new(figure, text)])];
    let name = "the clock";
    Ok(Report {
        name,
        analysis: &files,
        training: None,
        progress: None,
        record: None,
        config: None,
        further: &further,
    }
    .write(directory)?)
}

fn clock_file() -> CheckpointFile {
    let (config, weights) = clock(23, &[2, 7, 9], 16);
    let checkpoint = Checkpoint::of_weights(config, weights);
    CheckpointFile { path: "clock".into(), sha256: String::new(), checkpoint }
}

fn main() -> anyhow::Result<()> {
    let directory = env::args().nth(1).context("give a directory to write the report to")?;
    println!("{}", report_margins(&clock_file(), Path::new(&directory))?.page.display());
    Ok(())
}

#[test]
fn has_its_figure_and_its_claim_in_the_report() {
    let directory = tempfile::tempdir().unwrap();
    let written = report_margins(&clock_file(), directory.path()).unwrap();
    assert!(std::fs::read_to_string(written.page).unwrap().contains("every answer is clear"));
    assert!(written.figures.join("margin.svg").exists());
}
