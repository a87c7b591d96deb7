use clockwork_analysis::{CheckpointMaps, Cluster, CoursePhases, Progress, ProgressRow, leads};

use super::{
    found::component_axis,
    section::{Entry, Section, Table},
};
use crate::{Axis, Content, Figure, HeatMap, Line, Lines, Stretch, words};

/// How many steps are labelled along an axis of checkpoints.
const LABELLED_STEPS: usize = 10;

/// How many frequencies are labelled along an axis of them.
const LABELLED_FREQUENCIES: usize = 15;

/// How the circuit formed, checkpoint by checkpoint.
#[must_use]
pub fn course_section(of: &Progress) -> Section {
    let mut entries = vec![losses(of), structure(of), terms(of), embedding(of), neurons(of)];
    entries.extend(maps(of));
    let section = Section::new("course", "How it came about: measures over the checkpoints", entries);
    match table_of_leads(of) {
        Some(table) => section.with_table(table),
        None => section,
    }
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
        Content::Lines(Lines { lines, marks: vec![], stretches: phases(of) }),
    );
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
            "{} The restricted loss is that of the waves Σ C_k cos ω_k(x + y − z) alone: where it falls \
             before the test loss does, the clock is there and something drowns it. The excluded loss is that of the \
             training pairs without the waves of x + y: where it rises, the network comes to depend on them.{told}",
            by(of)
        ),
    )
}

/// By which frequencies a figure is.
fn by(of: &Progress) -> String {
    let freqs = words::list(&of.key_freqs);
    match of.key_freqs_of_step {
        Some(step) => format!("By the key frequencies of step {step}, by the neurons' rule: {freqs}."),
        None => format!("By the frequencies chosen: {freqs}."),
    }
}

/// The phases, each where it is.
fn phases(of: &Progress) -> Vec<Stretch> {
    let CoursePhases { circuit_formation, cleanup, clean } = CoursePhases::of(of);
    let (Some(first), Some(last)) = (of.rows.first(), of.rows.last()) else { return Vec::new() };
    // A phase that is not found ends none.
    let begins = [
        (Some(first.step), "memorisation"),
        (circuit_formation, "circuit formation"),
        (cleanup, "cleanup"),
        (clean, ""),
    ];
    let found: Vec<(u64, &str)> =
        begins.into_iter().filter_map(|(begins, name)| Some((begins?, name))).collect();
    let ends = found.iter().skip(1).map(|(begins, _)| *begins).chain([last.step]);
    let stretch = |(&(from, name), to): (&(u64, &str), u64)| Stretch {
        from: from as f64,
        to: to as f64,
        name: name.to_owned(),
    };
    found.iter().zip(ends).filter(|((_, name), _)| !name.is_empty()).map(stretch).collect()
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
        Content::Lines(Lines { lines, marks: vec![], stretches: phases(of) }),
    );
    let text = "The test accuracy jumps, and what makes it comes about gradually: the logits become a sum of waves, the \
                embedding and W_logit keep a few frequencies, neurons come to serve one each.";
    Entry::new(figure, format!("{text} {}", by(of)))
}

