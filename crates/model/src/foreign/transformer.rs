use std::collections::BTreeMap;

use super::{Assumed, Facts, NamedTensors, named_tensors::Tensor, note, spelling::Part, unless_stated};
use crate::{
    Activation, Architecture, NAMES, Norm, Norms, OtherNetwork, TokenLayout, TransformerArchitecture,
    architecture::names::{B_K, B_Q, B_U, B_V, NORMS},
};

/// The width of a head that is assumed where it divides `d_model`: the paper's.
const USUAL_D_HEAD: usize = 32;

type Result<T> = std::result::Result<T, String>;

/// A one-layer transformer and its modulus.
pub(super) fn transformer(
    tensors: &NamedTensors,
    facts: &Facts,
    assumed: &mut Assumed,
) -> Result<(usize, OtherNetwork)> {
    let one = |name| Part::One(name);
    let [d_vocab, d_model] = tensors.matrix(one(NAMES.w_e))?;
    let [n_ctx, _] = tensors.matrix(one(NAMES.w_pos))?;
    let [_, d_mlp] = tensors.matrix(one(NAMES.w_in))?;
    let [_, columns] = tensors.matrix(one(NAMES.w_u))?;
    let (n_heads, d_head) = heads(tensors, facts, assumed)?;
    let tokens = match n_ctx {
        // There is no room for a third.
        2 if facts.tokens.is_none() => "x y".parse()?,
        _ => unless_stated("tokens", facts.tokens.clone(), assumed, TokenLayout::paper),
    };
    if tokens.len() > n_ctx {
        return Err(format!("has {n_ctx} positions, too few for the tokens {tokens}"));
    }
    if facts.tokens.is_some() && tokens.literals().filter(|(_, number)| number.is_none()).count() > 1 {
        note("tokens", "literals are numbered behind the numbers, in their order", assumed);
    }
    if tensors.has(Part::QueriesKeysValues) {
        note("queries, keys and values", "all heads of each after each other", assumed);
    }
    let own_vocabularies = facts.own_vocabularies.unwrap_or(false);
    let vocabulary = Vocabulary::new(facts, assumed, &tokens, own_vocabularies, d_vocab, columns)?;
    let norms = norms(tensors, facts, assumed)?;
    let architecture = TransformerArchitecture {
        d_model,
        n_heads,
        d_head,
        d_mlp,
        activation: unless_stated("activation", facts.activation, assumed, Activation::default),
        norms,
        attention_divisor: facts.attention_divisor.unwrap_or((d_head as f64).sqrt()),
        attention_coefficient: facts.attention_coefficient.unwrap_or(1.0),
        parallel: facts.parallel.unwrap_or(false),
        own_vocabularies,
        tokens: tokens.without_numbers(),
    };
    assume_plain_attention(facts, assumed);
    require_numbers(&architecture)?;
    let modulus = vocabulary.modulus;
    let architecture = Architecture::Transformer(architecture)
        .validated(modulus)
        .map_err(|e| format!("its tensors give {e}"))?;
    let read = Reading { tensors, shapes: architecture.shapes(modulus), vocabulary };
    let tensors = read.shapes.keys().map(|name| Ok((*name, read.tensor(name)?))).collect::<Result<_>>()?;
    Ok((modulus, OtherNetwork { architecture, tensors }))
}

/// Refuses numbers with which nothing can be computed.
fn require_numbers(of: &TransformerArchitecture) -> Result<()> {
    for (name, value, is_possible) in [
        ("attention_divisor", of.attention_divisor, of.attention_divisor > 0.0),
        ("attention_coefficient", of.attention_coefficient, true),
        ("epsilon", of.norms.epsilon, of.norms.epsilon >= 0.0),
    ] {
        if !(is_possible && value.is_finite()) {
            return Err(format!("cannot have {name} = {value}"));
        }
    }
    Ok(())
}

/// Notes what is assumed of the attention and of its place.
fn assume_plain_attention(facts: &Facts, assumed: &mut Assumed) {
    if facts.attention_divisor.is_none() {
        note("attention_divisor", "√d_head", assumed);
    }
    if facts.attention_coefficient.is_none() {
        note("attention_coefficient", "1", assumed);
    }
    if facts.parallel.is_none() {
        note("parallel", "false", assumed);
    }
}

