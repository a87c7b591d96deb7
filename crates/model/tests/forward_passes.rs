//! The two forward passes are one function, and so are their gradients.

use burn::{
    optim::GradientsParams,
    tensor::{DType, Device},
};
use clockwork_model::{Batch, ModelConfig, Task, Transformer, Weights, initial_weights, loss};
use proptest::prelude::*;

/// Random weights as they are drawn, or scaled up to the norms and confidence of a trained network.
fn weights(config: &ModelConfig, seed: u64, scale: f32) -> Weights {
    initial_weights(config, seed).map(|w| w.into_iter().map(|w| scale * w).collect())
}

fn network() -> impl Strategy<Value = (ModelConfig, Weights)> {
    (3_usize..14, 1_usize..4, 1_usize..6, 1_usize..20, any::<u64>(), 0.3_f32..2.0).prop_map(
        |(modulus, n_heads, d_head, d_mlp, seed, scale)| {
            let config = ModelConfig { modulus, d_model: n_heads * d_head, n_heads, d_mlp };
            (config, weights(&config, seed, scale))
        },
    )
}

fn task(config: &ModelConfig) -> Task {
    Task::addition(config.modulus)
}

/// ‖a − b‖ / ‖b‖.
fn relative_distance(a: &[f64], b: &[f64]) -> f64 {
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v.powi(2)).sum::<f64>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied()).max(1e-30)
}

/// The network in 64 bits: what is compared is the function, not how 32 bits round where neurons cancel.
fn in_64_bits(weights: &Weights, config: &ModelConfig, device: &Device) -> Transformer {
    Transformer::from_weights(&[weights], config, (device, DType::F64))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn logits_agree((config, weights) in network()) {
        let device = Device::flex();
        let network = in_64_bits(&weights, &config, &device);
        let batch = Batch::all(task(&config), &device);
        let fast = network.last_position(&batch);
        let textbook = network.textbook(&batch);
        let last = |t: burn::Tensor<3>| t.narrow(1, 2, 1).squeeze_dim::<2>(1).try_into_vec_as::<f64>().unwrap();
        let flat = |t: burn::Tensor<2>| t.try_into_vec_as::<f64>().unwrap();
        for (fast, textbook) in [
            (flat(fast.logits), last(textbook.logits)),
            (flat(fast.neuron_acts), last(textbook.neuron_acts)),
            (flat(fast.resid_mid), last(textbook.resid_mid)),
            (
                fast.pattern.try_into_vec_as::<f64>().unwrap(),
                textbook.pattern.narrow(2, 2, 1).try_into_vec_as::<f64>().unwrap(),
            ),
        ] {
            prop_assert!(relative_distance(&fast, &textbook) < 1e-10);
        }
    }

    #[test]
    fn gradients_agree((config, weights) in network()) {
        let device = Device::flex().autodiff();
        let network = in_64_bits(&weights, &config, &device);
        let batch = Batch::all(task(&config), &device);
        let gradients = |logits| {
            let grads = loss::per_example(logits, &batch).mean().backward();
            gradients_of(&network, GradientsParams::from_grads(grads, &network))
        };
        let fast = gradients(network.last_position(&batch).logits);
        let textbook = network.textbook(&batch).logits.narrow(1, 2, 1).squeeze_dim(1);
        let textbook = gradients(textbook);
        // They are handed back in 32 bits.
        let whole = |gradients: &Weights| gradients.iter().flatten().map(|&g| f64::from(g)).collect::<Vec<_>>();
        prop_assert!(relative_distance(&whole(&fast), &whole(&textbook)) < 1e-6);
    }
}

fn gradients_of(network: &Transformer, mut grads: GradientsParams) -> Weights {
    network.collect_gradients(&mut grads).expect("the CPU hands back every gradient").remove(0)
}

#[test]
fn replicas_are_each_as_if_alone() {
    let config = ModelConfig { modulus: 7, d_model: 6, n_heads: 3, d_mlp: 5 };
    let of: Vec<Weights> = (0..3).map(|seed| weights(&config, seed, 1.5)).collect();
    let pairs: [&[usize]; 3] = [&[0, 8, 48, 5], &[1, 2, 3, 4], &[48, 47, 0, 13]];
    let device = Device::flex().autodiff();
    let replicas = Transformer::from_weights(&of.iter().collect::<Vec<_>>(), &config, (&device, DType::F64));
    assert_eq!((replicas.len(), replicas.config()), (3, config));
    assert_eq!(replicas.weights().unwrap(), of);

    let batch = Batch::of_replicas(&[task(&config); 3], &pairs, &device);
    for batch in [batch.clone(), batch.by_product()] {
        let logits = replicas.last_position(&batch).logits;
        let grads = loss::per_example(logits.clone(), &batch).sum().backward();
        let logits: Vec<f64> = logits.try_into_vec_as().unwrap();
        let w_in: Vec<f64> = replicas.w_in.grad(&grads).unwrap().try_into_vec_as().unwrap();
        let w_e: Vec<f64> = replicas.w_e.grad(&grads).unwrap().try_into_vec_as().unwrap();
        for (i, (weights, pairs)) in of.iter().zip(pairs).enumerate() {
            let alone = in_64_bits(weights, &config, &device);
            let batch = Batch::new(task(&config), pairs, &device);
            let logits_alone = alone.last_position(&batch).logits;
            let grads = loss::per_example(logits_alone.clone(), &batch).sum().backward();
            let of_replica = |all: &[f64]| all[i * all.len() / 3..][..all.len() / 3].to_vec();
            for (together, alone) in [
                (of_replica(&logits), logits_alone.try_into_vec_as::<f64>().unwrap()),
                (of_replica(&w_in), alone.w_in.grad(&grads).unwrap().try_into_vec_as().unwrap()),
                (of_replica(&w_e), alone.w_e.grad(&grads).unwrap().try_into_vec_as().unwrap()),
            ] {
                assert!(relative_distance(&together, &alone) < 1e-12, "replica {i}");
            }
        }
    }
}

#[test]
fn a_network_keeps_its_weights_and_sizes() {
    let config = ModelConfig { modulus: 10, d_model: 6, n_heads: 3, d_mlp: 7 };
    let weights = weights(&config, 5, 1.0);
    let network = Transformer::from_weights(&[&weights], &config, &Device::flex());
    assert_eq!(network.weights().unwrap(), [weights]);
    assert_eq!(network.config(), config);
}
