//! The paper's network under other names and in other orientations.

use clockwork_model::{Checkpoint, Error, Facts, NAMES, NameMap, Orientation, ReadAs};

use crate::{
    Files, open,
    tensors::{Tensor, pytorch, safetensors, transformer_lens, transpose, weights},
};

/// One of the paper's tensors with its heads side by side: queries, keys and values [d_model, n_heads · d_head], outputs
/// [n_heads · d_head, d_model].
fn flat(name: &str) -> Tensor {
    let (name, shape, values) = transformer_lens().into_iter().find(|(of, ..)| of == name).unwrap();
    match (&shape[..], name.ends_with("W_O")) {
        (&[heads, d_head, d_model], true) => (name, vec![heads * d_head, d_model], values),
        (&[heads, d_model, d_head], false) => {
            let at = |row: usize, column: usize| {
                values[(column / d_head * d_model + row) * d_head + column % d_head]
            };
            let width = heads * d_head;
            let side_by_side = (0..d_model).flat_map(|row| (0..width).map(move |column| (row, column)));
            let values = side_by_side.map(|(row, column)| at(row, column)).collect();
            (name, vec![d_model, width], values)
        }
        _ => (name, shape, values),
    }
}

/// The paper's network with every tensor under another name, the matrices of `linear` turned as `nn.Linear` has them.
pub fn renamed(names: &[(&str, &str)], is_linear: bool) -> Vec<Tensor> {
    let tables = [NAMES.w_e, NAMES.w_pos];
    let renamed = |(ours, theirs): &(&str, &str)| {
        let (_, mut shape, mut values) = flat(ours);
        if is_linear && shape.len() == 2 && !tables.contains(ours) {
            transpose(&mut shape, &mut values);
        }
        ((*theirs).to_owned(), shape, values)
    };
    names.iter().map(renamed).collect()
}

const TRANSFORMER_LENS_4: [(&str, &str); 11] = [
    (NAMES.w_e, "embed.weight"),
    (NAMES.w_pos, "pos_embed.weight"),
    (NAMES.w_q, "blocks.0.attn.q.weight"),
    (NAMES.w_k, "blocks.0.attn.k.weight"),
    (NAMES.w_v, "blocks.0.attn.v.weight"),
    (NAMES.w_o, "blocks.0.attn.o.weight"),
    (NAMES.w_in, "blocks.0.mlp.in.weight"),
    (NAMES.b_in, "blocks.0.mlp.in.bias"),
    (NAMES.w_out, "blocks.0.mlp.out.weight"),
    (NAMES.b_out, "blocks.0.mlp.out.bias"),
    (NAMES.w_u, "unembed.weight"),
];

/// All but queries, keys and values, as GPT-2 and programs after it call them.
const GPT: [(&str, &str); 8] = [
    (NAMES.w_e, "transformer.wte.weight"),
    (NAMES.w_pos, "transformer.wpe.weight"),
    (NAMES.w_o, "transformer.h.0.attn.c_proj.weight"),
    (NAMES.w_in, "transformer.h.0.mlp.c_fc.weight"),
    (NAMES.b_in, "transformer.h.0.mlp.c_fc.bias"),
    (NAMES.w_out, "transformer.h.0.mlp.c_proj.weight"),
    (NAMES.b_out, "transformer.h.0.mlp.c_proj.bias"),
    (NAMES.w_u, "lm_head.weight"),
];

/// The network in TransformerLens 4's names, with its matrices as `nn.Linear` has them.
pub fn linear() -> Vec<Tensor> {
    renamed(&TRANSFORMER_LENS_4, true)
}

/// Queries, keys and values in one matrix, with the input's axis first or last.
pub fn fused(name: &str, is_linear: bool) -> Tensor {
    let parts = [NAMES.w_q, NAMES.w_k, NAMES.w_v].map(flat);
    let (d_model, width) = (parts[0].1[0], parts[0].1[1]);
    let row =
        |row: usize| parts.iter().flat_map(move |(_, _, values)| values[row * width..][..width].to_vec());
    let (mut shape, mut values) =
        (vec![d_model, 3 * width], (0..d_model).flat_map(row).collect::<Vec<f32>>());
    if is_linear {
        transpose(&mut shape, &mut values);
    }
    (name.to_owned(), shape, values)
}

pub fn facts(facts: Facts) -> ReadAs {
    ReadAs { facts, ..ReadAs::default() }
}

/// Two heads, which matrices do not tell.
pub fn two_heads() -> ReadAs {
    facts(Facts { n_heads: Some(2), ..Facts::default() })
}

