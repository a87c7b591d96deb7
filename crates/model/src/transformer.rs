use burn::module::{ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::{TensorCreationOptions, TensorReadError};

use crate::{ModelConfig, Parameters, Weights};

/// One-layer transformers of the same sizes, side by side: no layer norm, no attention or unembedding biases,
/// ReLU.
///
/// Every parameter has a leading axis of length r, the replica. A single network is one replica. A network
/// of this size leaves most of a GPU idle, so several take little longer than one there; they have nothing
/// in common but the kernels that compute them.
///
/// It has two forward passes that compute the same function: [`textbook`](Self::textbook), over all three
/// positions and with every activation, and [`last_position`](Self::last_position), which does only what
/// the answer needs.
#[derive(Module, Debug)]
pub struct Transformer {
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

impl Transformer {
    /// The networks with these weights, on the device and in the floating-point type that `options` name.
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
        let r = replicas.len();
        let stacked = stacked(replicas.iter().map(|&weights| weights.clone()).collect());
        // An optimiser knows a parameter by its id; fixed ids let its state outlive the process.
        let ids = Parameters::from_array(std::array::from_fn(|i| i as u64 + 1));
        let of = stacked.zip(config.shapes()).zip(ids);
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
        let mut reader = Reader { gradients: None, values: Vec::new() };
        self.visit(&mut reader);
        self.of_replicas(reader.values)
    }

    /// The gradient of every network's parameters, taken out of `gradients`; zeros where there is none.
    ///
    /// # Errors
    ///
    /// What the device says where it cannot hand them back.
    pub fn collect_gradients(
        &self,
        gradients: &mut GradientsParams,
    ) -> Result<Vec<Weights>, TensorReadError> {
        let mut reader = Reader { gradients: Some(gradients), values: Vec::new() };
        self.visit(&mut reader);
        self.of_replicas(reader.values)
    }

    /// Gradients of each network that were computed elsewhere, as burn's optimisers take them.
    #[must_use]
    pub fn gradients_params(&self, gradients: Vec<Weights>) -> GradientsParams {
        let mut writer =
            Writer { stacked: stacked(gradients).into_array().into_iter(), params: GradientsParams::new() };
        self.visit(&mut writer);
        writer.params
    }

    /// How many networks there are; never none.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.b_in.dims()[0]
    }

    /// The sizes of each network, read off the parameters.
    #[must_use]
    pub fn config(&self) -> ModelConfig {
        let [_, d_model, modulus] = self.w_u.dims();
        let [_, n_heads, _, _] = self.w_q.dims();
        let [_, d_mlp] = self.b_in.dims();
        ModelConfig { modulus, d_model, n_heads, d_mlp }
    }

    /// Each network's part of values that a visitor read parameter by parameter.
    fn of_replicas(
        &self,
        values: Vec<Result<Vec<f32>, TensorReadError>>,
    ) -> Result<Vec<Weights>, TensorReadError> {
        let values = values.into_iter().collect::<Result<Vec<_>, _>>()?;
        let r = self.len();
        if r == 1 {
            let mut values = values.into_iter();
            let next = |_| values.next().expect("every parameter is visited");
            return Ok(vec![Parameters::from_array(std::array::from_fn(next))]);
        }
        let of_replica = |i: usize| {
            let part = |values: &Vec<f32>| values[i * (values.len() / r)..][..values.len() / r].to_vec();
            Parameters::from_array(std::array::from_fn(|parameter| part(&values[parameter])))
        };
        Ok((0..r).map(of_replica).collect())
    }
}

/// Each parameter's values, those of the first network first.
fn stacked(replicas: Vec<Weights>) -> Weights {
    let mut replicas = replicas.into_iter();
    let first = replicas.next().expect("there is at least one network");
    replicas.fold(first, |stacked, next| {
        stacked.zip(next).map(|(mut values, next)| {
            values.extend(next);
            values
        })
    })
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

/// Reads every parameter, or its gradient, in the order of the fields.
struct Reader<'a> {
    gradients: Option<&'a mut GradientsParams>,
    values: Vec<Result<Vec<f32>, TensorReadError>>,
}

impl ModuleVisitor for Reader<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = match &mut self.gradients {
            None => Some(param.val()),
            Some(gradients) => gradients.remove::<D>(param.id),
        };
        let zeros = || Ok(vec![0.0; param.dims().iter().product()]);
        self.values.push(tensor.map_or_else(zeros, Tensor::try_into_vec_as));
    }
}

/// Registers every parameter's gradient, in the order of the fields.
struct Writer {
    stacked: std::array::IntoIter<Vec<f32>, { Weights::COUNT }>,
    params: GradientsParams,
}

impl ModuleVisitor for Writer {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.stacked.next().expect("there is one for every parameter");
        let data = TensorData::new(gradient, param.dims());
        self.params.register(param.id, Tensor::<D>::from_data(data, &param.device().inner()));
    }
}
