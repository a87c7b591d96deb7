//! The figures of a comparison by their values, and its page.

use std::fs;

use clockwork_analysis::{
    AnalysisFiles, Comparison, CourseCurves, CourseFindings, Progress, ProgressRow, RunFindings,
};
use clockwork_model::{Checkpoint, CheckpointFile};
use clockwork_report::{
    ComparisonReport, Content, Figure, Lines, Section, TrainingCurves, comparison_story, words,
};
use serde_json::json;

const P: usize = 12;

fn clock(name: &str, freqs: &[usize], generalised: Option<u64>) -> RunFindings {
    let (model, weights) = clockwork_model::clock(P, freqs, 16);
    let mut checkpoint = Checkpoint::of_weights(model, weights);
    checkpoint.metadata.step = 7;
    checkpoint.metadata.config = json!({"training": {"seed": 3}, "model": {"d_mlp": model.d_mlp}});
    let file = CheckpointFile { path: "clock.safetensors".into(), sha256: name.to_owned(), checkpoint };
    RunFindings {
        name: name.to_owned(),
        path: format!("runs/{name}"),
        state: Some("running".to_owned()),
        generalised,
        findings: AnalysisFiles::of(&file, &mut ()).unwrap().findings,
        course: None,
    }
}

fn curves() -> TrainingCurves {
    TrainingCurves {
        steps: vec![0, 10],
        losses: vec![[2.5, 2.6], [1e-3, 3.0]],
        accuracies: vec![[0.1, 0.1], [1.0, 0.1]],
        milestones: vec![],
    }
}

fn figure<'a>(sections: &'a [Section], id: &str) -> &'a Figure {
    let mut figures = sections.iter().flat_map(|section| &section.entries).map(|entry| &entry.figure);
    figures.find(|figure| figure.id == id).unwrap_or_else(|| panic!("no figure {id}"))
}

#[test]
fn figures_hold_what_clocks_have_in_common() {
    let runs = [clock("a", &[2, 5], Some(900)), clock("b", &[5], None), clock("c", &[1], None)];
    let comparison = Comparison::new(&runs).unwrap();
    // Nobody knows how b was trained.
    let training = [curves(), TrainingCurves::default(), curves()];
    let sections = comparison_story(&comparison, &training, &[None, None, None]);

    let map = figure(&sections, "key-frequencies");
    assert_eq!(map.y.names.as_ref().unwrap()[..], ["c", "b", "a"], "the first is at the top");
    let Content::HeatMap(map) = &map.frames[0].content else { panic!("{map:?}") };
    assert_eq!((map.columns, map.rows()), (6, 3));
    assert_eq!(map.marked, [[0, 0], [1, 4], [2, 1], [2, 4]]);
    // Each frequency of a has half of its squared norm, and b's only one has all.
    for (row, column, share) in [(2, 1, 0.5), (2, 4, 0.5), (1, 4, 1.0), (1, 1, 0.0), (0, 0, 1.0)] {
        assert!((map.values[row * 6 + column] - share).abs() < 1e-5, "{row} {column}");
    }

    let Content::Bars { bars, levels } = &figure(&sections, "histogram").frames[0].content else { panic!() };
    let counts: Vec<f64> = bars.iter().map(|bar| bar.1).collect();
    assert_eq!((counts, levels[0].0), (vec![1.0, 1.0, 0.0, 0.0, 2.0, 0.0], 4.0 / 6.0));

    // {2, 5} and {5} of 6 share one of two; one drawn at random is in the two with probability 1/3.
    let overlap = figure(&sections, "overlap");
    let third = 1.0_f64 / 3.0;
    for (frame, itself, ab, ac) in
        [(0, 1.0, 0.5, 0.0), (1, 1.0, third / 2.0, third / 2.0), (2, 0.0, -third.log10(), 0.0)]
    {
        let Content::HeatMap(map) = &overlap.frames[frame].content else { panic!("{overlap:?}") };
        let of = |run: usize, other: usize| map.values[(2 - run) * 3 + other];
        assert_eq!(of(1, 1), itself);
        for (found, by_hand) in [(of(0, 1), ab), (of(1, 0), ab), (of(0, 2), ac)] {
            assert!(
                (found - by_hand).abs() < 1e-12,
                "{}: {found} is not {by_hand}",
                overlap.frames[frame].label
            );
        }
    }

    let losses = figure(&sections, "losses");
    let labels: Vec<&str> = losses.frames.iter().map(|frame| frame.label.as_str()).collect();
    assert_eq!(labels, ["test", "train"]);
    let Content::Lines(Lines { lines, .. }) = &losses.frames[0].content else { panic!() };
    let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
    assert_eq!(lines[0].points, [[0.0, 2.6], [10.0, 3.0]]);

    let Content::Bars { bars, .. } = &figure(&sections, "steps-to-grok").frames[0].content else { panic!() };
    let expected = [("a", 900.0), ("c (not by 10)", 0.0)].map(|(name, step)| (name.to_owned(), step));
    assert_eq!(bars[..], expected);
    let texts = sections.iter().flat_map(|section| &section.entries).map(|entry| &entry.text);
    assert!(texts.into_iter().all(|text| text.len() > 40 && !text.contains("NaN") && !text.contains("inf")));
}

