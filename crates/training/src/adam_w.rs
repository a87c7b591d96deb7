use burn::{
    optim::{
        AdamWState, AdaptiveMomentumState, LearningRate, Optimizer, RecordState, StateSink, StateSource,
    },
    tensor::{Device, Tensor, TensorData},
};
use pulp::{Arch, Simd, WithSimd};

use crate::OptimizerConfig;

/// `AdamW` (Loshchilov and Hutter 2019) for the processor: burn's arithmetic, operation by operation
/// and bit by bit, in one pass over memory instead of a dozen.
///
/// Only a moment below the smallest normal number becomes zero, because the moments of neurons that
/// died would otherwise stay subnormal for ever, and arithmetic on those is a hundred times slower.
#[derive(Debug, Clone)]
pub(crate) struct AdamW {
    beta_1: f32,
    beta_2: f32,
    epsilon: f32,
    weight_decay: f32,
}

impl AdamW {
    pub fn new(config: &OptimizerConfig) -> Self {
        Self {
            beta_1: config.beta_1 as f32,
            beta_2: config.beta_2 as f32,
            epsilon: config.epsilon as f32,
            weight_decay: config.weight_decay as f32,
        }
    }
}

impl Optimizer for AdamW {
    type State<const D: usize> = OnProcessor<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<OnProcessor<D>>,
    ) -> (Tensor<D>, Option<OnProcessor<D>>) {
        let (shape, device) = (tensor.shape(), tensor.device());
        let mut weights = values(tensor);
        let gradient = values(gradient);
        let (time, mut moment_1, mut moment_2) = match state {
            Some(OnProcessor(AdamWState { momentum })) => {
                (momentum.time + 1, values(momentum.moment_1), values(momentum.moment_2))
            }
            None => (1, vec![0.0; weights.len()], vec![0.0; weights.len()]),
        };
        let &Self { beta_1, beta_2, epsilon, weight_decay } = self;
        Arch::new().dispatch(Update {
            beta: (beta_1, beta_2),
            correction: (1.0 - beta_1.powi(time as i32), 1.0 - beta_2.powi(time as i32)),
            epsilon,
            kept: (1.0 - lr * f64::from(weight_decay)) as f32,
            lr: lr as f32,
            weights: &mut weights,
            gradient: &gradient,
            moments: (&mut moment_1, &mut moment_2),
        });
        let tensor = |values| Tensor::from_data(TensorData::new(values, shape.clone()), &device);
        let momentum = AdaptiveMomentumState::new(time, tensor(moment_1), tensor(moment_2));
        (tensor(weights), Some(OnProcessor(AdamWState { momentum })))
    }

    fn to_device<const D: usize>(mut state: OnProcessor<D>, device: &Device) -> OnProcessor<D> {
        state.0.momentum = state.0.momentum.to_device(device);
        state
    }
}

/// burn's state of `AdamW`, read from a record to the processor. burn would read it to its default device: a
/// GPU where it knows of any, even one that is not there.
#[derive(Clone)]
pub(crate) struct OnProcessor<const D: usize>(AdamWState<D>);

impl<const D: usize> RecordState for OnProcessor<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        self.0.state_flatten(prefix, out);
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, _device: &Device) -> Option<Self> {
        AdamWState::state_unflatten(prefix, src, &Device::flex()).map(Self)
    }
}

/// One step of all weights of a parameter.
struct Update<'a> {
    beta: (f32, f32),
    /// The bias corrections of the two moments, 1 − βᵗ after t steps.
    correction: (f32, f32),
    epsilon: f32,
    /// What weight decay leaves of a weight.
    kept: f32,
    lr: f32,
    weights: &'a mut [f32],
    gradient: &'a [f32],
    moments: (&'a mut [f32], &'a mut [f32]),
}

impl WithSimd for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { beta, correction, epsilon, kept, lr, weights, gradient, moments } = self;
        let gain = (1.0 - beta.0, 1.0 - beta.1);
        let moments = moments.0.iter_mut().zip(moments.1);
        for ((w, &g), (m_1, m_2)) in weights.iter_mut().zip(gradient).zip(moments) {
            *m_1 = normal(*m_1 * beta.0 + g * gain.0);
            *m_2 = normal(*m_2 * beta.1 + g * g * gain.1);
            let delta = (*m_1 / correction.0) / ((*m_2 / correction.1).sqrt() + epsilon);
            *w = *w * kept - delta * lr;
        }
    }
}

#[inline(always)]
fn normal(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x }
}

/// The numbers of a tensor that the processor holds already.
fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().expect("the processor's own memory can be read")
}

#[cfg(test)]
mod tests {
    use burn::optim::AdamWConfig;
    use clockwork_model::{ModelConfig, Transformer, initial_weights};

    use super::*;
    use crate::Config;

    #[test]
    fn every_bit_is_that_of_burns_adam_w() {
        let config = ModelConfig { modulus: 7, d_model: 8, n_heads: 2, d_mlp: 16 };
        let device = Device::flex().autodiff();
        let settings = Config::load(None, &[]).unwrap().optimizer;
        let burns = AdamWConfig::new()
            .with_beta_1(settings.beta_1 as f32)
            .with_beta_2(settings.beta_2 as f32)
            .with_epsilon(settings.epsilon as f32)
            .with_weight_decay(settings.weight_decay as f32);
        let mut optimizers = [burns.init(), AdamW::new(&settings).into()];
        let network = Transformer::from_weights(&[&initial_weights(&config, 0)], &config, &device);
        let mut networks = [network.clone(), network];
        for step in 0..30 {
            let scale = 10_f32.powi(-step / 4);
            let gradients = initial_weights(&config, step as u64 + 1)
                .map(|g| g.into_iter().map(|g| scale * g).collect::<Vec<_>>());
            for (network, optimizer) in networks.iter_mut().zip(&mut optimizers) {
                let params = network.gradients_params(vec![gradients.clone()]);
                *network = optimizer.step(1e-3, network.clone(), params);
            }
            assert_eq!(networks[0].weights().unwrap(), networks[1].weights().unwrap(), "step {step}");
        }
    }
}
