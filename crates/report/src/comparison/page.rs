use clockwork_analysis::{Across, CheckAcross, ClaimAcross, ComparedRun, Comparison};
use maud::{Markup, html};

use crate::{
    Section,
    page::{Page, PageSection, of_figures, table},
    words::{self, short},
};

/// The whole page.
pub(super) fn html(of: &Comparison, of_story: &[Section]) -> String {
    let mut sections = vec![PageSection {
        id: "runs",
        name: "Runs",
        title: "The runs",
        content: html! { (notes(&of.across)) (runs(of)) },
    }];
    sections.extend(of_story.iter().map(of_figures));
    sections.push(PageSection {
        id: "claims",
        name: "Claims",
        title: "The claims, run by run",
        content: claims(&of.across),
    });
    let provenance: Vec<_> = of.runs.iter().map(provenance).collect();
    sections.push(PageSection {
        id: "provenance",
        name: "Provenance",
        title: "Provenance",
        content: table(&provenance),
    });
    let title = match of.runs.len() {
        1 => "What 1 network found".to_owned(),
        n => format!("What {n} networks found"),
    };
    Page { title: &title, verdict: &verdict(of), sections }.html(&html! {})
}

/// What was found, in a few sentences.
fn verdict(Comparison { p, task, runs, across }: &Comparison) -> String {
    let right = runs.iter().filter(|run| run.accuracy >= 1.0).count();
    let answers = task.operation.answers();
    let does = match (runs.len(), right) {
        (1, 1) => format!("The network gets all {answers} modulo {p} right"),
        (1, _) => format!("The network does not get all {answers} modulo {p} right"),
        (n, right) => format!("{right} of {n} networks get all {answers} modulo {p} right"),
    };
    let numbers = across.key_freqs_per_run;
    let used = match numbers.min == numbers.max {
        true => format!("{}", numbers.min),
        false => format!("{} to {}", numbers.min, numbers.max),
    };
    let overlap = across.jaccard.map_or(String::new(), |jaccard| {
        let [mean, expected, deviation] =
            [jaccard.mean, jaccard.expected, jaccard.standard_deviation].map(|share| short(100.0 * share));
        format!(
            " Two have {mean} % of their key frequencies in common on average, where chance alone gives \
                {expected} ± {deviation} %."
        )
    });
    let all = across.all_claims_hold;
    let everywhere = across.claims.iter().filter(|claim| claim.holds_in == runs.len()).count();
    let claims = across.claims.len();
    let hold = match runs.len() {
        1 => format!("{everywhere} of {claims} claims hold."),
        n => format!(
            "{everywhere} of {claims} claims hold in all of them, and all claims that apply in {all} of {n} \
                ({} of such networks).",
            words::interval(across.all_claims_hold_interval)
        ),
    };
    let subject = if runs.len() == 1 { "It has" } else { "They have" };
    match task.coordinates().of.has_inputs() {
        true => {
            format!("{does}. {subject} {used} of {} frequencies key.{overlap} {hold}", across.frequencies)
        }
        false => format!("{does}. {subject} no coordinates in which that is addition. {hold}"),
    }
}

/// What a reader must know before trusting the figures.
fn notes(across: &Across) -> Markup {
    html! {
        @for names in &across.same_weights {
            p.note { (names.join(", ")) " have the same weights: they are one network, counted " (names.len()) " times." }
        }
    }
}

fn runs(of: &Comparison) -> Markup {
    let settings = of.differing_settings();
    let claims = of.across.claims.len();
    html! {
        div.table {
            table {
                thead {
                    tr {
                        th { "Run" } th { "Seed" }
                        @for setting in &settings { th { (setting) } }
                        th { "Step" } th { "Test accuracy 99 % at" } th { "Loss" } th { "Key frequencies (neurons)" }
                        th { "Rules" } th { "Most harmful without" } th { "Algorithm" }
                        th { "Symmetricity, irrelevance" } th { "Certified" } th { "Claims" }
                    }
                }
                tbody {
                    @for run in &of.runs {
                        tr class=(if run.holds_all() { "holds" } else { "fails" }) {
                            td { (run.name) } td { (run.seed.map_or("–".to_owned(), |seed| seed.to_string())) }
                            @for setting in &settings { td { (run.setting(setting).unwrap_or_else(|| "–".to_owned())) } }
                            td { (words::step(run)) }
                            td { (run.generalised.map_or("–".to_owned(), |step| step.to_string())) }
                            td { (short(run.original_loss)) } td { (key_freqs(run)) } td { (words::rules(run)) }
                            td { (run.most_harmful_ablation.map_or("–".to_owned(), |of| format!("{}: loss {}", of.freq, short(of.loss)))) }
                            td { (run.algorithm.map_or("–".to_owned(), |algorithm| algorithm.to_string())) }
                            td { (figure(run.gradient_symmetricity)) ", " (figure(run.distance_irrelevance)) }
                            td { (figure(run.certified_accuracy.map(|share| 100.0 * share))) " %" }
                            td { (run.claims_held()) " of " (claims) }
                        }
                    }
                }
            }
        }
    }
}

