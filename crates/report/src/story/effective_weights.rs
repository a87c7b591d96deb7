use clockwork_model::Architecture;

use super::{found::Found, section::Entry};
use crate::{Axis, Content, Figure, HeatMap, Line, Result};

/// The weights from a number straight to attention scores and neurons, where there are such.
pub(super) fn entries(of: &Found) -> Result<Vec<Entry>> {
    let applies = match of.architecture {
        None => true,
        Some(Architecture::Transformer(of)) => of.has_linear_heads(),
        Some(Architecture::TwoInputMlp(_)) => false,
    };
    if !applies {
        return Ok(Vec::new());
    }
    let [score, score_fourier] = to_scores(of)?;
    let [neurons, neurons_fourier] = to_neurons(of)?;
    Ok(vec![score, score_fourier, neurons, neurons_fourier])
}

fn to_scores(of: &Found) -> Result<[Entry; 2]> {
    let (p, n_heads) = (of.p, of.model.n_heads);
    let last = of.summary.attended.last().map_or("=", String::as_str);
    let per_head = |values: &[f64]| {
        let line = |(head, row): (usize, &[f64])| Line {
            name: format!("head {head}"),
            points: row.iter().enumerate().map(|(i, &value)| [i as f64, value]).collect(),
        };
        Content::lines(values.chunks_exact(p).enumerate().map(line).collect())
    };
    let w_attn = Figure::new(
        "w-attn",
        format!("W_attn: the attention score that {last} gives to a number"),
        [of.number_axis(), Axis::of("score")],
        per_head(of.floats("effective.W_attn", &[n_heads, p])?),
    );
    let w_attn_fourier = Figure::new(
        "w-attn-fourier",
        "W_attn in the Fourier basis",
        [of.components("Fourier component"), Axis::of("coefficient")],
        per_head(of.floats("effective.W_attn_fourier", &[n_heads, p])?),
    );

    Ok([
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
    ])
}

fn to_neurons(of: &Found) -> Result<[Entry; 2]> {
    let (p, n_heads, d_mlp) = (of.p, of.model.n_heads, of.model.d_mlp);
    let order = of.whole_numbers("neurons.order", &[d_mlp])?;
    let order: Vec<usize> = order.iter().map(|&n| n as usize).filter(|&n| n < d_mlp).collect();
    let by_neuron = |values: &[f64]| {
        let frame = |(head, of_head): (usize, &[f64])| {
            let ordered = of_head.chunks_exact(d_mlp).flat_map(|row| order.iter().map(|&n| row[n])).collect();
            (format!("head {head}"), Content::HeatMap(HeatMap::new(order.len(), ordered, "weight", true)))
        };
        values.chunks_exact(p * d_mlp).enumerate().map(frame).collect::<Vec<_>>()
    };
    let neurons = || Axis::of("neuron, in the order of clusters");
    let w_neur = Figure::with_slider(
        "w-neur",
        "W_neur: from a number straight to the neurons",
        [neurons(), of.number_axis()],
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

    Ok([
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
    ])
}
