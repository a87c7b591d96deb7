//! The training step on the processor, in closed form: from weights and pairs to the loss and its
//! gradient with respect to every parameter, at close to the cost of the arithmetic that is needed.
//!
//! Three things make it cheap. The query is the same in every pair and everything else before the
//! ReLU is linear, so keys, values, and what becomes of them up to the neurons and the logits are
//! computed once per token ([`tables`]) and only weighted and summed per pair. `W_out W_U` is folded
//! into `W_logit` first, so that three products of pairs × neurons × logits remain. And pairs are
//! taken in tiles that fit into a core's cache ([`pairs`]).
//!
//! `docs/training-step.md` has the time of each stage next to the arithmetic's floor. burn's
//! differentiation of [`Transformer::last_position`](clockwork_model::Transformer::last_position) is
//! the reference: a property test holds the two together.

mod backward;
mod buffers;
mod forward;
mod lanes;
mod matrix;
mod pairs;
mod parameter_gradients;
mod tables;

use clockwork_model::{ModelConfig, Weights};
use pulp::Arch;
use rayon::prelude::*;

use crate::scores::Scores;

use backward::backward;
use forward::{Answers, Forward};
use parameter_gradients::parameter_gradients;
use tables::Tables;

pub(crate) use buffers::Buffers;
pub(crate) use pairs::Pairs;

/// Mean loss and accuracy on the pairs, and the gradient of the mean loss with respect to every
/// parameter.
pub(crate) fn gradients(
    config: ModelConfig,
    weights: &Weights,
    pairs: &Pairs,
    buffers: &mut Buffers,
) -> (Scores, Weights) {
    // On a thread of the pool the many short pieces of work need not be handed over from outside.
    rayon::scope(|_| {
        let tables = Tables::new(config, weights);
        let (answers, of_tables) = backward(Arch::new(), &tables, pairs, buffers);
        (scores(answers, pairs), parameter_gradients(&tables, weights, &of_tables))
    })
}

/// Mean loss and accuracy on the pairs.
pub(crate) fn evaluate(config: ModelConfig, weights: &Weights, pairs: &Pairs) -> Scores {
    let tables = Tables::new(config, weights);
    let arch = Arch::new();
    let of_tile = |tile: &pairs::Tile| {
        let n = tile.pairs.len();
        let mut forward = Forward {
            pattern: &mut vec![0.0; n * config.n_heads * 3],
            neuron_acts: &mut vec![0.0; n * tables.sizes.neurons],
            logits: &mut vec![0.0; n * tables.sizes.logits],
        };
        forward.compute(arch, &tables, pairs, tile);
        forward.answer(arch, &tables, pairs, tile, pairs.len())
    };
    let of_tiles: Vec<Answers> = pairs.tiles.par_iter().map(of_tile).collect();
    let mut answers = Answers::default();
    of_tiles.into_iter().for_each(|of_tile| answers += of_tile);
    scores(answers, pairs)
}

fn scores(answers: Answers, pairs: &Pairs) -> Scores {
    let n = pairs.len() as f64;
    Scores { loss: answers.loss / n, accuracy: answers.correct as f64 / n }
}

#[cfg(test)]
mod tests {
    use burn::{optim::GradientsParams, tensor::Device};
    use clockwork_model::{Batch, Split, SplitRule, Task, Transformer, initial_weights, loss};
    use proptest::prelude::*;

    use super::*;

    fn task(config: &ModelConfig) -> Task {
        Task::addition(config.modulus)
    }

    /// One operation of each kind, products both with and without 0.
    fn tasks(p: usize, seed: u64) -> [Task; 7] {
        let of = |text: &str| Task { seed, ..Task::new(p, text.parse().unwrap()) };
        let multiply = of("multiply");
        let without_zero = Task { zero: false, ..multiply };
        [
            of("subtract"),
            multiply,
            without_zero,
            of("divide"),
            of("2x + 3y + 1"),
            of("x^2 + x*y + y^2"),
            of("random"),
        ]
    }

    /// Loss, accuracy and gradient by burn's automatic differentiation.
    fn autodiff(config: ModelConfig, task: Task, weights: &Weights, indices: &[usize]) -> (Scores, Weights) {
        let device = Device::flex().autodiff();
        let network = Transformer::from_weights(&[weights], &config, &device);
        let batch = Batch::new(task, indices, &device);
        let logits = network.last_position(&batch).logits;
        let losses = loss::per_example(logits.clone(), &batch);
        let mut grads = GradientsParams::from_grads(losses.clone().mean().backward(), &network);
        let accuracy = loss::accuracies(logits, &batch, 1).unwrap()[0];
        let scores = Scores { loss: loss::means(losses, 1).unwrap()[0], accuracy };
        (scores, network.collect_gradients(&mut grads).unwrap().remove(0))
    }

