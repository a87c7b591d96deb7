use std::path::Path;

use clockwork_analysis::{
    Across, ByOperation, Cluster, ComparedRun, Comparison, CourseAcross, MeanOverlap, OperationAcross, Pair,
    Spread,
};
use clockwork_report::words::{self, short};

use crate::table::table;

/// A comparison for the terminal: a row per run, then the figures over all runs.
pub fn text(of: &Comparison, page: &Path) -> String {
    let settings = of.differing_settings();
    let columns = settings.len();
    let mut header = vec!["run", "seed"];
    header.extend(settings.iter().map(|path| path.rsplit('.').next().unwrap_or(path)));
    header.extend([
        "step",
        "99 % at",
        "loss",
        "key frequencies: neurons",
        "rules",
        "hurts most",
        "symmetricity",
        "irrelevance",
        "algorithm",
        "claims",
    ]);
    let total = of.across.claims.len();
    let rows = of.runs.iter().map(|run| row(run, &settings, total)).collect();
    let to_the_right: Vec<usize> = (1..columns + 5).collect();
    let mut lines = vec![table(&header, rows, &to_the_right)];
    lines.extend(across(&of.across, of.p));
    lines.push(format!("\n  report {}\n", page.display()));
    lines.join("\n")
}

/// Operations beside each other for the terminal, a row each.
pub fn operations_text(of: &ByOperation, page: &Path) -> String {
    let header = [
        "operation",
        "generalise",
        "99 % at",
        "trained to",
        "accuracy",
        "key frequencies",
        "Gini of the embedding",
        "claims",
    ];
    let row = |of: &OperationAcross| {
        let gini: Vec<String> =
            of.gini_by_basis.iter().map(|(basis, gini)| format!("{} {basis}", short(*gini))).collect();
        vec![
            of.operation.clone(),
            format!("{} of {}", of.generalised, of.runs),
            words::steps(of),
            words::range(&of.trained),
            short(of.accuracy.mean),
            words::key_freqs_of_operation(of),
            gini.join(", "),
            format!("all {} hold in {} of {}", of.claims_that_apply, of.all_claims_hold, of.runs),
        ]
    };
    let rows = of.operations.iter().map(row).collect();
    let mut lines = vec![table(&header, rows, &[1, 2, 3, 4])];
    lines.push(format!("modulo {}, frequencies in each operation's own coordinates", of.p));
    lines.push(format!("  report {}, which leads to that of each operation\n", page.display()));
    lines.join("\n")
}

fn row(run: &ComparedRun, settings: &[String], claims: usize) -> Vec<String> {
    let unknown = || "–".to_owned();
    let mut row = vec![run.name.clone(), run.seed.map_or_else(unknown, |seed| seed.to_string())];
    row.extend(settings.iter().map(|path| run.setting(path).unwrap_or_else(unknown)));
    row.extend([
        words::step(run),
        run.generalised.map_or_else(unknown, |step| step.to_string()),
        format!("{:.2e}", run.original_loss),
        clusters(run, false),
        words::rules(run),
        run.most_harmful_ablation.map_or_else(unknown, |of| format!("{}: loss {:.2}", of.freq, of.loss)),
        run.gradient_symmetricity.map_or_else(unknown, short),
        run.distance_irrelevance.map_or_else(unknown, short),
        run.algorithm.map_or_else(unknown, |algorithm| algorithm.to_string()),
        format!("{} of {claims}", run.claims_held()),
    ]);
    row
}

/// Each key frequency with its neurons, and with those in no cluster if they are asked for.
pub fn clusters(run: &ComparedRun, with_unclustered: bool) -> String {
    let mut sizes: Vec<String> =
        run.key_freqs.iter().map(|&k| format!("{k}:{}", run.cluster_size(k))).collect();
    if with_unclustered {
        let unclustered = Cluster::Unclustered;
        let size = run.cluster_sizes.get(&unclustered).copied().unwrap_or(0);
        sizes.push(format!("{unclustered}:{size}"));
    }
    if sizes.is_empty() { "none".to_owned() } else { sizes.join(", ") }
}

