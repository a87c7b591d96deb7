//! Measures the checkpoints of a run, one after the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use clockwork_analysis::{CheckpointMaps, CourseMaps, Progress, ProgressRow};
use clockwork_files::sha256;
use clockwork_model::{Checkpoint, CheckpointFile, ReadAs};
use clockwork_training::RunFiles;
use rayon::prelude::*;

use crate::{checkpoint_path::checkpoint_path, exit::WrongRequest, printer::Printer, program::program};

/// How often what is measured is kept on the way: whoever interrupts loses no more than that.
const KEPT_EVERY: Duration = Duration::from_secs(5);

/// How many checkpoints are measured at once: while one is in a part of its own that uses one thread, another uses the
/// rest. Each takes about 200 MB for p = 113.
const AT_ONCE: usize = 2;

/// What is to be measured, and where it is kept.
pub struct Course<'a> {
    /// The run whose checkpoints are measured.
    pub run: &'a RunFiles,
    /// The frequencies to measure by; where there are none, the key frequencies of the newest checkpoint.
    pub freqs: &'a [usize],
    /// The directory in which it is kept, and looked for what was measured before.
    pub directory: &'a Path,
    /// Whether maps of some checkpoints are made too, if they are not there.
    pub with_maps: bool,
}

/// What was measured, and whether it could be kept.
pub struct Measured {
    /// The measures.
    pub progress: Progress,
    /// Why they are not kept, if they are not.
    pub kept: Result<(), clockwork_analysis::Error>,
}

/// Where the course of a run is kept: by frequencies that are chosen in a place of its own, as reports and comparisons show
/// the one by key frequencies.
pub fn course_directory(run: &RunFiles, freqs: &[usize]) -> PathBuf {
    let of_run = run.analyses_directory();
    match freqs {
        [] => of_run,
        chosen => {
            let chosen = chosen.iter().collect::<BTreeSet<_>>();
            let names: Vec<String> = chosen.into_iter().map(ToString::to_string).collect();
            of_run.join(format!("by-{}", names.join("-")))
        }
    }
}

/// The course of a run that was measured, if it is one of its present checkpoints.
pub fn measured_course(run: &RunFiles, printer: &Printer) -> Option<Progress> {
    let again = format!("run `{} progress {}` again", program(), run.path().display());
    let progress = Progress::read(&run.analyses_directory()).unwrap_or_else(|error| {
        printer.warn(&format!("{:#}; how it came about is left out: {again}", anyhow!(error)));
        None
    })?;
    let last = progress.rows.last()?;
    let weights = fs::read(run.checkpoints().weights(last.step));
    if weights.is_ok_and(|bytes| sha256(&bytes) == last.sha256) {
        return Some(progress);
    }
    let run = run.path().display();
    printer.warn(&format!(
        "{run}: its measures are of other checkpoints; how it came about is left out: {again}"
    ));
    None
}

