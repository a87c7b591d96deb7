//! How people spell the names of a one-layer network's tensors.

mod words;

use self::words::{
    ALL_THREE, ATTENTION_OUTPUTS, ATTENTIONS, EMBEDDINGS, INTO_NEURONS, KEYS, LAST_NORM, LAYERS, LEAVES,
    NEURONS, NORM_NAMES, OTHER_NETWORKS, OUT_OF_NEURONS, POSITIONS, QUERIES, UNEMBEDDINGS, VALUES, WRAPPERS,
};
use crate::{
    NAMES,
    architecture::names::{B_K, B_O, B_Q, B_U, B_V, NORMS, W, W_X, W_Y},
};

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// A tensor of a network that is read.
    Known(Part, Orientation),
    /// A part of another kind of network, in words.
    OtherNetwork(&'static str),
    /// Nothing that is known.
    Unknown,
}

/// A tensor, or several in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The one that TransformerLens, or a two-input MLP's author, calls so.
    One(&'static str),
    /// `W_Q`, `W_K` and `W_V` after each other.
    QueriesKeysValues,
    /// `b_Q`, `b_K` and `b_V` after each other.
    BiasesOfThose,
}

/// Which axis of a matrix is the input's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Orientation {
    /// The first: x W.
    InputFirst,
    /// The last, as in `nn.Linear`: W x.
    InputLast,
}

use Orientation::{InputFirst, InputLast};

/// What a name below a network's root means.
pub(crate) fn spelling(name: &str) -> Spelling {
    let components: Vec<&str> = name.split('.').collect();
    // A two-input MLP has its tensors side by side.
    if let [only] = components[..]
        && let Some(of_mlp) = [W_X, W_Y, W].into_iter().find(|of_mlp| *of_mlp == only)
    {
        return Spelling::Known(Part::One(of_mlp), InputFirst);
    }
    let mut said = Vec::new();
    let mut is_in_layer = false;
    let mut rest = &components[..];
    while let [first, others @ ..] = rest {
        rest = others;
        if let [layer, after @ ..] = others
            && LAYERS.contains(first)
            && let Ok(layer) = layer.parse::<usize>()
        {
            if layer > 0 {
                return Spelling::OtherNetwork("more than one layer");
            }
            (rest, is_in_layer) = (after, true);
        } else if !WRAPPERS.contains(first) || others.iter().all(|leaf| is_weight(leaf) || is_bias(leaf)) {
            said.push(*first);
        }
    }
    if let Some((_, kind)) = OTHER_NETWORKS.iter().find(|(part, _)| said.contains(part)) {
        return Spelling::OtherNetwork(kind);
    }
    if let Some((_, ours)) = said.last().and_then(|leaf| LEAVES.iter().find(|(theirs, _)| theirs == leaf)) {
        return Spelling::Known(Part::One(ours), InputFirst);
    }
    match said[..] {
        [ref within @ .., of, leaf] if is_weight(leaf) || is_bias(leaf) => {
            of_module(within, of, is_bias(leaf), is_in_layer)
        }
        [.., of, "in_proj_weight"] if ATTENTIONS.contains(&of) => {
            Spelling::Known(Part::QueriesKeysValues, InputLast)
        }
        [.., of, "in_proj_bias"] if ATTENTIONS.contains(&of) => {
            Spelling::Known(Part::BiasesOfThose, InputFirst)
        }
        // A parameter of the network itself.
        [only] if POSITIONS.contains(&only) => Spelling::Known(Part::One(NAMES.w_pos), InputFirst),
        _ => Spelling::Unknown,
    }
    .unless_it_is_a_norm(&said)
}

impl Spelling {
    /// The same, but for what is called a norm and is none of those that are read.
    fn unless_it_is_a_norm(self, said: &[&str]) -> Self {
        let is_norm = |component: &&str| {
            component.contains("norm")
                || component.split('_').any(|part| part.trim_end_matches(char::is_numeric) == "ln")
        };
        match self == Self::Unknown && said.iter().any(is_norm) {
            true => Self::OtherNetwork(NORM_ELSEWHERE),
            false => self,
        }
    }
}

/// What a norm is that is in no place where one is read.
const NORM_ELSEWHERE: &str = "a norm in another place than before attention, neurons or unembedding";

fn is_weight(leaf: &str) -> bool {
    leaf == "weight" || leaf == "w"
}