/// The figures over all runs, a line each.
fn across(of: &Across, p: usize) -> Vec<String> {
    let runs = of.runs;
    let plural = if runs == 1 { "run" } else { "runs" };
    let mut lines = vec![format!("over {runs} {plural} modulo {p}, of {} frequencies", of.frequencies)];
    let mut line = |name: &str, text: String| lines.push(format!("  {name:<26} {text}"));
    line("key frequencies per run", spread(&of.key_freqs_per_run, 1));
    line("key most often", most_common(of));
    line("the rules name the same", format!("in {} of {runs}", of.rules_name_the_same));
    if let Some(MeanOverlap { pairs, mean, expected, standard_deviation }) = of.jaccard {
        let chance = format!("by chance {expected:.3} ± {standard_deviation:.3}");
        let pairs = if pairs == 1 { "1 pair".to_owned() } else { format!("{pairs} pairs") };
        line("overlap (Jaccard)", format!("{mean:.3} on average over {pairs}, {chance}"));
    }
    if let Some(Pair { a, b, overlap }) = of.most_alike() {
        let chance = format!("p = {:.2e} for a pair chosen beforehand", overlap.p_value);
        line("least likely by chance", format!("{a} and {b} share {}; {chance}", overlap.shared));
    }
    if let Some(generalised) = &of.generalised {
        let text = format!("step {}, in {} of {runs}", spread(generalised, 0), generalised.count);
        line("test accuracy 99 % at", text);
    }
    for at in &of.algorithms {
        line(&at.algorithm.to_string(), format!("in {}", share(at.runs, at.of, at.interval)));
    }
    let all = share(of.all_claims_hold, runs, of.all_claims_hold_interval);
    line("every claim holds", format!("in {all}"));
    for at in of.verdicts_by_loss() {
        let held = share(at.all_claims_hold, at.runs, at.interval);
        line(&format!("  {}", words::decade(at)), format!("in {held}"));
    }
    let (everywhere, elsewhere): (Vec<_>, Vec<_>) =
        of.claims.iter().partition(|claim| claim.holds_in == runs);
    line("claims that hold in all", format!("{} of {}", everywhere.len(), of.claims.len()));
    for claim in elsewhere {
        let applies_in = claim.holds_in + claim.fails_in.len();
        let held = share(claim.holds_in, applies_in, claim.interval);
        let reasons = claim.reasons.iter().map(|(kind, names)| format!("; {kind}: {}", few(names)));
        let reasons: String = reasons.collect();
        let others = match claim.does_not_apply_in.is_empty() {
            true => String::new(),
            false => format!("; does not apply to {}", few(&claim.does_not_apply_in)),
        };
        lines.push(format!("    {held}  {}{reasons}{others}", claim.claim));
    }
    lines.extend(of.course.iter().flat_map(|course| course_lines(course, runs)));
    for names in &of.same_weights {
        lines.push(format!(
            "  note: {} have the same weights, and count {} times",
            names.join(", "),
            names.len()
        ));
    }
    lines
}

/// Courses, a line each thing.
fn course_lines(of: &CourseAcross, runs: usize) -> Vec<String> {
    let mut lines = vec![format!("courses of {} of {runs}", of.runs)];
    let begins = [
        ("circuit formation at", &of.circuit_formation),
        ("cleanup at", &of.cleanup),
        ("weights settled at", &of.settled),
    ];
    lines.extend(begins.into_iter().map(|(name, steps)| {
        let text = steps.as_ref().map_or("in none".to_owned(), |steps| {
            let Spread { mean, min, max, count, .. } = steps;
            format!("step {mean:.0} ({min} to {max}), in {count} of {}", of.runs)
        });
        format!("  {name:<26} {text}")
    }));
    for claim in &of.claims {
        let held = share(claim.holds_in, claim.holds_in + claim.fails_in.len(), claim.interval);
        let fails = match claim.fails_in.is_empty() {
            true => String::new(),
            false => format!("; not in {}", few(&claim.fails_in)),
        };
        let others = match claim.does_not_apply_in.is_empty() {
            true => String::new(),
            false => format!("; does not apply to {}", few(&claim.does_not_apply_in)),
        };
        lines.push(format!("    {held}  {}{fails}{others}", claim.claim));
    }
    lines.push("  ahead of the test accuracy, by the median".to_owned());
    let rows = of.leads.iter().skip(1).map(|lead| {
        let [_, median, _] = lead.steps_before_test_accuracy;
        let before = words::before_test_accuracy(median.round() as i64);
        format!("    {:<38} {before}, in {} of {}", lead.measure, lead.leads_in, lead.runs)
    });
    lines.extend(rows);
    lines
}

/// A count with its interval: `6 of 8 (41 to 93 %)`.
fn share(count: usize, of: usize, interval: Option<[f64; 2]>) -> String {
    format!("{count} of {of} ({})", words::interval(interval))
}

fn spread(Spread { mean, standard_deviation, min, max, .. }: &Spread, digits: usize) -> String {
    match standard_deviation {
        Some(deviation) => format!("{mean:.digits$} ± {deviation:.digits$} ({min} to {max})"),
        None => mean.to_string(),
    }
}

fn most_common(of: &Across) -> String {
    let mut counts: Vec<(usize, usize)> = of.key_freq_counts.iter().map(|(&k, &count)| (k, count)).collect();
    counts.sort_by_key(|&(k, count)| (std::cmp::Reverse(count), k));
    let most = counts.first().map_or(0, |&(_, count)| count);
    let most_common: Vec<usize> =
        counts.iter().take_while(|(_, count)| *count == most).map(|&(k, _)| k).collect();
    let named = words::few(&most_common);
    let expected = of.expected_key_freq_count;
    match most {
        0 => "none".to_owned(),
        _ => format!("{named}, in {most} of {} (by chance each in {expected:.2} on average)", of.runs),
    }
}

/// Some names, and how many others.
fn few(names: &[String]) -> String {
    match names {
        [first, second, third, others @ ..] if others.len() > 1 => {
            format!("{first}, {second}, {third} and {} others", others.len())
        }
        _ => names.join(", "),
    }
}
