use std::collections::{BTreeMap, BTreeSet};

use super::{
    name_map::NameMap,
    spelling::{B_QKV, Orientation, Part, Spelling, W_QKV, is_mask, is_neurons, is_within_layer, spelling},
};
use crate::{
    NAMES,
    architecture::names::{NORMS, W, W_X, W_Y},
    import::Orientation as FileOrientation,
    state_dict::StateDict,
};

/// The tensors of one network in a file, by what they are.
pub(crate) struct NamedTensors<'a> {
    file: &'a StateDict,
    /// Each one's name in the file, and its orientation.
    parts: BTreeMap<Part, (String, Orientation)>,
    /// Tensors beside them that are nothing that is known.
    pub left_aside: Vec<String>,
    /// Those of them that are in a layer, and would change what it does.
    strangers: Vec<String>,
}

/// Which kinds of networks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A one-layer transformer.
    Transformer,
    /// A two-input MLP with embeddings.
    EmbeddedMlp,
    /// A two-input MLP over one-hot vectors.
    OneHotMlp,
}

/// A tensor of a network.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    /// Its shape, the input's axis before the output's.
    pub shape: Vec<usize>,
    /// Its elements, row-major.
    pub values: Vec<f32>,
}

type Result<T> = std::result::Result<T, String>;

/// How many components a tensor's name may have.
const MAX_COMPONENTS: usize = 64;

/// Where the networks of a file are: what stands before the names of each one's tensors.
///
/// A network is whole under the names of its wrappers too. The innermost root is the one, and what is below it is no part
/// of another.
pub(crate) fn roots(file: &StateDict) -> Vec<String> {
    let names: Vec<&str> = file.names().filter(|name| name.split('.').count() <= MAX_COMPONENTS).collect();
    let mut below: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, name) in names.iter().enumerate() {
        roots_of_name(name).for_each(|root| below.entry(root).or_default().push(i));
    }
    let mut innermost_first: Vec<&str> = below.keys().copied().collect();
    innermost_first.sort_by_key(|root| std::cmp::Reverse(root.len()));
    let (mut is_taken, mut roots) = (vec![false; names.len()], Vec::new());
    // The neurons of a transformer look like a whole network: what has more is looked for first, and where some of it is
    // left, they are no network.
    for is_mlp in [false, true] {
        for root in &innermost_first {
            let of_root = below[root].iter().filter(|i| !is_taken[**i]).map(|i| names[*i]);
            let known = of_root.filter_map(|name| match spelling(&name[root.len()..]) {
                Spelling::Known(part, _) => Some((part, name)),
                _ => None,
            });
            let (parts, known): (BTreeSet<Part>, Vec<&str>) = known.unzip();
            let is_whole = match kind_of(&parts) {
                Some(Kind::OneHotMlp) => {
                    let mut untaken = names.iter().zip(&is_taken).filter(|(_, taken)| !**taken);
                    let is_neurons = is_neurons(root) || known.into_iter().any(is_within_layer);
                    is_mlp && !is_neurons && !untaken.any(|(name, _)| is_no_neurons(name))
                }
                kind => kind.is_some() && !is_mlp,
            };
            if is_whole {
                below[root].iter().for_each(|i| is_taken[*i] = true);
                roots.push((*root).to_owned());
            }
        }
    }
    roots.sort();
    roots
}

/// Whether a name is that of a transformer's tensor beside its neurons.
fn is_no_neurons(name: &str) -> bool {
    matches!(spelling(name), Spelling::Known(Part::One(of), _) if ![NAMES.w_in, NAMES.b_in, NAMES.w_out, NAMES.b_out].contains(&of))
}

/// Everything that may stand before the last component of a name, dot included, and nothing.
fn roots_of_name(name: &str) -> impl Iterator<Item = &str> {
    let dots = name.char_indices().filter(|(_, c)| *c == '.').map(|(i, _)| &name[..=i]);
    [""].into_iter().chain(dots)
}

