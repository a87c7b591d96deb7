//! The transformer against its definitions, index by index, with every choice of its architecture made once.

use clockwork_model::{Norm, Norms, TokenLayout};

use super::*;

const P: usize = 5;

/// A small transformer with all choices made, and weights that are noise.
fn noisy(of: TransformerArchitecture) -> (Transformer, BTreeMap<&'static str, Vec<f32>>) {
    let architecture = clockwork_model::Architecture::Transformer(of.clone());
    let mut seed = 0_u32;
    let mut noise = || {
        seed += 1;
        (f64::from(seed) * 12.9898).sin() as f32
    };
    let shapes = architecture.shapes(P).into_iter();
    let tensors = shapes.map(|(name, shape)| {
        (name, (0..shape.iter().product::<usize>()).map(|_| noise()).collect::<Vec<f32>>())
    });
    let tensors: BTreeMap<_, _> = tensors.collect();
    (Transformer::new(of, P, &tensors), tensors)
}

fn plain(tokens: &str) -> TransformerArchitecture {
    TransformerArchitecture {
        d_model: 6,
        n_heads: 2,
        d_head: 4,
        d_mlp: 7,
        tokens: tokens.parse::<TokenLayout>().unwrap(),
        own_vocabularies: false,
        activation: Activation::Gelu,
        norms: Norms::all(Norm::None),
        attention_divisor: 2.0,
        attention_coefficient: 1.0,
        parallel: false,
    }
}

/// Every choice at least once.
fn choices() -> Vec<TransformerArchitecture> {
    let norms = Norms {
        before_attention: Norm::Folded,
        before_neurons: Norm::Weighted,
        before_unembedding: Norm::Weighted,
        epsilon: 1e-5,
    };
    vec![
        plain("x y ="),
        TransformerArchitecture { attention_coefficient: 0.3, own_vocabularies: true, ..plain("x y") },
        TransformerArchitecture { norms, activation: Activation::Silu, ..plain("x + y =") },
        TransformerArchitecture { norms, parallel: true, ..plain("= y x") },
        TransformerArchitecture { parallel: true, activation: Activation::Square, ..plain("y x") },
    ]
}

fn norm(v: &mut [f64], kind: Norm, names: [&str; 2], tensors: &BTreeMap<&'static str, Vec<f32>>) {
    if kind == Norm::None {
        return;
    }
    let n = v.len() as f64;
    let mean = v.iter().sum::<f64>() / n;
    let variance = v.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    for (i, v) in v.iter_mut().enumerate() {
        *v = (*v - mean) / (variance + 1e-5).sqrt();
        if kind == Norm::Weighted {
            let [weights, biases] = names.map(|name| f64::from(tensors[name][i]));
            *v = *v * weights + biases;
        }
    }
}

