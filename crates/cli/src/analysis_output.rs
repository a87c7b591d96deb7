use std::path::Path;

use anyhow::anyhow;
use clockwork_analysis::{AnalysisFiles, Error};

use crate::{hints::is_forbidden, printer::Printer};

/// Writes an analysis into the directory of its run, with a warning where that may not be written to: the run may
/// be somebody else's. Returns whether it was written.
pub fn write_unless_forbidden(
    analysis: &AnalysisFiles,
    directory: &Path,
    printer: &Printer,
) -> Result<bool, Error> {
    match analysis.write(directory) {
        Err(Error::Io { action, path, source }) if is_forbidden(&source) => {
            let error = anyhow!(Error::Io { action, path, source });
            printer.warn(&format!("{error:#}; the analysis is not kept, use --out for another place"));
            Ok(false)
        }
        written => written.map(|()| true),
    }
}
