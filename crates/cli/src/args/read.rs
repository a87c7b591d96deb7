use std::{path::PathBuf, str::FromStr};

use clap::Args;
use clockwork_model::{Activation, Operation, TokenLayout};

/// How a file of someone else's is read, where it does not say it itself.
#[derive(Debug, Args)]
#[command(next_help_heading = "Other people's networks")]
pub struct ReadArgs {
    /// Where the network is in a file that holds several, such as state_dicts.400
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,

    /// What the network is made of: TOML, or a configuration of TransformerLens or of "The Clock and the Pizza" as JSON
    #[arg(long, value_name = "FILE")]
    pub architecture: Option<PathBuf>,

    /// What its tensors are called, as a TOML file; an error about their names prints a draft of it
    #[arg(long, value_name = "FILE")]
    pub names: Option<PathBuf>,

    /// What it learned: add, subtract, multiply, divide or a polynomial such as "x^2 + x*y" [default: add]
    #[arg(long, value_name = "OPERATION", value_parser = in_words::<Operation>)]
    pub operation: Option<Operation>,

    /// It learned products of the numbers 1 to p - 1 alone
    #[arg(long)]
    pub without_zero: bool,

    /// The modulus, where it has more tokens or logits than there are numbers
    #[arg(long, value_name = "P")]
    pub modulus: Option<usize>,

    /// What its neurons compute: relu, gelu, gelu_new, silu or square [default: relu]
    #[arg(long, value_name = "ACT", value_parser = in_words::<Activation>)]
    pub act: Option<Activation>,

    /// Its tokens, such as "x + y =", "= x y" or "x y"; a literal's number may follow it, "x +:24 y =:23" [default: x y =]
    #[arg(long, value_name = "LAYOUT", value_parser = in_words::<TokenLayout>)]
    pub tokens: Option<TokenLayout>,

    /// How many attention heads it has, where its tensors do not tell
    #[arg(long, value_name = "N")]
    pub heads: Option<usize>,

    /// It has layer norms, whose weights are folded into what reads them
    #[arg(long)]
    pub layer_norm: bool,
}

/// A value that is read from words.
pub fn in_words<T: FromStr<Err = String>>(text: &str) -> Result<T, String> {
    text.parse()
}