/// A figure that may not be known.
fn figure(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), short)
}

fn key_freqs(run: &ComparedRun) -> String {
    let freqs: Vec<String> =
        run.key_freqs.iter().map(|&k| format!("{k} ({})", run.cluster_size(k))).collect();
    if freqs.is_empty() { "none".to_owned() } else { freqs.join(", ") }
}

/// The claims about the networks, and those about how they came about where that was measured.
fn claims(of: &Across) -> Markup {
    let every = html! {
        (every_claim("every claim that applies", of.all_claims_hold, of.runs, of.all_claims_hold_interval))
        @for at in of.verdicts_by_loss() {
            (every_claim(&format!("… {}", words::decade(at)), at.all_claims_hold, at.runs, at.interval))
        }
    };
    html! {
        (table_of_claims(&every, &of.claims))
        h3 { "Their figures" }
        (figures(&of.claims))
        @if let Some(course) = &of.course {
            h3 { "How the circuits came about" }
            p { "Of the " (course.runs) " runs whose checkpoints were measured." }
            (table_of_claims(&html! {}, &course.claims))
            h3 { "The figures of these" }
            (figures(&course.claims))
        }
    }
}

/// Claims, and above them rows about all of them.
fn table_of_claims(above: &Markup, claims: &[ClaimAcross]) -> Markup {
    html! {
        div.table {
            table {
                thead { tr { th { "Claim" } th { "Fails in, by reason" } th { "Does not apply to" } th { "Holds in" } th { "95 % interval" } } }
                tbody {
                    (above)
                    @for ClaimAcross { claim, holds_in, fails_in, interval, reasons, does_not_apply_in, .. } in claims {
                        tr class=(if fails_in.is_empty() { "holds" } else { "fails" }) {
                            td { (claim) }
                            td { @for (kind, names) in reasons { p { (kind) ": " (names.join(", ")) } } }
                            td { (does_not_apply_in.join(", ")) }
                            td { @if fails_in.is_empty() { "✓ " } (holds_in) " of " (holds_in + fails_in.len()) }
                            td { (words::interval(*interval)) }
                        }
                    }
                }
            }
        }
    }
}

/// In how many of some networks every claim holds.
fn every_claim(of_networks: &str, hold: usize, networks: usize, interval: Option<[f64; 2]>) -> Markup {
    html! {
        tr class=(if hold == networks { "holds" } else { "fails" }) {
            td { (of_networks) } td {} td {}
            td { @if hold == networks { "✓ " } (hold) " of " (networks) } td { (words::interval(interval)) }
        }
    }
}

/// The figures that the claims stand on, each with its bound and where the networks have it.
fn figures(claims: &[ClaimAcross]) -> Markup {
    let bound = |check: &CheckAcross| match check.bound {
        Some(bound) => format!("{} {}", check.relation, short(bound)),
        None => format!("{} 1 × its bound", check.relation),
    };
    html! {
        p {
            "Quantiles over the networks that a claim applies to, interpolated between two of them. Where each network "
            "has a bound of its own, values are multiples of it."
        }
        div.table {
            table {
                thead { tr { th { "Claim" } th { "Figure" } th { "Bound" } th { "5 %" } th { "Median" } th { "95 %" } th { "Keeps it in" } } }
                tbody {
                    @for claim in claims {
                        @for (i, check) in claim.checks.iter().enumerate() {
                            tr {
                                td { @if i == 0 { (claim.claim) } }
                                td { (check.quantity) } td { (bound(check)) }
                                @for value in values(check) { td { (value) } }
                                td { (check.holds_in) " of " (check.networks) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The three quantiles of a figure, in words.
fn values(of: &CheckAcross) -> [String; 3] {
    of.quantiles.map_or_else(|| ["–"; 3].map(str::to_owned), |values| values.map(short))
}

/// What a run's row stands for.
fn provenance(run: &ComparedRun) -> (String, String) {
    (run.name.clone(), format!("{}, step {}, SHA-256 {}", run.path, run.step, run.sha256))
}
