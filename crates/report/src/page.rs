//! The report as one HTML file.

use clockwork_analysis::{AnalysisFiles, Claim, CoursePhases, Findings, Progress, Verdict, course_claims};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use crate::{Content, Entry, Figure, Section, Table, TrainingCurves, interactive, words};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page may do: run what is in it. It can ask no network for anything.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src \
                data: blob:";

/// The contents of a run's report.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// The run's name, or the file's.
    pub name: &'a str,
    /// What was found.
    pub analysis: &'a AnalysisFiles,
    /// What was measured in training, where that is known; one without evaluations is not.
    pub training: Option<&'a TrainingCurves>,
    /// What was measured of the run's checkpoints, where it was.
    pub progress: Option<&'a Progress>,
    /// The run's `run.json`, where there is one.
    pub record: Option<&'a Value>,
    /// The run's `config.toml`, where there is one.
    pub config: Option<&'a str>,
    /// Further sections, after those of the [`story`].
    pub further: &'a [Section],
}

/// A page: its title, what was found in a sentence, and sections with their names in the navigation.
pub(crate) struct Page<'a> {
    pub title: &'a str,
    pub verdict: &'a str,
    pub sections: Vec<PageSection<'a>>,
}

/// A section of a page.
pub(crate) struct PageSection<'a> {
    pub id: &'a str,
    /// Its name in the navigation.
    pub name: &'a str,
    pub title: &'a str,
    pub content: Markup,
}

impl Page<'_> {
    /// The whole page as HTML; `first` stands before all sections.
    pub fn html(&self, first: &Markup) -> String {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        h1 { (self.title) }
                        p.verdict { (self.verdict) }
                    }
                    nav { @for section in &self.sections { a href={ "#" (section.id) } { (section.name) } " " } }
                    main {
                        (first)
                        @for PageSection { id, title, content, .. } in &self.sections {
                            section id=(id) { h2 { (title) } (content) }
                        }
                    }
                    noscript { p { "The figures need JavaScript; the files beside this page do not." } }
                    script { (PreEscaped(interactive::script())) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
        .into_string()
    }
}

/// The whole page of a run's report.
pub(crate) fn html(report: &Report, training: Option<&[Figure; 2]>, of_story: &[Section]) -> String {
    let findings = &report.analysis.findings;
    let mut sections = vec![PageSection {
        id: "claims",
        name: "Claims",
        title: "The claims, checked",
        content: html! {
            (before_the_claims(report)) (claims(&findings.claims))
            @if let Some(progress) = report.course() { (claims_about_the_course(progress)) }
        },
    }];
    sections.extend(training.map(|[_, accuracy]| PageSection {
        id: "training",
        name: "Training",
        title: "Training: first by heart, then by rule",
        content: figure(accuracy, ACCURACY_TEXT),
    }));
    sections.extend(of_story.iter().map(of_figures));
    sections.push(PageSection {
        id: "provenance",
        name: "Provenance",
        title: "Provenance",
        content: provenance(report),
    });
    let task = findings.provenance.task;
    let title = format!("What {} learned: {} modulo {}", report.name, task.operation.answers(), task.modulus);
    let loss = html! { @if let Some([loss, _]) = training { (figure(loss, LOSS_TEXT)) } };
    Page { title: &title, verdict: &verdict(findings), sections }.html(&loss)
}

/// A section of figures.
pub(crate) fn of_figures(section: &Section) -> PageSection<'_> {
    let Section { id, title, entries, table } = section;
    let content = html! {
        @for Entry { figure, text } in entries { (self::figure(figure, text)) }
        @if let Some(table) = table { (of_columns(table)) }
    };
    // In the navigation, the part of the heading before its colon.
    PageSection { id, name: title.split(':').next().unwrap_or(title), title, content }
}

/// What was found, in one sentence.
fn verdict(Findings { summary, claims, provenance, .. }: &Findings) -> String {
    // Nobody may have said what step an imported network is of.
    let when = match provenance.step {
        0 if provenance.imported.is_some() => "This network".to_owned(),
        step => format!("At step {step} this network"),
    };
    let (operation, p) = (provenance.task.operation, summary.p);
    let (does, comma) = if summary.accuracy >= 1.0 {
        (format!("{} modulo {p}", operation.verb()), "")
    } else {
        let right = 100.0 * summary.accuracy;
        (format!("gets {right:.2} % of all {} modulo {p} right", operation.answers()), ",")
    };
    let held = claims.iter().filter(|claim| claim.holds()).count();
    if !summary.coordinates.has_inputs() {
        let apply = claims.iter().filter(|claim| claim.holds() || claim.fails()).count();
        return format!(
            "{when} {does}. Its loss on all inputs is {:.2e}. In no known coordinates the operation is addition: of {} claims \
                about networks that add, {apply} can be checked, and {held} of these hold.",
            summary.original_loss,
            claims.len()
        );
    }
    let found = match summary.key_freqs.len() {
        0 => "no key frequency".to_owned(),
        1 => format!("one key frequency, {}", words::list(&summary.key_freqs)),
        n => format!("{n} key frequencies, {}", words::list(&summary.key_freqs)),
    };
    format!(
        "{when} {does}{comma} with {found}; its loss on all inputs is {:.2e}, and {held} of {} claims \
                about such networks hold.",
        summary.original_loss,
        claims.len()
    )
}

