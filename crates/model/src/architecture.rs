use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Activation, Error, ModelConfig, NAMES, Result, SizeBound, Token, TokenLayout};

/// What a network that is not the paper's is made of: what its tensors alone do not say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Architecture {
    /// A one-layer transformer.
    Transformer(TransformerArchitecture),
    /// Neurons that see two numbers at once, with no attention.
    TwoInputMlp(MlpArchitecture),
}

/// A one-layer transformer, as its computation needs it. The paper's is one with the defaults for every choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransformerArchitecture {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Number of attention heads.
    pub n_heads: usize,
    /// Width of one attention head.
    pub d_head: usize,
    /// Number of neurons.
    pub d_mlp: usize,
    /// The tokens that it reads.
    pub tokens: TokenLayout,
    /// Whether y has embeddings of its own, instead of those of x.
    pub own_vocabularies: bool,
    /// What its neurons compute.
    pub activation: Activation,
    /// Which norms it has.
    pub norms: Norms,
    /// What attention scores are divided by, √d_head as a rule.
    pub attention_divisor: f64,
    /// The α of a pattern that is α · softmax + (1 − α) ("The Clock and the Pizza", section 3): 1 is softmax attention,
    /// 0 gives every position the weight 1.
    pub attention_coefficient: f64,
    /// Whether attention and neurons read the same residual stream side by side, instead of one after the other.
    pub parallel: bool,
}

/// Which layer norms a transformer has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Norms {
    /// Before the attention.
    pub before_attention: Norm,
    /// Before the neurons.
    pub before_neurons: Norm,
    /// Before the unembedding.
    pub before_unembedding: Norm,
    /// What is added to the variance before the square root.
    pub epsilon: f64,
}

/// A layer norm (Ba et al. 2016), if it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// The residual stream is read as it is.
    None,
    /// It is centred and divided by its standard deviation. Weights and biases, if it was trained with some, are folded
    /// into what reads it.
    Folded,
    /// The same, then multiplied by weights, with biases added.
    Weighted,
}

/// Two numbers' embeddings, or the numbers as one-hot vectors, straight into the neurons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MlpArchitecture {
    /// How numbers enter.
    pub input: MlpInput,
    /// Number of neurons.
    pub d_mlp: usize,
    /// What its neurons compute.
    pub activation: Activation,
}

/// How numbers enter a [`MlpArchitecture`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MlpInput {
    /// Embeddings of this width, of x and of y beside each other ("A Toy Model of Universality", Chughtai et al. 2023).
    Embedded {
        /// The width of one embedding.
        d_embed: usize,
    },
    /// The sum of their one-hot vectors ("On the Mechanism and Dynamics of Modular Addition", He et al. 2026).
    OneHot,
    /// Their one-hot vectors beside each other ("Grokking modular arithmetic", Gromov 2023).
    TwoOneHots,
}

impl Norms {
    /// What TransformerLens adds to the variance.
    pub const EPSILON: f64 = 1e-5;

    /// The same everywhere.
    #[must_use]
    pub fn all(norm: Norm) -> Self {
        Self {
            before_attention: norm,
            before_neurons: norm,
            before_unembedding: norm,
            epsilon: Self::EPSILON,
        }
    }

    /// Whether there is any.
    #[must_use]
    pub fn any(&self) -> bool {
        [self.before_attention, self.before_neurons, self.before_unembedding]
            .iter()
            .any(|norm| *norm != Norm::None)
    }
}

/// The names of the tensors that the paper's network has not, as TransformerLens has them.
pub mod names {
    /// `b_Q` [n_heads, d_head].
    pub const B_Q: &str = "blocks.0.attn.b_Q";
    /// `b_K` [n_heads, d_head].
    pub const B_K: &str = "blocks.0.attn.b_K";
    /// `b_V` [n_heads, d_head].
    pub const B_V: &str = "blocks.0.attn.b_V";
    /// `b_O` [d_model].
    pub const B_O: &str = "blocks.0.attn.b_O";
    /// `b_U` [p].
    pub const B_U: &str = "unembed.b_U";
    /// Weights and biases of the norms before the attention, the neurons and the unembedding, [d_model] each.
    pub const NORMS: [[&str; 2]; 3] = [
        ["blocks.0.ln1.w", "blocks.0.ln1.b"],
        ["blocks.0.ln2.w", "blocks.0.ln2.b"],
        ["ln_final.w", "ln_final.b"],
    ];
    /// `W_x` [p, d_embed], an MLP's embedding of x.
    pub const W_X: &str = "W_x";
    /// `W_y` [p, d_embed], that of y.
    pub const W_Y: &str = "W_y";
    /// `W` [2 d_embed, d_mlp], from both embeddings into the neurons.
    pub const W: &str = "W";
    /// `W_U` [d_mlp, p], from the neurons to the logits.
    pub const W_U: &str = "W_U";
    /// `W_in` [p, d_mlp], from one-hot vectors into the neurons; [2p, d_mlp] where x and y have one each.
    pub const ONE_HOT_W_IN: &str = "mlp.W_in";
    /// `b_in` [d_mlp].
    pub const ONE_HOT_B_IN: &str = "mlp.b_in";
    /// `W_out` [d_mlp, p], from the neurons to the logits.
    pub const ONE_HOT_W_OUT: &str = "mlp.W_out";
    /// `b_out` [p].
    pub const ONE_HOT_B_OUT: &str = "mlp.b_out";
}

