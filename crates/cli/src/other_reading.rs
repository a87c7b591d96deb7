//! A network that was read wrongly must not look like a finding: what could be assumed otherwise is tried.

use std::path::Path;

use clockwork_analysis::SampledScores;
use clockwork_model::{
    Activation, Assumed, CheckpointFile, Facts, ForeignFile, ImportedFrom, Operation, ReadAs, TokenLayout,
};
use clockwork_report::words::DOUBTFUL_ACCURACY;

use crate::printer::Printer;

/// A reading must raise a lower accuracy by this much to be told: by chance one of many raises it a little.
const HIGHER: f64 = 0.1;

/// And to this much: noise is answered right more often by the small moduli that it is cut down to.
const FITTING: f64 = 0.5;

/// Where the accuracy is above that, another reading is the likelier one if its loss is smaller and its margins spread by
/// less than this share of what they do. A network is about as sure of all its answers the way that it was trained, and
/// less evenly so any other way (`docs/networks.md` has the figures); its loss alone also depends on the logits' scale.
const LIKELIER_SPREAD: f64 = 0.95;

/// Whatever its margins, another reading is the likelier one if its loss is smaller than this share of the loss found.
const LIKELIER_LOSS: f64 = 0.01;

/// A reading displaces one that was tried before it only if its margins spread by less than this share of the other's:
/// GELU and its approximation are hardly told apart, and the exact one is the likelier.
const TELLS_APART: f64 = 0.99;

/// A network with a smaller loss is so sure that no reading is the likelier one.
const SURE: f64 = 1e-12;

/// How many pairs each reading is tried on.
const PAIRS: usize = 512;

/// How many moduli are tried, from the one assumed downwards.
const MODULI: usize = 64;

/// Warns where what was assumed of somebody else's network does not fit it, and notes it with where it is from: figures of
/// a wrong reading are not to be seen without.
pub fn doubt(path: &Path, read_as: &ReadAs, file: &mut CheckpointFile, printer: &Printer) {
    let Some(doubt) = other_reading(path, read_as, file) else { return };
    printer.warn(&doubt);
    file.checkpoint.metadata.imported.iter_mut().for_each(|imported| imported.doubt = Some(doubt.clone()));
}

/// A warning where a network that was imported does not fit what was assumed of it: what fits better, if anything that
/// was tried does.
fn other_reading(path: &Path, read_as: &ReadAs, file: &CheckpointFile) -> Option<String> {
    // A run's checkpoint says itself how it was read.
    let is_theirs = |of: &&ImportedFrom| of.sha256 == file.sha256;
    let imported = file.checkpoint.metadata.imported.as_ref().filter(is_theirs)?;
    let found = SampledScores::new(&file.checkpoint, PAIRS).ok()?;
    let (fits, modulus) = (found.accuracy >= DOUBTFUL_ACCURACY, file.checkpoint.metadata.task.modulus);
    let alternatives = alternatives(&imported.assumed, modulus);
    if alternatives.is_empty() {
        return None;
    }
    let foreign = ForeignFile::open(path).ok()?;
    let mut best: Option<(Facts, SampledScores)> = None;
    for facts in alternatives {
        let read_as = ReadAs { facts: facts.clone().or(read_as.facts.clone()), ..read_as.clone() };
        let Ok(checkpoint) = foreign.checkpoint(&read_as) else { continue };
        let Ok(scores) = SampledScores::new(&checkpoint, PAIRS) else { continue };
        let is_likelier = match fits {
            // Squares make any clock surer: they are exact products.
            true => facts.activation != Some(Activation::Square) && is_likelier(scores, found),
            false => scores.accuracy > f64::max(found.accuracy + HIGHER, FITTING),
        };
        let is_better = |than: SampledScores| match fits {
            true => scores.margin_spread < TELLS_APART * than.margin_spread,
            false => (scores.accuracy, -scores.loss) > (than.accuracy, -than.loss),
        };
        if is_likelier && best.as_ref().is_none_or(|(_, best)| is_better(*best)) {
            best = Some((facts, scores));
        }
    }
    match best {
        Some((facts, scores)) if fits => Some(format!(
            "what was assumed does not fit: with {} the loss would be {:.2e} instead of {:.2e}",
            flags(&facts),
            scores.loss,
            found.loss
        )),
        Some((facts, scores)) => Some(format!(
            "what was assumed does not fit: the accuracy is {:.4}; with {} it would be {:.4}",
            found.accuracy,
            flags(&facts),
            scores.accuracy
        )),
        None if !fits => Some(format!(
            "what was assumed, or told, may not fit: the accuracy is {:.4}, and nothing else that could be assumed raises it",
            found.accuracy
        )),
        None => None,
    }
}

/// Whether another reading of a network that answers right is the likelier one.
fn is_likelier(other: SampledScores, found: SampledScores) -> bool {
    if found.loss < SURE {
        return false;
    }
    let is_more_even = other.loss < found.loss && other.margin_spread < LIKELIER_SPREAD * found.margin_spread;
    other.accuracy >= found.accuracy && (is_more_even || other.loss < LIKELIER_LOSS * found.loss)
}

/// The other activations, where the activation was assumed.
fn activations(assumed: &Assumed) -> Vec<Facts> {
    let others = Activation::ALL.into_iter().filter(|_| assumed.contains_key("activation"));
    others.map(|activation| Facts { activation: Some(activation), ..Facts::default() }).collect()
}