fn is_bias(leaf: &str) -> bool {
    leaf == "bias" || leaf == "b"
}

/// What the weight or the bias of a module means, which is `within` others.
fn of_module(within: &[&str], module: &str, is_bias: bool, is_in_layer: bool) -> Spelling {
    let linear = |weight: &'static str, bias: &'static str| match is_bias {
        true => Spelling::Known(Part::One(bias), InputFirst),
        false => Spelling::Known(Part::One(weight), InputLast),
    };
    // An `nn.Embedding` has a row for each token, as ours has.
    let table = |weight: &'static str| match is_bias {
        true => Spelling::Unknown,
        false => Spelling::Known(Part::One(weight), InputFirst),
    };
    let is_in = |names: &[&str]| names.contains(&module);
    if within.iter().any(|of| ATTENTIONS.contains(of)) {
        return match () {
            () if is_in(&QUERIES) => linear(NAMES.w_q, B_Q),
            () if is_in(&KEYS) => linear(NAMES.w_k, B_K),
            () if is_in(&VALUES) => linear(NAMES.w_v, B_V),
            () if is_in(&ATTENTION_OUTPUTS) => linear(NAMES.w_o, B_O),
            () if is_in(&ALL_THREE) && is_bias => Spelling::Known(Part::BiasesOfThose, InputFirst),
            () if is_in(&ALL_THREE) => Spelling::Known(Part::QueriesKeysValues, InputLast),
            () => Spelling::Unknown,
        };
    }
    if let Some(norm) = NORM_NAMES.iter().position(|names| names.contains(&module)) {
        // The last norm is behind all layers, and the others are nowhere but in one.
        if !within.is_empty() || (norm == LAST_NORM && is_in_layer) {
            return Spelling::OtherNetwork(NORM_ELSEWHERE);
        }
        let [weight, bias] = NORMS[norm];
        return Spelling::Known(Part::One(if is_bias { bias } else { weight }), InputFirst);
    }
    // Some put the two matrices of the neurons straight into the layer, where their names must say more.
    let is_neurons = within.iter().any(|of| NEURONS.contains(of));
    let says_neurons = ["fc1", "fc2", "linear1", "linear2", "c_fc"].contains(&module);
    if is_neurons || within.is_empty() && says_neurons {
        return match () {
            () if is_in(&INTO_NEURONS) => linear(NAMES.w_in, NAMES.b_in),
            () if is_in(&OUT_OF_NEURONS) => linear(NAMES.w_out, NAMES.b_out),
            () => Spelling::Unknown,
        };
    }
    match () {
        () if !within.is_empty() => Spelling::Unknown,
        () if is_in(&EMBEDDINGS) => table(NAMES.w_e),
        () if is_in(&POSITIONS) => table(NAMES.w_pos),
        () if is_in(&UNEMBEDDINGS) => linear(NAMES.w_u, B_U),
        () => Spelling::Unknown,
    }
}

/// Whether a name passes through a list of layers, such as `blocks.0`.
pub(crate) fn is_within_layer(name: &str) -> bool {
    let components: Vec<&str> = name.split('.').collect();
    components.windows(2).any(|pair| LAYERS.contains(&pair[0]) && pair[1].parse::<usize>().is_ok())
}

/// Whether a root is that of the neurons of a network, such as `mlp.`.
pub(crate) fn is_neurons(root: &str) -> bool {
    root.trim_end_matches('.').rsplit('.').next().is_some_and(|last| NEURONS.contains(&last))
}

/// Whether a name is that of a mask, or of a constant beside one, that does nothing at the last position.
pub(crate) fn is_mask(name: &str) -> bool {
    const MASKS: [&str; 6] = ["mask", "IGNORE", "masked_bias", "tril", "causal_mask", "attn_mask"];
    // nanoGPT calls its mask the bias of the attention.
    let is_bias_of_attention =
        ATTENTIONS.iter().any(|attention| name.ends_with(&format!("{attention}.bias")));
    is_bias_of_attention || name.rsplit('.').next().is_some_and(|leaf| MASKS.contains(&leaf))
}

/// What a map of names calls queries, keys and values that are one matrix, after each other.
pub(crate) const W_QKV: &str = "W_QKV";

/// The same of their biases.
pub(crate) const B_QKV: &str = "b_QKV";

