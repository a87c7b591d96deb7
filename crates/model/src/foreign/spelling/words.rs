//! The words that people have for the parts of a one-layer network.

use crate::{
    NAMES,
    architecture::names::{B_K, B_O, B_Q, B_U, B_V},
};

/// Modules around a network, or parts of one, that say nothing of it.
pub const WRAPPERS: [&str; 12] = [
    "transformer",
    "transformer_encoder",
    "encoder_layer",
    "module",
    "net",
    "model",
    "decoder",
    "encoder",
    "_orig_mod",
    "backbone",
    "gpt",
    "embedder",
];

/// What lists of layers are called.
pub const LAYERS: [&str; 6] = ["blocks", "layers", "h", "layer", "block", "transformer_blocks"];

pub const EMBEDDINGS: [&str; 20] = [
    "embed",
    "encoder",
    "tok_emb",
    "tok_embed",
    "tok_embedding",
    "tok_embeddings",
    "token_emb",
    "token_embed",
    "token_embedding",
    "token_embeddings",
    "token_embedding_table",
    "embed_tokens",
    "tokens_embed",
    "word_embeddings",
    "embedding",
    "embeddings",
    "emb",
    "wte",
    "tok",
    "input_embedding",
];

pub const POSITIONS: [&str; 16] = [
    "pos_embed",
    "pos_emb",
    "pos_embedding",
    "pos_embeddings",
    "pos_encoding",
    "position_emb",
    "position_embed",
    "position_embedding",
    "position_embeddings",
    "position_embedding_table",
    "positional_embedding",
    "positional_embeddings",
    "positional_encoding",
    "wpe",
    "pos",
    "pe",
];

pub const UNEMBEDDINGS: [&str; 17] = [
    "fc",
    "linear",
    "unembed",
    "unembedding",
    "head",
    "lm_head",
    "output",
    "output_layer",
    "output_head",
    "out_head",
    "fc_out",
    "out",
    "readout",
    "to_logits",
    "classifier",
    "decoder",
    "proj_out",
];

pub const ATTENTIONS: [&str; 8] =
    ["attn", "attention", "self_attn", "self_attention", "mha", "multihead_attn", "sa", "attn_layer"];

pub const QUERIES: [&str; 7] = ["q", "q_proj", "query", "wq", "to_q", "W_q", "q_linear"];
pub const KEYS: [&str; 7] = ["k", "k_proj", "key", "wk", "to_k", "W_k", "k_linear"];
pub const VALUES: [&str; 7] = ["v", "v_proj", "value", "wv", "to_v", "W_v", "v_linear"];
pub const ALL_THREE: [&str; 7] = ["qkv", "qkv_proj", "c_attn", "in_proj", "to_qkv", "Wqkv", "c_qkv"];
pub const ATTENTION_OUTPUTS: [&str; 11] =
    ["o", "o_proj", "out_proj", "c_proj", "wo", "to_out", "W_o", "out", "output", "proj", "dense"];

pub const NEURONS: [&str; 7] = ["ffwd", "mlp", "ffn", "feed_forward", "ff", "feedforward", "fc"];
pub const INTO_NEURONS: [&str; 13] = [
    "in",
    "fc1",
    "c_fc",
    "linear1",
    "linear_1",
    "fc_in",
    "lin1",
    "w1",
    "up",
    "up_proj",
    "in_proj",
    "dense_h_to_4h",
    "0",
];
pub const OUT_OF_NEURONS: [&str; 14] = [
    "out",
    "fc2",
    "c_proj",
    "linear2",
    "linear_2",
    "fc_out",
    "lin2",
    "w2",
    "down",
    "down_proj",
    "out_proj",
    "dense_4h_to_h",
    "proj",
    "2",
];

/// The norms before the attention, the neurons and the unembedding.
pub const NORM_NAMES: [&[&str]; 3] = [
    &[
        "ln1",
        "ln_1",
        "norm1",
        "norm_1",
        "attn_norm",
        "input_layernorm",
        "ln_attn",
        "layer_norm1",
        "layernorm1",
    ],
    &[
        "ln2",
        "ln_2",
        "norm2",
        "norm_2",
        "mlp_norm",
        "ffn_norm",
        "post_attention_layernorm",
        "ln_mlp",
        "layer_norm2",
        "layernorm2",
    ],
    &["ln_final", "ln_f", "norm_f", "final_norm", "norm", "final_layer_norm", "ln_out", "ln_post"],
];

/// The place of the norm before the unembedding among them.
pub const LAST_NORM: usize = 2;

/// Components of names that only other kinds of networks have, each with what it means.
pub const OTHER_NETWORKS: [(&str, &str); 22] = [
    ("rotary_sin", "rotary attention"),
    ("rotary_cos", "rotary attention"),
    ("q_norm", "norms of queries and keys"),
    ("k_norm", "norms of queries and keys"),
    ("ln1_post", "norms after attention or neurons"),
    ("ln2_post", "norms after attention or neurons"),
    ("rel_pos_bias", "relative positions"),
    ("bias_k", "keys of no token"),
    ("w_ln", "layer norms with weights that are called otherwise"),
    ("experts", "a mixture of experts"),
    ("W_gate", "gated neurons"),
    ("gate", "gated neurons"),
    ("gate_proj", "gated neurons"),
    ("w3", "gated neurons"),
    ("_W_K", "heads that share their keys"),
    ("rotary", "rotary attention"),
    ("rotary_emb", "rotary attention"),
    ("inv_freq", "rotary attention"),
    ("cross_attn", "attention to another sequence"),
    ("encoder_attn", "attention to another sequence"),
    ("weight_ih_l0", "a recurrent network"),
    ("relative_attention_bias", "relative positions"),
];

/// `TransformerLens`' own names, and how its matrices are oriented.
pub const LEAVES: [(&str, &str); 16] = [
    ("W_E", NAMES.w_e),
    ("W_pos", NAMES.w_pos),
    ("W_Q", NAMES.w_q),
    ("W_K", NAMES.w_k),
    ("W_V", NAMES.w_v),
    ("W_O", NAMES.w_o),
    ("b_Q", B_Q),
    ("b_K", B_K),
    ("b_V", B_V),
    ("b_O", B_O),
    ("W_in", NAMES.w_in),
    ("b_in", NAMES.b_in),
    ("W_out", NAMES.w_out),
    ("b_out", NAMES.b_out),
    ("W_U", NAMES.w_u),
    ("b_U", B_U),
];
