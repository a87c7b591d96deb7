//! Figures by their values: what an analysis of a network set by hand becomes, and what broken files do.

use std::fs;

use clockwork_analysis::{AnalysisFiles, Arrays, Claim, Cluster, Progress, ProgressRow};
use clockwork_model::{Checkpoint, CheckpointFile, ModelConfig, Weights, clock, initial_weights};
use clockwork_report::{
    Axis, Content, Entry, Figure, Lines, Report, Section, TrainingCurves, course_section, story,
};

const P: usize = 12;
const FREQ: usize = 5;

/// The analysis of the clock with one frequency.
fn analysis() -> AnalysisFiles {
    analysis_of(clock(P, &[FREQ], 16))
}

fn analysis_of((model, weights): (ModelConfig, Weights)) -> AnalysisFiles {
    let mut checkpoint = Checkpoint::of_weights(model, weights);
    checkpoint.metadata.step = 7;
    let file = CheckpointFile { path: "clock.safetensors".into(), sha256: "00".to_owned(), checkpoint };
    AnalysisFiles::of(&file, &mut ()).unwrap()
}

fn figure<'a>(sections: &'a [Section], id: &str) -> &'a Figure {
    let mut figures = sections.iter().flat_map(|section| &section.entries).map(|entry| &entry.figure);
    figures.find(|figure| figure.id == id).unwrap_or_else(|| panic!("no figure {id}"))
}

#[test]
fn the_course_shows_each_checkpoint_at_its_step() {
    let (config, weights) = clock(P, &[FREQ], 16);
    let at = |step: u64, weights: &Weights| {
        let mut checkpoint = Checkpoint::of_weights(config, weights.clone());
        checkpoint.metadata.step = step;
        let file = CheckpointFile { path: "a".into(), sha256: step.to_string(), checkpoint };
        ProgressRow::of(&file, &[FREQ]).unwrap()
    };
    let mut progress = Progress::by_chosen(vec![FREQ]);
    progress.rows = vec![at(0, &initial_weights(&config, 0)), at(300, &weights)];
    let section = [course_section(&progress)];
    let lines = |id: &str| match &figure(&section, id).frames[0].content {
        Content::Lines(Lines { lines, .. }) | Content::Areas(lines) => lines.clone(),
        other => panic!("{other:?}"),
    };
    // Which pairs were trained on is not known of them, so that there is one loss only.
    let losses = lines("course-losses");
    assert_eq!(losses.iter().map(|line| &line.name[..]).collect::<Vec<_>>(), ["restricted (3d, all)"]);
    assert_eq!(losses[0].points[1], [300.0, progress.rows[1].measures.all.restricted_loss_3d]);
    let neurons = lines("course-neurons");
    assert_eq!((neurons[0].name.as_str(), neurons[0].points[1]), ("5", [300.0, 32.0]));
    let Content::HeatMap(map) = &figure(&section, "course-embedding").frames[0].content else { panic!() };
    // A column per checkpoint, and a row per frequency, upwards.
    assert_eq!((map.columns, map.rows()), (2, P / 2));
    let norms = |row: usize| progress.rows[row].arrays.embedding_norm_by_freq[FREQ - 1];
    assert_eq!(map.values[(FREQ - 1) * 2..][..2], [norms(0), norms(1)]);
}

