use std::{fmt, path::PathBuf};

/// What can go wrong with an analysis.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The device could not hand back a result.
    #[error("the device failed")]
    Device(#[from] burn::tensor::TensorReadError),
    /// It would take more memory than is asked for.
    #[error(
        "an analysis modulo {modulus} takes about {gib} GiB of memory, more than the limit of {max_gib} GiB"
    )]
    TooLarge {
        /// The modulus.
        modulus: usize,
        /// What it would take.
        gib: u64,
        /// What may be taken.
        max_gib: u64,
    },
    /// The network computes values that are no numbers.
    #[error("the network's logits are not finite")]
    NotFinite,
    /// The singular values of a matrix do not converge.
    #[error("the singular values of {matrix} do not converge")]
    SingularValues {
        /// What the matrix is called.
        matrix: &'static str,
    },
    /// There is no network to compare.
    #[error("there is no run to compare")]
    NothingToCompare,
    /// Networks of different moduli, each with how many there are, have no frequencies in common.
    #[error("these runs have different moduli, {}", listed(.0))]
    Moduli(Vec<(usize, usize)>),
    /// Networks of different operations, each with how many there are, have no frequencies in common.
    #[error("these runs learned different operations, {}", listed(.0))]
    Operations(Vec<(String, usize)>),
    /// What is asked for needs coordinates in which the task is addition.
    #[error("{task}: in no known coordinates it is addition, which progress measures need")]
    NoCoordinates {
        /// The task.
        task: String,
    },
    /// A file of an analysis cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of an analysis is broken, partial or of another version.
    #[error("{}: {problem}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// A result whose error is this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Values and how many runs have them: `59 (8 runs), 113 (1 run)`.
fn listed<T: fmt::Display>(values: &[(T, usize)]) -> String {
    let runs = |count: usize| if count == 1 { "run" } else { "runs" };
    let values = values.iter().map(|(value, count)| format!("{value} ({count} {})", runs(*count)));
    values.collect::<Vec<_>>().join(", ")
}
