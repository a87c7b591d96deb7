//! What an analysis found, as figures with what to look for in them: a section a file, in the order of
//! the argument.

mod ablation;
mod attention;
mod clusters;
mod effective_weights;
mod embedding;
mod found;
mod logits;
mod neurons;
mod training;
mod w_logit;

use clockwork_analysis::AnalysisFiles;

pub(crate) use found::{Found, in_words};
pub use training::{TrainingCurves, training_figures};

use crate::{Figure, Result};

/// A part of the story.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Names its place on the page.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its figures, each with what to look for.
    pub entries: Vec<Entry>,
}

/// A figure and what to look for in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The figure.
    pub figure: Figure,
    /// Two or three sentences with this network's numbers.
    pub text: String,
}

impl Entry {
    pub(crate) fn new(figure: Figure, text: impl Into<String>) -> Self {
        Self { figure, text: text.into() }
    }
}

/// The whole story of an analysis.
///
/// # Errors
///
/// [`Error::Analysis`](crate::Error::Analysis) where its files do not fit together.
pub fn story(files: &AnalysisFiles) -> Result<Vec<Section>> {
    let found = Found::new(files)?;
    Ok(vec![
        embedding::section(&found)?,
        attention::section(&found)?,
        neurons::section(&found)?,
        clusters::section(&found)?,
        ablation::section(&found)?,
        logits::section(&found)?,
        w_logit::section(&found)?,
    ])
}
