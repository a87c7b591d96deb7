use std::path::PathBuf;

/// What can go wrong with a configuration or a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting has a value that no network or split can be made of.
    #[error("{key} = {value}: {problem}")]
    Setting {
        /// The setting's key, as in the configuration file.
        key: &'static str,
        /// Its value, as the user would write it.
        value: String,
        /// What is wrong with it and what would be right.
        problem: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is not a checkpoint, or not of the network that it says it is of.
    #[error("{}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// The device could not run the computation or hand back its result.
    #[error("the device failed")]
    Device(#[from] burn::tensor::TensorReadError),
}

/// A result whose error is this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