impl Architecture {
    /// What its neurons compute.
    #[must_use]
    pub fn activation(&self) -> Activation {
        match self {
            Self::Transformer(of) => of.activation,
            Self::TwoInputMlp(of) => of.activation,
        }
    }

    /// The network's sizes modulo p. A network without attention has no heads, and the width of an embedding for
    /// `d_model`.
    #[must_use]
    pub fn sizes(&self, modulus: usize) -> ModelConfig {
        match self {
            Self::Transformer(TransformerArchitecture { d_model, n_heads, d_mlp, .. }) => {
                ModelConfig { modulus, d_model: *d_model, n_heads: *n_heads, d_mlp: *d_mlp }
            }
            Self::TwoInputMlp(MlpArchitecture { input, d_mlp, .. }) => {
                let d_model = match input {
                    MlpInput::Embedded { d_embed } => *d_embed,
                    MlpInput::OneHot | MlpInput::TwoOneHots => *d_mlp,
                };
                ModelConfig { modulus, d_model, n_heads: 0, d_mlp: *d_mlp }
            }
        }
    }

    /// The shape of every tensor by its name, in `TransformerLens`' orientation. The embedding has the numbers, those
    /// of y after those of x where they are its own, and then the literals in the order of the layout; the positional
    /// embedding has the layout's positions; the unembedding has the p answers.
    #[must_use]
    pub fn shapes(&self, modulus: usize) -> BTreeMap<&'static str, Vec<usize>> {
        match self {
            Self::Transformer(of) => of.shapes(modulus),
            Self::TwoInputMlp(of) => of.shapes(modulus),
        }
    }

    /// This architecture if a network can be made of it.
    ///
    /// # Errors
    ///
    /// [`Error::Size`](crate::Error::Size) names the first size that is impossible.
    pub fn validated(self, modulus: usize) -> Result<Self> {
        let sizes = self.sizes(modulus).within_limits()?;
        if let Self::Transformer(of) = &self {
            if of.d_head == 0 {
                return Err(Error::Size { name: "d_head", value: 0, bound: SizeBound::AtLeast(1) });
            }
            ModelConfig { d_model: of.d_head.saturating_mul(of.n_heads), ..sizes }.validated()?;
        }
        Ok(self)
    }
}

impl TransformerArchitecture {
    /// The row of the embedding that a literal has, by its place among the literals.
    #[must_use]
    pub fn row_of_literal(&self, modulus: usize, place: usize) -> usize {
        self.first_of_y(modulus) + modulus + place
    }

    /// The row of the embedding that y's 0 has.
    #[must_use]
    pub fn first_of_y(&self, modulus: usize) -> usize {
        if self.own_vocabularies { modulus } else { 0 }
    }

    /// Whether numbers go through the heads to the neurons by one linear map, and to attention scores from a query that is
    /// the same for every input.
    #[must_use]
    pub fn has_linear_heads(&self) -> bool {
        matches!(self.tokens.tokens().last(), Some(Token::Literal { .. }))
            && [self.norms.before_attention, self.norms.before_neurons] == [Norm::None; 2]
            && !self.parallel
            && !self.own_vocabularies
    }

    /// Whether it is the paper's, but for its biases: then one network computes what the other does.
    pub(crate) fn is_papers(&self) -> bool {
        let Self { d_model, n_heads, d_head, tokens, norms, .. } = self;
        let chosen = (self.activation, self.own_vocabularies, self.parallel, self.attention_coefficient);
        *tokens == TokenLayout::paper()
            && chosen == (Activation::Relu, false, false, 1.0)
            && !norms.any()
            && self.attention_divisor == (*d_head as f64).sqrt()
            && n_heads * d_head == *d_model
    }