/// A part of ours by its name, as a map of names gives it.
pub(crate) fn ours(name: &str) -> Option<Part> {
    match (name, spelling(name)) {
        (W_QKV, _) => Some(Part::QueriesKeysValues),
        (B_QKV, _) => Some(Part::BiasesOfThose),
        (_, Spelling::Known(part @ Part::One(_), InputFirst)) => Some(part),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> (Part, Orientation) {
        match spelling(name) {
            Spelling::Known(part, orientation) => (part, orientation),
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn known_spellings_are_known() {
        for (name, ours, orientation) in [
            ("embed.W_E", NAMES.w_e, InputFirst),
            ("blocks.0.attn.W_Q", NAMES.w_q, InputFirst),
            ("blocks.0.attn.q.weight", NAMES.w_q, InputLast),
            ("blocks.0.attn.q.bias", B_Q, InputFirst),
            ("blocks.0.mlp.in.weight", NAMES.w_in, InputLast),
            ("unembed.weight", NAMES.w_u, InputLast),
            ("unembed.bias", B_U, InputFirst),
            ("transformer.wte.weight", NAMES.w_e, InputFirst),
            ("transformer.wpe.weight", NAMES.w_pos, InputFirst),
            ("transformer.h.0.attn.c_proj.weight", NAMES.w_o, InputLast),
            ("transformer.h.0.mlp.c_fc.weight", NAMES.w_in, InputLast),
            ("transformer.h.0.mlp.c_proj.bias", NAMES.b_out, InputFirst),
            ("transformer.h.0.ln_1.weight", NORMS[0][0], InputFirst),
            ("transformer.ln_f.bias", NORMS[2][1], InputFirst),
            ("lm_head.weight", NAMES.w_u, InputLast),
            ("layers.0.self_attn.out_proj.weight", NAMES.w_o, InputLast),
            ("layers.0.linear1.weight", NAMES.w_in, InputLast),
            ("tok_emb.weight", NAMES.w_e, InputFirst),
            ("pos_emb", NAMES.w_pos, InputFirst),
            ("head.weight", NAMES.w_u, InputLast),
            ("ffn.net.0.weight", NAMES.w_in, InputLast),
            ("ffn.net.2.bias", NAMES.b_out, InputFirst),
            ("decoder.weight", NAMES.w_u, InputLast),
            ("W_x", W_X, InputFirst),
        ] {
            assert_eq!(known(name), (Part::One(ours), orientation), "{name}");
        }
        for fused in
            ["blocks.0.attn.qkv.weight", "layers.0.self_attn.in_proj_weight", "h.0.attn.c_attn.weight"]
        {
            assert_eq!(known(fused), (Part::QueriesKeysValues, InputLast), "{fused}");
        }
    }

    #[test]
    fn other_networks_and_what_is_not_known_are_told_apart() {
        for (name, words) in [
            ("blocks.1.attn.W_Q", "more than one layer"),
            ("h.11.mlp.c_fc.weight", "more than one layer"),
            ("blocks.0.mlp.W_gate", "gated neurons"),
            ("layers.0.mlp.gate_proj.weight", "gated neurons"),
            ("layers.0.self_attn.rotary_emb.inv_freq", "rotary attention"),
            ("blocks.0.attn._W_K", "heads that share their keys"),
            ("lstm.weight_ih_l0", "a recurrent network"),
        ] {
            assert_eq!(spelling(name), Spelling::OtherNetwork(words), "{name}");
        }
        for name in ["ln_embed.weight", "embed.ln.w", "layernorm_embedding.bias", "input_norm.weight"] {
            assert!(matches!(spelling(name), Spelling::OtherNetwork(_)), "{name}");
        }
        for name in ["blocks.0.attn.mask", "x_embed", "exp_avg", "embed.bias", "a.b.weight", "head", ""] {
            assert_eq!(spelling(name), Spelling::Unknown, "{name}");
        }
        assert!(
            is_within_layer("blocks.0.mlp.W_in")
                && is_within_layer("a.h.0.b")
                && !is_within_layer("states.0.a")
        );
        assert!(is_neurons("model.mlp.") && !is_neurons("model.") && !is_neurons(""));
        for name in ["blocks.0.norm.weight", "embed.norm.weight", "blocks.0.mlp.ln.w", "blocks.0.ln1_post.w"]
        {
            let spelling = spelling(name);
            assert!(!matches!(spelling, Spelling::Known(..)), "{name}: {spelling:?}");
        }
    }
}