/// What could be assumed otherwise: one thing at a time, but for the tokens and the operation, which often go together.
fn alternatives(assumed: &Assumed, modulus: usize) -> Vec<Facts> {
    let is_assumed = |fact: &str| assumed.contains_key(fact);
    let of = |facts: fn(&mut Facts)| {
        let mut changed = Facts::default();
        facts(&mut changed);
        changed
    };
    let mut all = activations(assumed);
    if is_assumed("layer_norm") {
        all.push(of(|facts| facts.layer_norm = Some(true)));
    }
    if is_assumed("parallel") {
        all.push(of(|facts| facts.parallel = Some(true)));
    }
    if is_assumed("zero") {
        all.push(of(|facts| facts.zero = Some(false)));
    }
    if is_assumed("attention_divisor") {
        all.push(of(|facts| facts.attention_divisor = Some(1.0)));
    }
    if is_assumed("attention_coefficient") {
        all.push(of(|facts| facts.attention_coefficient = Some(0.0)));
    }
    if is_assumed("own_vocabularies") {
        all.push(of(|facts| facts.own_vocabularies = Some(true)));
    }
    if is_assumed("n_heads") {
        let heads = [1, 2, 3, 4, 6, 8, 12, 16, 32];
        all.extend(heads.map(|n_heads| Facts { n_heads: Some(n_heads), ..Facts::default() }));
    }
    if is_assumed("modulus") {
        let moduli = (modulus / 2 + 1..modulus).rev().take(MODULI);
        all.extend(moduli.map(|modulus| Facts { modulus: Some(modulus), ..Facts::default() }));
    }
    let operations: Vec<Option<Operation>> = match is_assumed("operation") {
        true => [None].into_iter().chain(Operation::NAMED.map(Some)).collect(),
        false => vec![None],
    };
    let layouts: Vec<Option<TokenLayout>> = match is_assumed("tokens") {
        true => [None].into_iter().chain(layouts(modulus).into_iter().map(Some)).collect(),
        false => vec![None],
    };
    for operation in operations {
        let both =
            layouts.iter().map(|tokens| Facts { operation, tokens: tokens.clone(), ..Facts::default() });
        all.extend(both.filter(|facts| *facts != Facts::default()));
    }
    all
}

/// Token layouts that people use.
fn layouts(modulus: usize) -> Vec<TokenLayout> {
    let swapped = format!("x +:{} y =:{modulus}", modulus + 1);
    let layouts = ["x y", "= x y", "x = y", "x + y", "+ x y", "x + y =", "+ x y =", "x y + =", &swapped];
    layouts.into_iter().filter_map(|layout| layout.parse().ok()).collect()
}

/// The flags that say some facts; where there is none, the lines of a file for `--architecture`.
fn flags(facts: &Facts) -> String {
    let mut flags = Vec::new();
    flags.extend(facts.activation.map(|activation| format!("--act {activation}")));
    flags.extend(facts.operation.map(|operation| format!("--operation {operation}")));
    flags.extend(facts.zero.filter(|zero| !zero).map(|_| "--without-zero".to_owned()));
    flags.extend(facts.tokens.as_ref().map(|tokens| format!("--tokens \"{tokens}\"")));
    flags.extend(facts.modulus.map(|modulus| format!("--modulus {modulus}")));
    flags.extend(facts.n_heads.map(|n_heads| format!("--heads {n_heads}")));
    flags.extend(facts.layer_norm.map(|_| "--layer-norm".to_owned()));
    let in_file = |key: &str, value: String| format!("`{key} = {value}` in a file for --architecture");
    flags.extend(facts.parallel.map(|flag| in_file("parallel", flag.to_string())));
    flags.extend(facts.own_vocabularies.map(|flag| in_file("own_vocabularies", flag.to_string())));
    flags.extend(facts.attention_divisor.map(|divisor| in_file("attention_divisor", format!("{divisor:?}"))));
    flags.extend(
        facts.attention_coefficient.map(|alpha| in_file("attention_coefficient", format!("{alpha:?}"))),
    );
    flags.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_assumed_is_tried_otherwise() {
        let assumed = |fact: &str| Assumed::from([(fact.to_owned(), String::new())]);
        assert!(alternatives(&Assumed::new(), 7).is_empty());
        let flags_of = |fact: &str| alternatives(&assumed(fact), 7).iter().map(flags).collect::<Vec<_>>();
        assert_eq!(flags_of("modulus"), ["--modulus 6", "--modulus 5", "--modulus 4"]);
        assert_eq!(flags_of("layer_norm"), ["--layer-norm"]);
        assert!(flags_of("activation").contains(&"--act gelu".to_owned()));
        assert!(flags_of("tokens").contains(&"--tokens \"x + y =\"".to_owned()));
        let both = ["tokens", "operation"].into_iter().flat_map(assumed).collect();
        let both: Vec<String> = alternatives(&both, 7).iter().map(flags).collect();
        assert!(both.contains(&"--operation subtract --tokens \"= x y\"".to_owned()), "{both:?}");
        assert_eq!(
            flags_of("attention_coefficient"),
            ["`attention_coefficient = 0.0` in a file for --architecture"]
        );
    }
}