#[test]
fn runs_of_one_name_keep_their_own_rows() {
    let runs = [clock("3", &[2, 5], None), clock("3", &[5], None), clock("1", &[1], None)];
    let comparison = Comparison::new(&runs).unwrap();
    let sections = comparison_story(&comparison, &[curves(), curves(), curves()], &[None, None, None]);
    let overlap = figure(&sections, "overlap");
    assert_eq!(overlap.x.names.as_ref().unwrap()[..], ["3", "3", "1"]);
    let Content::HeatMap(map) = &overlap.frames[0].content else { panic!("{overlap:?}") };
    assert_eq!(map.values, [0.0, 0.0, 1.0, 0.5, 1.0, 0.0, 1.0, 0.5, 0.0]);
}

/// Two checkpoints of a run's course.
fn course() -> Progress {
    let mut progress = Progress::by_chosen(vec![5]);
    let row = |step: u64, accuracy: f64| {
        let (model, weights) = clockwork_model::clock(P, &[5], 16);
        let mut checkpoint = Checkpoint::of_weights(model, weights);
        checkpoint.metadata.step = step;
        let file = CheckpointFile { path: "a".into(), sha256: step.to_string(), checkpoint };
        let mut row = ProgressRow::of(&file, &[5]).unwrap();
        row.measures.train = Some(row.measures.all.clone());
        (row.train_accuracy, row.test_accuracy) = (Some(1.0), Some(accuracy));
        row
    };
    progress.take_rows(vec![row(500, 0.0), row(1_000, 1.0)]);
    progress
}

