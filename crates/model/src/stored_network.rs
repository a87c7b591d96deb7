use std::collections::BTreeMap;

use crate::{
    Architecture, ModelConfig, NAMES, Weights,
    architecture::names::{B_K, B_O, B_Q, B_U, B_V},
    sum_squared_weights,
};

/// The weights of a network, as checkpoints keep them.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredNetwork {
    /// The paper's transformer, which can be trained.
    Paper(Weights),
    /// A network of another architecture, which can be analysed.
    Other(OtherNetwork),
}

/// A network of another architecture than the paper's.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherNetwork {
    /// What it is made of.
    pub architecture: Architecture,
    /// Every tensor of [`Architecture::shapes`], row-major, by its name.
    pub tensors: BTreeMap<&'static str, Vec<f32>>,
}

impl StoredNetwork {
    /// A network of this architecture, which may be the paper's: one whose other biases are zero.
    pub(crate) fn of(network: OtherNetwork) -> Self {
        let OtherNetwork { architecture, mut tensors } = network;
        let is_zero = |name: &&str| tensors[*name].iter().all(|&bias| bias == 0.0);
        match &architecture {
            Architecture::Transformer(of)
                if of.is_papers() && [B_Q, B_K, B_V, B_O, B_U].iter().all(is_zero) =>
            {
                Self::Paper(
                    NAMES.map(|name| tensors.remove(name).expect("the architecture has every tensor")),
                )
            }
            _ => Self::Other(OtherNetwork { architecture, tensors }),
        }
    }

    /// A network of the same sizes whose tensors are made of this one's.
    #[must_use]
    pub fn map_tensors(&self, mut made_of: impl FnMut(&[f32]) -> Vec<f32>) -> Self {
        match self {
            Self::Paper(weights) => Self::Paper(weights.as_ref().map(|tensor| made_of(tensor))),
            Self::Other(OtherNetwork { architecture, tensors }) => {
                let tensors = tensors.iter().map(|(&name, tensor)| (name, made_of(tensor))).collect();
                Self::Other(OtherNetwork { architecture: architecture.clone(), tensors })
            }
        }
    }

    /// Its architecture, if it is not the paper's.
    #[must_use]
    pub fn architecture(&self) -> Option<&Architecture> {
        match self {
            Self::Paper(_) => None,
            Self::Other(of) => Some(&of.architecture),
        }
    }

    /// Its tensors in the order in which a file has them, each with its name and shape.
    pub(crate) fn tensors(&self, model: &ModelConfig) -> Vec<(&'static str, Vec<usize>, &[f32])> {
        match self {
            Self::Paper(weights) => {
                let named = NAMES.zip(model.shapes().zip(weights.as_ref())).into_array();
                named.map(|(name, (shape, values))| (name, shape, &values[..])).into()
            }
            Self::Other(OtherNetwork { architecture, tensors }) => {
                let shapes = architecture.shapes(model.modulus).into_iter();
                shapes.map(|(name, shape)| (name, shape, &tensors[name][..])).collect()
            }
        }
    }

    /// The sum of the squares of each parameter's weights, in 64 bits, by its name.
    #[must_use]
    pub fn sum_squared_by_parameter(&self) -> BTreeMap<String, f64> {
        let squares = |values: &[f32]| values.iter().map(|&w| f64::from(w).powi(2)).sum();
        match self {
            Self::Paper(weights) => {
                let named = NAMES.zip(weights.as_ref()).into_array().into_iter();
                named.map(|(name, values)| (name.to_owned(), squares(values))).collect()
            }
            Self::Other(of) => {
                of.tensors.iter().map(|(name, values)| ((*name).to_owned(), squares(values))).collect()
            }
        }
    }

    /// The sum of the squares of all weights, biases included, in 64 bits.
    #[must_use]
    pub fn sum_squared_weights(&self) -> f64 {
        match self {
            Self::Paper(weights) => sum_squared_weights(weights),
            Self::Other(of) => of.tensors.values().flatten().map(|&w| f64::from(w).powi(2)).sum(),
        }
    }
}
