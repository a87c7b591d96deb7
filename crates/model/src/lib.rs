//! The task, the network and its checkpoints.
//!
//! A one-layer transformer learns an operation on the numbers 0 … p − 1 from the tokens `[x, y, =]` and answers
//! at `=`. This crate holds everything that training and analysis must agree on: which pairs there are and
//! what the answers are ([`Task`]), how they are split ([`Split`]), what the parameters are called and how
//! they are shaped ([`Parameters`], [`ModelConfig`]), the network itself ([`Transformer`]), its loss
//! ([`loss`]) and the files that it is kept in ([`Checkpoint`]).
//!
//! ```
//! use burn::tensor::Device;
//! use clockwork_model::{
//!     Batch, ModelConfig, Split, SplitRule, Task, Transformer, initial_weights, loss,
//! };
//!
//! let task = Task::addition(7);
//! let config = ModelConfig { modulus: 7, d_model: 8, n_heads: 2, d_mlp: 16 }.validated()?;
//! let device = Device::flex();
//! let network = Transformer::from_weights(&[&initial_weights(&config, 0)], &config, &device);
//!
//! let split = Split::new(task, SplitRule { train_fraction: 0.3, seed: 0 })?;
//! let batch = Batch::new(task, &split.train, &device);
//! let logits = network.last_position(&batch).logits; // [14, 7]
//! assert!(loss::means(loss::per_example(logits, &batch), 1)?[0].is_finite());
//! # Ok::<(), clockwork_model::Error>(())
//! ```

mod activation;
mod architecture;
mod archive;
mod as_text;
mod batch;
mod checkpoint;
mod checkpoint_metadata;
mod clock;
mod contents;
mod element_type;
mod error;
mod foreign;
mod foreign_file;
mod import;
mod initialisation;
mod last_position;
pub mod loss;
mod model_config;
mod npz;
mod parameters;
mod pickle;
mod pizza;
mod rows;
mod seal;
mod shards;
mod split;
mod state_dict;
mod stored_network;
mod stored_tensor;
mod task;
mod textbook;
mod token_layout;
mod torch_file;
mod transformer;

pub use activation::Activation;
pub use architecture::{
    Architecture, MlpArchitecture, MlpInput, Norm, Norms, TransformerArchitecture, names,
};
pub use batch::Batch;
pub use checkpoint::{Checkpoint, CheckpointFile};
pub use checkpoint_metadata::{CheckpointMetadata, ImportedFrom};
pub use clock::clock;
pub use error::{Error, Result, Side, SizeBound};
pub use foreign::{Assumed, Facts, NameMap};
pub use import::{ForeignFile, Orientation, ReadAs};
pub use initialisation::initial_weights;
pub use last_position::LastPosition;
pub use model_config::ModelConfig;
pub use parameters::{NAMES, Parameters, Weights, sum_squared_weights};
pub use pizza::pizza;
pub use rows::Rows;
pub use seal::{sealed, unsealed};
pub use split::{Split, SplitRule};
pub use stored_network::{OtherNetwork, StoredNetwork};
pub use task::{Coordinates, CoordinatesOf, Operation, Polynomial, Task, powers_of_primitive_root};
pub use textbook::TextbookActivations;
pub use token_layout::{Token, TokenLayout};
pub use transformer::Transformer;
