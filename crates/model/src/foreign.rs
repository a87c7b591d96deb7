//! Other people's networks: what their tensors are called, what is said of them, and what has to be assumed.

mod facts;
mod name_map;
mod named_tensors;
mod spelling;
mod transformer;
mod two_input_mlp;

use std::{collections::BTreeMap, fs, path::Path};

pub use facts::Facts;
pub use name_map::NameMap;
pub(crate) use named_tensors::{Kind, NamedTensors, roots};

use crate::{Error, Operation, OtherNetwork, Task};

/// What a file does not say and was taken for granted: each field of [`Facts`] that would have said it, and what was
/// assumed.
pub type Assumed = BTreeMap<String, String>;

/// A network as its tensors and what is said of it give it.
pub(crate) struct ForeignNetwork {
    pub task: Task,
    pub network: OtherNetwork,
    pub assumed: Assumed,
}

type Result<T> = std::result::Result<T, String>;

impl ForeignNetwork {
    /// Makes a network of named tensors. The error says what does not fit.
    pub fn of(tensors: &NamedTensors, facts: &Facts) -> Result<Self> {
        let mut assumed = Assumed::new();
        let (modulus, network) = match tensors.kind()? {
            Kind::Transformer => transformer::transformer(tensors, facts, &mut assumed)?,
            Kind::EmbeddedMlp => two_input_mlp::embedded(tensors, facts, &mut assumed)?,
            Kind::OneHotMlp => two_input_mlp::one_hot(tensors, facts, &mut assumed)?,
        };
        let operation = unless_stated("operation", facts.operation, &mut assumed, Default::default);
        let task = task(modulus, operation, facts, &mut assumed).map_err(|e| e.to_string())?;
        Ok(Self { task, network, assumed })
    }
}

/// The task of a network, which has learned products with 0 unless that is stated otherwise.
fn task(modulus: usize, operation: Operation, facts: &Facts, assumed: &mut Assumed) -> crate::Result<Task> {
    let task = Task::new(modulus, operation);
    let zero = match operation {
        Operation::Multiply => unless_stated("zero", facts.zero, assumed, || task.zero),
        Operation::Random => return Err(Error::RandomAnswers),
        _ => task.zero,
    };
    Task { zero, ..task }.validated()
}

/// Reads a file of settings by its text. The error of `of_text` says what is wrong with it.
fn read_settings<T>(path: &Path, of_text: impl FnOnce(&str) -> Result<T>) -> crate::Result<T> {
    let path = || path.to_owned();
    let text =
        fs::read_to_string(path()).map_err(|source| Error::Io { action: "read", path: path(), source })?;
    of_text(&text).map_err(|problem| Error::Architecture { path: path(), problem })
}

/// What is stated or, with a note of it, assumed.
fn unless_stated<T: ToString>(
    fact: &str,
    stated: Option<T>,
    assumed: &mut Assumed,
    assumption: impl FnOnce() -> T,
) -> T {
    stated.unwrap_or_else(|| {
        let value = assumption();
        note(fact, value.to_string(), assumed);
        value
    })
}

/// Notes what is assumed of a fact.
fn note(fact: &str, value: impl Into<String>, assumed: &mut Assumed) {
    assumed.insert(fact.to_owned(), value.into());
}
