use clockwork_analysis::{Observer, STAGES};
use indicatif::ProgressBar;

use crate::printer::Printer;

/// Draws which stage an analysis is in.
pub struct AnalysisProgress {
    bar: ProgressBar,
}

impl AnalysisProgress {
    /// The progress of an analysis that is about to begin.
    pub fn new(printer: &Printer) -> Self {
        Self { bar: printer.bar(STAGES.len() as u64, "{bar:20.cyan/dim} {msg}") }
    }
}

impl Observer for AnalysisProgress {
    fn stage(&mut self, name: &str) {
        self.bar.set_message(name.to_owned());
        self.bar.inc(1);
    }
}

impl Drop for AnalysisProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
