use std::{path::Path, str::FromStr};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::read_settings;
use crate::{Activation, Operation, Result, TokenLayout};

/// What somebody says of a network: in a file beside it, in a configuration inside its checkpoint, or at the command
/// line. What is not said is found in its tensors or assumed.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// The operation that it learned.
    pub operation: Option<Operation>,
    /// Whether it learned products with 0 too.
    pub zero: Option<bool>,
    /// The modulus p.
    pub modulus: Option<usize>,
    /// The tokens that it reads.
    pub tokens: Option<TokenLayout>,
    /// Whether y has tokens of its own, p … 2p − 1.
    pub own_vocabularies: Option<bool>,
    /// What its neurons compute.
    pub activation: Option<Activation>,
    /// Whether it has layer norms; where they have no weights, these are folded.
    pub layer_norm: Option<bool>,
    /// What layer norms add to the variance.
    pub epsilon: Option<f64>,
    /// How many attention heads it has.
    pub n_heads: Option<usize>,
    /// What attention scores are divided by.
    pub attention_divisor: Option<f64>,
    /// The α of a pattern that is α · softmax + (1 − α).
    pub attention_coefficient: Option<f64>,
    /// Whether attention and neurons stand side by side.
    pub parallel: Option<bool>,
}

/// A result whose error is in words.
type InWords<T> = std::result::Result<T, String>;

impl Facts {
    /// Reads a file: TOML with the fields of [`Facts`], or JSON with TransformerLens' words or those of "The Clock and
    /// the Pizza".
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file cannot be read, [`Error::Architecture`] where it says what is not known.
    pub fn read(path: &Path) -> Result<Self> {
        read_settings(path, Self::from_text)
    }

    fn from_text(text: &str) -> InWords<Self> {
        if !text.trim_start().starts_with('{') {
            return toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned());
        }
        let config = match serde_json::from_str(text) {
            Ok(Value::Object(config)) => with_sections(config),
            Ok(_) => return Err("no JSON object".to_owned()),
            Err(e) => return Err(format!("no JSON: {e}")),
        };
        let facts = Self::of_config(&config, &Self::default())?;
        let says_sizes = SIZES.iter().any(|size| config.contains_key(*size));
        match facts == Self::default() && !config.is_empty() && !says_sizes {
            true => Err("says nothing of a network in words that are known".to_owned()),
            false => Ok(facts),
        }
    }

    /// These facts, and those of `others` that these do not state.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            operation: self.operation.or(others.operation),
            zero: self.zero.or(others.zero),
            modulus: self.modulus.or(others.modulus),
            tokens: self.tokens.or(others.tokens),
            own_vocabularies: self.own_vocabularies.or(others.own_vocabularies),
            activation: self.activation.or(others.activation),
            layer_norm: self.layer_norm.or(others.layer_norm),
            epsilon: self.epsilon.or(others.epsilon),
            n_heads: self.n_heads.or(others.n_heads),
            attention_divisor: self.attention_divisor.or(others.attention_divisor),
            attention_coefficient: self.attention_coefficient.or(others.attention_coefficient),
            parallel: self.parallel.or(others.parallel),
        }
    }

    /// The facts among the settings of somebody's configuration, but for those that are told. What has nothing to do with
    /// the network's function, such as a learning rate, is passed over; what has and is not known is refused by its
    /// name.
    pub(crate) fn of_config(config: &Map<String, Value>, told: &Self) -> InWords<Self> {
        let config = Config(config);
        config.refuse_what_is_not_known()?;
        let is_pizza = config.number(&["attn_coeff"]).is_some();
        let tokens = match config.text(&["tokens"], told.tokens.is_some())? {
            Some(tokens) => Some(tokens),
            // That study's networks read two tokens, and a third where it says so.
            None if is_pizza => {
                let has_sign = config.flag(&["eqn_sign"]).unwrap_or(false);
                Some(if has_sign { TokenLayout::paper() } else { "x y".parse()? })
            }
            None => None,
        };
        let divisor = match config.flag(&["use_attn_scale", "scale_attn_weights"]) {
            Some(false) => Some(1.0),
            // TransformerLens has −1 for √d_head.
            _ => config.number(&["attn_scale", "attention_divisor"]).filter(|scale| *scale > 0.0),
        };
        // An optimiser has an epsilon too.
        let epsilons: &[&str] = match config.0.contains_key("normalization_type") {
            true => &["layer_norm_eps", "layer_norm_epsilon", "eps"],
            false => &["layer_norm_eps", "layer_norm_epsilon", "ln_eps"],
        };
        Ok(Self {
            operation: config.text(OPERATION, told.operation.is_some())?,
            zero: None,
            modulus: config.count(&["modulus", "p", "P", "C", "prime", "mod"]),
            tokens,
            own_vocabularies: config.flag(&["diff_vocab", "own_vocabularies"]),
            activation: config.text(ACTIVATION, told.activation.is_some())?,
            layer_norm: config.layer_norm(told.layer_norm.is_some())?,
            epsilon: config.number(epsilons),
            n_heads: config.count(N_HEADS),
            attention_divisor: divisor,
            attention_coefficient: config.number(&["attn_coeff", "attention_coefficient"]),
            parallel: config.flag(&["parallel_attn_mlp"]),
        })
    }
}