/// How many heads there are, and how wide each is.
fn heads(tensors: &NamedTensors, facts: &Facts, assumed: &mut Assumed) -> Result<(usize, usize)> {
    let queries = [Part::One(NAMES.w_q), Part::QueriesKeysValues].into_iter().find(|part| tensors.has(*part));
    let shape = tensors.shape(queries.unwrap_or(Part::One(NAMES.w_q)))?;
    if tensors.has(Part::One(NAMES.w_q)) {
        for other in [NAMES.w_k, NAMES.w_v] {
            let found = tensors.shape(Part::One(other))?;
            if found != shape {
                let (q, other) = (tensors.name(Part::One(NAMES.w_q)), tensors.name(Part::One(other)));
                return Err(format!(
                    "{other} is {found:?} and {q} is {shape:?}: its heads share their keys, which is not read"
                ));
            }
        }
    }
    let width = match (&shape[..], queries) {
        (&[n_heads, _, d_head], Some(Part::One(_))) => {
            return match facts.n_heads.is_none_or(|stated| stated == n_heads) {
                true => Ok((n_heads, d_head)),
                false => Err(format!("has {n_heads} heads, not {}", facts.n_heads.unwrap_or_default())),
            };
        }
        (&[_, width], Some(Part::One(_))) => width,
        (&[_, width], _) if width % 3 == 0 => width / 3,
        _ => {
            return Err(format!(
                "{} is {shape:?}, of which no heads can be made",
                tensors.name(queries.unwrap_or(Part::One(NAMES.w_q)))
            ));
        }
    };
    let usual = || match width.is_multiple_of(USUAL_D_HEAD) {
        true => width / USUAL_D_HEAD,
        false => [4, 2].into_iter().find(|heads| width.is_multiple_of(*heads)).unwrap_or(1),
    };
    let n_heads = unless_stated("n_heads", facts.n_heads, assumed, usual);
    match n_heads > 0 && width.is_multiple_of(n_heads) {
        true => Ok((n_heads, width / n_heads)),
        false => Err(format!("has queries of width {width}, which {n_heads} heads cannot share")),
    }
}

/// Which norms there are: those with weights show themselves.
fn norms(tensors: &NamedTensors, facts: &Facts, assumed: &mut Assumed) -> Result<Norms> {
    let weighted = NORMS.map(|[weight, _]| tensors.has(Part::One(weight)));
    let is_any = weighted.contains(&true);
    if facts.layer_norm == Some(false) && is_any {
        return Err("has weights of layer norms, and is said to have none".to_owned());
    }
    if facts.layer_norm.is_none() && weighted.contains(&false) {
        let value = if is_any { "only where it has weights" } else { "false" };
        note("layer_norm", value, assumed);
    }
    if facts.parallel == Some(true) && weighted[0] && !weighted[1] {
        return Err("has attention and neurons side by side that share a norm, which is not read".to_owned());
    }
    for [weight, bias] in NORMS.map(|both| both.map(Part::One)) {
        if tensors.has(weight) && !tensors.has(bias) {
            // TransformerLens' layer norms always have biases.
            if tensors.name(weight).rsplit('.').next() == Some("w") {
                return Err(format!(
                    "{} has no biases beside it: an RMS norm, which is not read",
                    tensors.name(weight)
                ));
            }
            note("norms", "layer norms without biases, not RMS norms", assumed);
            break;
        }
    }
    let norm = |is_weighted| match (is_weighted, facts.layer_norm) {
        (true, _) => Norm::Weighted,
        (false, Some(true)) => Norm::Folded,
        (false, _) => Norm::None,
    };
    let [before_attention, before_neurons, before_unembedding] = weighted.map(norm);
    let epsilon = facts.epsilon.unwrap_or(Norms::EPSILON);
    let norms = Norms { before_attention, before_neurons, before_unembedding, epsilon };
    if norms.any() && facts.epsilon.is_none() {
        note("epsilon", format!("{epsilon:e}"), assumed);
    }
    Ok(norms)
}

/// Which of the file's tokens are used, and which of its logits.
struct Vocabulary {
    modulus: usize,
    /// The row of the file's embedding for each row of ours.
    rows: Vec<usize>,
}

impl Vocabulary {
    fn new(
        facts: &Facts,
        assumed: &mut Assumed,
        tokens: &TokenLayout,
        own_vocabularies: bool,
        d_vocab: usize,
        columns: usize,
    ) -> Result<Self> {
        let n_literals = tokens.literals().count();
        let for_numbers = d_vocab.saturating_sub(n_literals);
        let vocabularies = if own_vocabularies { 2 } else { 1 };
        // One logit for each number, or one for each token.
        let found = match columns * vocabularies <= for_numbers {
            true => columns,
            false => for_numbers / vocabularies,
        };
        let modulus = facts.modulus.unwrap_or(found);
        // A logit for each number, and a token for each number and literal, leave no doubt.
        if facts.modulus.is_none()
            && !(columns == modulus && modulus < d_vocab && modulus * vocabularies == for_numbers)
        {
            note("modulus", modulus.to_string(), assumed);
        }
        if facts.own_vocabularies.is_none() && (columns == d_vocab || for_numbers >= 2 * modulus) {
            note("own_vocabularies", "false", assumed);
        }
        let n_numbers = modulus.saturating_mul(vocabularies);
        if n_numbers > d_vocab || modulus > columns {
            return Err(format!(
                "has {d_vocab} tokens and {columns} logits, too few for the numbers modulo {modulus}"
            ));
        }
        let literal = |(place, (symbol, number)): (usize, (&str, Option<usize>))| {
            let row = number.unwrap_or(n_numbers + place);
            match row < d_vocab {
                true => Ok(row),
                false => Err(format!("has {d_vocab} tokens; {symbol} would be number {row}")),
            }
        };
        let literals = tokens.literals().enumerate().map(literal).collect::<Result<Vec<usize>>>()?;
        Ok(Self { modulus, rows: (0..n_numbers).chain(literals).collect() })
    }
}

