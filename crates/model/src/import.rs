use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    Error, ModelConfig, NAMES, Parameters, Result, Split, Task, Weights, split::SPLIT_NAMES,
    state_dict::StateDict,
};

/// A network that was trained by someone else, read from a safetensors file or a PyTorch state dict.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Import {
    /// The task. A file does not say it; it is taken for addition.
    pub task: Task,
    /// The network's sizes, read off its tensors.
    pub model: ModelConfig,
    /// The weights, in our orientation. Those of 64 bits are rounded to 32.
    pub weights: Weights,
    /// The pairs that it was trained on, where the file says so.
    pub split: Option<Split>,
    /// How the file orients its tensors.
    pub orientation: Orientation,
}

/// How a file orients its tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Orientation {
    /// `TransformerLens`': activations are multiplied from the left, x W.
    TransformerLens,
    /// That of the notebook published with the paper in 2022: W x, all heads' `W_O` side by side.
    Notebook2022,
}

/// Biases that networks in TransformerLens' format can have, and ours has not. They must be zero.
const FOREIGN_BIASES: [&str; 5] =
    ["blocks.0.attn.b_Q", "blocks.0.attn.b_K", "blocks.0.attn.b_V", "blocks.0.attn.b_O", "unembed.b_U"];

/// Parts of the names of tensors that only other kinds of networks have, each with what it means.
const FOREIGN_PARTS: [(&str, &str); 5] = [
    ("blocks.1.", "more than one layer"),
    (".ln1.", "layer norm"),
    (".ln2.", "layer norm"),
    ("ln_final.", "layer norm"),
    ("W_gate", "gated neurons"),
];

/// Where state dicts are found in files that hold more than one thing, the first choice first.
const USUAL_KEYS: [&str; 4] = ["", "model.", "state_dict.", "model_state_dict."];

impl Import {
    /// Reads a network from a file's bytes. `key` names its state dict in a file that holds several, such as
    /// `state_dicts.400`.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] where the file is no whole state dict, or holds another kind of network.
    pub fn read(path: &Path, bytes: Vec<u8>, key: Option<&str>) -> Result<Self> {
        let fail = |problem| Error::Checkpoint { path: path.to_owned(), problem };
        let file = StateDict::read(path, bytes).map_err(fail)?;
        let prefix = prefix_of(&file, key).map_err(|problem| match problem {
            NoPrefix::Several { n_networks, keys } => {
                Error::SeveralNetworks { path: path.to_owned(), n_networks, keys }
            }
            NoPrefix::Other(problem) => fail(problem),
        })?;
        Self::from_state_dict(&file, &prefix).map_err(fail)
    }

    fn from_state_dict(file: &StateDict, prefix: &str) -> std::result::Result<Self, String> {
        let full = |name: &str| format!("{prefix}{name}");
        refuse_other_networks(file, prefix)?;
        let shape =
            |name: &str| file.shape(&full(name)).ok_or_else(|| format!("has no tensor {}", full(name)));

        // The 2022 notebook keeps the heads' outputs in one matrix.
        let orientation = match shape(NAMES.w_o)?.len() {
            2 => Orientation::Notebook2022,
            _ => Orientation::TransformerLens,
        };
        let model = sizes(orientation, &shape)?;
        let kinds = NAMES.zip(TREATMENT).zip(stored_shapes(&model, orientation));
        let weights = kinds.try_map(|((name, treatment), expected)| {
            if treatment == Treatment::MayLack && file.shape(&full(name)).is_none() {
                return Ok(vec![0.0; expected.iter().product()]);
            }
            let found = shape(name)?;
            let has_equals =
                treatment == Treatment::DropsEquals && found == [model.d_model, model.modulus + 1];
            if found != expected && !has_equals {
                return Err(format!("{name} is {found:?} where its other tensors call for {expected:?}"));
            }
            let values = file.floats(&full(name))?;
            if !values.iter().all(|value| value.is_finite()) {
                return Err(format!("{name} holds values that are not finite"));
            }
            Ok(match treatment {
                Treatment::DropsEquals if has_equals => values
                    .chunks_exact(model.modulus + 1)
                    .flat_map(|row| &row[..model.modulus])
                    .copied()
                    .collect(),
                Treatment::Transposed if orientation == Orientation::Notebook2022 => {
                    transposed(&values, &expected)
                }
                _ => values,
            })
        })?;
        let task = Task::addition(model.modulus);
        Ok(Self { task, model, weights, split: split(file, prefix, task)?, orientation })
    }
}

/// What is particular about a parameter in other people's files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// Nothing is.
    AsItIs,
    /// The 2022 notebook has rows for our columns.
    Transposed,
    /// It may be left out, and is zero then.
    MayLack,
    /// It may have a column for the logit of `=`, which is no answer.
    DropsEquals,
}

const TREATMENT: Parameters<Treatment> = Parameters {
    w_e: Treatment::Transposed,
    w_pos: Treatment::AsItIs,
    w_q: Treatment::Transposed,
    w_k: Treatment::Transposed,
    w_v: Treatment::Transposed,
    w_o: Treatment::Transposed,
    w_in: Treatment::Transposed,
    b_in: Treatment::MayLack,
    w_out: Treatment::Transposed,
    b_out: Treatment::MayLack,
    w_u: Treatment::DropsEquals,
};

