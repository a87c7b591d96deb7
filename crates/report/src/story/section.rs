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
}

impl Section {
    /// A section of some figures.
    pub fn new(
        id: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
        entries: Vec<Entry>,
    ) -> Self {
        Self { id: id.into(), title: title.into(), entries }
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
