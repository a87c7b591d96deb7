//! What many networks have in common, as figures and a page.

mod courses;
mod figure_ids;
mod figures;
mod operations;
mod page;

use std::path::Path;

use clockwork_analysis::{Comparison, CourseCurves};

use self::figure_ids::FIGURES;
pub use self::{figures::comparison_story, operations::OperationsReport};
use crate::{Figure, Result, TrainingCurves, Written, report};

/// The contents of a comparison's report.
#[derive(Debug, Clone, Copy)]
pub struct ComparisonReport<'a> {
    /// What was found.
    pub comparison: &'a Comparison,
    /// What was measured in each run's training, without evaluations where that is not known.
    pub training: &'a [TrainingCurves],
    /// How measures go over each run's checkpoints, where they were measured.
    pub courses: &'a [Option<CourseCurves>],
}

impl ComparisonReport<'_> {
    /// Writes `report.html`, one file that needs no other, `figures/*.svg` and `*.png`, and files `beside` them, by
    /// name.
    ///
    /// # Errors
    ///
    /// [`Error::Drawing`](crate::Error::Drawing) where a figure cannot be drawn,
    /// [`Error::Io`](crate::Error::Io) where a file operation fails.
    pub fn write(&self, directory: &Path, beside: &[(&str, &str)]) -> Result<Written> {
        let sections = comparison_story(self.comparison, self.training, self.courses);
        let entries = sections.iter().flat_map(|section| &section.entries);
        let figures: Vec<&Figure> = entries.map(|entry| &entry.figure).collect();
        report::write(directory, &page::html(self.comparison, &sections), &figures, &FIGURES, beside)
    }
}
