//! Networks of other architectures: what shows itself, what must be told, and what is refused.

use clockwork_model::{
    Activation, Architecture, Checkpoint, Error, Facts, MlpInput, NAMES, Norm, Operation, OtherNetwork,
    ReadAs, StoredNetwork,
};

use crate::{
    Files,
    foreign::{facts, fused, renamed, two_heads},
    open,
    tensors::{Tensor, pytorch, safetensors, transformer_lens, weights},
};

/// The network of another architecture that a file holds.
fn other(checkpoint: &Checkpoint) -> &OtherNetwork {
    match &checkpoint.network {
        StoredNetwork::Other(of) => of,
        StoredNetwork::Paper(_) => panic!("it is the paper's"),
    }
}

/// The embedding's rows and the unembedding's columns, for a file with more tokens than the paper's five numbers and `=`.
fn with_tokens(d_vocab: usize, n_ctx: usize, columns: usize) -> Vec<Tensor> {
    let mut tensors = transformer_lens();
    let numbered = |rows: usize, columns: usize, first: f32| {
        (0..rows * columns).map(|i| first + i as f32 / 64.0).collect::<Vec<f32>>()
    };
    for (name, shape, values) in &mut tensors {
        match name.as_str() {
            "embed.W_E" => (*shape, *values) = (vec![d_vocab, 4], numbered(d_vocab, 4, 1.0)),
            "pos_embed.W_pos" => (*shape, *values) = (vec![n_ctx, 4], numbered(n_ctx, 4, 50.0)),
            "unembed.W_U" => (*shape, *values) = (vec![4, columns], numbered(4, columns, 90.0)),
            _ => {}
        }
    }
    tensors
}

#[test]
fn tokens_and_logits_are_taken_by_the_layout() {
    let files = Files::new();
    let embedding_of = |row: usize| (0..4).map(|i| 1.0 + (row * 4 + i) as f32 / 64.0).collect::<Vec<f32>>();
    for (d_vocab, n_ctx, columns, told, modulus, rows) in [
        // A context that is longer than it need be.
        (6, 8, 5, Facts::default(), 5, vec![0, 1, 2, 3, 4, 5]),
        // An operator between the numbers, and one whose number is told.
        (7, 4, 5, tokens("x + y ="), 5, vec![0, 1, 2, 3, 4, 5, 6]),
        (7, 4, 5, tokens("x +:6 y =:5"), 5, vec![0, 1, 2, 3, 4, 6, 5]),
        (6, 3, 5, tokens("= x y"), 5, vec![0, 1, 2, 3, 4, 5]),
        // Two positions have no room for more than two numbers.
        (5, 2, 5, Facts::default(), 5, vec![0, 1, 2, 3, 4]),
        // Tokens and logits that nothing uses.
        (9, 3, 9, Facts { modulus: Some(5), ..Facts::default() }, 5, vec![0, 1, 2, 3, 4, 5]),
        // A vocabulary for x and one for y.
        (10, 2, 10, Facts { own_vocabularies: Some(true), ..Facts::default() }, 5, (0..10).collect()),
    ] {
        let words = format!("{d_vocab} {n_ctx} {columns} {told:?}");
        let path = files.write("a.safetensors", &safetensors(&with_tokens(d_vocab, n_ctx, columns)));
        let checkpoint = Checkpoint::open(&path, &facts(told)).unwrap().checkpoint;
        assert_eq!(checkpoint.metadata.task.modulus, modulus, "{words}");
        let kept = files.0.path().join("kept.safetensors");
        checkpoint.write(&kept).unwrap();
        assert_eq!(Checkpoint::read(&kept).unwrap(), checkpoint, "{words}");
        let (w_e, w_u) = match &checkpoint.network {
            StoredNetwork::Paper(weights) => (&weights.w_e, &weights.w_u),
            StoredNetwork::Other(of) => (&of.tensors["embed.W_E"], &of.tensors["unembed.W_U"]),
        };
        assert_eq!(*w_e, rows.into_iter().flat_map(embedding_of).collect::<Vec<f32>>(), "{words}");
        let columns_of = |row: usize| (0..modulus).map(move |z| 90.0 + (row * columns + z) as f32 / 64.0);
        assert_eq!(*w_u, (0..4).flat_map(columns_of).collect::<Vec<f32>>(), "{words}");
    }
    let problem = |told: Facts| {
        let path = files.write("a.safetensors", &safetensors(&with_tokens(6, 3, 5)));
        Checkpoint::open(&path, &facts(told)).unwrap_err().to_string()
    };
    for (told, words) in [
        (tokens("x + y ="), "has 3 positions, too few for the tokens x + y ="),
        (tokens("x y =:6"), "has 6 tokens; = would be number 6"),
        (Facts { modulus: Some(7), ..Facts::default() }, "too few for the numbers modulo 7"),
        (
            Facts { operation: Some(Operation::Multiply), modulus: Some(4), ..Facts::default() },
            "must be prime",
        ),
    ] {
        let problem = problem(told);
        assert!(problem.contains(words), "{problem:?} lacks {words:?}");
    }
}

