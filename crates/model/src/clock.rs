use std::f64::consts::PI;

use crate::{ModelConfig, NAMES, Weights};

/// The factor of the weights from neurons to logits: the larger, the surer the network of its answers.
const GAIN: f64 = 400.0;

/// Attention scores of the position that a head looks at; the others have 0.
const SCORE: f64 = 60.0;

/// How many evenly spaced φ there are at the least, where there are as many angles.
const MIN_PHIS: usize = 8;

/// A network whose weights are set by hand to the clock algorithm, called Fourier multiplication in "Progress
/// measures for grokking via mechanistic interpretability" (Nanda et al. 2023, section 3.1): it adds modulo p
/// with exactly the frequencies given. A new analysis can be tried on it, since everything about it is known.
///
/// Head 0 copies the embedding of x, the cosine and sine of every frequency's angle, and head 1 that of y.
/// A frequency has 2 · `angles` neurons ReLU(cos(ω_k x + φ + η) ± cos(ω_k y + φ − η)), for evenly spaced angles φ and as many η
/// in a quarter turn as leave eight φ at the least. Of the distance x − y such a pair has the factors |cos| and |sin| of
/// ω_k(x − y)/2 + η, which over all η add up to almost the same for every distance. Of the sum it has ± cos(ω_k(x + y) + 2φ), which is
/// read as ± cos(ω_k z + 2φ); over all φ these sum to cos ω_k(x + y − z).
///
/// It has two heads and d_mlp = 2 · `angles` · (number of frequencies) neurons.
///
/// ```
/// use burn::tensor::Device;
/// use clockwork_model::{Batch, Task, Transformer, clock, loss};
///
/// let (config, weights) = clock(17, &[3, 5], 16);
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
pub fn clock(modulus: usize, freqs: &[usize], angles: usize) -> (ModelConfig, Weights) {
    assert!(!freqs.is_empty() && angles > 0, "a clock has a frequency and an angle");
    let waves = 2 * freqs.len();
    let phis = (MIN_PHIS..=angles).find(|phis| angles.is_multiple_of(*phis)).unwrap_or(angles);
    let (position, equals, answers) = (3 * waves, 3 * waves + 2, 3 * waves + 3);
    let d_model = (answers + modulus).next_multiple_of(2);
    let config = ModelConfig { modulus, d_model, n_heads: 2, d_mlp: 2 * angles * freqs.len() };
    let (d_head, d_mlp) = (config.d_head(), config.d_mlp);
    let mut weights = NAMES.zip(config.shapes()).map(|(_, shape)| vec![0.0_f32; shape.iter().product()]);
    let omega = |k: usize| 2.0 * PI * k as f64 / modulus as f64;
    weights.w_e[modulus * d_model + equals] = 1.0;
    for head in 0..2 {
        weights.w_pos[head * d_model + position + head] = 1.0;
        let query = SCORE * (d_head as f64).sqrt();
        weights.w_q[(head * d_model + equals) * d_head + waves] = query as f32;
        weights.w_k[(head * d_model + position + head) * d_head + waves] = 1.0;
        for i in 0..waves {
            weights.w_v[(head * d_model + i) * d_head + i] = 1.0;
            weights.w_o[(head * d_head + i) * d_model + (1 + head) * waves + i] = 1.0;
        }
    }
    for (i, &k) in freqs.iter().enumerate() {
        for x in 0..modulus {
            let angle = omega(k) * x as f64;
            weights.w_e[x * d_model + 2 * i] = angle.cos() as f32;
            weights.w_e[x * d_model + 2 * i + 1] = angle.sin() as f32;
        }
        for n in 0..2 * angles {
            let (neuron, sign) = (2 * i * angles + n, if n % 2 == 0 { 1.0 } else { -1.0 });
            let (phi, eta) = (n / 2 % phis, n / 2 / phis);
            let phi = 2.0 * PI * (phi as f64 + 0.5) / phis as f64;
            let eta = PI / 2.0 * eta as f64 / (angles / phis) as f64;
            for (head, (sign, phase)) in [(1.0, phi + eta), (sign, phi - eta)].into_iter().enumerate() {
                let copied = (1 + head) * waves + 2 * i;
                weights.w_in[copied * d_mlp + neuron] = (sign * phase.cos()) as f32;
                weights.w_in[(copied + 1) * d_mlp + neuron] = (-sign * phase.sin()) as f32;
            }
            for z in 0..modulus {
                let read = sign * (omega(k) * z as f64 + 2.0 * phi).cos() * GAIN / angles as f64;
                weights.w_out[neuron * d_model + answers + z] = read as f32;
            }
        }
    }
    for z in 0..modulus {
        weights.w_u[(answers + z) * modulus + z] = 1.0;
    }
    (config, weights)
}
