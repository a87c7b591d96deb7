use std::{fmt, path::PathBuf};

/// What can go wrong with a network, a split or a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A network cannot have such a size.
    #[error("{name} = {value}: {bound}")]
    Size {
        /// The field of [`ModelConfig`](crate::ModelConfig) that holds the size.
        name: &'static str,
        /// Its value.
        value: usize,
        /// What it must be.
        bound: SizeBound,
    },
    /// A fraction of the pairs leaves none to train on, or none to test on.
    #[error("train_fraction = {train_fraction}: leaves no pair to {lacking} of the {n_pairs} that there are")]
    TrainFraction {
        /// The fraction of all pairs to train on.
        train_fraction: f64,
        /// How many pairs there are.
        n_pairs: usize,
        /// What there is no pair for.
        lacking: Side,
    },
    /// Modulo a number that is not prime not all numbers but 0 have an inverse, and no primitive root has them as powers.
    #[error(
        "{operation} modulo {modulus}: the modulus must be prime, as no number's powers are all others but 0"
    )]
    NotPrime {
        /// The operation.
        operation: String,
        /// The modulus.
        modulus: usize,
    },
    /// There are no quotients by 0.
    #[error("nothing can be divided by 0")]
    DivisionByZero,
    /// An operation without 0 that has it.
    #[error("{operation} is also of 0")]
    WithoutZero {
        /// The operation.
        operation: String,
    },
    /// Random answers are the seed's that drew them.
    #[error("random answers are known to the run alone that drew them")]
    RandomAnswers,
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
        /// What is wrong with it.
        problem: String,
    },
    /// A file that tells of a network, or of its tensors' names, says what is not known.
    #[error("{}: {problem}", path.display())]
    Architecture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file holds tensors whose names are not known.
    #[error("{}: {problem}", path.display())]
    Names {
        /// The file.
        path: PathBuf,
        /// What is missing.
        problem: String,
        /// A [`NameMap`](crate::NameMap) of its tensors, to be filled in.
        draft: String,
    },
    /// A file holds several networks, and none was chosen.
    #[error("{}: holds {n_networks} networks, under {keys}", path.display())]
    SeveralNetworks {
        /// The file.
        path: PathBuf,
        /// How many there are.
        n_networks: usize,
        /// Some of their keys.
        keys: String,
    },
    /// The device could not run the computation or hand back its result.
    #[error("the device failed")]
    Device(#[from] burn::tensor::TensorReadError),
}

/// A result whose error is this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether the request was wrong, rather than something failing while it was carried out.
    #[must_use]
    pub fn is_wrong_request(&self) -> bool {
        match self {
            Self::Size { .. }
            | Self::TrainFraction { .. }
            | Self::NotPrime { .. }
            | Self::DivisionByZero
            | Self::WithoutZero { .. }
            | Self::RandomAnswers
            | Self::Checkpoint { .. }
            | Self::Architecture { .. }
            | Self::Names { .. }
            | Self::SeveralNetworks { .. } => true,
            Self::Io { .. } | Self::Device(_) => false,
        }
    }
}

/// What a size must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeBound {
    /// At least this.
    AtLeast(usize),
    /// At most this.
    AtMost(usize),
    /// A multiple of another size, given with its name.
    MultipleOf(&'static str, usize),
}

impl fmt::Display for SizeBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "must be at least {least}"),
            Self::AtMost(most) => write!(f, "must be at most {most}"),
            Self::MultipleOf(name, value) => write!(f, "must be a multiple of {name} = {value}"),
        }
    }
}

/// A side of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The pairs trained on.
    Train,
    /// The pairs held out.
    Test,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train on",
            Self::Test => "test on",
        })
    }
}
