//! A clock set by hand in every architecture is recognised with exactly the frequencies put in, and random weights fail.

mod hand_set_clock;

use clockwork_model::{
    Activation, Architecture, Checkpoint, MlpArchitecture, MlpInput, Norm, Norms, OtherNetwork, Task,
    TransformerArchitecture, names,
};

use hand_set_clock::{ANGLES, Clock, analyse, assert_clock, plain};

const ADD: Task = Task::addition(41);
const FREQS: [usize; 3] = [3, 8, 20];

#[test]
fn a_clock_is_recognised_in_every_transformer() {
    let clock = Clock { task: ADD, freqs: &FREQS };
    for choices in [
        plain("x y ="),
        plain("x + y ="),
        plain("= x y"),
        plain("x y"),
        TransformerArchitecture { own_vocabularies: true, ..plain("x y") },
        TransformerArchitecture { attention_coefficient: 0.5, ..plain("x y") },
        TransformerArchitecture { activation: Activation::Gelu, ..plain("x y =") },
        TransformerArchitecture { activation: Activation::GeluTanh, ..plain("x y =") },
        TransformerArchitecture { activation: Activation::Silu, ..plain("x y =") },
        TransformerArchitecture { activation: Activation::Square, ..plain("x y =") },
    ] {
        assert_clock(&clock.transformer(&choices), &FREQS, &format!("{choices:?}"));
    }
}

#[test]
fn a_clock_is_recognised_behind_layer_norms() {
    let clock = Clock { task: ADD, freqs: &FREQS };
    let last = |norm| Norms { before_unembedding: norm, ..Norms::all(Norm::None) };
    for norms in
        [last(Norm::Folded), last(Norm::Weighted), Norms::all(Norm::Folded), Norms::all(Norm::Weighted)]
    {
        let checkpoint = clock.transformer(&TransformerArchitecture { norms, ..plain("x y =") });
        assert_clock(&checkpoint, &FREQS, &format!("{norms:?}"));
    }
}

#[test]
fn a_clock_is_recognised_in_every_mlp() {
    let clock = Clock { task: ADD, freqs: &FREQS };
    for activation in Activation::ALL {
        for input in [MlpInput::Embedded { d_embed: 0 }, MlpInput::TwoOneHots] {
            assert_clock(&clock.mlp(input, activation), &FREQS, &format!("{input:?} {activation}"));
        }
    }
}

/// Where x and y enter alike, no neuron can have the difference of their waves, and linear terms stay in the logits.
#[test]
fn neurons_that_only_add_waves_keep_linear_terms() {
    let clock = Clock { task: ADD, freqs: &FREQS };
    let mut checkpoint = clock.mlp(MlpInput::OneHot, Activation::Square);
    // The last weights that were set are those of y; the neurons of the other sign have those of x with it.
    if let clockwork_model::StoredNetwork::Other(of) = &mut checkpoint.network {
        let d_mlp = 2 * ANGLES * FREQS.len();
        let w_out = of.tensors.get_mut(names::ONE_HOT_W_OUT).unwrap();
        w_out.chunks_exact_mut(41).skip(1).step_by(2).flatten().for_each(|w| *w = 0.0);
        assert_eq!(w_out.len(), d_mlp * 41);
    }
    let (summary, claims) = analyse(&checkpoint);
    assert_eq!(summary.key_freqs, FREQS);
    let linear = claims.iter().find(|claim| claim.id == "linear-terms-cancel").unwrap();
    assert!(linear.fails(), "{linear:?}");
    assert!(summary.mean_attention.is_empty() && summary.attended.is_empty());
    let relu = claims.iter().find(|claim| claim.id == "relu-product").unwrap();
    assert!(!relu.holds() && !relu.fails(), "{relu:?}");
}

#[test]
fn random_weights_fail_in_every_architecture() {
    let noise = |architecture: Architecture| {
        let p = 29;
        let mut seed = 0_u32;
        let mut next = || {
            seed += 1;
            let noise = (f64::from(seed) * 12.9898).sin() * 43_758.545_3;
            (noise - noise.floor() - 0.5) as f32
        };
        let shapes = architecture.shapes(p).into_iter();
        let tensors = shapes
            .map(|(name, shape)| (name, (0..shape.iter().product::<usize>()).map(|_| next()).collect()))
            .collect();
        Checkpoint::of_network(Task::addition(p), OtherNetwork { architecture, tensors })
    };
    let sized = |of: TransformerArchitecture| {
        Architecture::Transformer(TransformerArchitecture {
            d_model: 16,
            n_heads: 2,
            d_head: 8,
            d_mlp: 64,
            ..of
        })
    };
    let mlp = |input, activation| Architecture::TwoInputMlp(MlpArchitecture { input, d_mlp: 64, activation });
    for architecture in [
        sized(plain("x + y =")),
        sized(TransformerArchitecture { own_vocabularies: true, attention_coefficient: 0.2, ..plain("x y") }),
        sized(TransformerArchitecture { norms: Norms::all(Norm::Weighted), ..plain("x y =") }),
        sized(TransformerArchitecture { parallel: true, activation: Activation::Silu, ..plain("x y") }),
        mlp(MlpInput::Embedded { d_embed: 8 }, Activation::Relu),
        mlp(MlpInput::OneHot, Activation::Gelu),
        mlp(MlpInput::TwoOneHots, Activation::Relu),
    ] {
        let words = format!("{architecture:?}");
        let (summary, claims) = analyse(&noise(architecture));
        assert!(summary.accuracy < 0.2 && summary.key_freqs.is_empty(), "{words}: {:?}", summary.key_freqs);
        let fails = |id: &str| claims.iter().find(|claim| claim.id == id).unwrap().fails();
        assert!(fails("generalises") && fails("embedding-sparse"), "{words}");
    }
}
