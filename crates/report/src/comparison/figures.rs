use clockwork_analysis::{Across, ComparedRun, Comparison, CourseCurves, MeanOverlap, Overlap, Pair, Spread};

use super::courses::courses_section;
use crate::{
    Axis, Content, Entry, Figure, HeatMap, Line, Section, TrainingCurves, story::plane, words::short,
};

/// How many runs' names find room along the vertical axis.
const NAMES_DOWN: usize = 30;

/// How many letters find room along the horizontal axis of a map.
const LETTERS_ACROSS: usize = 60;

/// How many frequencies are labelled at most.
const LABELLED_FREQUENCIES: usize = 20;

/// Figures of a comparison, each with what to look for in it. `training` and `courses` have one element per run, without
/// evaluations or checkpoints where those are not known.
#[must_use]
pub fn comparison_story(
    comparison: &Comparison,
    training: &[TrainingCurves],
    courses: &[Option<CourseCurves>],
) -> Vec<Section> {
    let mut sections = Vec::new();
    if comparison.task.coordinates().of.has_inputs() {
        let mut frequencies = vec![map(comparison), histogram(&comparison.across)];
        if comparison.runs.len() > 1 {
            frequencies.push(overlaps(comparison));
        }
        sections.push(Section::new("frequencies", "Key frequencies: which ones are found", frequencies));
    }
    sections.extend(algorithms(comparison));
    if training.iter().any(|curves| !curves.steps.is_empty()) {
        sections.push(Section::new(
            "training",
            "Training: when the rule is found",
            vec![losses(comparison, training), steps_to_grok(comparison, training)],
        ));
    }
    sections.extend(courses_section(comparison, courses));
    sections
}

/// Which algorithms the networks follow, where that was measured.
fn algorithms(of: &Comparison) -> Option<Section> {
    let figures = |run: &ComparedRun| Some([run.gradient_symmetricity?, run.distance_irrelevance?]);
    let points: Vec<_> = of.runs.iter().filter_map(|run| Some((run.name.clone(), figures(run)?))).collect();
    let counted =
        of.across.algorithms.iter().map(|at| format!("{} in {} of {}", at.algorithm, at.runs, at.of));
    let counted: Vec<String> = counted.collect();
    let verdicts = match counted.is_empty() {
        true => String::new(),
        false => format!(" By these two, with what they need, the networks are: {}.", counted.join(", ")),
    };
    let text = format!(
        "Each network, beside a published pizza and a published clock, whose points are paler. Pizzas have a symmetricity above 0.98 \
         and an irrelevance below 0.6.{verdicts}"
    );
    (!points.is_empty())
        .then(|| Section::new("algorithm", "Algorithm: clocks and pizzas", vec![plane(points, vec![], text)]))
}

/// A map's axis of runs, the first at the top where it is the vertical one.
fn of_runs(runs: &[ComparedRun], is_vertical: bool) -> Axis {
    let mut names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let room = if is_vertical { NAMES_DOWN } else { LETTERS_ACROSS / (longest + 1) };
    let every = names.len().div_ceil(room.max(1)).max(1);
    // From the first run on, wherever that is.
    let mut labelled: Vec<usize> = (0..names.len()).step_by(every).collect();
    if is_vertical {
        names.reverse();
        labelled.iter_mut().for_each(|i| *i = names.len() - 1 - *i);
        labelled.reverse();
    }
    Axis::named("run", names, labelled)
}

/// A map's axis of frequencies, from 1, of which the first and round ones are labelled.
fn of_frequencies(frequencies: usize) -> Axis {
    let every = [1, 2, 5, 10, 20, 50].into_iter().find(|every| frequencies <= every * LABELLED_FREQUENCIES);
    let every = every.unwrap_or(100);
    let labelled = (0..frequencies).filter(|i| *i == 0 || (i + 1) % every == 0).collect();
    Axis::named("frequency", (1..=frequencies).map(|k| k.to_string()).collect(), labelled)
}

fn map(of: &Comparison) -> Entry {
    let frequencies = of.across.frequencies;
    let row = |run: &ComparedRun| {
        let norms = &run.embedding_norm_by_freq;
        // A network whose weights have all decayed has an embedding of zeros.
        let sum = norms.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        (0..frequencies).map(|i| norms.get(i).copied().unwrap_or(0.0) / sum).collect::<Vec<_>>()
    };
    let values = of.runs.iter().rev().flat_map(row).collect();
    let mut map = HeatMap::new(frequencies, values, "share of norm²", false);
    for (i, run) in of.runs.iter().rev().enumerate() {
        map.marked.extend(run.key_freqs.iter().map(|k| [i, k - 1]));
    }
    let axes = [of_frequencies(frequencies), of_runs(&of.runs, true)];
    Entry::new(
        Figure::new("key-frequencies", "Key frequencies of each run", axes, Content::HeatMap(map)),
        format!(
            "A row per run, shaded by how the embedding's squared norm is spread over frequencies; dots mark \
                the key frequencies by the neurons' rule. Dark cells and dots coincide where the rules agree, \
                as they do in {} of {}. {}",
            of.across.rules_name_the_same,
            of.runs.len(),
            numbers_used(&of.across.key_freqs_per_run),
        ),
    )
}

/// How many key frequencies runs have.
fn numbers_used(Spread { count, mean, standard_deviation, min, max }: &Spread) -> String {
    match standard_deviation {
        Some(deviation) => format!(
            "The {count} networks use {min} to {max} frequencies, {} on average with a standard deviation of {}.",
            short(*mean),
            short(*deviation)
        ),
        None => format!("The network uses {max}."),
    }
}

