//! What networks of several operations have in common, as a page that leads to the comparison of each.

use std::path::Path;

use clockwork_analysis::{ByOperation, OperationAcross};
use maud::{Markup, html};

use super::figure_ids::{ACCURACY_BY_OPERATION, FIGURES};
use crate::{
    Axis, Content, Entry, Figure, Line, Result, Section, TrainingCurves, Written,
    page::{Page, PageSection, of_figures},
    report,
    words::{self, short},
};

/// The contents of a report of several operations.
#[derive(Debug, Clone, Copy)]
pub struct OperationsReport<'a> {
    /// What was found.
    pub operations: &'a ByOperation,
    /// What was measured in the training of each operation's runs.
    pub training: &'a [Vec<TrainingCurves>],
}

impl OperationsReport<'_> {
    /// Writes `report.html`, `figures/*.svg` and `*.png`, and files `beside` them, by name. The page leads to the reports of the
    /// operations, each in a directory of its [name](OperationAcross::file_name).
    ///
    /// # Errors
    ///
    /// [`Error::Drawing`](crate::Error::Drawing) where a figure cannot be drawn,
    /// [`Error::Io`](crate::Error::Io) where a file operation fails.
    pub fn write(&self, directory: &Path, beside: &[(&str, &str)]) -> Result<Written> {
        let section = self.training_section();
        let figures: Vec<&Figure> =
            section.iter().flat_map(|of| &of.entries).map(|entry| &entry.figure).collect();
        report::write(directory, &self.html(section.as_ref()), &figures, &FIGURES, beside)
    }

    fn html(&self, training: Option<&Section>) -> String {
        let ByOperation { p, operations } = self.operations;
        let runs: usize = operations.iter().map(|of| of.runs).sum();
        let mut sections = vec![PageSection {
            id: "operations",
            name: "Operations",
            title: "The operations",
            content: table(operations),
        }];
        sections.extend(training.map(of_figures));
        let title = format!("What {runs} networks of {} operations found", operations.len());
        let generalised: Vec<String> = operations
            .iter()
            .map(|of| format!("{} in {} of {}", of.operation, of.generalised, of.runs))
            .collect();
        let verdict = format!("Modulo {p} these networks generalised: {}.", words::and(&generalised));
        Page { title: &title, verdict: &verdict, sections }.html(&html! {})
    }

    /// The test accuracy of each operation over steps, where training is known.
    fn training_section(&self) -> Option<Section> {
        let line = |(of, curves): (&OperationAcross, &Vec<TrainingCurves>)| Line {
            name: of.operation.clone(),
            points: mean_test_accuracy(curves),
        };
        let lines: Vec<Line> = self.operations.operations.iter().zip(self.training).map(line).collect();
        if lines.iter().all(|line| line.points.is_empty()) {
            return None;
        }
        let axes = [Axis::of("optimisation step"), Axis::of("mean test accuracy")];
        let figure =
            Figure::new(ACCURACY_BY_OPERATION, "Test accuracy by operation", axes, Content::lines(lines));
        let text = "The mean over an operation's networks; one that has ended counts with its last accuracy. An operation that \
            groks rises thousands of steps after its training pairs are known, one that does not stays below.";
        Some(Section::new("training", "Training: what groks, and when", vec![Entry::new(figure, text)]))
    }
}

/// The mean over networks of the test accuracy at every step at which one was evaluated.
fn mean_test_accuracy(of: &[TrainingCurves]) -> Vec<[f64; 2]> {
    let known: Vec<&TrainingCurves> = of.iter().filter(|curves| !curves.steps.is_empty()).collect();
    let mut steps: Vec<u64> = known.iter().flat_map(|curves| curves.steps.iter().copied()).collect();
    steps.sort_unstable();
    steps.dedup();
    let at = |curves: &TrainingCurves, step: u64| {
        let evaluated = curves.steps.partition_point(|of| *of <= step).max(1);
        curves.accuracies[evaluated - 1][1]
    };
    let mean = |step: u64| known.iter().map(|curves| at(curves, step)).sum::<f64>() / known.len() as f64;
    steps.into_iter().map(|step| [step as f64, mean(step)]).collect()
}

fn table(of: &[OperationAcross]) -> Markup {
    let bases: Vec<_> = of.first().map_or_else(Vec::new, |of| of.gini_by_basis.keys().collect());
    html! {
        p {
            "Test accuracy passes 99 % at the steps told. Key frequencies are those of the operation's own coordinates, the Gini \
             coefficients those of the embedding in each basis that the modulus offers. All claims are those that apply."
        }
        div.table {
            table {
                thead {
                    tr {
                        th { "Operation" } th { "Generalise" } th { "95 % interval" } th { "99 % at" } th { "Trained to" }
                        th { "Accuracy" } th { "Key frequencies" }
                        @for basis in &bases { th { "Gini, " (basis) } }
                        th { "All claims hold" }
                    }
                }
                tbody {
                    @for row in of {
                        tr class=(if row.generalised == row.runs { "holds" } else { "fails" }) {
                            td { a href={ (row.file_name) "/report.html" } { (row.operation) } }
                            td { (row.generalised) " of " (row.runs) } td { (words::interval(row.generalised_interval)) }
                            td { (words::steps(row)) } td { (words::range(&row.trained)) }
                            td { (short(row.accuracy.mean)) } td { (words::key_freqs_of_operation(row)) }
                            @for basis in &bases { td { (row.gini_by_basis.get(basis).map_or("–".to_owned(), |gini| short(*gini))) } }
                            td { "all " (row.claims_that_apply) " in " (row.all_claims_hold) " of " (row.runs) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_has_ended_counts_with_its_last_accuracy() {
        let curves = |steps: &[u64], test: &[f64]| TrainingCurves {
            steps: steps.to_vec(),
            losses: vec![[0.0; 2]; steps.len()],
            accuracies: test.iter().map(|&test| [1.0, test]).collect(),
            milestones: vec![],
        };
        let of = [
            curves(&[0, 100], &[0.0, 1.0]),
            curves(&[0, 100, 200], &[0.0, 0.0, 0.5]),
            TrainingCurves::default(),
        ];
        assert_eq!(mean_test_accuracy(&of), [[0.0, 0.0], [100.0, 0.5], [200.0, 0.75]]);
        assert!(mean_test_accuracy(&of[2..]).is_empty());
    }
}