#[test]
fn known_names_in_any_orientation_give_the_same_network() {
    let with_fused = |name: &str, is_linear: bool| {
        let mut tensors = renamed(&GPT, is_linear);
        // GPT-2's `lm_head` is an `nn.Linear` whatever the others are.
        if !is_linear {
            let (_, shape, values) = tensors.last_mut().unwrap();
            transpose(shape, values);
        }
        tensors.push(fused(name, is_linear));
        tensors
    };
    let files = Files::new();
    for (tensors, orientation) in [
        (linear(), Orientation::Linear),
        (with_fused("transformer.h.0.attn.c_attn.weight", true), Orientation::Linear),
        (with_fused("transformer.h.0.attn.c_attn.weight", false), Orientation::TransformerLens),
        (with_fused("transformer.h.0.attn.in_proj_weight", true), Orientation::Linear),
    ] {
        for bytes in [safetensors(&tensors), pytorch(&tensors, "model", &[])] {
            let checkpoint = Checkpoint::open(&files.write("a", &bytes), &two_heads()).unwrap().checkpoint;
            assert_eq!(checkpoint.weights(), Some(&weights()), "{:?}", tensors.last().unwrap().0);
            let imported = checkpoint.metadata.imported.unwrap();
            assert_eq!(imported.orientation, orientation);
            assert!(!imported.assumed.contains_key("n_heads"));
        }
    }
}

#[test]
fn neurons_in_a_module_of_their_own_belong_to_their_transformer() {
    let files = Files::new();
    let names = GPT.map(|(ours, theirs)| match theirs.contains("mlp") {
        true => (
            ours,
            theirs
                .replace("transformer.h.0.mlp.c_fc", "neurons.fc1")
                .replace("transformer.h.0.mlp.c_proj", "neurons.fc2"),
        ),
        false => (ours, theirs.to_owned()),
    });
    let mut tensors = renamed(&names.each_ref().map(|(ours, theirs)| (*ours, &theirs[..])), true);
    tensors.push(fused("transformer.h.0.attn.c_attn.weight", true));
    let path = files.write("a.safetensors", &safetensors(&tensors));
    // What `neurons.fc1` is has to be told, and what it is not is guessed.
    let Err(Error::Names { problem, .. }) = Checkpoint::open(&path, &two_heads()) else { panic!() };
    assert_eq!(problem, "has no tensor that is known to be blocks.0.mlp.W_in, blocks.0.mlp.W_out");
}

#[test]
fn the_number_of_heads_is_assumed_where_it_is_not_said_and_must_fit() {
    let files = Files::new();
    let path = files.write("a.safetensors", &safetensors(&linear()));
    let imported = open(&path).metadata.imported.unwrap();
    assert_eq!(imported.assumed["n_heads"], "4");
    let three = facts(Facts { n_heads: Some(3), ..Facts::default() });
    let error = Checkpoint::open(&path, &three).unwrap_err().to_string();
    assert!(error.ends_with("has queries of width 4, which 3 heads cannot share"), "{error}");
    let path = files.write("b.safetensors", &safetensors(&transformer_lens()));
    let error = Checkpoint::open(&path, &three).unwrap_err().to_string();
    assert!(error.ends_with("has 2 heads, not 3"), "{error}");
}

#[test]
fn names_that_are_not_known_are_drafted_and_read_by_their_map() {
    let files = Files::new();
    let odd: Vec<Tensor> = linear()
        .into_iter()
        .map(|(name, shape, values)| {
            (name.replace("blocks.0.attn.", "looks_").replace("mlp", "rest"), shape, values)
        })
        .collect();
    let path = files.write("a.safetensors", &safetensors(&odd));
    let Err(Error::Names { problem, draft, .. }) = Checkpoint::open(&path, &ReadAs::default()) else {
        panic!()
    };
    assert!(
        problem.starts_with("has no tensor that is known to be") && problem.contains("attn.W_Q"),
        "{problem}"
    );
    assert!(draft.contains("\"looks_q.weight\" = { is = \"\", transpose = true }  # [4, 4]"), "{draft}");
    let fill = |draft: String, (ours, theirs): (&str, &str)| {
        let theirs = theirs.replace("blocks.0.attn.", "looks_").replace("mlp", "rest");
        let line = draft.lines().find(|line| line.starts_with(&format!("\"{theirs}\""))).unwrap().to_owned();
        let is_turned = !theirs.contains("bias") && ![NAMES.w_e, NAMES.w_pos].contains(&ours);
        draft.replace(&line, &format!("\"{theirs}\" = {{ is = \"{ours}\", transpose = {is_turned} }}"))
    };
    let map = TRANSFORMER_LENS_4.into_iter().fold(draft, fill);
    let names = NameMap::read(&files.write("names.toml", map.as_bytes())).unwrap();
    let read_as = ReadAs { names: Some(names), ..two_heads() };
    assert_eq!(Checkpoint::open(&path, &read_as).unwrap().checkpoint.weights(), Some(&weights()));
    // Three matrices in one are told too, and what the map does not tell is known by its name.
    let mut odd = renamed(&GPT, true);
    odd.push(fused("looks.weight", true));
    let path = files.write("c.safetensors", &safetensors(&odd));
    let map = files.write("c.toml", b"\"looks.weight\" = { is = \"W_QKV\", transpose = true }");
    let with_map = ReadAs { names: Some(NameMap::read(&map).unwrap()), ..two_heads() };
    assert_eq!(Checkpoint::open(&path, &with_map).unwrap().checkpoint.weights(), Some(&weights()));
    let other = files.write("b.safetensors", &safetensors(&transformer_lens()));
    let error = Checkpoint::open(&other, &read_as).unwrap_err().to_string();
    assert!(error.contains("has no tensor") && error.ends_with("which the map of names has"), "{error}");
}