fn histogram(of: &Across) -> Entry {
    let bars: Vec<(String, f64)> =
        of.key_freq_counts.iter().map(|(k, &count)| (k.to_string(), count as f64)).collect();
    let levels = vec![(of.expected_key_freq_count, "mean by chance".to_owned())];
    let most = of.key_freq_counts.values().max().copied().unwrap_or(0);
    let never = of.key_freq_counts.values().filter(|&&count| count == 0).count();
    let axes = [of_frequencies(of.frequencies), Axis::count("runs in which it is key")];
    Entry::new(
        Figure::new("histogram", "How often each frequency is key", axes, Content::Bars { bars, levels }),
        format!(
            "Were frequencies drawn at random, each would be key in {} of {} runs on average. The most common \
                is so in {most}; {never} of {} are in none.",
            short(of.expected_key_freq_count),
            of.runs,
            of.frequencies,
        ),
    )
}

fn overlaps(of: &Comparison) -> Entry {
    let n = of.runs.len();
    // In the order of the pairs. Names would not do: two runs may have one.
    let positions = || (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)));
    let frame = |label: &str, value_name: &str, itself: f64, value: &dyn Fn(&Overlap) -> f64| {
        let mut values = vec![0.0; n * n];
        // The first run is at the top.
        let cell = |a: usize, b: usize| (n - 1 - a) * n + b;
        (0..n).for_each(|i| values[cell(i, i)] = itself);
        for ((a, b), Pair { overlap, .. }) in positions().zip(&of.across.pairs) {
            values[cell(a, b)] = value(overlap);
            values[cell(b, a)] = value(overlap);
        }
        (label.to_owned(), Content::HeatMap(HeatMap::new(n, values, value_name, false)))
    };
    let frames = [
        frame("found", "Jaccard index", 1.0, &|overlap| overlap.jaccard.unwrap_or(0.0)),
        frame("expected by chance", "Jaccard index", 1.0, &|overlap| overlap.expected_jaccard.unwrap_or(0.0)),
        frame("how unlikely", "−log10 p", 0.0, &|overlap| -overlap.p_value.log10()),
    ];
    let axes = [of_runs(&of.runs, false), of_runs(&of.runs, true)];
    let mut text = match &of.across.jaccard {
        Some(MeanOverlap { pairs, mean, expected, standard_deviation }) => format!(
            "The Jaccard index of two runs: frequencies that are key in both, over those that are in either. Over \
                {pairs} pairs its mean is {}; sets of the same sizes drawn at random have {} ± {} (mean and \
                standard deviation, hypergeometric).",
            short(*mean),
            short(*expected),
            short(*standard_deviation),
        ),
        None => "No two runs have key frequencies to compare.".to_owned(),
    };
    if let Some(Pair { a, b, overlap }) = of.across.most_alike() {
        let (shared, p) = (overlap.shared, short(overlap.p_value));
        let pair =
            format!(" The least likely by chance is that of {a} and {b}, which share {shared}: p = {p} ");
        text.extend([pair.as_str(), "for a pair chosen beforehand."]);
    }
    Entry::new(
        Figure::with_slider("overlap", "Overlap of key frequencies between runs", axes, "overlap", frames),
        text,
    )
}

fn losses(of: &Comparison, training: &[TrainingCurves]) -> Entry {
    let frame = |split: usize| {
        let line = |(run, curves): (&ComparedRun, &TrainingCurves)| {
            let points =
                curves.steps.iter().zip(&curves.losses).map(|(&step, loss)| [step as f64, loss[split]]);
            Line { name: run.name.clone(), points: points.collect() }
        };
        let lines = of.runs.iter().zip(training).filter(|(_, curves)| !curves.steps.is_empty()).map(line);
        Content::lines(lines.collect())
    };
    let frames = [("test", 1), ("train", 0)].map(|(name, split)| (name.to_owned(), frame(split)));
    let axes = [Axis::of("optimisation step"), Axis::log("loss (nats)")];
    Entry::new(
        Figure::with_slider("losses", "Losses of all runs", axes, "pairs", frames),
        "Each run on the pairs held out, and with the slider moved on those trained on: where it memorises, how \
                long it stays on the plateau, and how clean it gets.",
    )
}

fn steps_to_grok(of: &Comparison, training: &[TrainingCurves]) -> Entry {
    // Of an imported network no step is known.
    let known = of.runs.iter().zip(training).filter_map(|(run, curves)| Some((run, *curves.steps.last()?)));
    let bar = |(run, last): (&ComparedRun, u64)| match run.generalised {
        Some(step) => (run.name.clone(), step as f64),
        None => (format!("{} (not by {last})", run.name), 0.0),
    };
    let bars: Vec<(String, f64)> = known.map(bar).collect();
    let text = match &of.across.generalised {
        Some(Spread { count, mean, min, max, .. }) => format!(
            "The evaluated step at which test accuracy passed 99 %: between {min} and {max} in the {count} of {} \
                runs that did, {mean:.0} on average.",
            bars.len(),
        ),
        None => "In none of these runs test accuracy has passed 99 %.".to_owned(),
    };
    let axes = [Axis::of("run"), Axis::of("optimisation step")];
    let content = Content::Bars { bars, levels: vec![] };
    Entry::new(Figure::new("steps-to-grok", "Steps until test accuracy passes 99 %", axes, content), text)
}
