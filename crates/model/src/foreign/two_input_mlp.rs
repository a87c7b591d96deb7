use std::collections::BTreeMap;

use super::{Assumed, Facts, NamedTensors, named_tensors::Tensor, spelling::Part, unless_stated};
use crate::{
    Activation, Architecture, MlpArchitecture, MlpInput, NAMES, OtherNetwork,
    architecture::names::{ONE_HOT_B_IN, ONE_HOT_B_OUT, ONE_HOT_W_IN, ONE_HOT_W_OUT, W, W_U, W_X, W_Y},
};

type Result<T> = std::result::Result<T, String>;

/// An MLP over two numbers' embeddings, and its modulus.
pub(super) fn embedded(
    tensors: &NamedTensors,
    facts: &Facts,
    assumed: &mut Assumed,
) -> Result<(usize, OtherNetwork)> {
    require_no_attention(facts)?;
    let [rows, d_embed] = tensors.matrix(Part::One(W_X))?;
    let [_, d_mlp] = tensors.matrix(Part::One(W))?;
    let modulus = stated_or(facts, rows)?;
    let input = MlpInput::Embedded { d_embed };
    let parts = [(W_X, W_X), (W_Y, W_Y), (W, W), (W_U, NAMES.w_u)];
    network(tensors, modulus, of(input, d_mlp, facts, assumed), &parts)
}

/// An MLP over one-hot vectors, and its modulus.
pub(super) fn one_hot(
    tensors: &NamedTensors,
    facts: &Facts,
    assumed: &mut Assumed,
) -> Result<(usize, OtherNetwork)> {
    require_no_attention(facts)?;
    let [inputs, d_mlp] = tensors.matrix(Part::One(NAMES.w_in))?;
    let [_, answers] = tensors.matrix(Part::One(NAMES.w_out))?;
    let modulus = stated_or(facts, answers)?;
    let input = match inputs {
        _ if inputs == modulus => MlpInput::OneHot,
        _ if inputs == 2 * modulus => MlpInput::TwoOneHots,
        _ => {
            return Err(format!(
                "has {inputs} inputs and {answers} answers: no one-hot vectors of the numbers modulo {modulus}"
            ));
        }
    };
    let parts = [
        (ONE_HOT_W_IN, NAMES.w_in),
        (ONE_HOT_B_IN, NAMES.b_in),
        (ONE_HOT_W_OUT, NAMES.w_out),
        (ONE_HOT_B_OUT, NAMES.b_out),
    ];
    network(tensors, modulus, of(input, d_mlp, facts, assumed), &parts)
}

/// Refuses what is said of parts that no MLP has.
fn require_no_attention(facts: &Facts) -> Result<()> {
    let Facts { tokens, layer_norm, n_heads, attention_divisor, attention_coefficient, parallel, .. } = facts;
    // A configuration may say in so many words that there is nothing.
    let is_said =
        layer_norm.unwrap_or(false) || parallel.unwrap_or(false) || tokens.is_some() || n_heads.is_some();
    match is_said || attention_divisor.is_some() || attention_coefficient.is_some() {
        true => {
            Err("is an MLP, with no attention, tokens or norms that anything could be said of".to_owned())
        }
        false => Ok(()),
    }
}

/// The modulus that the tensors give, which must be the one stated if one is.
fn stated_or(facts: &Facts, found: usize) -> Result<usize> {
    match facts.modulus {
        Some(stated) if stated != found => Err(format!("has {found} numbers, not those modulo {stated}")),
        _ => Ok(found),
    }
}

fn of(input: MlpInput, d_mlp: usize, facts: &Facts, assumed: &mut Assumed) -> Architecture {
    let activation = unless_stated("activation", facts.activation, assumed, Activation::default);
    Architecture::TwoInputMlp(MlpArchitecture { input, d_mlp, activation })
}

/// Takes every tensor of an architecture, whose name is paired with the part that it is of.
fn network(
    tensors: &NamedTensors,
    modulus: usize,
    architecture: Architecture,
    parts: &[(&'static str, &'static str)],
) -> Result<(usize, OtherNetwork)> {
    let architecture = architecture.validated(modulus).map_err(|e| format!("its tensors give {e}"))?;
    let mut taken = BTreeMap::new();
    for (name, shape) in architecture.shapes(modulus) {
        let part = parts.iter().find(|(ours, _)| *ours == name).map_or(name, |(_, part)| part);
        let part = Part::One(part);
        // Only biases have one axis, and may be missing.
        if shape.len() == 1 && !tensors.has(part) {
            taken.insert(name, vec![0.0; shape[0]]);
            continue;
        }
        let Tensor { shape: found, values } = tensors.tensor(part)?;
        if found != shape {
            let file = tensors.name(part);
            return Err(format!("{file} is {found:?} where its other tensors call for {shape:?}"));
        }
        taken.insert(name, values);
    }
    Ok((modulus, OtherNetwork { architecture, tensors: taken }))
}
