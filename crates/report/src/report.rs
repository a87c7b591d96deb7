use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clockwork_analysis::Progress;
use clockwork_files::{in_turn, remove_old_leftovers, write_atomically};
use rayon::prelude::*;

use crate::{
    Entry, Error, Figure, Frame, Report, Result, Section, draw, page, story,
    story::{ALGORITHM_FIGURES, COURSE_FIGURES, course_section, training_figures},
};

/// What a report was written to.
#[derive(Debug, Clone)]
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// The directory of the figures.
    pub figures: PathBuf,
    /// How many pictures there are in it, each as SVG and PNG.
    pub pictures: usize,
}

/// The name of a report's page.
const PAGE: &str = "report.html";

/// The name of the directory of a report's figures, beside its page.
pub const FIGURES: &str = "figures";

impl Report<'_> {
    /// What was measured of the run's checkpoints, if there is more than one.
    pub(crate) fn course(&self) -> Option<&Progress> {
        self.progress.filter(|progress| progress.rows.len() > 1)
    }

    /// Writes `report.html`, one file that needs no other, and `figures/*.svg` and `*.png`.
    ///
    /// # Errors
    ///
    /// [`Error::Analysis`] where the files of the analysis do not fit together, [`Error::Drawing`] where a
    /// figure cannot be drawn, [`Error::Io`] where a file operation fails.
    pub fn write(&self, directory: &Path) -> Result<Written> {
        let course = self.course().map(course_section);
        let mut sections: Vec<Section> = course.into_iter().chain(story(self.analysis)?).collect();
        sections.extend_from_slice(self.further);
        let training = self.training.filter(|curves| !curves.steps.is_empty()).map(training_figures);
        let html = page::html(self, training.as_ref(), &sections);
        let of_sections = sections.iter().flat_map(|Section { entries, .. }| entries);
        let figures = training.iter().flatten().chain(of_sections.map(|Entry { figure, .. }| figure));
        let figures: Vec<&Figure> = figures.collect();
        // Of an earlier report, which may have shown a course, or more of it, or the algorithm.
        let of_some = COURSE_FIGURES.into_iter().chain(ALGORITHM_FIGURES);
        let ids: Vec<&str> = figures.iter().map(|figure| figure.id.as_str()).chain(of_some).collect();
        write(directory, &html, &figures, &ids, &[])
    }
}

/// Writes a page, its figures and files beside them, by name, in place of those of an earlier one: of all figures of
/// these names.
pub(crate) fn write(
    directory: &Path,
    html: &str,
    of_page: &[&Figure],
    ids: &[&str],
    beside: &[(&str, &str)],
) -> Result<Written> {
    let (page, figures) = (directory.join(PAGE), directory.join(FIGURES));
    fs::create_dir_all(directory).map_err(io("create", directory))?;
    let _turn = in_turn(directory);
    remove_old_leftovers(directory);
    for (name, text) in [(PAGE, html)].iter().chain(beside) {
        let path = directory.join(name);
        write_atomically(&path, text.as_bytes()).map_err(io("write", &path))?;
    }
    let written = write_figures(&figures, of_page)?;
    remove_others(&figures, ids, &written);
    Ok(Written { page, figures, pictures: written.len() / 2 })
}

/// Writes every frame of some figures as SVG and PNG, and tells their names.
///
/// # Errors
///
/// Those of [`Report::write`].
pub fn write_figures(directory: &Path, figures: &[&Figure]) -> Result<BTreeSet<String>> {
    fs::create_dir_all(directory).map_err(io("create", directory))?;
    remove_old_leftovers(directory);
    let frames: Vec<(&Figure, &Frame)> =
        figures.iter().flat_map(|figure| figure.frames.iter().map(move |frame| (*figure, frame))).collect();
    let write = |(figure, frame): (&Figure, &Frame)| {
        let write = |extension: &str, bytes: &[u8]| {
            let name = format!("{}.{extension}", figure.file_of(frame));
            let path = directory.join(&name);
            write_atomically(&path, bytes).map_err(io("write", &path))?;
            Ok(name)
        };
        Ok([write("svg", draw::svg(figure, frame)?.as_bytes())?, write("png", &draw::png(figure, frame)?)?])
    };
    let names: Vec<[String; 2]> = frames.into_par_iter().map(write).collect::<Result<_>>()?;
    Ok(names.into_iter().flatten().collect())
}

/// Removes pictures of an earlier report, which would be taken for this one's, and no others.
fn remove_others(directory: &Path, ids: &[&str], written: &BTreeSet<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_picture = path.extension().is_some_and(|extension| extension == "svg" || extension == "png");
        let is_of_report = name.split('.').next().is_some_and(|id| ids.contains(&id));
        if is_picture && is_of_report && !written.contains(&name) {
            // One that cannot be removed does no harm to those that were written.
            let _ = fs::remove_file(path);
        }
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io { action, path, source }
}
