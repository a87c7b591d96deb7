//! What is in a pickle, by its path: keys, indices and attributes separated by dots.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::{
    pickle::{Id, Value},
    stored_tensor::StoredTensor,
    torch_file::TorchFile,
};

/// How deep dictionaries, lists and objects may lie in each other.
const MAX_DEPTH: usize = 32;

/// The most tensors and lists that are found, ten times those of five hundred state dicts.
const MAX_FOUND: usize = 1 << 16;

/// How many values are looked at. Values that are referred to more than once are looked at as often.
const MAX_VISITS: usize = 1 << 22;

/// Attributes of a module whose contents are named as if they were its own.
const TRANSPARENT: [&str; 3] = ["_parameters", "_buffers", "_modules"];

/// What is found in a file, by its path: keys, indices and attributes separated by dots.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Tensors and arrays; why not where one cannot be read.
    pub tensors: BTreeMap<String, Result<StoredTensor>>,
    /// Lists of whole numbers.
    pub lists: BTreeMap<String, Vec<i64>>,
    /// Lists of pairs of whole numbers.
    pub pairs: BTreeMap<String, Vec<[i64; 2]>>,
    /// Configurations: what their settings say in numbers and words.
    pub configs: BTreeMap<String, Map<String, Json>>,
}

/// What people call a network's configuration beside its weights.
const CONFIGS: [&str; 8] =
    ["config", "cfg", "args", "hparams", "hyper_parameters", "hyperparameters", "model_config", "model_args"];

/// The longest key or setting that is read, in bytes.
const MAX_TEXT: usize = 1 << 10;

/// The most settings that are read of a configuration.
const MAX_SETTINGS: usize = 1 << 10;

type Result<T> = std::result::Result<T, String>;

impl Contents {
    /// Finds what is in a file. The error says why nothing is.
    pub fn of(file: &TorchFile) -> Result<Self> {
        let mut search = Search { file, found: Self::default(), visits: 0, within: Vec::new() };
        search.visit(file.pickle.root, "")?;
        match search.found.tensors.is_empty() {
            true => Err("it holds no tensors".to_owned()),
            false => Ok(search.found),
        }
    }
}

/// Looks through what was pickled.
struct Search<'a> {
    file: &'a TorchFile<'a>,
    found: Contents,
    visits: usize,
    /// The values on the way to the one that is looked at.
    within: Vec<Id>,
}

impl Search<'_> {
    fn visit(&mut self, id: Id, path: &str) -> Result<()> {
        self.visits += 1;
        if self.visits > MAX_VISITS || self.within.len() > MAX_DEPTH {
            return Err("its values lie too deep in each other".to_owned());
        }
        let Contents { tensors, lists, pairs, configs } = &self.found;
        if tensors.len() + lists.len() + pairs.len() + configs.len() > MAX_FOUND {
            return Err(format!("it holds more than {MAX_FOUND} tensors and lists"));
        }
        // What is in itself is there already.
        if self.within.contains(&id) {
            return Ok(());
        }
        self.within.push(id);
        self.look_into(id, path)?;
        self.within.pop();
        Ok(())
    }

    fn look_into(&mut self, id: Id, path: &str) -> Result<()> {
        let pickle = &self.file.pickle;
        match pickle.get(id) {
            Value::Dict(entries) => self.visit_entries(entries, path),
            Value::List(elements) | Value::Tuple(elements) => {
                // A list may be there under many names, and is copied for each.
                self.visits += elements.len();
                if let Some(numbers) = self.whole_numbers(elements) {
                    self.found.lists.insert(path.to_owned(), numbers);
                    return Ok(());
                }
                if let Some(pairs) = self.pairs(elements) {
                    self.found.pairs.insert(path.to_owned(), pairs);
                    return Ok(());
                }
                self.visit_elements(elements, path)
            }
            Value::Object(object) => {
                if let Some(tensor) = self.file.tensor(object) {
                    self.found.tensors.insert(path.to_owned(), tensor);
                    return Ok(());
                }
                self.visit_elements(&object.items, path)?;
                self.visit_entries(&object.entries, path)?;
                let Some(state) = object.state else { return Ok(()) };
                // A class with slots has a pair for its state.
                let states = match pickle.get(state) {
                    Value::Tuple(both) => &both[..],
                    _ => &[state],
                };
                for &state in states {
                    if let Value::Dict(attributes) = pickle.get(state) {
                        self.visit_entries(attributes, path)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn visit_elements(&mut self, elements: &[Id], path: &str) -> Result<()> {
        let mut elements = elements.iter().enumerate();
        elements.try_for_each(|(i, &element)| self.visit(element, &below(path, &i.to_string())))
    }

    fn visit_entries(&mut self, entries: &[(Id, Id)], path: &str) -> Result<()> {
        for &(key, value) in entries {
            let path = match self.file.pickle.get(key) {
                Value::Text(key) if TRANSPARENT.contains(&&**key) => path.to_owned(),
                Value::Text(key) if key.len() <= MAX_TEXT => below(path, key),
                Value::Int(key) => below(path, &key.to_string()),
                _ => continue,
            };
            if path.rsplit('.').next().is_some_and(|key| CONFIGS.contains(&key)) {
                let settings = self.settings(value);
                self.visits += settings.len();
                self.found.configs.insert(path.clone(), settings);
            }
            self.visit(value, &path)?;
        }
        Ok(())
    }

    /// The settings of a configuration: a dictionary, or an object with attributes.
    fn settings(&self, id: Id) -> Map<String, Json> {
        let pickle = &self.file.pickle;
        let entries: &[(Id, Id)] = match pickle.get(id) {
            Value::Dict(entries) => entries,
            Value::Object(object) => match object.state.map(|state| pickle.get(state)) {
                Some(Value::Dict(attributes)) => attributes,
                _ => &object.entries,
            },
            _ => &[],
        };
        let setting = |&(key, value): &(Id, Id)| {
            let value = match pickle.get(value) {
                Value::None => Json::Null,
                Value::Bool(flag) => (*flag).into(),
                Value::Int(number) => (*number).into(),
                Value::Float(number) => (*number).into(),
                Value::Text(text) if text.len() <= MAX_TEXT => text.as_ref().into(),
                // A class or a function, such as torch.nn.functional.relu.
                Value::Global(name) if name.len() <= MAX_TEXT => name.rsplit('.').next()?.into(),
                _ => return None,
            };
            let key = pickle.text(key).filter(|key| key.len() <= MAX_TEXT)?;
            Some((key.to_owned(), value))
        };
        let mut settings = Map::new();
        for &(key, value) in entries.iter().take(MAX_SETTINGS) {
            // A section of it may tell of the network.
            if let Value::Dict(section) = pickle.get(value) {
                let of_section = section.iter().take(MAX_SETTINGS).filter_map(setting);
                for (key, value) in of_section {
                    settings.entry(key).or_insert(value);
                }
            }
            settings.extend(setting(&(key, value)));
        }
        settings
    }

    fn pairs(&self, elements: &[Id]) -> Option<Vec<[i64; 2]>> {
        // A third number is the token `=`.
        let pair = |&id: &Id| match self.whole_numbers(self.file.pickle.elements(id)?)?[..] {
            [x, y] | [x, y, _] => Some([x, y]),
            _ => None,
        };
        elements.iter().map(pair).collect()
    }

    fn whole_numbers(&self, elements: &[Id]) -> Option<Vec<i64>> {
        let number = |&id: &Id| match self.file.pickle.get(id) {
            Value::Int(number) => Some(*number),
            _ => None,
        };
        elements.iter().map(number).collect()
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
