/// What can go wrong with an analysis.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The device could not hand back a result.
    #[error("the device failed")]
    Device(#[from] burn::tensor::TensorReadError),
    /// The network computes values that are no numbers.
    #[error("the network's logits are not finite; analyse another checkpoint")]
    NotFinite,
}

/// A result whose error is this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
