use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clockwork_files::{sha256, sha256_of};
use serde::{Deserialize, Serialize};

use crate::{
    Assumed, Checkpoint, Error, Facts, ImportedFrom, NameMap, OtherNetwork, Result, Split, Task,
    foreign::{ForeignNetwork, NamedTensors, roots},
    foreign_file::what_it_is,
    shards::{Index, index, read_shards},
    split::SPLIT_NAMES,
    state_dict::{Listed, StateDict, read_bytes},
};

/// How a file of someone else's is to be read, beyond what it says itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReadAs {
    /// Where its network is, in a file that holds several, such as `state_dicts.400`.
    pub key: Option<String>,
    /// What is said of the network. It counts more than a configuration in the file.
    pub facts: Facts,
    /// What its tensors are called.
    pub names: Option<NameMap>,
}

/// How a file orients its matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Orientation {
    /// `TransformerLens`': activations are multiplied from the left, x W.
    TransformerLens,
    /// That of the notebook published with the paper in 2022: W x, all heads' `W_O` side by side.
    Notebook2022,
    /// That of `nn.Linear`: W x, but for the embeddings.
    Linear,
}

/// A network of someone else's.
struct Import {
    task: Task,
    /// In our orientation. Weights of 64 bits are rounded to 32.
    network: OtherNetwork,
    /// The pairs that it was trained on, where the file says so.
    split: Option<Split>,
    orientation: Orientation,
    assumed: Assumed,
    /// Where other networks are in the same file.
    beside: Vec<String>,
    /// Tensors of the network that were not used.
    left_aside: Vec<String>,
}

/// Where state dicts are found in files that hold more than one thing, the first choice first.
const USUAL_ROOTS: [&str; 4] = ["", "model.", "state_dict.", "model_state_dict."];

/// How many tensors the draft of a map of names has.
const MAX_DRAFTED: usize = 64;

/// A file of someone else's: anyone's safetensors, PyTorch state dict or NumPy archive, whose network can be read in more
/// than one way.
pub struct ForeignFile {
    path: PathBuf,
    sha256: String,
    state_dict: StateDict,
}

impl ForeignFile {
    /// Reads a file, or the files of an index, whatever network is in it. Pickles are read as data, nothing in them is
    /// executed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a file operation fails, [`Error::Checkpoint`] where the file is broken.
    pub fn open(path: &Path) -> Result<Self> {
        Self::read(path, read_bytes(path)?)
    }

    /// Reads a file's bytes, and those of the files that it is an index of.
    pub(crate) fn read(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let fail = |problem| Error::Checkpoint { path: path.to_owned(), problem };
        let (sha256, state_dict) = match index(path, &bytes).map_err(fail)? {
            Some(Index { shards }) => {
                let shards = read_shards(path, &shards)?;
                let sha256 = sha256_of([&bytes[..]].into_iter().chain(shards.iter().map(Vec::as_slice)));
                (sha256, StateDict::of_shards(shards))
            }
            None => match what_it_is(path, &bytes) {
                Some(what) => return Err(fail(what)),
                None => (sha256(&bytes), StateDict::read(path, bytes)),
            },
        };
        Ok(Self { path: path.to_owned(), sha256, state_dict: state_dict.map_err(fail)? })
    }

    /// Its SHA-256 in hexadecimal digits; that of an index and its files one after the other.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The checkpoint that it is, read in some way.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] where it holds another kind of network, [`Error::SeveralNetworks`] where it holds several
    /// and none was chosen, [`Error::Names`] where it is not known what its tensors are.
    pub fn checkpoint(&self, read_as: &ReadAs) -> Result<Checkpoint> {
        let Import { task, network, split, orientation, assumed, beside, left_aside } =
            self.import(read_as)?;
        let mut read = Checkpoint::of_network(task, network);
        read.metadata.imported = Some(ImportedFrom {
            file: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            key: read_as.key.clone(),
            sha256: self.sha256.clone(),
            orientation,
            assumed,
            doubt: None,
            beside,
            left_aside,
        });
        read.listed_split = split;
        Ok(read)
    }

    fn import(&self, read_as: &ReadAs) -> Result<Import> {
        let fail = |problem| Error::Checkpoint { path: self.path.clone(), problem };
        let roots = roots(&self.state_dict);
        let root = match &read_as.names {
            Some(_) => root_of_key(read_as.key.as_deref(), &roots),
            None => self.root(read_as.key.as_deref(), &roots)?,
        };
        let tensors =
            NamedTensors::of(&self.state_dict, &root, &roots, read_as.names.as_ref()).map_err(fail)?;
        tensors.require_no_strangers().map_err(fail)?;
        let configured = self.configured(&root, &read_as.facts).map_err(fail)?;
        let facts = read_as.facts.clone().or(configured);
        let ForeignNetwork { task, network, assumed } = ForeignNetwork::of(&tensors, &facts).map_err(fail)?;
        let is_split = |name: &String| SPLIT_NAMES.iter().any(|list| name.rsplit('.').next() == Some(list));
        let left_aside = tensors.left_aside.iter().filter(|name| !is_split(name)).cloned().collect();
        let beside = roots.iter().filter(|other| **other != root).map(|other| key_of(other).to_owned());
        Ok(Import {
            task,
            network,
            split: self.split(&root, task).map_err(fail)?,
            orientation: tensors.orientation(),
            assumed,
            beside: beside.collect(),
            left_aside,
        })
    }

