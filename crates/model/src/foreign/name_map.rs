use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use super::{
    named_tensors::name_of,
    read_settings,
    spelling::{B_QKV, Orientation, Part, Spelling, W_QKV, ours},
};
use crate::Result;

/// What the tensors of a file are, told by its owner: a TOML file with a line for each,
/// `"their.name" = { is = "blocks.0.attn.W_Q", transpose = true }`. `transpose` is true where the matrix has a row for
/// each output, as in `nn.Linear`.
#[derive(Debug, Clone, PartialEq)]
pub struct NameMap(BTreeMap<String, Meaning>);

/// What one tensor is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Meaning {
    /// The name that TransformerLens, or a two-input MLP's author, has for it; empty where it is nothing that is read.
    is: String,
    #[serde(default)]
    transpose: bool,
}

impl NameMap {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where it cannot be read, [`Error::Architecture`] where it is no such map.
    pub fn read(path: &Path) -> Result<Self> {
        read_settings(path, Self::from_text)
    }

    fn from_text(text: &str) -> std::result::Result<Self, String> {
        let map: BTreeMap<String, Meaning> =
            toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())?;
        match map.values().find(|meaning| !meaning.is.is_empty() && ours(&meaning.is).is_none()) {
            Some(Meaning { is, .. }) => Err(format!(
                "there is no tensor {is} in a network that is read; there are TransformerLens' names, {W_QKV} and \
                 {B_QKV}, and W_x, W_y, W and W_U"
            )),
            None => Ok(Self(map)),
        }
    }

    /// The names that it has.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What a tensor of this name is, if the map tells.
    pub(crate) fn meaning(&self, name: &str) -> Option<Spelling> {
        let Meaning { is, transpose } = self.0.get(name)?;
        let orientation = if *transpose { Orientation::InputLast } else { Orientation::InputFirst };
        Some(ours(is).map_or(Spelling::Unknown, |part| Spelling::Known(part, orientation)))
    }

    /// A map of some tensors, given by their names, shapes and what is known of them, to be filled in; matrices
    /// that are not known have a row for each output, as in `nn.Linear`, where others have.
    pub(crate) fn draft<'a>(
        tensors: impl Iterator<Item = (&'a str, &'a [usize], Option<(Part, Orientation)>)>,
        is_any_turned: bool,
    ) -> String {
        let line = |(name, shape, known): (&str, &[usize], Option<(Part, Orientation)>)| {
            let is = known.map_or("", |(part, _)| name_of(part));
            // What is not known is likely oriented as what is.
            let transpose = match known {
                Some((_, orientation)) => orientation == Orientation::InputLast,
                None => is_any_turned && shape.len() == 2,
            };
            format!("{} = {{ is = {is:?}, transpose = {transpose} }}  # {shape:?}\n", toml_key(name))
        };
        tensors.map(line).collect()
    }
}

/// A name as a quoted key of TOML.
fn toml_key(name: &str) -> String {
    toml::Value::String(name.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NAMES;

    #[test]
    fn a_draft_is_a_map_and_knows_what_is_known() {
        let known = |name, orientation| Some((Part::One(name), orientation));
        let draft = NameMap::draft(
            [
                ("tok_emb.weight", &[6, 4][..], known(NAMES.w_e, Orientation::InputFirst)),
                ("odd \"name", &[2], None),
                ("lm_head.weight", &[5, 4], known(NAMES.w_u, Orientation::InputLast)),
            ]
            .into_iter(),
            true,
        );
        assert!(
            draft.contains("\"tok_emb.weight\" = { is = \"embed.W_E\", transpose = false }  # [6, 4]"),
            "{draft}"
        );
        let map = NameMap::from_text(&draft).unwrap();
        let of = |name| Some(Spelling::Known(Part::One(name), Orientation::InputLast));
        assert_eq!(map.meaning("lm_head.weight"), of(NAMES.w_u));
        assert_eq!((map.meaning("odd \"name"), map.meaning("other")), (Some(Spelling::Unknown), None));
    }

    #[test]
    fn what_is_no_map_is_refused() {
        for (text, words) in [
            ("a = 1", "invalid type"),
            ("a = { is = \"W_Z\" }", "there is no tensor W_Z"),
            ("a = { is = \"embed.W_E\", transposed = true }", "unknown field `transposed`"),
        ] {
            let problem = NameMap::from_text(text).unwrap_err();
            assert!(problem.contains(words), "{problem:?} lacks {words:?}");
        }
    }
}
