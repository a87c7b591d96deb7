use std::{fs, io::ErrorKind, path::Path};

use clockwork_model::write_atomically;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The losses and accuracies of one step: a line of `metrics.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How many optimisation steps the weights have seen.
    pub step: u64,
    /// Mean loss over the pairs trained on, in nats.
    pub train_loss: f64,
    /// Mean loss over the pairs held out, in nats.
    pub test_loss: f64,
    /// Fraction of the pairs trained on that are answered right.
    pub train_accuracy: f64,
    /// Fraction of the pairs held out that are answered right.
    pub test_accuracy: f64,
    /// Sum of the squares of all weights.
    pub sum_squared_weights: f64,
    /// Seconds of training so far, over all sittings.
    pub elapsed_s: f64,
}

/// Reads `metrics.jsonl` up to a step, or nothing where there is no such file yet.
///
/// # Errors
///
/// [`Error::Io`] where the file cannot be read, [`Error::NotARun`] where a line is none of ours.
pub fn read_metrics(path: &Path, up_to: u64) -> Result<Vec<Evaluation>> {
    let text = match fs::read_to_string(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
        text => text.map_err(Error::io("read", path))?,
    };
    let mut evaluations = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let evaluation: Evaluation = serde_json::from_str(line).map_err(|e| Error::NotARun {
            path: path.to_owned(),
            problem: format!("line {} is no evaluation ({e}); remove it to go on", i + 1),
        })?;
        if evaluation.step <= up_to {
            evaluations.push(evaluation);
        }
    }
    Ok(evaluations)
}

/// Writes `metrics.jsonl`, all of it: it is small, and so it is never torn.
///
/// # Errors
///
/// [`Error::Io`] where the file cannot be written.
pub fn write_metrics(path: &Path, evaluations: &[Evaluation]) -> Result<()> {
    let mut text = String::new();
    for evaluation in evaluations {
        text.push_str(&serde_json::to_string(evaluation).expect("numbers always serialise"));
        text.push('\n');
    }
    write_atomically(path, text.as_bytes()).map_err(Error::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64) -> Evaluation {
        Evaluation {
            step,
            train_loss: 0.1 + 0.2,
            test_loss: 1e-300,
            train_accuracy: 1.0,
            test_accuracy: 1.0 / 3.0,
            sum_squared_weights: 849.565_078_831_715_8,
            elapsed_s: 0.5,
        }
    }

    #[test]
    fn every_bit_comes_back_up_to_the_step_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.jsonl");
        write_metrics(&path, &[at(0), at(100), at(200)]).unwrap();
        assert_eq!(read_metrics(&path, 150).unwrap(), [at(0), at(100)]);
        assert_eq!(read_metrics(&directory.path().join("none"), 150).unwrap(), []);
    }

    #[test]
    fn a_foreign_line_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.jsonl");
        fs::write(&path, "{}\n").unwrap();
        assert!(read_metrics(&path, 1).unwrap_err().to_string().contains("line 1"));
    }
}