/// The logits of a pair, index by index as the definitions have them. The embeddings of x and of y may be changed.
fn by_definition(
    of: &TransformerArchitecture,
    tensors: &BTreeMap<&'static str, Vec<f32>>,
    (x, y): (usize, usize),
    change: [&[f64]; 2],
) -> Vec<f64> {
    let &TransformerArchitecture { d_model, n_heads, d_head, d_mlp, .. } = of;
    let w = |name: &str, i: usize| f64::from(tensors[name][i]);
    let [norm_1, norm_2, norm_3] = of.norms.in_order();
    let mut literals = 0;
    let mut resid = Vec::new();
    for (at, token) in of.tokens.tokens().iter().enumerate() {
        let (token, change) = match token {
            Token::X => (x, Some(change[0])),
            Token::Y => (if of.own_vocabularies { P + y } else { y }, Some(change[1])),
            Token::Literal { .. } => {
                literals += 1;
                (if of.own_vocabularies { 2 * P } else { P } + literals - 1, None)
            }
        };
        let value = |d: usize| {
            w(NAMES.w_e, token * d_model + d)
                + w(NAMES.w_pos, at * d_model + d)
                + change.map_or(0.0, |c| c[d])
        };
        resid.push((0..d_model).map(value).collect::<Vec<f64>>());
    }
    let mut normed = resid.clone();
    normed.iter_mut().for_each(|v| norm(v, norm_1, names::NORMS[0], tensors));
    let last = resid.len() - 1;
    let mut mid = resid[last].clone();
    for head in 0..n_heads {
        let through = |at: usize, weights: &str, bias: &str, i: usize| {
            let sum: f64 =
                (0..d_model).map(|d| normed[at][d] * w(weights, (head * d_model + d) * d_head + i)).sum();
            sum + w(bias, head * d_head + i)
        };
        let score = |at: usize| {
            let products = (0..d_head)
                .map(|i| through(last, NAMES.w_q, names::B_Q, i) * through(at, NAMES.w_k, names::B_K, i));
            (products.sum::<f64>() / of.attention_divisor).exp()
        };
        let total: f64 = (0..=last).map(score).sum();
        let weight =
            |at: usize| of.attention_coefficient * score(at) / total + 1.0 - of.attention_coefficient;
        for i in 0..d_head {
            let z: f64 = (0..=last).map(|at| weight(at) * through(at, NAMES.w_v, names::B_V, i)).sum();
            (0..d_model).for_each(|d| mid[d] += z * w(NAMES.w_o, (head * d_head + i) * d_model + d));
        }
    }
    (0..d_model).for_each(|d| mid[d] += w(names::B_O, d));
    let mut read = if of.parallel { resid[last].clone() } else { mid.clone() };
    norm(&mut read, norm_2, names::NORMS[1], tensors);
    let act = |n: usize| {
        let pre: f64 = (0..d_model).map(|d| read[d] * w(NAMES.w_in, d * d_mlp + n)).sum();
        of.activation.of(pre + w(NAMES.b_in, n))
    };
    let acts: Vec<f64> = (0..d_mlp).map(act).collect();
    let out = |d: usize| (0..d_mlp).map(|n| acts[n] * w(NAMES.w_out, n * d_model + d)).sum::<f64>();
    let mut post: Vec<f64> = (0..d_model).map(|d| mid[d] + out(d) + w(NAMES.b_out, d)).collect();
    norm(&mut post, norm_3, names::NORMS[2], tensors);
    let logit =
        |z: usize| (0..d_model).map(|d| post[d] * w(NAMES.w_u, d * P + z)).sum::<f64>() + w(names::B_U, z);
    (0..P).map(logit).collect()
}

fn assert_close(found: &[f64], expected: &[f64], within: f64, words: &str) {
    assert_eq!(found.len(), expected.len(), "{words}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < within, "{words}: {found} is not {expected}");
    }
}

#[test]
fn logits_are_those_of_the_definitions() {
    for of in choices() {
        let (network, tensors) = noisy(of.clone());
        let pairs: Vec<(usize, usize)> = (0..P * P).map(|i| (i / P, i % P)).collect();
        let found = network.run(&pairs).unwrap();
        let none = vec![0.0; of.d_model];
        let expected: Vec<f64> =
            pairs.iter().flat_map(|&pair| by_definition(&of, &tensors, pair, [&none, &none])).collect();
        assert_close(&found.logits, &expected, 1e-10, &format!("{of:?}"));
        assert_eq!(found.pattern.len(), P * P * of.n_heads * of.tokens.len());
    }
}

#[test]
fn gradients_are_slopes() {
    for of in choices() {
        let (network, tensors) = noisy(of.clone());
        let (pair, answers, step) = ((3, 1), [4, 2], 1e-5);
        let found = network.gradients().of(pair, &answers);
        for (number, (i, z)) in
            (0..2).flat_map(|number| answers.into_iter().enumerate().map(move |z| (number, z)))
        {
            let slope = |d: usize| {
                let moved = |by: f64| {
                    let mut change = [vec![0.0; of.d_model], vec![0.0; of.d_model]];
                    change[number][d] = by;
                    by_definition(&of, &tensors, pair, [&change[0], &change[1]])[z]
                };
                (moved(step) - moved(-step)) / (2.0 * step)
            };
            let slopes: Vec<f64> = (0..of.d_model).map(slope).collect();
            let found: Vec<f64> = found[number].iter().skip(i).step_by(2).copied().collect();
            assert_close(&found, &slopes, 1e-6, &format!("{of:?}"));
        }
    }
}