/// Why it is not known which state dict of a file to read.
enum NoPrefix {
    /// There are several.
    Several {
        n_networks: usize,
        /// Some of their keys, in words.
        keys: String,
    },
    /// For another reason, in words.
    Other(String),
}

/// What stands before the names of the state dict to read.
fn prefix_of(file: &StateDict, key: Option<&str>) -> std::result::Result<String, NoPrefix> {
    let found: Vec<&str> = file
        .names()
        .filter_map(|name| name.strip_suffix(NAMES.w_e))
        .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
        .collect();
    let among = || {
        let name = |prefix: &&'_ str| match prefix.trim_end_matches('.') {
            "" => "no key at all".to_owned(),
            key => key.to_owned(),
        };
        let named: Vec<String> = found.iter().take(3).map(name).collect();
        let more = if found.len() > named.len() { ", …" } else { "" };
        format!("{}{more}", named.join(", "))
    };
    if let Some(key) = key {
        let prefix = format!("{}.", key.trim_end_matches('.'));
        return match found.contains(&&prefix[..]) {
            true => Ok(prefix),
            false if found.is_empty() => Err(NoPrefix::Other(format!("has no tensor {}", NAMES.w_e))),
            false => Err(NoPrefix::Other(format!("has no network under {key}; it has {}", among()))),
        };
    }
    if let Some(usual) = USUAL_KEYS.into_iter().find(|usual| found.contains(usual)) {
        return Ok(usual.to_owned());
    }
    match found[..] {
        [] => Err(NoPrefix::Other(format!("has no tensor {}; it needs TransformerLens' names", NAMES.w_e))),
        [only] => Ok(only.to_owned()),
        _ => Err(NoPrefix::Several { n_networks: found.len(), keys: among() }),
    }
}

fn refuse_other_networks(file: &StateDict, prefix: &str) -> std::result::Result<(), String> {
    for name in file.names().filter_map(|name| name.strip_prefix(prefix)) {
        if let Some((_, kind)) = FOREIGN_PARTS.iter().find(|(part, _)| name.contains(part)) {
            return Err(format!("{name} means {kind}, which this network has not"));
        }
    }
    for bias in FOREIGN_BIASES {
        let full = format!("{prefix}{bias}");
        if file.shape(&full).is_some() && file.floats(&full)?.iter().any(|&b| b != 0.0) {
            return Err(format!("{bias} is not zero; this network has no such bias"));
        }
    }
    Ok(())
}

/// The network's sizes, read off the shapes of its tensors.
fn sizes<'a>(
    orientation: Orientation,
    shape: &impl Fn(&str) -> std::result::Result<&'a [usize], String>,
) -> std::result::Result<ModelConfig, String> {
    let matrix = |name: &str| match shape(name)? {
        &[rows, columns] if orientation == Orientation::Notebook2022 => Ok([columns, rows]),
        &[rows, columns] => Ok([rows, columns]),
        other => Err(format!("{name} is {other:?} where a matrix is expected")),
    };
    let [tokens, d_model] = matrix(NAMES.w_e)?;
    let [_, d_mlp] = matrix(NAMES.w_in)?;
    let &[n_heads, _, _] = shape(NAMES.w_q)? else {
        return Err(format!("{} is {:?} where three axes are expected", NAMES.w_q, shape(NAMES.w_q)?));
    };
    let model = ModelConfig { modulus: tokens.saturating_sub(1), d_model, n_heads, d_mlp };
    model.validated().map_err(|e| format!("its tensors give {e}"))
}

/// The shapes that a file of this orientation stores.
fn stored_shapes(model: &ModelConfig, orientation: Orientation) -> Parameters<Vec<usize>> {
    let ours = model.shapes();
    if orientation == Orientation::TransformerLens {
        return ours;
    }
    let &ModelConfig { modulus: p, d_model, n_heads, d_mlp } = model;
    let per_head = vec![n_heads, model.d_head(), d_model];
    Parameters {
        w_e: vec![d_model, p + 1],
        w_q: per_head.clone(),
        w_k: per_head.clone(),
        w_v: per_head,
        w_o: vec![d_model, n_heads * model.d_head()],
        w_in: vec![d_mlp, d_model],
        w_out: vec![d_model, d_mlp],
        ..ours
    }
}

/// The elements of one matrix, or of several after each other, with the last two axes exchanged.
fn transposed(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let [.., rows, columns] = shape else { return values.to_vec() };
    let transposed = |matrix: &[f32]| -> Vec<f32> {
        (0..*columns)
            .flat_map(|j| (0..*rows).map(move |i| (i, j)))
            .map(|(i, j)| matrix[i * columns + j])
            .collect()
    };
    values.chunks_exact(rows * columns).flat_map(transposed).collect()
}

/// The split that a file names, if it does.
fn split(file: &StateDict, prefix: &str, task: Task) -> std::result::Result<Option<Split>, String> {
    let indices = |name: &str| match file.whole_numbers(name)? {
        None => file.whole_numbers(&format!("{prefix}{name}")),
        found => Ok(found),
    };
    let [train, test] = SPLIT_NAMES;
    match (indices(train)?, indices(test)?) {
        (Some(train), test) => {
            let split = Split::of_indices(task, &train, test.as_deref())?;
            // Who trained on every pair held none out.
            Ok(Some(split).filter(|split| !split.test.is_empty()))
        }
        (None, _) => Ok(None),
    }
}
