use clockwork_model::{Architecture, Token};

use super::{
    effective_weights,
    found::Found,
    section::{Entry, Section},
};
use crate::{Figure, Result, words};

/// Nothing where there is no attention.
pub(super) fn section(of: &Found) -> Result<Option<Section>> {
    let (p, n_heads) = (of.p, of.model.n_heads);
    let attended = &of.summary.attended;
    let (tokens, Some(last)) = (attended.len(), attended.last()) else { return Ok(None) };
    let frames = |values: &[f64], value_name: &str, has_signs: bool| {
        let frame = |(i, map): (usize, &[f64])| {
            let label = format!("head {}, to {}", i / tokens, attended[i % tokens]);
            (label, of.map_over_xy(map, value_name, has_signs))
        };
        values.chunks_exact(p * p).enumerate().map(frame).collect::<Vec<_>>()
    };
    let pattern = of.floats("attention.pattern", &[n_heads, tokens, p, p])?;
    let pattern = frames(pattern, "attention", false);
    let title = format!("Attention from {last} over (x, y)");
    let pattern = Figure::with_slider("attention", title, of.input_axes(), "pattern", pattern);
    let mut coefficients = of.floats("attention.pattern_fourier", &[n_heads, tokens, p, p])?.to_vec();
    coefficients.chunks_exact_mut(p * p).for_each(|map| map[0] = 0.0);
    let fourier = Figure::with_slider(
        "attention-fourier",
        "Attention in the 2D Fourier basis, but for its mean",
        of.component_axes(),
        "pattern",
        frames(&coefficients, "coefficient", true),
    );

    let shares: Vec<String> = of
        .summary
        .mean_attention
        .iter()
        .enumerate()
        .map(|(head, mean)| {
            let shares: Vec<String> = mean.iter().map(|share| format!("{:.0} %", 100.0 * share)).collect();
            format!("head {head} {}", words::and(&shares))
        })
        .collect();
    let whole = format!(
        "Where {last} looks, as a function of the input. Stripes and checks mean that attention varies with \
                the frequencies of x and y, and so multiplies what it carries. On average {} get: {}.",
        words::and(attended),
        shares.join("; ")
    );
    let whole = match of.architecture {
        Some(Architecture::Transformer(of)) if of.attention_coefficient != 1.0 => {
            let alpha = words::short(of.attention_coefficient);
            format!(
                "{whole} It is {alpha} · softmax + 1 − {alpha}: all but the first part is the same for every input."
            )
        }
        _ => whole,
    };
    let by_component = match softmax(of) {
        Softmax::OfSum | Softmax::OfPair if !of.coordinates().has_inputs() => {
            "Which waves over the numbers attention varies with.".to_owned()
        }
        Softmax::OfSum => format!(
            "Few coefficients should stand out: those of key frequencies ({}), along both axes as \
                the pattern is a softmax of a function of x and one of y.",
            of.key_freqs_listed()
        ),
        Softmax::OfPair => format!(
            "Few coefficients should stand out: those of key frequencies ({}). The query is that of a \
                number, so scores depend on both.",
            of.key_freqs_listed()
        ),
        Softmax::None => return Ok(Some(Section::new(ID, TITLE, vec![Entry::new(pattern, CONSTANT)]))),
    };
    let mut entries = vec![Entry::new(pattern, whole), Entry::new(fourier, by_component)];
    entries.extend(effective_weights::entries(of)?);
    Ok(Some(Section::new(ID, TITLE, entries)))
}

const ID: &str = "attention";
const TITLE: &str = "Attention: numbers reach the last position";
const CONSTANT: &str = "Every token has the weight 1 for every input: this network's attention adds up what its \
    tokens carry, and looks nowhere.";

/// What attention scores are a function of.
enum Softmax {
    /// Of x and of y, added: the query is the same for every input.
    OfSum,
    /// Of x and y together.
    OfPair,
    /// Of nothing: the pattern is constant.
    None,
}

fn softmax(of: &Found) -> Softmax {
    match of.architecture {
        Some(Architecture::Transformer(of)) if of.attention_coefficient == 0.0 => Softmax::None,
        Some(Architecture::Transformer(of))
            if !matches!(of.tokens.tokens().last(), Some(Token::Literal { .. })) =>
        {
            Softmax::OfPair
        }
        _ => Softmax::OfSum,
    }
}
