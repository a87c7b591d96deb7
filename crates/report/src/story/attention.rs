use super::{Entry, Found, Section, found::input_axes};
use crate::{Axis, Content, Figure, HeatMap, Line, Result};

/// What the third axis of the attention pattern is.
const POSITIONS: [&str; 3] = ["x", "y", "="];

pub(super) fn section(of: &Found) -> Result<Section> {
    let (p, n_heads, d_mlp) = (of.p, of.model.n_heads, of.model.d_mlp);
    let frames = |values: &[f64], value_name: &str, has_signs: bool| {
        let frame = |(i, map): (usize, &[f64])| {
            (format!("head {}, to {}", i / 3, POSITIONS[i % 3]), of.map_over_xy(map, value_name, has_signs))
        };
        values.chunks_exact(p * p).enumerate().map(frame).collect::<Vec<_>>()
    };
    let pattern = of.floats("attention.pattern", &[n_heads, 3, p, p])?;
    let pattern = frames(pattern, "attention", false);
    let pattern =
        Figure::with_slider("attention", "Attention from = over (x, y)", input_axes(), "pattern", pattern);
    let mut coefficients = of.floats("attention.pattern_fourier", &[n_heads, 3, p, p])?.to_vec();
    coefficients.chunks_exact_mut(p * p).for_each(|map| map[0] = 0.0);
    let fourier = Figure::with_slider(
        "attention-fourier",
        "Attention in the 2D Fourier basis, but for its mean",
        of.component_axes(),
        "pattern",
        frames(&coefficients, "coefficient", true),
    );

    let per_head = |values: &[f64]| {
        let line = |(head, row): (usize, &[f64])| Line {
            name: format!("head {head}"),
            points: row.iter().enumerate().map(|(i, &value)| [i as f64, value]).collect(),
        };
        Content::Lines { lines: values.chunks_exact(p).enumerate().map(line).collect(), marks: vec![] }
    };
    let w_attn = Figure::new(
        "w-attn",
        "W_attn: the attention score that = gives to a number",
        [Axis::of("number"), Axis::of("score")],
        per_head(of.floats("effective.W_attn", &[n_heads, p])?),
    );
    let w_attn_fourier = Figure::new(
        "w-attn-fourier",
        "W_attn in the Fourier basis",
        [of.components("Fourier component"), Axis::of("coefficient")],
        per_head(of.floats("effective.W_attn_fourier", &[n_heads, p])?),
    );

    let order = of.whole_numbers("neurons.order", &[d_mlp])?;
    let order: Vec<usize> = order.iter().map(|&n| n as usize).filter(|&n| n < d_mlp).collect();
    let by_neuron = |values: &[f64]| {
        let frame = |(head, of_head): (usize, &[f64])| {
            let ordered = of_head.chunks_exact(d_mlp).flat_map(|row| order.iter().map(|&n| row[n])).collect();
            (
                format!("head {head}"),
                Content::HeatMap(HeatMap::new(order.len(), ordered, "weight", true).thinned()),
            )
        };
        values.chunks_exact(p * d_mlp).enumerate().map(frame).collect::<Vec<_>>()
    };
    let neurons = || Axis::of("neuron, in the order of clusters");
    let w_neur = Figure::with_slider(
        "w-neur",
        "W_neur: from a number straight to the neurons",
        [neurons(), Axis::of("number")],
        "head",
        by_neuron(of.floats("effective.W_neur", &[n_heads, p, d_mlp])?),
    );
    let w_neur_fourier = Figure::with_slider(
        "w-neur-fourier",
        "W_neur in the Fourier basis",
        [neurons(), of.components("Fourier component")],
        "head",
        by_neuron(of.floats("effective.W_neur_fourier", &[n_heads, p, d_mlp])?),
    );

    let shares: Vec<String> = of
        .summary
        .mean_attention
        .iter()
        .enumerate()
        .map(|(head, [x, y, e])| {
            format!("head {head} {:.0} %, {:.0} % and {:.0} %", 100.0 * x, 100.0 * y, 100.0 * e)
        })
        .collect();
    Ok(Section {
        id: "attention",
        title: "Attention: numbers reach the last position",
        entries: vec![
            Entry::new(
                pattern,
                format!(
                    "Where = looks, as a function of the input. Stripes and checks mean that attention \
                varies with the frequencies of x and y, and so multiplies what it carries. On average x, \
                y and = get: {}.",
                    shares.join("; ")
                ),
            ),
            Entry::new(
                fourier,
                format!(
                    "Few coefficients should stand out: those of key frequencies ({}), along both axes as \
                the pattern is a softmax of a function of x and one of y.",
                    of.key_freqs_in_words()
                ),
            ),
            Entry::new(
                w_attn,
                "The score of a number is the same at either position but for what the position adds. It \
                should be a sum of a few waves."
                    .to_owned(),
            ),
            Entry::new(
                w_attn_fourier,
                "The same by Fourier component: a spike for each frequency that a head looks by.".to_owned(),
            ),
            Entry::new(
                w_neur,
                "What a neuron gets of a number through a head, if that head looked at nothing else. \
                Neurons stand in the order of clusters, so columns of one cluster share their waves."
                    .to_owned(),
            ),
            Entry::new(
                w_neur_fourier,
                "The same by Fourier component: each cluster of neurons reads the rows of its own \
                frequency."
                    .to_owned(),
            ),
        ],
    })
}
