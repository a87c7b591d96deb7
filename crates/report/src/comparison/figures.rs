use clockwork_analysis::{Across, ComparedRun, Comparison, MeanOverlap, Pair, Spread};

use super::ComparisonReport;
use crate::{Axis, Content, Entry, Figure, HeatMap, Line, Section, TrainingCurves, short_number::short};

/// How many runs' names find room along an axis.
const NAMES_ALONG: usize = 30;

/// Frequencies between two that are labelled.
const LABEL_EVERY: usize = 5;

/// Figures of a comparison, each with what to look for in it.
#[must_use]
pub fn comparison_story(of: &ComparisonReport) -> Vec<Section> {
    let comparison = of.comparison;
    let mut frequencies = vec![map(comparison), histogram(&comparison.across)];
    if comparison.runs.len() > 1 {
        frequencies.push(overlaps(comparison));
    }
    let mut sections = vec![Section {
        id: "frequencies",
        title: "Key frequencies: which ones are found",
        entries: frequencies,
    }];
    if of.training.iter().any(|curves| !curves.steps.is_empty()) {
        sections.push(Section {
            id: "training",
            title: "Training: when the rule is found",
            entries: vec![losses(comparison, of.training), steps_to_grok(comparison)],
        });
    }
    sections
}

/// An axis of runs, the first at the top where it is the vertical one.
fn of_runs(runs: &[ComparedRun], is_vertical: bool) -> Axis {
    let mut names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    if is_vertical {
        names.reverse();
    }
    let every = names.len().div_ceil(NAMES_ALONG).max(1);
    let labelled = (0..names.len()).step_by(every).collect();
    Axis::named("run", names, labelled)
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
    let labelled = (0..frequencies).filter(|i| i == &0 || (i + 1) % LABEL_EVERY == 0);
    let labelled: Vec<usize> = match frequencies <= 20 * LABEL_EVERY {
        true => labelled.collect(),
        false => labelled.step_by(frequencies.div_ceil(20 * LABEL_EVERY)).collect(),
    };
    let names = (1..=frequencies).map(|k| k.to_string()).collect();
    let axes = [Axis::named("frequency", names, labelled), of_runs(&of.runs, true)];
    Entry::new(
        Figure::new("key-frequencies", "Key frequencies of each run", axes, Content::HeatMap(map.thinned())),
        format!(
            "A row per run, shaded by how the embedding's squared norm is spread over frequencies; dots mark \
                the key frequencies by the neurons' rule. Dark cells and dots coincide where the rules agree, \
                as they do in {} of {}. {}",
            of.across.rules_agree,
            of.runs.len(),
            numbers_in_words(&of.across.key_freqs_per_run),
        ),
    )
}

/// How many key frequencies runs have.
fn numbers_in_words(Spread { count, mean, standard_deviation, min, max }: &Spread) -> String {
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
    let axes = [Axis::of("frequency"), Axis::count("runs in which it is key")];
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
    let mut values = vec![0.0; n * n];
    let position = |name: &str| of.runs.iter().position(|run| run.name == name);
    for (i, run) in of.runs.iter().enumerate() {
        // A network without key frequencies has none in common even with itself.
        values[(n - 1 - i) * n + i] = if run.key_freqs.is_empty() { 0.0 } else { 1.0 };
    }
    for Pair { a, b, overlap } in &of.across.pairs {
        if let (Some(a), Some(b)) = (position(a), position(b)) {
            let jaccard = overlap.jaccard.unwrap_or(0.0);
            values[(n - 1 - a) * n + b] = jaccard;
            values[(n - 1 - b) * n + a] = jaccard;
        }
    }
    let map = HeatMap::new(n, values, "Jaccard index", false).thinned();
    let axes = [of_runs(&of.runs, false), of_runs(&of.runs, true)];
    let text = match &of.across.jaccard {
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
    Entry::new(
        Figure::new("overlap", "Overlap of key frequencies between runs", axes, Content::HeatMap(map)),
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
        Content::Lines { lines: lines.collect(), marks: vec![] }
    };
    let frames = [("test", 1), ("train", 0)].map(|(name, split)| (name.to_owned(), frame(split)));
    let axes = [Axis::of("optimisation step"), Axis::log("loss (nats)")];
    Entry::new(
        Figure::with_slider("losses", "Losses of all runs", axes, "pairs", frames),
        "Each run on the pairs held out, and with the slider moved on those trained on. All memorise at about the \
                same time; how long they stay on the plateau, and how clean they get, differs.",
    )
}

fn steps_to_grok(of: &Comparison) -> Entry {
    let name = |run: &ComparedRun| match run.generalised {
        Some(_) => run.name.clone(),
        None => format!("{} (never)", run.name),
    };
    let bar = |run: &ComparedRun| (name(run), run.generalised.map_or(0.0, |step| step as f64));
    let bars = of.runs.iter().map(bar).collect();
    let text = match &of.across.generalised {
        Some(Spread { count, mean, min, max, .. }) => format!(
            "The evaluated step at which test accuracy passed 99 %: between {min} and {max} in the {count} of {} \
                runs that did, {mean:.0} on average.",
            of.runs.len(),
        ),
        None => "In none of these runs is a step known at which test accuracy passed 99 %.".to_owned(),
    };
    let axes = [Axis::of("run"), Axis::of("optimisation step")];
    let content = Content::Bars { bars, levels: vec![] };
    Entry::new(Figure::new("steps-to-grok", "Steps until test accuracy passes 99 %", axes, content), text)
}
