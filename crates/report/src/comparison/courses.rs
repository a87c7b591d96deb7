use clockwork_analysis::{ComparedRun, Comparison, CourseCurves, LeadAcross, MeasureCurve};

use crate::{
    Axis, Content, Entry, Figure, Line, Section, Table,
    words::{before_test_accuracy, some},
};

/// How the circuits of runs came about, over each other; nothing where no course was measured.
pub(super) fn courses_section(of: &Comparison, courses: &[Option<CourseCurves>]) -> Option<Section> {
    let across = of.across.course.as_ref()?;
    let entries = [true, false].into_iter().filter_map(|of_losses| figure(of, courses, of_losses)).collect();
    let table = Table {
        title: "What leads and what follows, over runs".to_owned(),
        text: "By how many steps a measure has gone half of its way before the test accuracy has, from the first checkpoint \
               that knows the training pairs on, and on a logarithmic scale for losses: quantiles over the runs that \
               generalise, interpolated between two of them."
            .to_owned(),
        columns: ["measure", "5 %", "median", "95 %", "before the test accuracy in"].map(str::to_owned).to_vec(),
        rows: across.leads.iter().map(lead).collect(),
    };
    Some(Section::new("courses", "How they came about: courses over each other", entries).with_table(table))
}

fn lead(LeadAcross { measure, runs, leads_in, steps_before_test_accuracy }: &LeadAcross) -> Vec<String> {
    let quantiles = steps_before_test_accuracy.map(|steps| before_test_accuracy(steps.round() as i64));
    let mut cells = vec![measure.clone()];
    cells.extend(quantiles);
    cells.push(format!("{leads_in} of {runs}"));
    cells
}

/// The losses, or all other measures, of the runs that generalise, a line each; nothing where none does.
fn figure(of: &Comparison, courses: &[Option<CourseCurves>], of_losses: bool) -> Option<Entry> {
    let measured = || of.runs.iter().zip(courses).filter_map(|(run, course)| Some((run, course.as_ref()?)));
    let aligned: Vec<_> =
        measured().filter_map(|(run, course)| Some((run, course, run.generalised?))).collect();
    let mut measures: Vec<&str> = Vec::new();
    for MeasureCurve { measure, .. } in
        aligned.iter().flat_map(|(_, course, _)| &course.measures).filter(|of| of.is_loss == of_losses)
    {
        if !measures.contains(measure) {
            measures.push(measure);
        }
    }
    let lines = |measure: &str| {
        let line = |(run, course, grokked): &(&ComparedRun, &CourseCurves, u64)| {
            let of_run = course.measures.iter().find(|of| of.measure == measure)?;
            let point =
                |(&step, value): (&u64, &Option<f64>)| Some([step as f64 - *grokked as f64, (*value)?]);
            let points: Vec<[f64; 2]> = course.steps.iter().zip(&of_run.values).filter_map(point).collect();
            (!points.is_empty()).then(|| Line { name: run.name.clone(), points })
        };
        (measure.to_owned(), Content::lines(aligned.iter().filter_map(line).collect()))
    };
    let left_out: Vec<String> =
        measured().filter(|(run, _)| run.generalised.is_none()).map(|(run, _)| run.name.clone()).collect();
    let left_out = match left_out.len() {
        0 => String::new(),
        _ => format!(" Test accuracy has not passed 99 % in {}.", some(&left_out)),
    };
    let (id, title, y, text) = match of_losses {
        true => (
            "courses-losses",
            "Losses around the step of grokking",
            Axis::log("loss (nats)"),
            "Look whether restricted losses are down, and excluded losses up, before 0: then the circuit is there before it \
             shows.",
        ),
        false => (
            "courses-measures",
            "Other measures around the step of grokking",
            Axis::of("value"),
            "Look which measures move long before 0, and which only behind it.",
        ),
    };
    let text = format!(
        "At 0 test accuracy passes 99 %: each run is moved by its own step, so that what comes before and behind can be \
         compared. Move the slider for another measure. {text}{left_out}"
    );
    let axes = [Axis::of("optimisation steps from grokking on"), y];
    let is_empty = measures.is_empty();
    let figure = Figure::with_slider(id, title, axes, "measure", measures.into_iter().map(lines));
    (!is_empty).then(|| Entry::new(figure, text))
}
