use burn::module::{Param, ParamId};
use burn::prelude::*;
use burn::tensor::{TensorCreationOptions, TensorReadError};

use crate::{ModelConfig, NAMES, Parameters, Weights};

/// Several networks of the same sizes as one: every parameter has a leading axis, the replica.
///
/// A network of this size leaves most of a GPU idle; several in one take little longer than one. They
/// have nothing in common but the kernels that compute them.
#[derive(Module, Debug)]
pub struct Replicas {
    /// `W_E` [r, p + 1, d_model]
    pub w_e: Param<Tensor<3>>,
    /// `W_pos` [r, 3, d_model]
    pub w_pos: Param<Tensor<3>>,
    /// `W_Q` [r, n_heads, d_model, d_head]
    pub w_q: Param<Tensor<4>>,
    /// `W_K` [r, n_heads, d_model, d_head]
    pub w_k: Param<Tensor<4>>,
    /// `W_V` [r, n_heads, d_model, d_head]
    pub w_v: Param<Tensor<4>>,
    /// `W_O` [r, n_heads, d_head, d_model]
    pub w_o: Param<Tensor<4>>,
    /// `W_in` [r, d_model, d_mlp]
    pub w_in: Param<Tensor<3>>,
    /// `b_in` [r, d_mlp]
    pub b_in: Param<Tensor<2>>,
    /// `W_out` [r, d_mlp, d_model]
    pub w_out: Param<Tensor<3>>,
    /// `b_out` [r, d_model]
    pub b_out: Param<Tensor<2>>,
    /// `W_U` [r, d_model, p]
    pub w_u: Param<Tensor<3>>,
}

impl Replicas {
    /// The networks with these weights, on a device or of the type that `options` name.
    ///
    /// # Panics
    ///
    /// If there is none, or a parameter has not the length that `config` gives it.
    #[must_use]
    pub fn from_weights(
        replicas: &[&Weights],
        config: &ModelConfig,
        options: impl Into<TensorCreationOptions>,
    ) -> Self {
        let options = options.into();
        // As in a single network, an optimiser knows a parameter by its place.
        let ids = Parameters::from_array(std::array::from_fn(|i| i as u64 + 1));
        let none_yet = NAMES.map(|_| Vec::new());
        let stacked = replicas.iter().fold(none_yet, |stacked, weights| {
            stacked.zip(weights.as_ref()).map(|(mut stacked, of_replica)| {
                stacked.extend_from_slice(of_replica);
                stacked
            })
        });
        let of = stacked.zip(config.shapes()).zip(ids);
        let r = replicas.len();
        Self {
            w_e: param(of.w_e, r, &options),
            w_pos: param(of.w_pos, r, &options),
            w_q: param(of.w_q, r, &options),
            w_k: param(of.w_k, r, &options),
            w_v: param(of.w_v, r, &options),
            w_o: param(of.w_o, r, &options),
            w_in: param(of.w_in, r, &options),
            b_in: param(of.b_in, r, &options),
            w_out: param(of.w_out, r, &options),
            b_out: param(of.b_out, r, &options),
            w_u: param(of.w_u, r, &options),
        }
    }

    /// The weights of each network, copied from the device.
    ///
    /// # Errors
    ///
    /// What the device says where it cannot hand them back.
    pub fn weights(&self) -> Result<Vec<Weights>, TensorReadError> {
        let stacked = Parameters {
            w_e: values(&self.w_e)?,
            w_pos: values(&self.w_pos)?,
            w_q: values(&self.w_q)?,
            w_k: values(&self.w_k)?,
            w_v: values(&self.w_v)?,
            w_o: values(&self.w_o)?,
            w_in: values(&self.w_in)?,
            b_in: values(&self.b_in)?,
            w_out: values(&self.w_out)?,
            b_out: values(&self.b_out)?,
            w_u: values(&self.w_u)?,
        };
        let r = self.len();
        let of_replica = |i: usize| {
            stacked.as_ref().map(|values| {
                let length = values.len() / r;
                values[i * length..][..length].to_vec()
            })
        };
        Ok((0..r).map(of_replica).collect())
    }

    /// How many networks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.b_in.dims()[0]
    }

    /// Whether there is none, which never is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sizes of each network, read off the parameters.
    #[must_use]
    pub fn config(&self) -> ModelConfig {
        let [_, d_model, modulus] = self.w_u.dims();
        let [_, n_heads, _, _] = self.w_q.dims();
        let [_, d_mlp] = self.b_in.dims();
        ModelConfig { modulus, d_model, n_heads, d_mlp }
    }
}

fn param<const D: usize>(
    ((weights, shape), id): ((Vec<f32>, Vec<usize>), u64),
    r: usize,
    options: &TensorCreationOptions,
) -> Param<Tensor<D>> {
    let shape = [&[r][..], &shape].concat();
    let tensor = Tensor::from_data(TensorData::new(weights, shape), options.clone());
    Param::initialized(ParamId::from(id), tensor.set_require_grad(options.device.is_autodiff()))
}

fn values<const D: usize>(param: &Param<Tensor<D>>) -> Result<Vec<f32>, TensorReadError> {
    param.val().try_into_vec_as()
}