const LOSS_TEXT: &str = "A network that groks fits its training pairs within some hundred steps, and for \
                thousands more does worse than chance on the others, until weight decay has favoured the \
                rule over the memory. Lines mark the steps at which accuracies passed 99 %.";

const ACCURACY_TEXT: &str = "The fraction of pairs whose answer has the largest logit. Between the two lines the \
                network knows its training pairs by heart and does not know the rule; how soon it starts \
                to learn it shows in the test accuracy's slow rise.";

/// What a reader should know before the claims, and why those fail that do.
fn before_the_claims(report: &Report) -> Markup {
    let findings = &report.analysis.findings;
    let newest = report.record.and_then(|record| record.get("step")?.as_u64());
    let failures = words::reasons(&findings.claims);
    html! {
        ul {
            @for sentence in words::conditions(&findings.provenance, &findings.summary) { li { (sentence) } }
            @if let Some(sentence) = words::bases(&findings.summary) { li { (sentence) } }
            @for sentence in words::peculiarities(&findings.summary) { li { (sentence) } }
        }
        @if !failures.is_empty() {
            p { "Why claims fail:" }
            ul { @for reason in &failures { li { (reason) } } }
        }
        @if let Some(command) = words::train_on(findings, newest, "clockwork") {
            p { "Training on may mend that: " code { (command) } }
        }
    }
}

fn claims_about_the_course(progress: &Progress) -> Markup {
    html! {
        p { "How the circuit came about: " (words::phases(CoursePhases::of(progress).as_ref())) "." }
        (claims(&course_claims(progress)))
    }
}

fn claims(claims: &[Claim]) -> Markup {
    html! {
        div.table {
            table {
                thead { tr { th { "Claim" } th { "Value" } th { "Bound" } th { "Verdict" } } }
                tbody {
                    @for claim in claims {
                        tr class=(class_of(claim)) {
                            td { (claim.statement) } td { (words::found(claim)) }
                            td title=(words::sources(claim)) { (words::bounds(claim)) }
                            td { (words::verdict(claim)) }
                        }
                    }
                }
            }
        }
    }
}

fn of_columns(Table { title, text, columns, rows }: &Table) -> Markup {
    html! {
        h3 { (title) }
        p { (text) }
        div.table {
            table {
                thead { tr { @for column in columns { th { (column) } } } }
                tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
            }
        }
    }
}

/// The class of a claim's row, which colours it.
fn class_of(claim: &Claim) -> &'static str {
    match claim.verdict {
        Verdict::Holds => "holds",
        Verdict::Fails { .. } => "fails",
        Verdict::DoesNotApply { .. } => "does-not-apply",
    }
}

/// A figure under its title, with what to look for in it.
fn figure(figure: &Figure, text: &str) -> Markup {
    let thinned = figure.frames.iter().find_map(|frame| match &frame.content {
        Content::HeatMap(map) => map.thinned_from,
        _ => None,
    });
    // A tag inside the data could end it; the escape means the same to JSON.
    let data = interactive::json(figure).replace('<', "\\u003c");
    html! {
        figure id={ "figure-" (figure.id) } {
            h3 { (figure.title) }
            p { (text) }
            div.plot.with-slider[figure.slider.is_some()] data-figure=(figure.id) role="img" aria-label=(figure.title) {}
            @if let Some([rows, columns]) = thinned {
                p.note { "Drawn with fewer cells than the " (rows) " × " (columns) " that there are: of those that became one, the value of largest magnitude is shown." }
            }
            script type="application/json" id={ "data-" (figure.id) } { (PreEscaped(data)) }
        }
    }
}

fn provenance(report: &Report) -> Markup {
    let mut rows = Vec::new();
    let analysed = serde_json::to_value(&report.analysis.findings.provenance).unwrap_or_default();
    flatten("", &analysed, &mut rows);
    // The configuration is told below as the user wrote it.
    rows.retain(|(name, _)| !(name.starts_with("config") && report.config.is_some()));
    let mut of_run = Vec::new();
    report.record.into_iter().for_each(|record| flatten("", record, &mut of_run));
    html! {
        h3 { "Analysis" }
        (table(&rows))
        @if !of_run.is_empty() { h3 { "Run" } (table(&of_run)) }
        @if let Some(config) = report.config { h3 { "Configuration" } pre { (config) } }
    }
}

/// Names and values.
pub(crate) fn table(rows: &[(String, String)]) -> Markup {
    html! {
        div.table { table.provenance { tbody {
            @for (name, value) in rows { tr { th { (name) } td { (value) } } }
        } } }
    }
}

/// The leaves of a JSON value, each with its dotted path.
fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, value, rows);
            }
        }
        Value::Array(values) if values.iter().all(Value::is_string) => {
            let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            rows.push((path.to_owned(), texts.join(", ")));
        }
        Value::Null => {}
        Value::String(text) => rows.push((path.to_owned(), text.clone())),
        other => rows.push((path.to_owned(), other.to_string())),
    }
}