#[test]
fn figures_hold_what_the_clock_is_made_of() {
    let files = analysis();
    let sections = story(&files).unwrap();
    let names: Vec<&str> = sections.iter().map(|section| section.id.as_ref()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"embedding"), Some(&"algorithm")));

    let of_algorithm = files.findings.algorithm.as_ref().unwrap();
    let plane = figure(&sections, "algorithm-plane");
    let Content::Points(points) = &plane.frames[0].content else { panic!("{plane:?}") };
    let irrelevance = of_algorithm.tests.distance_irrelevance.unwrap();
    assert_eq!(
        (points.names[0].as_str(), points.points[0]),
        ("this network", [of_algorithm.symmetricity.mean, irrelevance])
    );
    assert!(points.names.iter().any(|name| name.starts_with("model A, a pizza")));
    assert!(points.names.contains(&"random weights".to_owned()) && points.is_labelled);
    let table = sections.last().unwrap().table.as_ref().unwrap();
    assert_eq!(table.columns, ["test", "this network", "random weights", "waves alone", "noise"]);
    let row = |name: &str| table.rows.iter().find(|row| row[0] == name).unwrap();
    // Waves alone are all waves, and have no weights that could be tested.
    assert_eq!(row("logits explained by waves")[3], "1");
    assert_eq!(row("circularity of the embedding")[3], "–");

    let norm = figure(&sections, "embedding-norm");
    assert_eq!((norm.x.name.as_str(), norm.y.name.as_str()), ("Fourier component", "squared norm"));
    assert_eq!(norm.x.names.as_ref().unwrap()[2 * FREQ - 1], "cos 5");
    assert_eq!(norm.x.labelled, [0, 2 * FREQ - 1], "the constant and the key cosine");
    let Content::Lines(Lines { lines, .. }) = &norm.frames[0].content else { panic!("{norm:?}") };
    for (i, [x, y]) in lines[0].points.iter().enumerate() {
        // The rows of the embedding are cos and sin of the one frequency, each of norm √(p/2).
        let expected = if i == 2 * FREQ - 1 || i == 2 * FREQ { P as f64 / 2.0 } else { 0.0 };
        assert!(*x == i as f64 && (y - expected).abs() < 1e-5, "{i}: {y}");
    }

    let sizes = figure(&sections, "cluster-sizes");
    let Content::Bars { bars, .. } = &sizes.frames[0].content else { panic!("{sizes:?}") };
    assert_eq!(bars[..], [("5".to_owned(), 32.0), ("unclustered".to_owned(), 0.0)]);

    let losses = figure(&sections, "ablation");
    assert!(losses.y.is_log);
    let Content::Bars { bars, levels } = &losses.frames[0].content else { panic!("{losses:?}") };
    assert_eq!(levels[0].0, files.findings.summary.original_loss);
    assert_eq!(
        bars[3],
        ("no cluster 5".to_owned(), files.findings.summary.loss_excluding_cluster[&Cluster::Frequency(5)])
    );

    // cos ω(x + y) has cos cos and − sin sin, and nothing else.
    let components = figure(&sections, "components");
    assert_eq!(components.slider.as_deref(), Some("column"));
    let labels: Vec<&str> = components.frames.iter().map(|frame| frame.label.as_str()).collect();
    assert_eq!(labels, ["cos 5", "sin 5"]);
    let Content::HeatMap(map) = &components.frames[0].content else { panic!("{components:?}") };
    let at = |x: usize, y: usize| map.values[y * P + x] / map.largest();
    let (c, s) = (2 * FREQ - 1, 2 * FREQ);
    assert!(map.has_signs && (at(c, c) + at(s, s)).abs() < 0.01 && at(c, c).abs() > 0.99);
    assert!(at(c, s).abs() < 0.01 && at(c, 0).abs() < 0.01);

    let ordered = figure(&sections, "w-logit-ordered");
    let Content::HeatMap(map) = &ordered.frames[0].content else { panic!("{ordered:?}") };
    assert_eq!(map.borders, [(0, "cluster 5".to_owned())]);
    let texts = sections.iter().flat_map(|section| &section.entries).map(|entry| &entry.text);
    assert!(texts.into_iter().all(|text| text.len() > 40 && !text.contains("NaN") && !text.contains("inf")));
}