/// The kind of a network with these parts, if it is whole.
fn kind_of(parts: &BTreeSet<Part>) -> Option<Kind> {
    let has = |name| parts.contains(&Part::One(name));
    if [W_X, W_Y, W].into_iter().all(has) {
        return has(NAMES.w_u).then_some(Kind::EmbeddedMlp);
    }
    let has_neurons = has(NAMES.w_in) && has(NAMES.w_out);
    let has_queries =
        parts.contains(&Part::QueriesKeysValues) || [NAMES.w_q, NAMES.w_k, NAMES.w_v].into_iter().all(has);
    if has_neurons && has_queries && [NAMES.w_e, NAMES.w_pos, NAMES.w_o, NAMES.w_u].into_iter().all(has) {
        return Some(Kind::Transformer);
    }
    let of_neurons = [NAMES.w_in, NAMES.b_in, NAMES.w_out, NAMES.b_out].map(Part::One);
    (has_neurons && parts.iter().all(|part| of_neurons.contains(part))).then_some(Kind::OneHotMlp)
}

impl<'a> NamedTensors<'a> {
    /// The tensors below one of a file's roots, by a map of names where there is one, and by their spelling. The error says
    /// which kind of network it is instead.
    pub fn of(file: &'a StateDict, root: &str, roots: &[String], map: Option<&NameMap>) -> Result<Self> {
        let mut found = Self { file, parts: BTreeMap::new(), left_aside: Vec::new(), strangers: Vec::new() };
        let inner: Vec<&String> =
            roots.iter().filter(|other| other.len() > root.len() && other.starts_with(root)).collect();
        let of_root =
            |name: &&str| name.starts_with(root) && !inner.iter().any(|inner| name.starts_with(&inner[..]));
        for name in file.names().filter(of_root) {
            let below = &name[root.len()..];
            let told = map.and_then(|map| map.meaning(below).or_else(|| map.meaning(name)));
            let is_told = told.is_some();
            match told.unwrap_or_else(|| spelling(below)) {
                Spelling::Known(part, orientation) => found.insert(part, name, orientation)?,
                Spelling::OtherNetwork(kind) => return Err(refused(name, kind)),
                Spelling::Unknown if !is_told && is_within_layer(below) && !is_mask(below) => {
                    found.strangers.push(name.to_owned());
                }
                // A mask is none of the weights, and goes without saying.
                Spelling::Unknown if is_mask(below) => {}
                Spelling::Unknown => found.left_aside.push(name.to_owned()),
            }
        }
        if let Some(name) = map.and_then(|map| map.names().find(|name| !found.has_name(root, name))) {
            return Err(format!("has no tensor {name}, which the map of names has"));
        }
        if map.is_none() && found.is_post_norm() {
            return Err(refused(
                found.name(Part::One(NORMS[0][0])),
                "norms after the addition, as nn.TransformerEncoderLayer has unless norm_first is set",
            ));
        }
        if map.is_none() {
            found.orient();
        }
        Ok(found)
    }

    /// Whether a name of a map is that of a tensor.
    fn has_name(&self, root: &str, name: &str) -> bool {
        self.file.shape(name).is_some() || self.file.shape(&format!("{root}{name}")).is_some()
    }

    /// Whether it is a layer of PyTorch's own, which normalises after the addition unless it is told otherwise.
    fn is_post_norm(&self) -> bool {
        let is_called = |part, end: &str| self.parts.get(&part).is_some_and(|(name, _)| name.ends_with(end));
        is_called(Part::One(NORMS[0][0]), "norm1.weight")
            && is_called(Part::One(NAMES.w_in), "linear1.weight")
    }

