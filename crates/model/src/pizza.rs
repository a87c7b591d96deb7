use std::f64::consts::PI;

use crate::{ModelConfig, NAMES, Weights};

/// The factor of the weights from neurons to logits: the larger, the surer the network of its answers.
const GAIN: f64 = 400.0;

/// A network whose weights are set by hand to the pizza algorithm ("The Clock and the Pizza", Zhong et al. 2023, section 3.2):
/// it adds modulo p with exactly the frequencies given, by the mean of the two embeddings. Beside the [`clock`](crate::clock) it
/// is the other network about which everything is known.
///
/// Its one head pays the same attention to every token, whatever they are, so that the neurons see a third of
/// cos ω_k x + cos ω_k y = 2 cos ω_k(x − y)/2 · cos ω_k(x + y)/2, and the same of the sines. For each of `angles` evenly spaced
/// angles φ a frequency has a neuron ReLU(cos(ω_k x + φ) + cos(ω_k y + φ)), which is read as cos(ω_k z + 2φ). Over the angles they
/// sum to |cos ω_k(x − y)/2| cos ω_k(x + y − z), up to a factor. A frequency tells nothing of x and y half a turn apart;
/// others must. The circle of each frequency has a size of its own in the embedding.
///
/// It has one head and d_mlp = `angles` · (number of frequencies) neurons.
///
/// ```
/// use burn::tensor::Device;
/// use clockwork_model::{Batch, Task, Transformer, loss, pizza};
///
/// let (config, weights) = pizza(17, &[2, 3, 5], 16);
/// let network = Transformer::from_weights(&[&weights], &config, &Device::flex());
/// let all = Batch::all(Task::addition(17), &Device::flex());
/// assert_eq!(loss::accuracies(network.last_position(&all).logits, &all, 1)?, [1.0]);
/// # Ok::<(), burn::tensor::TensorReadError>(())
/// ```
///
/// # Panics
///
/// If there is no frequency, or no angle.
#[must_use]
pub fn pizza(modulus: usize, freqs: &[usize], angles: usize) -> (ModelConfig, Weights) {
    assert!(!freqs.is_empty() && angles > 0, "a pizza has a frequency and an angle");
    let waves = 2 * freqs.len();
    // The residual stream: a number's waves, what the head copies of them, and the answers.
    let answers = 2 * waves;
    let d_model = answers + modulus;
    let config = ModelConfig { modulus, d_model, n_heads: 1, d_mlp: angles * freqs.len() };
    let (d_head, d_mlp) = (config.d_head(), config.d_mlp);
    let mut weights = NAMES.zip(config.shapes()).map(|(_, shape)| vec![0.0_f32; shape.iter().product()]);
    let omega = |k: usize| 2.0 * PI * k as f64 / modulus as f64;
    for i in 0..waves {
        weights.w_v[i * d_head + i] = 1.0;
        weights.w_o[i * d_model + waves + i] = 1.0;
    }
    for (i, &k) in freqs.iter().enumerate() {
        // Circles of their own size, so that principal components tell them apart; the neurons see them alike.
        let radius = 1.0 / (1.0 + i as f64 / freqs.len() as f64);
        for x in 0..modulus {
            let angle = omega(k) * x as f64;
            weights.w_e[x * d_model + 2 * i] = (radius * angle.cos()) as f32;
            weights.w_e[x * d_model + 2 * i + 1] = (radius * angle.sin()) as f32;
        }
        for n in 0..angles {
            let (neuron, phi) = (i * angles + n, 2.0 * PI * (n as f64 + 0.5) / angles as f64);
            let copied = waves + 2 * i;
            weights.w_in[copied * d_mlp + neuron] = (phi.cos() / radius) as f32;
            weights.w_in[(copied + 1) * d_mlp + neuron] = (-phi.sin() / radius) as f32;
            for z in 0..modulus {
                let read = (omega(k) * z as f64 + 2.0 * phi).cos() * GAIN / angles as f64;
                weights.w_out[neuron * d_model + answers + z] = read as f32;
            }
        }
    }
    for z in 0..modulus {
        weights.w_u[(answers + z) * modulus + z] = 1.0;
    }
    (config, weights)
}