fn tokens(layout: &str) -> Facts {
    Facts { tokens: Some(layout.parse().unwrap()), ..Facts::default() }
}

#[test]
fn norms_show_themselves_by_their_weights_or_are_told() {
    let files = Files::new();
    let norms = |tensors: &[Tensor], told: Facts| {
        let path = files.write("a.safetensors", &safetensors(tensors));
        let checkpoint = Checkpoint::open(&path, &facts(told)).unwrap().checkpoint;
        let Architecture::Transformer(of) = other(&checkpoint).architecture.clone() else { panic!() };
        of.norms.in_order()
    };
    let told = Facts { layer_norm: Some(true), ..Facts::default() };
    assert_eq!(norms(&transformer_lens(), told.clone()), [Norm::Folded; 3]);
    let mut weighted = transformer_lens();
    for name in ["blocks.0.ln1", "blocks.0.ln2", "ln_final"] {
        weighted.push((format!("{name}.w"), vec![4], vec![1.0; 4]));
        weighted.push((format!("{name}.b"), vec![4], vec![0.5; 4]));
    }
    assert_eq!(norms(&weighted, Facts::default()), [Norm::Weighted; 3]);
    weighted.pop();
    let problem = files.problem("a.safetensors", &safetensors(&weighted));
    assert_eq!(problem, "ln_final.w has no biases beside it: an RMS norm, which is not read");
    weighted.pop();
    assert_eq!(norms(&weighted, Facts::default()), [Norm::Weighted, Norm::Weighted, Norm::None]);
    assert_eq!(norms(&weighted, told), [Norm::Weighted, Norm::Weighted, Norm::Folded]);
}

fn filled(name: &str, shape: &[usize]) -> Tensor {
    let values = (0..shape.iter().product::<usize>()).map(|i| i as f32 / 8.0).collect();
    (name.to_owned(), shape.to_vec(), values)
}

#[test]
fn two_input_mlps_are_read_in_their_authors_orientations() {
    let files = Files::new();
    let (p, d_embed, d_mlp) = (5, 3, 12);
    for (tensors, input) in [
        (
            vec![
                filled("W_x", &[p, d_embed]),
                filled("W_y", &[p, d_embed]),
                filled("W", &[6, d_mlp]),
                filled("W_U", &[d_mlp, p]),
            ],
            MlpInput::Embedded { d_embed },
        ),
        (vec![filled("mlp.W_in", &[d_mlp, p]), filled("mlp.W_out", &[p, d_mlp])], MlpInput::OneHot),
        (vec![filled("mlp.W_in", &[p, d_mlp]), filled("mlp.W_out", &[d_mlp, p])], MlpInput::OneHot),
        (
            vec![
                filled("fc1.weight", &[d_mlp, 2 * p]),
                filled("fc1.bias", &[d_mlp]),
                filled("fc2.weight", &[p, d_mlp]),
            ],
            MlpInput::TwoOneHots,
        ),
    ] {
        let names: Vec<&str> = tensors.iter().map(|(name, ..)| &name[..]).collect();
        let path = files.write("a.pt", &pytorch(&tensors, "model", &[]));
        let told = facts(Facts { activation: Some(Activation::Square), ..Facts::default() });
        let checkpoint = Checkpoint::open(&path, &told).unwrap().checkpoint;
        let Architecture::TwoInputMlp(of) = &other(&checkpoint).architecture else { panic!("{names:?}") };
        assert_eq!((of.input, of.d_mlp, of.activation), (input, d_mlp, Activation::Square), "{names:?}");
        assert_eq!((checkpoint.metadata.task.modulus, checkpoint.metadata.model.n_heads), (p, 0));
        let kept = files.0.path().join("kept.safetensors");
        checkpoint.write(&kept).unwrap();
        assert_eq!(Checkpoint::read(&kept).unwrap(), checkpoint, "{names:?}");
    }
    // The weight from the first number's one-hot vector to the second neuron, whichever axis comes first.
    let weight = |tensors: &[Tensor]| {
        let checkpoint = open(&files.write("a.safetensors", &safetensors(tensors)));
        other(&checkpoint).tensors["mlp.W_in"][1]
    };
    let turned = [filled("mlp.W_in", &[d_mlp, p]), filled("mlp.W_out", &[p, d_mlp])];
    let plain = [filled("mlp.W_in", &[p, d_mlp]), filled("mlp.W_out", &[d_mlp, p])];
    assert_eq!((weight(&turned), weight(&plain)), (5.0 / 8.0, 1.0 / 8.0));
    let odd = [filled("mlp.W_in", &[d_mlp, 4]), filled("mlp.W_out", &[p, d_mlp])];
    let problem = files.problem("a.pt", &pytorch(&odd, "", &[]));
    assert_eq!(problem, "has 4 inputs and 5 answers: no one-hot vectors of the numbers modulo 5");
}

