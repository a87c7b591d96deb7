use clockwork_analysis::{
    CLUSTER_FRAC_EXPLAINED, CheckpointMaps, Cluster, CoursePhases, EXCLUDED_LOSS, Progress, ProgressRow,
    RESTRICTED_LOSS, TEST_LOSS, leads,
};

use super::{
    found::component_axis,
    section::{Entry, Section, Table},
};
use crate::{Axis, Content, Figure, HeatMap, Line, Lines, Stretch, words};

/// How many steps are labelled along an axis of checkpoints.
const LABELLED_STEPS: usize = 10;

/// How many frequencies are labelled along an axis of them.
const LABELLED_FREQUENCIES: usize = 15;

/// How many clusters have an area of their own.
const MOST_CLUSTERS: usize = 6;

/// The figures that a course can have.
pub(crate) const COURSE_FIGURES: [&str; 9] = [
    "course-losses",
    "course-waves",
    "course-structure",
    "course-terms",
    "course-algorithm",
    "course-embedding",
    "course-neurons",
    "course-embedding-fourier",
    "course-cluster",
];

/// How the circuit formed, checkpoint by checkpoint.
#[must_use]
pub fn course_section(of: &Progress) -> Section {
    let mut entries =
        vec![losses(of), waves(of), structure(of), terms(of), algorithm(of), embedding(of), neurons(of)];
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
    let told = match (halfway(RESTRICTED_LOSS), halfway(EXCLUDED_LOSS), halfway(TEST_LOSS)) {
        (Some(restricted), Some(excluded), Some(test)) => format!(
            " Since the training pairs are known, the excluded loss has gone half of its way, on a logarithmic scale, at \
             step {excluded}, the restricted loss at {restricted} and the test loss at {test}."
        ),
        _ => String::new(),
    };
    // What a network that knows nothing has.
    let chance = of.rows.first().map_or(0.0, |row| (row.measures.p as f64).ln());
    Entry::new(
        figure,
        format!(
            "The restricted loss is that of the waves Σ C_k cos ω_k(x + y − z) alone: where it is far below the test loss, \
             the clock is there, and what else the network computes drowns it. The excluded loss is that of the training \
             pairs without the waves of x + y: above the training loss, the network depends on them, and above {}, \
             the loss by chance, what is left is confidently wrong.{told} {}",
            words::short(chance),
            measured(of)
        ),
    )
}

/// By which frequencies a figure is, as a sentence.
fn measured(of: &Progress) -> String {
    format!("Measured {}.", words::measured_by(of))
}

/// The phases, each where it is.
fn phases(of: &Progress) -> Vec<Stretch> {
    let (Some(phases), Some(first), Some(last)) = (CoursePhases::of(of), of.rows.first(), of.rows.last())
    else {
        return Vec::new();
    };
    let CoursePhases { circuit_formation, cleanup, settled } = phases;
    // A phase that is not found ends none.
    let begins = [
        (Some(first.step), "memorisation"),
        (circuit_formation, "circuit formation"),
        (cleanup, "cleanup"),
        (settled, ""),
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

/// The amplitudes of the waves in the logits.
fn waves(of: &Progress) -> Entry {
    let amplitude = |k: usize| move |row: &ProgressRow| row.measures.logit_coefficients.get(&k).copied();
    let lines = of.key_freqs.iter().map(|&k| line(of, k.to_string(), amplitude(k))).collect();
    let figure = Figure::new(
        "course-waves",
        "C_k, the amplitudes of the waves cos ω_k(x + y − z) in the logits",
        [steps(), Axis::of("C_k")],
        Content::Lines(Lines { lines, marks: vec![], stretches: phases(of) }),
    );
    let text = "When each of the frequencies comes into the logits, and how strong it becomes.";
    Entry::new(figure, format!("{text} {}", measured(of)))
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
    let text = "Where a circuit forms, logits become a sum of waves, the embedding and W_logit keep a few frequencies, and \
                neurons come to serve one each. Look which of these rise before the test accuracy does, and how slowly.";
    Entry::new(figure, format!("{text} {}", measured(of)))
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
    Entry::new(figure, format!("{text} {}", measured(of)))
}

/// Which algorithm it is, step by step.
fn algorithm(of: &Progress) -> Entry {
    let lines = vec![
        line(of, "gradient symmetricity", |row| row.measures.gradient_symmetricity),
        line(of, "distance irrelevance", |row| Some(row.measures.distance_irrelevance)),
        line(of, "certified by the waves", |row| row.measures.certified_accuracy),
    ];
    let lines = lines.into_iter().filter(|line| !line.points.is_empty()).collect();
    let figure = Figure::new(
        "course-algorithm",
        "Clock or pizza, and the share of the inputs that the waves prove",
        [steps(), Axis::of("measure")],
        Content::Lines(Lines { lines, marks: vec![], stretches: phases(of) }),
    );
    let text = "A network that has learned nothing has a symmetricity and an irrelevance near 1, and memorising changes them too: look at \
                both once the circuit is there. What the waves prove is theirs where they explain most of the logits; before, it is \
                what the rest answers right by itself. Symmetricity is over the hundred published triples.";
    Entry::new(figure, format!("{text} {}", measured(of)))
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
    let in_the_end = |k: usize| of.rows.last().map_or(0, |row| size(row, Cluster::Frequency(k)));
    // More areas than colours could not be told apart: the smaller clusters are one.
    let mut shown = of.key_freqs.clone();
    shown.sort_by_key(|&k| std::cmp::Reverse(in_the_end(k)));
    shown.truncate(MOST_CLUSTERS);
    shown.sort_unstable();
    let of_others = |row: &ProgressRow| {
        let is_other = |cluster: &Cluster| cluster.frequency().is_some_and(|k| !shown.contains(&k));
        row.cluster_sizes.iter().filter(|(cluster, _)| is_other(cluster)).map(|(_, size)| size).sum::<usize>()
    };
    let mut areas: Vec<Line> = shown
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
    Entry::new(
        figure,
        format!(
            "Neurons that one frequency explains to {:.0} % are in its cluster, by the network of each checkpoint.{last} {}",
            100.0 * CLUSTER_FRAC_EXPLAINED,
            measured(of)
        ),
    )
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
        "Move the slider, and look when the rows of the key frequencies, which are labelled, come to stand out. Each map has \
         the colours of its own largest value.",
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
                "These {} neurons are in the largest cluster of the last checkpoint. Move the slider, and look \
                 when the coefficients of {k} come to stand out, and which others are there before.",
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