/// A configuration with the settings of its sections beside its own, which count more.
fn with_sections(config: Map<String, Value>) -> Map<String, Value> {
    let mut settings = Map::new();
    for section in config.values().filter_map(Value::as_object) {
        for (key, value) in section {
            settings.entry(key).or_insert_with(|| value.clone());
        }
    }
    settings.extend(config.into_iter().filter(|(_, value)| !value.is_object()));
    settings
}

/// TransformerLens' words for sizes, which the tensors say too.
const SIZES: [&str; 6] = ["d_model", "d_head", "d_mlp", "d_vocab", "d_vocab_out", "n_ctx"];

const OPERATION: &[&str] = &["operation", "funcs", "fn_name"];
const ACTIVATION: &[&str] = &["act_fn", "act_type", "activation", "activation_function", "hidden_act"];
const N_HEADS: &[&str] = &["n_heads", "num_heads", "n_head", "nheads", "nhead", "num_attention_heads"];
const N_LAYERS: &[&str] = &["n_layers", "num_layers", "n_layer", "nlayers", "num_hidden_layers"];

/// Settings of TransformerLens that make another network, unless they are off: false, missing, 0 or below.
const MUST_BE_OFF: [&str; 14] = [
    "uses_rms_norm",
    "use_rms_norm",
    "rmsnorm_uses_offset",
    "attn_only",
    "gated_mlp",
    "attn_scores_soft_cap",
    "output_logits_soft_cap",
    "use_local_attn",
    "use_qk_norm",
    "final_rms",
    "num_experts",
    "use_normalization_before_and_after",
    "post_embedding_ln",
    "relative_attention_num_buckets",
];

/// Somebody's configuration. A setting goes by several names.
struct Config<'a>(&'a Map<String, Value>);

impl Config<'_> {
    /// The first of these settings that can be read so.
    fn find<T>(&self, names: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        names.iter().find_map(|name| read(self.0.get(*name)?))
    }

    /// A whole number, which may be written as a float or as a text.
    fn count(&self, names: &[&str]) -> Option<usize> {
        let is_count = |number: &f64| number.fract() == 0.0 && (0.0..1e9).contains(number);
        self.find(names, |value| number(value).filter(is_count)).map(|count| count as usize)
    }

    fn number(&self, names: &[&str]) -> Option<f64> {
        self.find(names, number)
    }

    /// True and false, or 1 and 0.
    fn flag(&self, names: &[&str]) -> Option<bool> {
        self.find(names, |value| value.as_bool().or_else(|| Some(value.as_f64()? > 0.0)))
    }

    /// A setting that is a text, read unless something else was told.
    fn text<T: FromStr<Err = String>>(&self, names: &[&str], is_told: bool) -> InWords<Option<T>> {
        let found = names.iter().find_map(|name| Some((name, self.0.get(*name)?.as_str()?)));
        match found {
            Some((name, text)) if !is_told => {
                text.parse().map(Some).map_err(|problem| format!("{name} says {problem}"))
            }
            _ => Ok(None),
        }
    }

    fn layer_norm(&self, is_told: bool) -> InWords<Option<bool>> {
        match self.0.get("normalization_type") {
            _ if is_told => Ok(None),
            Some(Value::Null) => Ok(Some(false)),
            Some(Value::String(kind)) if kind == "LN" || kind == "LNPre" => Ok(Some(true)),
            Some(other) => Err(format!("normalization_type = {other} is not known; there are LN and LNPre")),
            None => Ok(self.flag(&["use_ln", "layer_norm", "layernorm", "use_layernorm", "use_layer_norm"])),
        }
    }

    /// Refuses settings of which no network that is read has any but one value.
    fn refuse_what_is_not_known(&self) -> InWords<()> {
        let value = |name: &str| self.0.get(name).map_or_else(String::new, Value::to_string);
        if let Some(name) =
            N_LAYERS.iter().find(|name| self.number(&[name]).is_some_and(|layers| layers != 1.0))
        {
            return Err(format!("{name} = {} means another number of layers than one", value(name)));
        }
        let is_on = |name: &&&str| self.flag(&[name]).unwrap_or(false);
        if let Some(name) = MUST_BE_OFF.iter().find(is_on) {
            return Err(format!("{name} = {} means another kind of network", value(name)));
        }
        for name in ["positional_embedding_type", "position_embedding_type"] {
            if let Some(kind) = self.find(&[name], |value| value.as_str().map(str::to_owned))
                && kind != "standard"
                && kind != "absolute"
            {
                return Err(format!("{name} = {kind:?} means other positions than learned ones"));
            }
        }
        let shared = ["n_key_value_heads", "num_key_value_heads"];
        if let (Some(keys), Some(heads)) = (self.count(&shared), self.count(N_HEADS))
            && keys != heads
        {
            return Err(format!("{keys} keys for {heads} heads mean heads that share their keys"));
        }
        Ok(())
    }
}