    /// A map of the file's tensors to be filled in: what is known of their names is there.
    pub fn draft(&self, most: usize) -> String {
        let with_part = |name: &'a str| {
            let known = self.parts.iter().find(|(_, (of, _))| of == name);
            Some((name, self.file.shape(name)?, known.map(|(part, (_, orientation))| (*part, *orientation))))
        };
        let is_any_turned = self.parts.values().any(|(_, of)| *of == Orientation::InputLast);
        NameMap::draft(self.file.names().filter_map(with_part).take(most), is_any_turned)
    }

    fn insert(&mut self, part: Part, name: &str, orientation: Orientation) -> Result<()> {
        match self.parts.insert(part, (name.to_owned(), orientation)) {
            Some((other, _)) => {
                Err(format!("{other} and {name} could be the same tensor; tell which with --names"))
            }
            None => Ok(()),
        }
    }

    /// Finds out about orientations that names do not tell: that of the 2022 notebook, which keeps the heads' outputs in
    /// one matrix; that of GPT-2's `Conv1D`, whose matrices have the input's axis first; and that of an MLP over one-hot
    /// vectors, whose two matrices have the neurons in common, of which there are more than numbers.
    fn orient(&mut self) {
        let (turned, orientation) = if self.axes(NAMES.w_o) == Some(2) && self.axes(NAMES.w_q) == Some(3) {
            let of_notebook =
                [NAMES.w_e, NAMES.w_q, NAMES.w_k, NAMES.w_v, NAMES.w_o, NAMES.w_in, NAMES.w_out]
                    .map(Part::One);
            (of_notebook.to_vec(), Orientation::InputLast)
        } else if self.is_of_conv1d() {
            let of_conv1d = [NAMES.w_o, NAMES.w_in, NAMES.w_out].map(Part::One);
            ([&of_conv1d[..], &[Part::QueriesKeysValues]].concat(), Orientation::InputFirst)
        } else if self.is_one_hot_turned() {
            ([NAMES.w_in, NAMES.w_out].map(Part::One).to_vec(), Orientation::InputLast)
        } else {
            return;
        };
        turned.into_iter().for_each(|part| self.set_orientation(part, orientation));
    }

    fn is_of_conv1d(&self) -> bool {
        let (all, embedding) =
            (self.file_shape(Part::QueriesKeysValues), self.file_shape(Part::One(NAMES.w_e)));
        matches!((all, embedding), (Some([rows, columns]), Some([_, d_model])) if rows == d_model && *columns == 3 * d_model)
    }

    fn is_one_hot_turned(&self) -> bool {
        let (w_in, w_out) = (self.file_shape(Part::One(NAMES.w_in)), self.file_shape(Part::One(NAMES.w_out)));
        match (w_in, w_out) {
            (Some(&[a, b]), Some(&[c, d])) if self.kind() == Ok(Kind::OneHotMlp) => {
                a == d && (b != c || a >= b)
            }
            _ => false,
        }
    }

    fn set_orientation(&mut self, part: Part, orientation: Orientation) {
        if let Some((_, of)) = self.parts.get_mut(&part) {
            *of = orientation;
        }
    }

    fn file_shape(&self, part: Part) -> Option<&[usize]> {
        self.file.shape(&self.parts.get(&part)?.0)
    }

    fn axes(&self, name: &'static str) -> Option<usize> {
        self.file_shape(Part::One(name)).map(<[usize]>::len)
    }

    /// How the file orients its matrices.
    pub fn orientation(&self) -> FileOrientation {
        let is_last =
            |name| self.parts.get(&Part::One(name)).is_some_and(|(_, of)| *of == Orientation::InputLast);
        match is_last(NAMES.w_in) {
            true if is_last(NAMES.w_e) => FileOrientation::Notebook2022,
            true => FileOrientation::Linear,
            false => FileOrientation::TransformerLens,
        }
    }

    /// Refuses a network whose layer has something that is not known.
    pub fn require_no_strangers(&self) -> Result<()> {
        match self.strangers.first() {
            Some(name) => Err(format!(
                "{name} is in no layer of a network that is read; if it does nothing, say so in a file for --names"
            )),
            None => Ok(()),
        }
    }

    /// The kind of the network, or what it lacks to be one.
    pub fn kind(&self) -> Result<Kind> {
        kind_of(&self.parts.keys().copied().collect()).ok_or_else(|| self.lacking())
    }

    /// What is missing of a network that has some of its parts.
    pub fn lacking(&self) -> String {
        lacking(&self.parts.keys().copied().collect())
    }

    /// Whether there is a tensor of ours.
    pub fn has(&self, part: Part) -> bool {
        self.parts.contains_key(&part)
    }

    /// A tensor's shape, the input's axis before the output's, without leading axes of length 1 before a matrix.
    pub fn shape(&self, part: Part) -> Result<Vec<usize>> {
        let (name, orientation) =
            self.parts.get(&part).ok_or_else(|| format!("has no tensor {}", name_of(part)))?;
        // What cannot be read says why.
        let Some(shape) = self.file.shape(name) else { return self.file.floats(name).map(|_| Vec::new()) };
        if shape.contains(&0) {
            return Err(format!("{name} is {shape:?}, and holds nothing"));
        }
        let mut shape = shape.to_vec();
        if part == Part::One(NAMES.w_pos) && shape.len() == 3 && shape[0] == 1 {
            shape.remove(0);
        }
        let axes = shape.len();
        if *orientation == Orientation::InputLast && axes >= 2 {
            shape.swap(axes - 2, axes - 1);
        }
        Ok(shape)
    }

    /// A matrix' rows and columns.
    pub fn matrix(&self, part: Part) -> Result<[usize; 2]> {
        let shape = self.shape(part)?;
        <[usize; 2]>::try_from(shape)
            .map_err(|shape| format!("{} is {shape:?} where a matrix is expected", self.name(part)))
    }

    /// A tensor, the input's axis before the output's.
    pub fn tensor(&self, part: Part) -> Result<Tensor> {
        let shape = self.shape(part)?;
        let (name, orientation) = &self.parts[&part];
        let values = self.file.floats(name)?;
        if !values.iter().all(|value| value.is_finite()) {
            return Err(format!("{name} holds values that are not finite in 32 bits"));
        }
        let values = match orientation {
            Orientation::InputFirst => values,
            Orientation::InputLast => transposed(&values, &shape),
        };
        Ok(Tensor { shape, values })
    }

    /// What the file calls a part.
    pub fn name(&self, part: Part) -> &str {
        self.parts.get(&part).map_or_else(|| name_of(part), |(name, _)| name)
    }
}