fn terms(of: &Progress) -> Entry {
    let lines = vec![
        line(of, "inputs: linear", |row| Some(row.neuron_inputs_frac_linear)),
        line(of, "inputs: quadratic", |row| Some(row.neuron_inputs_frac_quadratic)),
        line(of, "activations: linear", |row| Some(row.neurons_frac_linear)),
        line(of, "activations: quadratic", |row| Some(row.neurons_frac_quadratic)),
    ];
    let figure = Figure::new(
        "course-terms",
        "Terms of the key frequencies in the neurons",
        [steps(), Axis::of("share of the squares")],
        Content::lines(lines),
    );
    let text = "Of the 2D Fourier coefficients of all neurons together, their means apart, before and after the activation: \
                the shares of linear terms, waves of x or of y alone, and of quadratic ones, products of the two.";
    Entry::new(figure, format!("{text} {}", by(of)))
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

/// Neurons by the cluster that they are in, the unclustered on top, so that all areas are as high as there are neurons.
fn neurons(of: &Progress) -> Entry {
    let size = |row: &ProgressRow, cluster| row.cluster_sizes.get(&cluster).copied().unwrap_or(0);
    let of_key =
        |row: &ProgressRow| of.key_freqs.iter().map(|&k| size(row, Cluster::Frequency(k))).sum::<usize>();
    let of_others =
        |row: &ProgressRow| row.arrays.cluster.len() - of_key(row) - size(row, Cluster::Unclustered);
    let mut areas: Vec<Line> = of
        .key_freqs
        .iter()
        .map(|&k| line(of, k.to_string(), |row| Some(size(row, Cluster::Frequency(k)) as f64)))
        .collect();
    if of.rows.iter().any(|row| of_others(row) > 0) {
        areas.push(line(of, "other frequencies", |row| Some(of_others(row) as f64)));
    }
    areas.push(line(of, "unclustered", |row| Some(size(row, Cluster::Unclustered) as f64)));
    let figure = Figure::new(
        "course-neurons",
        "Neurons by the frequency of their cluster",
        [steps(), Axis::of("neurons")],
        Content::Areas(areas),
    );
    let last = of.rows.last().and_then(|row| row.neurons_changed).map_or(String::new(), |last| {
        format!(" From the last checkpoint but one to the last {last} neurons change their cluster.")
    });
    Entry::new(figure, format!("Neurons join the cluster of one frequency each.{last} {}", by(of)))
}

/// Maps over steps: the embedding in the Fourier basis, and the neurons of one cluster.
fn maps(of: &Progress) -> Vec<Entry> {
    let Some(maps) = of.maps.as_ref().filter(|maps| !maps.maps.is_empty()) else { return Vec::new() };
    let n = maps.maps[0].n;
    let axis = |name: &str| component_axis(name, n, &of.key_freqs);
    let frames = |map: &dyn Fn(&CheckpointMaps) -> HeatMap| {
        let of_step = |(step, of): (&u64, &CheckpointMaps)| (step.to_string(), Content::HeatMap(map(of)));
        maps.steps.iter().zip(&maps.maps).map(of_step).collect::<Vec<_>>()
    };
    let embedding =
        |of: &CheckpointMaps| HeatMap::new(of.embedding.len() / n, of.embedding.clone(), "coefficient", true);
    let embedding = Figure::with_slider(
        "course-embedding-fourier",
        "F W_E, the embedding in the Fourier basis, over steps",
        [Axis::of("dimension of the embedding"), axis("Fourier component")],
        "step",
        frames(&embedding),
    );
    let mut entries = vec![Entry::new(
        embedding,
        "Move the slider: at first all rows are alike, and in the end those of the key frequencies stand out. Each \
                map has the colours of its own largest value.",
    )];
    if let Some(k) = maps.freq {
        // x to the right and y upwards; a mean square of (x, y) is kept with x first.
        let transposed = |of: &CheckpointMaps| {
            let values = (0..n * n).map(|cell| of.mean_squared[(cell % n) * n + cell / n]).collect();
            HeatMap::new(n, values, "mean square", false)
        };
        let cluster = Figure::with_slider(
            "course-cluster",
            format!(
                "Mean squared 2D coefficient of the neurons that end in the cluster of frequency {k}, over steps"
            ),
            [axis("component over x"), axis("component over y")],
            "step",
            frames(&transposed),
        );
        entries.push(Entry::new(
            cluster,
            format!(
                "These {} neurons are in the largest cluster of the last checkpoint. Move the slider: coefficients of \
                all frequencies give way to those of {k}.",
                maps.neurons.len()
            ),
        ));
    }
    entries
}

/// What leads and what follows, as a table; none where nothing is known to.
fn table_of_leads(of: &Progress) -> Option<Table> {
    let leads = leads(of);
    (!leads.is_empty()).then(|| Table {
        title: "What leads, once the training pairs are known".to_owned(),
        text: "How far each measure goes from the first checkpoint whose training accuracy is 99 % to the last, and the \
               first step at which it has gone half of that way, on a logarithmic scale for losses."
            .to_owned(),
        columns: words::LEAD_COLUMNS.map(str::to_owned).to_vec(),
        rows: leads.iter().map(|lead| words::lead(lead).to_vec()).collect(),
    })
}
