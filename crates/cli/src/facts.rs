use clockwork_training::{Evaluation, Record, RunFiles};

use crate::printer::Printer;

/// What a run says of itself, as far as its files can be read.
pub struct Facts {
    /// Its record.
    pub record: Option<Record>,
    /// Its evaluations up to a step: none where they are not known.
    pub evaluations: Vec<Evaluation>,
}

impl Facts {
    /// Reads them, with a warning for each file that should be there and is not, or is broken: what is known of the
    /// network does not depend on it.
    pub fn read(files: &RunFiles, up_to: u64, printer: &Printer) -> Self {
        let run = files.path().display();
        let record = files.record();
        if record.is_none() && files.is_run() {
            printer.warn(&format!("{run}: run.json is missing or broken; how the run ended is not known"));
        }
        // An imported network has none.
        let was_trained = files.config_path().exists();
        let evaluations = files.metrics(up_to).unwrap_or_else(|error| {
            printer.warn(&format!("{:#}; its losses over steps are left out", anyhow::anyhow!(error)));
            Vec::new()
        });
        if was_trained && !files.metrics_path().exists() {
            printer.warn(&format!("{run}: metrics.jsonl is missing; when it learned what is not known"));
        }
        if files.is_edited() {
            printer.warn(&format!(
                "{run}: config.toml was edited after the run was started with other settings"
            ));
        }
        Self { record, evaluations }
    }
}