    /// Asserts that both ways give the same, every parameter's gradient to 1e-4 of the gradient's norm.
    fn assert_agreement(config: ModelConfig, task: Task, weights: &Weights, indices: &[usize]) {
        let (reference, reference_gradients) = autodiff(config, task, weights, indices);
        let pairs = Pairs::new(task, indices);
        let (scores, found) = gradients(config, weights, &pairs, &mut Buffers::default());
        assert!((scores.loss - reference.loss).abs() <= 1e-5 * reference.loss, "{scores:?} {reference:?}");
        assert_eq!(scores.accuracy, reference.accuracy);
        assert_eq!(scores, evaluate(config, weights, &pairs));
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let whole = norm(&mut reference_gradients.iter().flatten().map(|&v| f64::from(v)));
        for (name, (found, reference)) in
            clockwork_model::NAMES.zip(found.as_ref().zip(reference_gradients.as_ref())).into_array()
        {
            let difference = norm(&mut found.iter().zip(reference).map(|(a, b)| f64::from(a - b)));
            let own = norm(&mut reference.iter().map(|&v| f64::from(v)));
            assert!(difference <= 1e-4 * whole, "{name}: off by {difference:e} of {whole:e}");
            // The 32 bits of either way leave no more of a parameter whose gradient all but cancels.
            assert!(difference <= 1e-3 * own.max(1e-3 * whole), "{name}: off by {difference:e} of {own:e}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn gradients_are_those_of_autodiff(
            modulus in 3_usize..24,
            n_heads in 1_usize..4,
            d_head in 1_usize..6,
            d_mlp in 1_usize..70,
            scale in 0.2_f32..2.0,
            train_fraction in 0.12_f64..0.99,
            seed: u64,
        ) {
            let config = ModelConfig { modulus, d_model: n_heads * d_head, n_heads, d_mlp };
            let mut weights =
                initial_weights(&config, seed).map(|w| w.into_iter().map(|w| scale * w).collect::<Vec<_>>());
            let biases = initial_weights(&config, seed ^ 1);
            weights.b_in.iter_mut().zip(&biases.w_in).for_each(|(b, w)| *b = *w);
            weights.b_out.iter_mut().zip(&biases.w_pos).for_each(|(b, w)| *b = *w);
            let split = Split::new(task(&config), SplitRule { train_fraction, seed }).unwrap();
            // A loss is e to the power of a difference of logits, which 32 bits know the less the larger it is:
            // of a drawn network that happens to be this sure of its few pairs they leave no fifth digit.
            prop_assume!(autodiff(config, task(&config), &weights, &split.train).0.loss > 1e-9);
            assert_agreement(config, task(&config), &weights, &split.train);
        }

        #[test]
        fn gradients_of_every_operation_are_those_of_autodiff(
            modulus in (0_usize..6).prop_map(|i| [5, 7, 11, 13, 17, 19][i]),
            kind in 0_usize..7,
            d_mlp in 1_usize..40,
            train_fraction in 0.12_f64..0.99,
            seed: u64,
        ) {
            let config = ModelConfig { modulus, d_model: 8, n_heads: 2, d_mlp };
            let task = tasks(modulus, seed)[kind];
            let split = Split::new(task, SplitRule { train_fraction, seed }).unwrap();
            assert_agreement(config, task, &initial_weights(&config, seed), &split.train);
        }
    }

    /// Trains a small network in closed form with plain `AdamW`, to have weights of every kind.
    fn trained(config: ModelConfig, indices: &[usize], steps: usize) -> Weights {
        let pairs = Pairs::new(task(&config), indices);
        let mut weights = initial_weights(&config, 0);
        let mut moments = weights.as_ref().map(|w| vec![(0.0_f32, 0.0_f32); w.len()]);
        let mut buffers = Buffers::default();
        for step in 1..=steps as i32 {
            let (_, gradients) = gradients(config, &weights, &pairs, &mut buffers);
            let updates = weights.as_ref().zip(gradients).zip(moments.clone());
            let updated = updates.map(|((w, g), m)| {
                let new: Vec<_> = w
                    .iter()
                    .zip(g)
                    .zip(m)
                    .map(|((w, g), (m_1, m_2))| {
                        let (m_1, m_2) = (0.9 * m_1 + 0.1 * g, 0.98 * m_2 + 0.02 * g * g);
                        let delta = m_1
                            / (1.0 - 0.9_f32.powi(step))
                            / ((m_2 / (1.0 - 0.98_f32.powi(step))).sqrt() + 1e-8);
                        (w * 0.999 - 1e-3 * delta, (m_1, m_2))
                    })
                    .collect();
                new.into_iter().unzip::<f32, (f32, f32), Vec<_>, Vec<_>>()
            });
            weights = updated.as_ref().map(|(w, _)| w.clone());
            moments = updated.map(|(_, m)| m);
        }
        weights
    }

    #[test]
    fn gradients_agree_once_memorised_and_once_grokked() {
        let config = ModelConfig { modulus: 31, d_model: 32, n_heads: 2, d_mlp: 64 };
        let split = Split::new(task(&config), SplitRule { train_fraction: 0.8, seed: 0 }).unwrap();
        let held_out = |weights| evaluate(config, weights, &Pairs::new(task(&config), &split.test));
        let memorised = trained(config, &split.train, 700);
        assert!(autodiff(config, task(&config), &memorised, &split.train).0.accuracy == 1.0);
        assert!(held_out(&memorised).accuracy < 0.9, "{:?}", held_out(&memorised));
        assert_agreement(config, task(&config), &memorised, &split.train);
        let grokked = trained(config, &split.train, 2500);
        assert!(held_out(&grokked).accuracy > 0.99, "{:?}", held_out(&grokked));
        assert_agreement(config, task(&config), &grokked, &split.train);
    }
}
