use clockwork_analysis::{Cluster, CoursePhases, Progress, ProgressRow, leads};

use super::section::{Entry, Section};
use crate::{Axis, Content, Figure, HeatMap, Line, words};

/// How many steps are labelled along an axis of checkpoints.
const LABELLED_STEPS: usize = 10;

/// How many frequencies are labelled along an axis of them.
const LABELLED_FREQUENCIES: usize = 15;

/// How the circuit formed, checkpoint by checkpoint.
#[must_use]
pub fn course_section(of: &Progress) -> Section {
    let entries = vec![losses(of), structure(of), embedding(of), neurons(of)];
    Section::new("course", "How it came about: measures over the checkpoints", entries)
}

/// A line of a measure over steps, where it is known.
fn line(of: &Progress, name: impl Into<String>, read: impl Fn(&ProgressRow) -> Option<f64>) -> Line {
    let points = of.rows.iter().filter_map(|row| Some([row.step as f64, read(row)?])).collect();
    Line { name: name.into(), points }
}

fn steps() -> Axis {
    Axis::of("optimisation step")
}

fn losses(of: &Progress) -> Entry {
    let lines = vec![
        line(of, "train", |row| Some(row.measures.train.as_ref()?.loss)),
        line(of, "test", |row| Some(row.measures.test.as_ref()?.loss)),
        line(of, "restricted (3d, all)", |row| Some(row.measures.all.restricted_loss_3d)),
        line(of, "excluded (2d, train)", |row| Some(row.measures.train.as_ref()?.excluded_loss_2d)),
    ];
    let lines = lines.into_iter().filter(|line| !line.points.is_empty()).collect();
    let figure = Figure::new(
        "course-losses",
        "Losses, of the network and of parts of its logits",
        [steps(), Axis::log("loss (nats)")],
        Content::Lines { lines, marks: phase_marks(of) },
    );
    let key_freqs = match of.key_freqs_of_step {
        Some(step) => format!("the key frequencies of step {step}, {}", words::list(&of.key_freqs)),
        None => format!("frequencies {}", words::list(&of.key_freqs)),
    };
    let leads = leads(of);
    let halfway = |measure: &str| leads.iter().find(|lead| lead.measure == measure).map(|lead| lead.halfway);
    let told = match (
        halfway("restricted loss (3d, all)"),
        halfway("excluded loss (2d, train)"),
        halfway("test loss"),
    ) {
        (Some(restricted), Some(excluded), Some(test)) => format!(
            " Since the training pairs are known, the excluded loss has gone half of its way at step {excluded}, the \
             restricted loss at {restricted} and the test loss at {test}."
        ),
        _ => String::new(),
    };
    Entry::new(
        figure,
        format!(
            "By {key_freqs}. The restricted loss is that of the waves Σ C_k cos ω_k(x + y − z) alone: where it falls \
             before the test loss does, the clock is there and something drowns it. The excluded loss is that of the \
             training pairs without the waves of x + y: where it rises, the network comes to depend on them.{told}"
        ),
    )
}

/// Where phases begin.
fn phase_marks(of: &Progress) -> Vec<(f64, String)> {
    let CoursePhases { circuit_formation, cleanup, clean } = CoursePhases::of(of);
    let begins = [(circuit_formation, "circuit formation"), (cleanup, "cleanup"), (clean, "clean")];
    begins.into_iter().filter_map(|(step, name)| Some((step? as f64, name.to_owned()))).collect()
}

fn structure(of: &Progress) -> Entry {
    let lines = vec![
        line(of, "test accuracy", |row| row.test_accuracy),
        line(of, "share of the logits explained", |row| Some(row.measures.frac_logits_explained_3d)),
        line(of, "Gini of the embedding", |row| Some(row.gini_embedding)),
        line(of, "Gini of W_logit", |row| Some(row.gini_w_logit)),
        line(of, "neurons in clusters", |row| Some(row.share_in_clusters())),
    ];
    let lines = lines.into_iter().filter(|line| !line.points.is_empty()).collect();
    let figure = Figure::new(
        "course-structure",
        "How far the structure has come",
        [steps(), Axis::of("share")],
        Content::Lines { lines, marks: vec![] },
    );
    let text = "The test accuracy jumps, and what makes it comes about gradually: the logits become a sum of waves, the \
                embedding and W_logit keep a few frequencies, neurons come to serve one each.";
    Entry::new(figure, text)
}

/// An axis of checkpoints by their steps.
fn checkpoints(of: &Progress) -> Axis {
    let names: Vec<String> = of.rows.iter().map(|row| row.step.to_string()).collect();
    let labelled = (0..names.len()).step_by(names.len().div_ceil(LABELLED_STEPS).max(1)).collect();
    Axis::named("checkpoint's step", names, labelled)
}

fn embedding(of: &Progress) -> Entry {
    let frequencies = of.rows.first().map_or(0, |row| row.arrays.embedding_norm_by_freq.len());
    let columns = of.rows.len();
    // Rows of the map are frequencies, upwards.
    let at =
        |cell: usize| of.rows[cell % columns.max(1)].arrays.embedding_norm_by_freq.get(cell / columns.max(1));
    let values = (0..columns * frequencies).map(|cell| at(cell).copied().unwrap_or(0.0)).collect();
    let names = (1..=frequencies).map(|k| k.to_string()).collect();
    let labelled = (0..frequencies).step_by(frequencies.div_ceil(LABELLED_FREQUENCIES).max(1)).collect();
    let figure = Figure::new(
        "course-embedding",
        "Squared norm of the embedding per frequency",
        [checkpoints(of), Axis::named("frequency", names, labelled)],
        Content::HeatMap(HeatMap::new(columns, values, "squared norm", false)),
    );
    Entry::new(
        figure,
        "Which frequencies are tried, which are kept and which are dropped: checkpoints to the right, as many as there are \
         and not by their distance.",
    )
}

fn neurons(of: &Progress) -> Entry {
    let size = |cluster: Cluster| {
        move |row: &ProgressRow| Some(row.cluster_sizes.get(&cluster).copied().unwrap_or(0) as f64)
    };
    let mut lines: Vec<Line> = of
        .key_freqs
        .iter()
        .map(|&k| line(of, format!("frequency {k}"), size(Cluster::Frequency(k))))
        .collect();
    lines.push(line(of, "unclustered", size(Cluster::Unclustered)));
    let figure = Figure::new(
        "course-neurons",
        "Neurons in the clusters of the key frequencies, and in none",
        [steps(), Axis::of("neurons")],
        Content::Lines { lines, marks: vec![] },
    );
    let changes = of.neurons_that_change();
    let last = changes.last().map_or(String::new(), |last| {
        format!(" From the last checkpoint but one to the last {last} neurons change their cluster.")
    });
    Entry::new(figure, format!("Neurons join the cluster of one frequency each.{last}"))
}
