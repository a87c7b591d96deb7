use clockwork_analysis::Basis;

use super::{
    found::Found,
    section::{Entry, Section},
};
use crate::{Axis, Content, Figure, HeatMap, Line, Result, words};

pub(super) fn section(of: &Found) -> Result<Section> {
    let (p, summary) = (of.p, of.summary);
    let by_rule = &summary.key_freqs_by_rule.embedding;

    let norms = of.floats("embedding.norm_by_component", &[p])?;
    let bars = norms.iter().enumerate().map(|(i, &norm)| [i as f64, norm]).collect();
    let norms = Figure::new(
        "embedding-norm",
        "Squared norm of the embedding per Fourier component",
        [of.components("Fourier component"), Axis::of("squared norm")],
        Content::lines(vec![Line { name: "squared norm".to_owned(), points: bars }]),
    );
    let key_share: f64 =
        by_rule.iter().filter_map(|k| summary.embedding_norm_by_freq.get(k - 1)).sum::<f64>()
            / summary.embedding_norm_by_freq.iter().sum::<f64>().max(f64::MIN_POSITIVE);

    let width = of.width("embedding.W_E_fourier")?;
    let coefficients = of.floats("embedding.W_E_fourier", &[p, width])?;
    let map = Figure::new(
        "embedding-fourier",
        "F W_E, the embedding in the Fourier basis",
        [Axis::of("dimension of the embedding"), of.components("Fourier component")],
        Content::HeatMap(HeatMap::new(width, coefficients.to_vec(), "coefficient", true)),
    );

    let values = of.series("embedding.singular_values")?;
    let singular =
        Found::singular_values("embedding-singular-values", "Singular values of the embedding", values);
    let expected = 2 * by_rule.len();
    let following =
        values.get(expected).copied().unwrap_or(0.0) / values.first().copied().unwrap_or(1.0).max(1e-300);

    let spikes =
        "A sparse embedding has tall spikes at a few pairs of cos and sin, and next to nothing elsewhere.";
    let gini = format!("the Gini coefficient over frequencies is {:.3}.", summary.gini_embedding);
    let in_norms = match of.coordinates().has_inputs() {
        true => format!(
            "{spikes} Here the frequencies {} exceed a quarter of the largest and hold {:.1} % of the squared norm; {gini}",
            words::list(by_rule),
            100.0 * key_share
        ),
        false => format!("{spikes} Here {gini}"),
    };
    let mut entries = vec![
        Entry::new(norms, in_norms),
        Entry::new(
            map,
            match of.coordinates().has_inputs() {
                true => {
                    "Rows are Fourier components of the input, columns dimensions of the embedding. \
                Rows of key frequencies stand out; all others should be pale. Which dimensions they take \
                is arbitrary."
                }
                false => "Rows are Fourier components of the numbers, columns dimensions of the embedding.",
            },
        ),
        Entry::new(
            singular,
            match of.coordinates().has_inputs() {
                true => format!(
                    "Each frequency needs two directions, one for its cosine and one for its sine, so \
                {expected} values should stand out. The one after them is {} of the largest.",
                    words::short(following)
                ),
                false => "How many directions the numbers take.".to_owned(),
            },
        ),
    ];
    entries.extend(bases(of)?);
    Ok(Section::new("embedding", of.heading("Embedding", "a few frequencies are kept"), entries))
}

/// In which basis the embedding is sparse, where the modulus offers several.
fn bases(of: &Found) -> Result<Option<Entry>> {
    let Some(words) = words::bases(of.summary) else { return Ok(None) };
    let line = |basis: &Basis| {
        let norms = of.series(&format!("embedding.{basis}_norm_by_freq"))?;
        let points = (1..).zip(norms).map(|(k, &norm)| [f64::from(k), norm]).collect();
        Ok(Line { name: format!("{basis} basis"), points })
    };
    let lines = of.summary.gini_by_basis.keys().map(line).collect::<Result<_>>()?;
    let figure = Figure::new(
        "embedding-bases",
        "Squared norm of the embedding per frequency, in the additive and in the multiplicative basis",
        [Axis::of("frequency in either basis"), Axis::of("squared norm")],
        Content::lines(lines),
    );
    let text = format!(
        "Waves over the numbers make sums simple, waves over their discrete logarithms products. A network that uses one of \
         them has spikes there, and something flat in the other: {words}."
    );
    Ok(Some(Entry::new(figure, text)))
}
