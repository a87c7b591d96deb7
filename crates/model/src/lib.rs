//! The task, the network and its checkpoints.
//!
//! A one-layer transformer learns `(x + y) mod p` from the tokens `[x, y, =]` and answers at `=`.
//! This crate holds everything that training and analysis must agree on: which pairs there are and
//! how they are split ([`Split`]), what the parameters are called and how they are shaped
//! ([`Parameters`], [`ModelConfig`]), the network itself ([`Transformer`]), its loss ([`loss`]) and
//! the files that it is kept in ([`Checkpoint`]).
//!
//! ```
//! use burn::tensor::Device;
//! use clockwork_model::{Batch, ModelConfig, Split, Transformer, initial_weights, loss};
//!
//! let config = ModelConfig { modulus: 7, d_model: 8, n_heads: 2, d_mlp: 16 }.validated()?;
//! let device = Device::flex();
//! let network = Transformer::from_weights(&initial_weights(&config, 0), &config, &device);
//!
//! let split = Split::new(config.modulus, 0.3, 0)?;
//! let batch = Batch::new(config.modulus, &split.train, &device);
//! let logits = network.last_position(&batch).logits; // [14, 7]
//! assert!(loss::mean(loss::per_example(logits, &batch))?.is_finite());
//! # Ok::<(), clockwork_model::Error>(())
//! ```

mod atomic_file;
mod batch;
mod checkpoint;
mod checksum;
mod error;
mod import;
mod initialisation;
mod last_position;
pub mod loss;
pub mod matrix;
mod model_config;
mod parameters;
mod replicas;
mod rows;
mod split;
mod state_dict;
mod textbook;
mod transformer;

pub use atomic_file::write_atomically;
pub use batch::Batch;
pub use checkpoint::{Checkpoint, CheckpointMetadata, ImportedFrom};
pub use checksum::sha256;
pub use error::{Error, Result};
pub use import::Orientation;
pub use initialisation::initial_weights;
pub use last_position::LastPosition;
pub use model_config::{MIN_MODULUS, ModelConfig};
pub use parameters::{NAMES, Parameters, Weights, sum_squared_weights};
pub use replicas::Replicas;
pub use rows::Rows;
pub use split::Split;
pub use textbook::Activations;
pub use transformer::Transformer;