    fn shapes(&self, modulus: usize) -> BTreeMap<&'static str, Vec<usize>> {
        let &Self { d_model, n_heads, d_head, d_mlp, .. } = self;
        let per_head = || vec![n_heads, d_model, d_head];
        let d_vocab = self.row_of_literal(modulus, self.tokens.literals().count());
        let mut shapes = BTreeMap::from([
            (NAMES.w_e, vec![d_vocab, d_model]),
            (NAMES.w_pos, vec![self.tokens.len(), d_model]),
            (NAMES.w_q, per_head()),
            (NAMES.w_k, per_head()),
            (NAMES.w_v, per_head()),
            (NAMES.w_o, vec![n_heads, d_head, d_model]),
            (names::B_Q, vec![n_heads, d_head]),
            (names::B_K, vec![n_heads, d_head]),
            (names::B_V, vec![n_heads, d_head]),
            (names::B_O, vec![d_model]),
            (NAMES.w_in, vec![d_model, d_mlp]),
            (NAMES.b_in, vec![d_mlp]),
            (NAMES.w_out, vec![d_mlp, d_model]),
            (NAMES.b_out, vec![d_model]),
            (NAMES.w_u, vec![d_model, modulus]),
            (names::B_U, vec![modulus]),
        ]);
        for (norm, both) in self.norms.in_order().into_iter().zip(names::NORMS) {
            if norm == Norm::Weighted {
                shapes.extend(both.map(|name| (name, vec![d_model])));
            }
        }
        shapes
    }
}

impl MlpArchitecture {
    fn shapes(&self, modulus: usize) -> BTreeMap<&'static str, Vec<usize>> {
        let d_mlp = self.d_mlp;
        let inputs = match self.input {
            MlpInput::Embedded { d_embed } => {
                return BTreeMap::from([
                    (names::W_X, vec![modulus, d_embed]),
                    (names::W_Y, vec![modulus, d_embed]),
                    (names::W, vec![2 * d_embed, d_mlp]),
                    (names::W_U, vec![d_mlp, modulus]),
                ]);
            }
            MlpInput::OneHot => modulus,
            MlpInput::TwoOneHots => 2 * modulus,
        };
        BTreeMap::from([
            (names::ONE_HOT_W_IN, vec![inputs, d_mlp]),
            (names::ONE_HOT_B_IN, vec![d_mlp]),
            (names::ONE_HOT_W_OUT, vec![d_mlp, modulus]),
            (names::ONE_HOT_B_OUT, vec![modulus]),
        ])
    }
}

impl Norms {
    /// Those before the attention, the neurons and the unembedding.
    #[must_use]
    pub fn in_order(&self) -> [Norm; 3] {
        [self.before_attention, self.before_neurons, self.before_unembedding]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transformer() -> TransformerArchitecture {
        TransformerArchitecture {
            d_model: 8,
            n_heads: 2,
            d_head: 4,
            d_mlp: 16,
            tokens: TokenLayout::paper(),
            own_vocabularies: false,
            activation: Activation::Relu,
            norms: Norms::all(Norm::None),
            attention_divisor: 2.0,
            attention_coefficient: 1.0,
            parallel: false,
        }
    }

    #[test]
    fn the_papers_network_is_one_of_them_and_every_choice_makes_another() {
        let papers = transformer();
        assert!(papers.is_papers());
        for other in [
            TransformerArchitecture { activation: Activation::Gelu, ..papers.clone() },
            TransformerArchitecture { attention_divisor: 1.0, ..papers.clone() },
            TransformerArchitecture { attention_coefficient: 0.5, ..papers.clone() },
            TransformerArchitecture { parallel: true, ..papers.clone() },
            TransformerArchitecture { own_vocabularies: true, ..papers.clone() },
            TransformerArchitecture { tokens: "= x y".parse().unwrap(), ..papers.clone() },
            TransformerArchitecture { norms: Norms::all(Norm::Folded), ..papers.clone() },
        ] {
            assert!(!other.is_papers(), "{other:?}");
        }
        let shapes = Architecture::Transformer(papers).shapes(7);
        let ours = ModelConfig { modulus: 7, d_model: 8, n_heads: 2, d_mlp: 16 }.shapes();
        assert!(NAMES.zip(ours).into_array().iter().all(|(name, shape)| shapes[name] == *shape));
    }

    #[test]
    fn sizes_that_no_network_has_are_refused() {
        let of = |n_heads, d_head| {
            Architecture::Transformer(TransformerArchitecture { n_heads, d_head, ..transformer() })
                .validated(7)
        };
        assert!(of(2, 4).is_ok() && of(3, 4).is_ok());
        assert!(of(0, 4).is_err() && of(1 << 30, 1 << 30).is_err() && of(2, 0).is_err());
    }

    #[test]
    fn architectures_come_back_from_json_as_they_were() {
        let mlp = |input| {
            Architecture::TwoInputMlp(MlpArchitecture { input, d_mlp: 9, activation: Activation::Square })
        };
        for of in [
            Architecture::Transformer(transformer()),
            mlp(MlpInput::OneHot),
            mlp(MlpInput::Embedded { d_embed: 4 }),
        ] {
            let json = serde_json::to_string(&of).unwrap();
            assert_eq!(serde_json::from_str::<Architecture>(&json).unwrap(), of, "{json}");
        }
    }
}