    /// What stands before the names of the network to read.
    fn root(&self, key: Option<&str>, roots: &[String]) -> Result<String> {
        let fail = |problem| Err(Error::Checkpoint { path: self.path.clone(), problem });
        if let Some(key) = key {
            let at_key = root_of_key(Some(key), roots);
            return match roots {
                _ if roots.contains(&at_key) => Ok(at_key),
                [] => Err(self.no_network(&at_key)),
                _ => fail(format!("has no network under {key}; it has {}", listed(roots))),
            };
        }
        if let Some(usual) = USUAL_ROOTS.iter().find(|usual| roots.iter().any(|root| root == *usual)) {
            return Ok((*usual).to_owned());
        }
        match roots {
            [] => Err(self.no_network("")),
            [only] => Ok(only.clone()),
            _ => Err(Error::SeveralNetworks {
                path: self.path.clone(),
                n_networks: roots.len(),
                keys: listed(roots),
            }),
        }
    }

    /// Why there is no network, with a map of names to be filled in.
    fn no_network(&self, root: &str) -> Error {
        let path = self.path.clone();
        let tensors = match NamedTensors::of(&self.state_dict, root, &[], None) {
            Ok(tensors) => tensors,
            Err(problem) => return Error::Checkpoint { path, problem },
        };
        let problem = match self.state_dict.unreadable() {
            Some(unreadable) => format!("{}; {unreadable}", tensors.lacking()),
            None => tensors.lacking(),
        };
        Error::Names { path, problem, draft: tensors.draft(MAX_DRAFTED) }
    }

    /// What the configurations in the file say of the network, but for what was told: the nearer one first.
    fn configured(&self, root: &str, told: &Facts) -> std::result::Result<Facts, String> {
        let mut of_network: BTreeMap<usize, Vec<Facts>> = BTreeMap::new();
        for (path, settings) in self.state_dict.configs() {
            let within = path.rfind('.').map_or("", |dot| &path[..=dot]);
            if root.starts_with(within) {
                let facts =
                    Facts::of_config(settings, told).map_err(|problem| format!("{path}: {problem}"))?;
                of_network.entry(within.len()).or_default().push(facts);
            }
        }
        Ok(of_network.into_values().rev().flatten().fold(Facts::default(), Facts::or))
    }

    /// The split that the file names, if it does.
    fn split(&self, root: &str, task: Task) -> std::result::Result<Option<Split>, String> {
        let indices = |name: &str| {
            let mut listed = None;
            // Beside the network, or beside what it is in.
            for within in
                [root].into_iter().chain(root.match_indices('.').map(|(dot, _)| &root[..=dot])).chain([""])
            {
                listed = listed.or(self.state_dict.listed(&format!("{within}{name}"))?);
            }
            let index = |[x, y]: [i64; 2]| {
                let number = |of: i64| usize::try_from(of).ok().filter(|of| *of < task.modulus);
                let pair = number(x).zip(number(y));
                pair.map(|pair| task.index(pair) as i64).ok_or_else(|| {
                    format!("{name} has ({x}, {y}), which is no pair of numbers modulo {}", task.modulus)
                })
            };
            Ok::<_, String>(match listed {
                Some(Listed::Numbers(numbers)) => Some(numbers),
                Some(Listed::Pairs(pairs)) => {
                    Some(pairs.into_iter().map(index).collect::<std::result::Result<_, _>>()?)
                }
                None => None,
            })
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
}

/// The root that a key stands for: the one network that is below it, if there is one.
fn root_of_key(key: Option<&str>, roots: &[String]) -> String {
    let Some(key) = key else { return String::new() };
    let root = format!("{}.", key.trim_end_matches('.'));
    let mut below = roots.iter().filter(|other| other.starts_with(&root));
    match (below.next(), below.next()) {
        (Some(only), None) => only.clone(),
        _ => root,
    }
}

/// The key that a root stands for.
fn key_of(root: &str) -> &str {
    match root.trim_end_matches('.') {
        "" => "no key at all",
        key => key,
    }
}

/// Some of the keys of networks.
fn listed(roots: &[String]) -> String {
    let named: Vec<&str> = roots.iter().take(3).map(|root| key_of(root)).collect();
    let more = if roots.len() > named.len() { ", …" } else { "" };
    format!("{}{more}", named.join(", "))
}