/// A network's tensors on their way into ours.
struct Reading<'a> {
    tensors: &'a NamedTensors<'a>,
    shapes: BTreeMap<&'static str, Vec<usize>>,
    vocabulary: Vocabulary,
}

impl Reading<'_> {
    /// One tensor in our shape. Biases that a file has not are zero.
    fn tensor(&self, name: &'static str) -> Result<Vec<f32>> {
        let shape = &self.shapes[name];
        let part = Part::One(name);
        let is_bias = ![NAMES.w_e, NAMES.w_pos, NAMES.w_q, NAMES.w_k, NAMES.w_v, NAMES.w_o].contains(&name)
            && ![NAMES.w_in, NAMES.w_out, NAMES.w_u].contains(&name)
            && !NORMS.iter().any(|[weight, _]| *weight == name);
        if !self.tensors.has(part)
            && let Some(of_three) = self.of_three(name)?
        {
            return Ok(of_three);
        }
        if is_bias && !self.tensors.has(part) {
            return Ok(vec![0.0; shape.iter().product()]);
        }
        let Tensor { shape: found, values } = self.tensors.tensor(part)?;
        let misfit = || {
            let file = self.tensors.name(part);
            format!("{file} is {found:?} where its other tensors call for {shape:?}")
        };
        let values = match name {
            NAME_W_E if found[1..] == shape[1..] => rows(&values, shape[1], &self.vocabulary.rows),
            NAME_W_POS if found[1..] == shape[1..] => values[..shape[0] * shape[1]].to_vec(),
            NAME_W_U if found.len() == 2 && found[0] == shape[0] => {
                first_columns(&values, found[1], shape[1])
            }
            B_U if found.len() == 1 && found[0] >= shape[0] => values[..shape[0]].to_vec(),
            _ if found == *shape => values,
            _ if name == NAMES.w_q || name == NAMES.w_k || name == NAMES.w_v => match found[..] {
                [d_model, width] if [d_model, width] == [shape[1], shape[0] * shape[2]] => {
                    by_heads(&values, shape[0], width)
                }
                _ => return Err(misfit()),
            },
            // All heads' rows after each other.
            _ if name == NAMES.w_o && found == [shape[0] * shape[1], shape[2]] => values,
            B_Q | B_K | B_V if found == [shape[0] * shape[1]] => values,
            _ => return Err(misfit()),
        };
        match values.len() == shape.iter().product::<usize>() {
            true => Ok(values),
            false => Err(misfit()),
        }
    }

    /// The queries, keys or values of a file that has them after each other.
    fn of_three(&self, name: &str) -> Result<Option<Vec<f32>>> {
        let shape = &self.shapes[name];
        let weights = [NAMES.w_q, NAMES.w_k, NAMES.w_v].iter().position(|of| *of == name);
        let biases = [B_Q, B_K, B_V].iter().position(|of| *of == name);
        let (part, place) = match (weights, biases) {
            (Some(place), _) => (Part::QueriesKeysValues, place),
            (_, Some(place)) => (Part::BiasesOfThose, place),
            _ => return Ok(None),
        };
        if !self.tensors.has(part) {
            return Ok(None);
        }
        let Tensor { shape: found, values } = self.tensors.tensor(part)?;
        let n_heads = shape[0];
        let width = n_heads * shape[shape.len() - 1];
        let expected = if weights.is_some() { vec![shape[1], 3 * width] } else { vec![3 * width] };
        if found != expected {
            let file = self.tensors.name(part);
            return Err(format!("{file} is {found:?} where its other tensors call for {expected:?}"));
        }
        let of_rows = values.chunks_exact(3 * width).flat_map(|row| &row[place * width..][..width]);
        let own: Vec<f32> = of_rows.copied().collect();
        Ok(Some(if weights.is_some() { by_heads(&own, n_heads, width) } else { own }))
    }
}

const NAME_W_E: &str = NAMES.w_e;
const NAME_W_POS: &str = NAMES.w_pos;
const NAME_W_U: &str = NAMES.w_u;

/// Chosen rows of a matrix.
fn rows(values: &[f32], width: usize, chosen: &[usize]) -> Vec<f32> {
    chosen.iter().flat_map(|row| &values[row * width..][..width]).copied().collect()
}

/// The first columns of a matrix.
fn first_columns(values: &[f32], columns: usize, kept: usize) -> Vec<f32> {
    values.chunks_exact(columns.max(1)).flat_map(|row| &row[..kept.min(columns)]).copied().collect()
}

/// From [d_model, n_heads · d_head] to [n_heads, d_model, d_head].
fn by_heads(values: &[f32], n_heads: usize, width: usize) -> Vec<f32> {
    let d_head = width / n_heads;
    let of_head =
        |head: usize| values.chunks_exact(width).flat_map(move |row| &row[head * d_head..][..d_head]);
    (0..n_heads).flat_map(of_head).copied().collect()
}