#[test]
fn a_report_is_one_page_that_asks_for_nothing_and_escapes_what_it_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let files = analysis();
    let curves = TrainingCurves {
        steps: vec![0, 10],
        losses: vec![[2.5, 2.5], [1e-3, 3.0]],
        accuracies: vec![[0.1, 0.1], [1.0, 0.1]],
        milestones: vec![(10, "train 99 %".to_owned())],
    };
    let record = serde_json::json!({"name": "</script><b>", "seed": 3});
    let bars = Content::Bars { bars: vec![("a".to_owned(), 1.0)], levels: vec![] };
    let own = Figure::new("own-figure", "A figure of one's own", [Axis::of("x"), Axis::of("y")], bars);
    let entries = vec![Entry::new(own, "What to look for in it.")];
    let further = Section::new("own", "A section of one's own", entries);
    let claims = files.findings.claims.len();
    assert!(files.findings.claims.iter().all(Claim::holds));
    let all_hold = format!("{claims} of {claims} claims");
    let report = Report {
        name: "<img src=x onerror=alert(1)>",
        analysis: &files,
        training: Some(&curves),
        progress: None,
        record: Some(&record),
        config: Some("[task]\nmodulus = 12 # </pre>"),
        further: &[further],
    };
    fs::create_dir_all(directory.path().join("figures")).unwrap();
    fs::write(directory.path().join("figures/components.cos-9.svg"), "of another report").unwrap();
    fs::write(directory.path().join("figures/mine.svg"), "of none").unwrap();
    let written = report.write(directory.path()).unwrap();
    let html = fs::read_to_string(&written.page).unwrap();
    for raw in ["<img src=x", "<b>", "# </pre>"] {
        assert!(!html.contains(raw), "{raw} is not escaped");
    }
    for words in ["&lt;img src=x", "one key frequency, 5", &all_hold, "A section of one's own"] {
        assert!(html.contains(words), "{words:?} is missing");
    }
    let pictures = fs::read_dir(&written.figures).unwrap().count();
    assert_eq!(pictures, 2 * written.pictures + 1);
    let is_there = |name: &str| written.figures.join(name).exists();
    assert!(!is_there("components.cos-9.svg") && is_there("components.cos-5.png") && is_there("mine.svg"));
    assert!(is_there("own-figure.svg"));
}

#[test]
fn files_that_do_not_fit_together_are_refused_in_words() {
    let refused = |files: &AnalysisFiles| story(files).unwrap_err().to_string();
    let whole = analysis();

    let mut files = whole.clone();
    files.arrays = Arrays::default();
    let message = refused(&files);
    assert!(message.contains("has no array embedding.norm_by_component"), "{message}");

    let mut files = whole.clone();
    files.arrays.insert("W_logit.fourier", &[1, 2], vec![1.0, 2.0]);
    assert!(refused(&files).contains("W_logit.fourier has shape [1, 2]"));

    for freqs in [vec![0], vec![7], vec![usize::MAX]] {
        let mut files = whole.clone();
        files.findings.summary.key_freqs = freqs;
        assert!(refused(&files).contains("is no frequency modulo 12"));
    }
    let mut files = whole.clone();
    files.findings.summary.key_freqs = vec![3];
    assert!(refused(&files).contains("no size of cluster 3"), "{}", refused(&files));

    let mut files = whole.clone();
    files.findings.summary.p = 13;
    assert!(refused(&files).contains("summary.p is 13"));

    let mut files = whole;
    files.findings.summary.cluster_sizes.clear();
    assert!(refused(&files).contains("no size of cluster"));
}

#[test]
fn a_network_that_learned_nothing_has_a_report_that_says_so() {
    let model = ModelConfig { modulus: 7, d_model: 8, n_heads: 2, d_mlp: 16 };
    let files = analysis_of((model, initial_weights(&model, 0)));
    let report = Report {
        name: "random",
        analysis: &files,
        training: None,
        progress: None,
        record: None,
        config: None,
        further: &[],
    };
    let directory = tempfile::tempdir().unwrap();
    let written = report.write(directory.path()).unwrap();
    let html = fs::read_to_string(written.page).unwrap();
    for words in ["of all sums modulo 7 right, with no key frequency", "There is no cluster to leave out"] {
        assert!(html.contains(words), "{words:?} is missing");
    }
    // Before plotly's script, which knows the word.
    let page = html.split("</main>").next().unwrap();
    assert!(!page.contains("NaN") && page.len() < html.len());
}