#[test]
fn courses_lie_over_each_other_at_the_step_of_grokking() {
    let measured = course();
    let with_course = |name: &str, grokked| RunFindings {
        course: Some(CourseFindings::of(&measured)),
        ..clock(name, &[5], grokked)
    };
    let runs = [
        with_course("a", Some(900)),
        clock("b", &[5], Some(700)),
        with_course("c", None),
        with_course("d", Some(600)),
    ];
    let comparison = Comparison::new(&runs).unwrap();
    let across = comparison.across.course.as_ref().unwrap();
    assert_eq!((across.runs, across.claims.len(), across.circuit_formation), (3, 4, None));
    assert_eq!((across.leads[0].measure.as_str(), across.leads[0].runs), ("test accuracy", 3));

    let curves = || Some(CourseCurves::of(&measured));
    let training = [(); 4].map(|()| TrainingCurves::default());
    let courses = [curves(), None, curves(), curves()];
    let sections = comparison_story(&comparison, &training, &courses);
    let accuracy = figure(&sections, "courses-measures");
    let frame = accuracy.frames.iter().find(|frame| frame.label == "test accuracy").unwrap();
    let Content::Lines(Lines { lines, .. }) = &frame.content else { panic!() };
    // c has not generalised, and b's checkpoints were not measured.
    assert_eq!(lines.iter().map(|line| &line.name[..]).collect::<Vec<_>>(), ["a", "d"]);
    assert_eq!(lines[0].points, [[-400.0, 0.0], [100.0, 1.0]]);
    assert_eq!(lines[1].points, [[-100.0, 0.0], [400.0, 1.0]]);
    let section = sections.last().unwrap();
    assert!(section.entries[0].text.ends_with("Test accuracy has not passed 99 % in c."), "{section:?}");
    assert_eq!(
        section.table.as_ref().unwrap().rows[0],
        ["test accuracy", "at the same step", "at the same step", "at the same step", "0 of 3"]
    );

    let directory = tempfile::tempdir().unwrap();
    let report = ComparisonReport { comparison: &comparison, training: &training, courses: &courses };
    let html = fs::read_to_string(report.write(directory.path(), &[]).unwrap().page).unwrap();
    assert!(
        html.contains("Of the 3 runs whose checkpoints were measured.")
            && html.contains("phases come in order")
    );
    assert!(directory.path().join("figures/courses-measures.test-accuracy.svg").exists());
}

#[test]
fn the_page_tells_runs_and_claims_and_escapes_what_it_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let runs = [clock("<b>a", &[2, 5], Some(900)), clock("b", &[5], None)];
    let comparison = Comparison::new(&runs).unwrap();
    let training = [curves(), TrainingCurves::default()];
    let report = ComparisonReport { comparison: &comparison, training: &training, courses: &[None, None] };
    let written = report.write(directory.path(), &[]).unwrap();
    let html = fs::read_to_string(&written.page).unwrap();
    assert!(!html.contains("<b>"));
    let claims = comparison.across.claims.len();
    // The embedding of a is not sparse.
    let held = format!("{} of {claims} claims hold in all of them", claims - 1);
    for words in [
        "What 2 networks found",
        "2 of 2 networks get all sums modulo 12 right. They have 1 to 2 of 6 frequencies key.",
        "&lt;b&gt;a",
        "model.d_mlp",
        "2 (32), 5 (32)",
        "7 (running)",
        held.as_str(),
        "loss without a frequency's neurons",
        "Their figures",
    ] {
        assert!(html.contains(words), "{words:?} is missing");
    }
    // A map and bars over frequencies, three maps of overlaps, clocks and pizzas, losses of both splits, steps.
    assert_eq!(written.pictures, 9);
    let row = html.split("<td>b</td>").nth(1).unwrap().split("</tr>").next().unwrap();
    let symmetricity = comparison.runs[1].gradient_symmetricity.map(words::short).unwrap();
    let verdict = comparison.runs[1].algorithm.unwrap().to_string();
    assert!(row.contains(&verdict) && row.contains(&symmetricity), "{row}");
    assert!(written.figures.join("losses.train.png").exists());
}

#[test]
fn one_network_alone_has_a_page_too() {
    let directory = tempfile::tempdir().unwrap();
    let comparison = Comparison::new(&[clock("a", &[3], None)]).unwrap();
    let report = ComparisonReport {
        comparison: &comparison,
        training: &[TrainingCurves::default()],
        courses: &[None],
    };
    let written = report.write(directory.path(), &[]).unwrap();
    assert_eq!(written.pictures, 3, "there is nothing to overlap with, and no training to show");
    let html = fs::read_to_string(written.page).unwrap();
    let page = html.split("</main>").next().unwrap();
    assert!(page.contains("What 1 network found") && !page.contains("NaN"));
}