#[test]
fn the_neurons_of_a_transformer_without_attention_are_no_network() {
    let files = Files::new();
    let mut tensors = transformer_lens();
    tensors.retain(|(name, ..)| !name.contains("W_Q"));
    let path = files.write("a.safetensors", &safetensors(&tensors));
    let Err(Error::Names { problem, .. }) = Checkpoint::open(&path, &ReadAs::default()) else { panic!() };
    assert_eq!(problem, "has no tensor that is known to be blocks.0.attn.W_Q");
}

#[test]
fn a_network_beside_its_copy_is_still_there() {
    let files = Files::new();
    let mut tensors = transformer_lens();
    tensors.extend(transformer_lens().into_iter().map(|(name, shape, values)| {
        (format!("ema.{name}"), shape, values.iter().map(|v| 2.0 * v).collect())
    }));
    let path = files.write("a.safetensors", &safetensors(&tensors));
    let checkpoint = open(&path);
    assert_eq!(checkpoint.weights(), Some(&weights()));
    assert_eq!(checkpoint.metadata.imported.unwrap().beside, ["ema"]);
    let ema = ReadAs { key: Some("ema".to_owned()), ..ReadAs::default() };
    let ema = Checkpoint::open(&path, &ema).unwrap().checkpoint;
    assert_eq!(ema.weights().unwrap().w_e[0], 2.0 * weights().w_e[0]);
}

#[test]
fn what_looks_like_a_network_that_is_read_and_is_another_is_refused() {
    let files = Files::new();
    let with = |tensors: &[Tensor]| {
        let path = files.write("a.safetensors", &safetensors(tensors));
        Checkpoint::open(&path, &two_heads()).unwrap_err().to_string()
    };
    let beside = |name: &str, shape: &[usize]| [transformer_lens(), vec![filled(name, shape)]].concat();
    // PyTorch's own layer, which normalises after the addition.
    let names = [
        (NAMES.w_e, "embedding.weight"),
        (NAMES.w_pos, "pos_embedding.weight"),
        (NAMES.w_o, "transformer_encoder.layers.0.self_attn.out_proj.weight"),
        (NAMES.w_in, "transformer_encoder.layers.0.linear1.weight"),
        (NAMES.w_out, "transformer_encoder.layers.0.linear2.weight"),
        (NAMES.w_u, "decoder.weight"),
    ];
    let mut pytorchs = renamed(&names, true);
    pytorchs.push(fused("transformer_encoder.layers.0.self_attn.in_proj_weight", true));
    for norm in ["norm1", "norm2"] {
        pytorchs.push(filled(&format!("transformer_encoder.layers.0.{norm}.weight"), &[4]));
        pytorchs.push(filled(&format!("transformer_encoder.layers.0.{norm}.bias"), &[4]));
    }
    let neurons = vec![
        filled("blocks.0.mlp.W_in", &[4, 6]),
        filled("blocks.0.mlp.W_out", &[6, 4]),
        filled("tokens.table", &[6, 4]),
    ];
    for (problem, words) in [
        (with(&pytorchs), "norms after the addition"),
        (with(&beside("blocks.0.attn.q_norm.w", &[2])), "means norms of queries and keys"),
        (with(&beside("blocks.0.norm.weight", &[4])), "means a norm in another place"),
        (
            with(&beside("blocks.0.mixer.a", &[4, 4])),
            "blocks.0.mixer.a is in no layer of a network that is read",
        ),
        (with(&neurons), "has no tensor that is known to be embed.W_E"),
    ] {
        assert!(problem.contains(words), "{problem:?} lacks {words:?}");
    }
}

#[test]
fn numbers_that_are_none_are_refused() {
    let files = Files::new();
    let path = files.write("a.safetensors", &safetensors(&transformer_lens()));
    for told in [
        Facts { attention_divisor: Some(0.0), ..Facts::default() },
        Facts { epsilon: Some(f64::NAN), layer_norm: Some(true), ..Facts::default() },
        Facts { attention_coefficient: Some(f64::INFINITY), ..Facts::default() },
    ] {
        let error = Checkpoint::open(&path, &facts(told)).unwrap_err().to_string();
        assert!(error.contains("cannot have"), "{error}");
    }
}

#[test]
fn a_checkpoint_of_ours_says_itself_what_it_is() {
    let files = Files::new();
    let checkpoint = open(&files.write("a.safetensors", &safetensors(&transformer_lens())));
    let kept = files.0.path().join("kept.safetensors");
    checkpoint.write(&kept).unwrap();
    let error = Checkpoint::open(&kept, &two_heads()).unwrap_err().to_string();
    assert!(error.ends_with("which says itself how it is read"), "{error}");
}