/// A number, which may be written as a text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_json_and_configurations_say_the_same() {
        let ours = "operation = \"subtract\"\nmodulus = 23\ntokens = \"x y =\"\nactivation = \"gelu\"\nlayer_norm = true\nn_heads = 4\n";
        let lens = r#"{"n_layers": 1, "d_model": 32, "n_heads": 4, "act_fn": "gelu", "normalization_type": "LNPre",
            "operation": "x-y", "tokens": "xy=", "p": 23, "attn_scale": -1.0, "seed": 7, "attn_scores_soft_cap": -1.0,
            "positional_embedding_type": "standard"}"#;
        assert_eq!(Facts::from_text(ours), Facts::from_text(lens));
        assert_eq!(Facts::from_text(ours).unwrap().operation, Some(Operation::Subtract));
    }

    #[test]
    fn the_pizza_studys_configuration_is_read_as_it_is() {
        let pizza = |coefficient: f64, own: u8, sign: &str| {
            let json = format!(
                r#"{{"funcs": "lambda x: (x[0]+x[1])%59", "C": 59, "n_heads": 4, "d_model": 128, "n_layers": 1,
                    "attention_dir": "casual", "act_fn": "ReLU", "lr": 0.001, "attn_coeff": {coefficient},
                    "diff_vocab": {own}, "eqn_sign": {sign}, "func": null}}"#
            );
            Facts::from_text(&json).unwrap()
        };
        let facts = pizza(0.0, 1, "false");
        assert_eq!((facts.modulus, facts.operation), (Some(59), Some(Operation::Add)));
        assert_eq!((facts.attention_coefficient, facts.own_vocabularies), (Some(0.0), Some(true)));
        assert_eq!(facts.tokens.unwrap().to_string(), "x y");
        assert_eq!(pizza(1.0, 0, "1").tokens.unwrap(), TokenLayout::paper());
    }

    #[test]
    fn what_is_not_known_is_refused_by_its_name() {
        for (text, words) in [
            (r#"{"n_layers": 2}"#, "n_layers = 2 means another number of layers"),
            (r#"{"act_fn": "solu"}"#, "act_fn says no activation that is known: solu"),
            (r#"{"normalization_type": "RMS"}"#, "normalization_type = \"RMS\" is not known"),
            (r#"{"attn_scores_soft_cap": 30.0}"#, "attn_scores_soft_cap = 30.0 means another kind"),
            (r#"{"gated_mlp": true}"#, "gated_mlp = true means another kind"),
            (r#"{"positional_embedding_type": "rotary"}"#, "positional_embedding_type = \"rotary\""),
            (r#"{"n_heads": 4, "n_key_value_heads": 1}"#, "1 keys for 4 heads mean heads that share"),
            (
                r#"{"funcs": "lambda x: x[0]**n"}"#,
                "funcs says no operation that is known: x**›n: \"n\" is no exponent",
            ),
            (r#"{"lr": 0.1}"#, "says nothing of a network"),
            ("[1]", "TOML parse error"),
            ("{", "no JSON"),
            ("activaton = \"gelu\"", "unknown field `activaton`, expected one of"),
            ("tokens = \"x\"", "no layout of tokens"),
        ] {
            let problem = Facts::from_text(text).unwrap_err();
            assert!(problem.contains(words), "{problem:?} lacks {words:?}");
        }
    }

    #[test]
    fn settings_that_are_no_networks_are_passed_over_and_what_is_told_is_not_asked_for() {
        let config = |json: &str| match serde_json::from_str(json) {
            Ok(Value::Object(config)) => with_sections(config),
            other => panic!("{other:?}"),
        };
        let training = config(r#"{"eps": 1e-8, "p": 0.1, "mod": 113, "lr": 0.1, "parallel": true}"#);
        let facts = Facts::of_config(&training, &Facts::default()).unwrap();
        assert_eq!(facts, Facts { modulus: Some(113), ..Facts::default() });
        let nested = config(r#"{"model": {"act_fn": "gelu", "p": "23"}, "p": 29.0}"#);
        let facts = Facts::of_config(&nested, &Facts::default()).unwrap();
        assert_eq!((facts.activation, facts.modulus), (Some(Activation::Gelu), Some(29)));
        let odd = config(r#"{"operation": "modular_addition", "act_fn": "mish"}"#);
        assert!(Facts::of_config(&odd, &Facts::default()).is_err());
        let told =
            Facts { operation: Some(Operation::Add), activation: Some(Activation::Relu), ..Facts::default() };
        assert_eq!(Facts::of_config(&odd, &told), Ok(Facts::default()));
    }

    #[test]
    fn what_is_told_first_counts() {
        let told = Facts { activation: Some(Activation::Gelu), ..Facts::default() };
        let file = Facts { activation: Some(Activation::Silu), modulus: Some(7), ..Facts::default() };
        let both = told.or(file);
        assert_eq!((both.activation, both.modulus), (Some(Activation::Gelu), Some(7)));
    }
}
