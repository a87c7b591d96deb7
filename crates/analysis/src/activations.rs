use burn::tensor::{DType, Device};
use clockwork_model::{Batch, ModelConfig, Transformer, Weights};

use crate::Result;

/// What the network does on all p² inputs, x first, in 64 bits.
#[derive(Debug, Clone)]
pub struct Activations {
    /// Attention from `=` to `x`, `y` and `=`, [p², n_heads, 3].
    pub pattern: Vec<f64>,
    /// Neurons before the ReLU, [p², d_mlp].
    pub neuron_acts_pre: Vec<f64>,
    /// Neurons after the ReLU, [p², d_mlp].
    pub neuron_acts: Vec<f64>,
    /// Logits, [p², p].
    pub logits: Vec<f64>,
}

impl Activations {
    /// Runs the network that is trained, on the processor.
    ///
    /// # Errors
    ///
    /// [`Error::Device`](crate::Error::Device) where the result cannot be read back.
    pub fn new(weights: &Weights, config: &ModelConfig) -> Result<Self> {
        let device = Device::flex();
        let network = Transformer::from_weights_as(weights, config, (&device, DType::F64));
        let of = network.last_position(&Batch::all(config.modulus, &device));
        Ok(Self {
            pattern: of.pattern.try_into_vec_as()?,
            neuron_acts_pre: of.neuron_acts_pre.try_into_vec_as()?,
            neuron_acts: of.neuron_acts.try_into_vec_as()?,
            logits: of.logits.try_into_vec_as()?,
        })
    }
}