/// What is missing of a network that has some of its parts.
fn lacking(parts: &BTreeSet<Part>) -> String {
    let needed: &[&str] = match parts.contains(&Part::One(W_X)) || parts.contains(&Part::One(W_Y)) {
        true => &[W_X, W_Y, W, NAMES.w_u],
        false => &[
            NAMES.w_e,
            NAMES.w_pos,
            NAMES.w_q,
            NAMES.w_k,
            NAMES.w_v,
            NAMES.w_o,
            NAMES.w_in,
            NAMES.w_out,
            NAMES.w_u,
        ],
    };
    let is_fused = |name: &str| {
        parts.contains(&Part::QueriesKeysValues) && [NAMES.w_q, NAMES.w_k, NAMES.w_v].contains(&name)
    };
    let missing: Vec<&str> = needed
        .iter()
        .filter_map(|name| {
            let is_there = parts.iter().any(|part| *part == Part::One(name)) || is_fused(name);
            (!is_there).then_some(*name)
        })
        .collect();
    format!("has no tensor that is known to be {}", missing.join(", "))
}

pub(super) fn name_of(part: Part) -> &'static str {
    match part {
        Part::One(name) => name,
        Part::QueriesKeysValues => W_QKV,
        Part::BiasesOfThose => B_QKV,
    }
}

/// What is said of a tensor that only another kind of network has.
fn refused(name: &str, kind: &str) -> String {
    format!("{name} means {kind}, which is not read")
}

/// The elements of one matrix, or of several after each other, that come out in this shape once the last two axes are
/// exchanged.
fn transposed(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let [.., rows, columns] = *shape else { return values.to_vec() };
    let transposed = |matrix: &[f32]| -> Vec<f32> {
        (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).map(|(i, j)| matrix[j * rows + i]).collect()
    };
    values.chunks_exact((rows * columns).max(1)).flat_map(transposed).collect()
}