impl Course<'_> {
    /// Measures what is not measured yet. A checkpoint that is broken is left out, with a warning.
    pub fn measure(&self, printer: &Printer) -> anyhow::Result<Measured> {
        let mut measured = self.wanted(printer)?;
        let steps = self.run.checkpoints().steps()?;
        let before = Progress::read(self.directory).unwrap_or_else(|error| {
            printer.warn(&format!("{:#}; measured anew", anyhow!(error)));
            None
        });
        let before = before.filter(|before| before.is_like(&measured));
        let (known, maps) = before.map_or_else(Default::default, |before| (before.rows, before.maps));
        let mut rows: BTreeMap<u64, ProgressRow> = known.into_iter().map(|row| (row.step, row)).collect();
        rows.retain(|step, _| steps.contains(step));
        measured.maps = maps;

        let bar = printer
            .bar(steps.len() as u64, "measuring {bar:20.cyan/dim} step {msg}  {pos}/{len}  {left} left");
        let mut kept = Ok(());
        let mut kept_at = Instant::now();
        for steps in steps.chunks(AT_ONCE) {
            bar.set_message(steps[0].to_string());
            let of_step = |&step: &u64| self.row(step, rows.get(&step), &measured.key_freqs);
            let found: Vec<anyhow::Result<ProgressRow>> = steps.par_iter().map(of_step).collect();
            for (step, row) in steps.iter().zip(found) {
                match row {
                    Ok(row) => drop(rows.insert(*step, row)),
                    Err(error) => {
                        rows.remove(step);
                        printer.warn(&format!("{error:#}; left out"));
                    }
                }
            }
            bar.inc(steps.len() as u64);
            if kept_at.elapsed() > KEPT_EVERY && kept.is_ok() {
                // With rows of later steps that were measured before.
                measured.take_rows(rows.values().cloned().collect());
                kept = measured.write(self.directory);
                kept_at = Instant::now();
            }
        }
        measured.take_rows(rows.into_values().collect());
        bar.set_message("maps");
        let maps = measured.maps.take();
        measured.maps = self.maps(&measured, maps, printer);
        printer.remove(&bar);
        kept = kept.and_then(|()| measured.write(self.directory));
        Ok(Measured { progress: measured, kept })
    }

    /// A measurement by the frequencies asked for, or those of the newest checkpoint that is whole.
    fn wanted(&self, printer: &Printer) -> anyhow::Result<Progress> {
        // The newest checkpoint, or why there is none.
        let newest = checkpoint_path(self.run.path(), None)?;
        if !self.run.path().is_dir() {
            return Err(anyhow!(WrongRequest::new("give the directory of a run"))
                .context(format!("{} is a file, and has no course", self.run.path().display())));
        }
        let steps = self.run.checkpoints().steps()?;
        let by_key_freqs = |step: &u64| -> anyhow::Result<(CheckpointFile, Progress)> {
            let file = self.open(*step)?;
            let progress = Progress::by_key_freqs_of(&file.checkpoint)
                .with_context(|| format!("cannot measure {}", file.path.display()))?;
            Ok((file, progress))
        };
        let mut found = steps.iter().rev().map(by_key_freqs);
        let (file, progress) = match found.next() {
            Some(Ok(found)) => found,
            Some(Err(error)) => {
                let older = found.find_map(Result::ok).ok_or(error)?;
                printer.warn(&format!(
                    "{} is of no use; key frequencies are those of step {}",
                    newest.display(),
                    older.0.checkpoint.metadata.step
                ));
                older
            }
            None => return Err(anyhow!("{} has no checkpoint", self.run.path().display())),
        };
        if self.freqs.is_empty() {
            return Ok(progress);
        }
        let most = file.checkpoint.metadata.task.n_frequencies();
        let mut freqs = self.freqs.to_vec();
        freqs.sort_unstable();
        freqs.dedup();
        match freqs.iter().find(|k| !(1..=most).contains(*k)) {
            Some(k) => Err(anyhow!(WrongRequest(format!("choose --freqs from 1 to {most}")))
                .context(format!("{k} is no frequency of this run"))),
            None => Ok(Progress::by_chosen(freqs)),
        }
    }

    fn open(&self, step: u64) -> Result<CheckpointFile, clockwork_model::Error> {
        Checkpoint::open(&self.run.checkpoints().weights(step), &ReadAs::default())
    }

    /// The row of a step: the one that was measured before if the checkpoint is the same.
    fn row(&self, step: u64, before: Option<&ProgressRow>, freqs: &[usize]) -> anyhow::Result<ProgressRow> {
        let file = self.open(step)?;
        match before.filter(|row| row.sha256 == file.sha256) {
            Some(row) => Ok(row.clone()),
            None => ProgressRow::of(&file, freqs)
                .with_context(|| format!("cannot measure {}", file.path.display())),
        }
    }

    /// The maps of a course: those made before if they are the same.
    fn maps(&self, of: &Progress, before: Option<CourseMaps>, printer: &Printer) -> Option<CourseMaps> {
        let mut wanted = CourseMaps::wanted(of);
        if let Some(before) = before.filter(|before| before.is_like(&wanted)) {
            return Some(before);
        }
        if !self.with_maps {
            return None;
        }
        let of_step = |&step: &u64| -> anyhow::Result<CheckpointMaps> {
            Ok(CheckpointMaps::of(&self.open(step)?.checkpoint, &wanted.neurons)?)
        };
        let mut maps = Vec::new();
        for steps in wanted.steps.chunks(AT_ONCE) {
            let found: anyhow::Result<Vec<CheckpointMaps>> = steps.par_iter().map(of_step).collect();
            match found {
                Ok(found) => maps.extend(found),
                Err(error) => {
                    printer.warn(&format!("{error:#}; maps over steps are left out"));
                    return None;
                }
            }
        }
        wanted.maps = maps;
        (!wanted.steps.is_empty()).then_some(wanted)
    }
}
