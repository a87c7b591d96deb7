use burn::module::{Param, ParamId};
use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::{TensorCreationOptions, TensorReadError};

use crate::{ModelConfig, Parameters, Weights};

/// The one-layer transformer: no layer norm, no attention or unembedding biases, ReLU.
///
/// It has two forward passes that compute the same function:
/// [`textbook`](Self::textbook), over all three positions and with every activation, and
/// [`last_position`](Self::last_position), which does only what the answer needs.
#[derive(Module, Debug)]
pub struct Transformer {
    /// `W_E` [p + 1, d_model]
    pub w_e: Param<Tensor<2>>,
    /// `W_pos` [3, d_model]
    pub w_pos: Param<Tensor<2>>,
    /// `W_Q` [n_heads, d_model, d_head]
    pub w_q: Param<Tensor<3>>,
    /// `W_K` [n_heads, d_model, d_head]
    pub w_k: Param<Tensor<3>>,
    /// `W_V` [n_heads, d_model, d_head]
    pub w_v: Param<Tensor<3>>,
    /// `W_O` [n_heads, d_head, d_model]
    pub w_o: Param<Tensor<3>>,
    /// `W_in` [d_model, d_mlp]
    pub w_in: Param<Tensor<2>>,
    /// `b_in` [d_mlp]
    pub b_in: Param<Tensor<1>>,
    /// `W_out` [d_mlp, d_model]
    pub w_out: Param<Tensor<2>>,
    /// `b_out` [d_model]
    pub b_out: Param<Tensor<1>>,
    /// `W_U` [d_model, p]
    pub w_u: Param<Tensor<2>>,
}

impl Transformer {
    /// The network with these weights, on a device.
    ///
    /// # Panics
    ///
    /// If a parameter has not the length that `config` gives it.
    #[must_use]
    pub fn from_weights(weights: &Weights, config: &ModelConfig, device: &Device) -> Self {
        Self::from_weights_as(weights, config, device)
    }

    /// As [`from_weights`](Self::from_weights), with parameters and all that is computed from them of the
    /// type that `options` name beside the device.
    ///
    /// # Panics
    ///
    /// As [`from_weights`](Self::from_weights).
    #[must_use]
    pub fn from_weights_as(
        weights: &Weights,
        config: &ModelConfig,
        options: impl Into<TensorCreationOptions>,
    ) -> Self {
        let options = options.into();
        // An optimiser knows a parameter by its id; fixed ids let its state outlive the process.
        let ids = Parameters::from_array(std::array::from_fn(|i| i as u64 + 1));
        let of = weights.as_ref().zip(config.shapes()).zip(ids);
        Self {
            w_e: param(of.w_e, &options),
            w_pos: param(of.w_pos, &options),
            w_q: param(of.w_q, &options),
            w_k: param(of.w_k, &options),
            w_v: param(of.w_v, &options),
            w_o: param(of.w_o, &options),
            w_in: param(of.w_in, &options),
            b_in: param(of.b_in, &options),
            w_out: param(of.w_out, &options),
            b_out: param(of.b_out, &options),
            w_u: param(of.w_u, &options),
        }
    }

    /// The weights, copied from the device.
    ///
    /// # Errors
    ///
    /// What the device says where it cannot hand them back.
    pub fn weights(&self) -> Result<Weights, TensorReadError> {
        Ok(Parameters {
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
        })
    }

    /// Takes the gradient of every parameter out of `gradients`; zeros where there is none.
    ///
    /// # Errors
    ///
    /// What the device says where it cannot hand them back.
    pub fn collect_gradients(&self, gradients: &mut GradientsParams) -> Result<Weights, TensorReadError> {
        Ok(Parameters {
            w_e: gradient(&self.w_e, gradients)?,
            w_pos: gradient(&self.w_pos, gradients)?,
            w_q: gradient(&self.w_q, gradients)?,
            w_k: gradient(&self.w_k, gradients)?,
            w_v: gradient(&self.w_v, gradients)?,
            w_o: gradient(&self.w_o, gradients)?,
            w_in: gradient(&self.w_in, gradients)?,
            b_in: gradient(&self.b_in, gradients)?,
            w_out: gradient(&self.w_out, gradients)?,
            b_out: gradient(&self.b_out, gradients)?,
            w_u: gradient(&self.w_u, gradients)?,
        })
    }

    /// Gradients computed elsewhere, as burn's optimisers take them.
    #[must_use]
    pub fn gradients_params(&self, gradients: Weights) -> GradientsParams {
        let mut params = GradientsParams::new();
        register(&mut params, &self.w_e, gradients.w_e);
        register(&mut params, &self.w_pos, gradients.w_pos);
        register(&mut params, &self.w_q, gradients.w_q);
        register(&mut params, &self.w_k, gradients.w_k);
        register(&mut params, &self.w_v, gradients.w_v);
        register(&mut params, &self.w_o, gradients.w_o);
        register(&mut params, &self.w_in, gradients.w_in);
        register(&mut params, &self.b_in, gradients.b_in);
        register(&mut params, &self.w_out, gradients.w_out);
        register(&mut params, &self.b_out, gradients.b_out);
        register(&mut params, &self.w_u, gradients.w_u);
        params
    }

    /// The network's sizes, read off its parameters.
    #[must_use]
    pub fn config(&self) -> ModelConfig {
        let [d_model, modulus] = self.w_u.dims();
        let [n_heads, _, _] = self.w_q.dims();
        let [d_mlp] = self.b_in.dims();
        ModelConfig { modulus, d_model, n_heads, d_mlp }
    }
}

fn param<const D: usize>(
    ((weights, shape), id): ((&Vec<f32>, Vec<usize>), u64),
    options: &TensorCreationOptions,
) -> Param<Tensor<D>> {
    let tensor = Tensor::from_data(TensorData::new(weights.clone(), shape), options.clone());
    Param::initialized(ParamId::from(id), tensor.set_require_grad(options.device.is_autodiff()))
}

fn values<const D: usize>(param: &Param<Tensor<D>>) -> Result<Vec<f32>, TensorReadError> {
    param.val().try_into_vec_as()
}

fn gradient<const D: usize>(
    param: &Param<Tensor<D>>,
    gradients: &mut GradientsParams,
) -> Result<Vec<f32>, TensorReadError> {
    match gradients.remove::<D>(param.id) {
        Some(gradient) => gradient.try_into_vec_as(),
        None => Ok(vec![0.0; param.dims().iter().product()]),
    }
}

fn register<const D: usize>(params: &mut GradientsParams, param: &Param<Tensor<D>>, gradient: Vec<f32>) {
    let data = TensorData::new(gradient, param.dims());
    params.register(param.id, Tensor::<D>::from_data(data, &param.device().inner()));
}
