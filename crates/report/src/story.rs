//! What an analysis found, as figures with what to look for in them: a section a file, in the order of
//! the argument.

mod ablation;
mod algorithm;
mod answers;
mod attention;
mod clusters;
mod course;
mod effective_weights;
mod embedding;
mod found;
mod logits;
mod neurons;
mod section;
mod training;
mod w_logit;

use clockwork_analysis::AnalysisFiles;

pub(crate) use algorithm::{ALGORITHM_FIGURES, plane};
pub(crate) use course::COURSE_FIGURES;
pub use course::course_section;
pub(crate) use found::Found;
pub use section::{Entry, Section, Table};
pub use training::{TrainingCurves, training_figures};

use crate::Result;

/// The whole story of an analysis.
///
/// # Errors
///
/// [`Error::Analysis`](crate::Error::Analysis) where its files do not fit together.
pub fn story(files: &AnalysisFiles) -> Result<Vec<Section>> {
    let found = Found::new(files)?;
    let mut sections = vec![embedding::section(&found)?];
    sections.extend(attention::section(&found)?);
    sections.extend([neurons::section(&found)?, clusters::section(&found)?]);
    // Where frequencies mean nothing, there is nothing to leave out.
    if found.coordinates().has_inputs() {
        sections.push(ablation::section(&found)?);
    }
    sections.extend([logits::section(&found)?, w_logit::section(&found)?]);
    sections.extend(answers::section(&found)?);
    sections.extend(files.findings.algorithm.as_ref().map(algorithm::section));
    Ok(sections)
}
