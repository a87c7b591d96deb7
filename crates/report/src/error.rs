/// What can go wrong with figures and reports.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The files of an analysis do not fit together, or are of another version. What is wrong with them is told
    /// in words.
    #[error("the analysis is broken or partial ({0})")]
    Analysis(String),
    /// A figure cannot be drawn.
    #[error("cannot draw {figure}: {problem}")]
    Drawing {
        /// The figure's title.
        figure: String,
        /// The reason.
        problem: String,
    },
    /// A file cannot be written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: std::path::PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// What a backend of plotters can fail with.
pub(crate) type Anything = Box<dyn std::error::Error>;

/// A result whose error is this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