#[test]
fn what_all_neurons_add_goes_through_w_logit_up_to_the_norms_scale() {
    for of in choices() {
        let (network, mut tensors) = noisy(of.clone());
        let pairs = [(0, 1), (4, 2)];
        let with = network.run(&pairs).unwrap();
        let added = product(rows_of(&with.neuron_acts, of.d_mlp), rows_of(&network.w_logit(), P));
        // The same logits with neurons that add nothing, by the scale that the norm has with them.
        tensors.get_mut(NAMES.w_out).unwrap().fill(0.0);
        let without = Transformer::new(of.clone(), P, &tensors).run(&pairs).unwrap();
        for (i, row) in added.chunks_exact(P).enumerate() {
            let (scale, without_scale) = match (&with.logit_scale, &without.logit_scale) {
                (Some(with), Some(without)) => (with[i], without[i]),
                _ => (1.0, 1.0),
            };
            // What a norm does not scale: its biases, and those of the unembedding.
            let biases: Vec<f64> = (0..P)
                .map(|z| {
                    let of_norm = |d: usize| match of.norms.before_unembedding {
                        Norm::Weighted => f64::from(tensors[names::NORMS[2][1]][d]),
                        _ => 0.0,
                    };
                    let through = (0..of.d_model)
                        .map(|d| of_norm(d) * f64::from(tensors[NAMES.w_u][d * P + z]))
                        .sum::<f64>();
                    through + f64::from(tensors[names::B_U][z])
                })
                .collect();
            let expected: Vec<f64> = (0..P)
                .map(|z| {
                    let rest = (without.logits[i * P + z] - biases[z]) / without_scale;
                    (rest + row[z]) * scale + biases[z]
                })
                .collect();
            assert_close(&with.logits[i * P..][..P], &expected, 1e-9, &format!("{of:?}"));
        }
    }
}

#[test]
fn by_tables_a_transformer_without_norms_does_the_same() {
    for of in choices() {
        let (network, _) = noisy(of.clone());
        let pairs: Vec<(usize, usize)> = (0..P * P).map(|i| (i / P, i % P)).collect();
        let expected = network.run(&pairs).unwrap();
        let Some(tables) = network.tables() else {
            assert!(of.norms.in_order().iter().any(|norm| *norm != Norm::None), "{of:?}");
            assert_eq!(network.logit_error(), None);
            continue;
        };
        let found = tables.logits(&pairs);
        assert_close(&found, &expected.logits, 1e-9, &format!("{of:?}"));
        // Two orders of the same sums differ by less than both may differ from exact ones.
        let error = network.logit_error().unwrap();
        let apart = found.iter().zip(&expected.logits).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart > 0.0 && apart <= 2.0 * error, "{apart} {error}");
        // No pair's pattern is outside the range that its token's scores allow.
        let ranges = (tables.pattern_ranges)();
        for pattern in expected.pattern.chunks_exact(of.n_heads * of.tokens.len()) {
            for (i, value) in pattern.iter().enumerate() {
                let [low, high] = ranges[i % of.tokens.len()][i / of.tokens.len()];
                assert!((low - 1e-12..=high + 1e-12).contains(value), "{value} {low} {high}");
            }
        }
    }
}

#[test]
fn other_embeddings_are_those_of_another_network() {
    for of in choices() {
        let (network, mut tensors) = noisy(of.clone());
        let Embeddings { width, x, y } = network.embeddings();
        let changed = |of: &[f64], by: f64| of.iter().map(|v| by * v).collect::<Vec<f64>>();
        let other =
            Embeddings { width, x: changed(&x, 0.5).into(), y: y.as_ref().map(|y| changed(y, -2.0).into()) };
        let w_e = tensors.get_mut(NAMES.w_e).unwrap();
        w_e[..P * width].iter_mut().for_each(|v| *v *= 0.5);
        if y.is_some() {
            w_e[P * width..2 * P * width].iter_mut().for_each(|v| *v *= -2.0);
        }
        let expected = Transformer::new(of.clone(), P, &tensors).run(&[(1, 4), (3, 3)]).unwrap().logits;
        let found = network.with_embeddings(&other).run(&[(1, 4), (3, 3)]).unwrap().logits;
        assert_close(&found, &expected, 1e-12, &format!("{of:?}"));
    }
}
