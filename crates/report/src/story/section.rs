use std::borrow::Cow;

use crate::Figure;

/// A part of the story.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Names its place on the page.
    pub id: Cow<'static, str>,
    /// Its heading.
    pub title: Cow<'static, str>,
    /// Its figures, each with what to look for.
    pub entries: Vec<Entry>,
    /// What stands behind its figures, as a table.
    pub table: Option<Table>,
}

/// A table, and what it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its title.
    pub title: String,
    /// What to look for in it.
    pub text: String,
    /// What its columns are called.
    pub columns: Vec<String>,
    /// Its rows, with a cell per column.
    pub rows: Vec<Vec<String>>,
}

impl Section {
    /// A section of some figures.
    pub fn new(
        id: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
        entries: Vec<Entry>,
    ) -> Self {
        Self { id: id.into(), title: title.into(), entries, table: None }
    }

    /// The section with a table behind its figures.
    #[must_use]
    pub fn with_table(self, table: Table) -> Self {
        Self { table: Some(table), ..self }
    }
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
    /// A figure and its text.
    pub fn new(figure: Figure, text: impl Into<String>) -> Self {
        Self { figure, text: text.into() }
    }
}
