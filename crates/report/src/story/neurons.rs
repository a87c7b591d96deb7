use clockwork_model::Activation;

use super::{
    found::Found,
    section::{Entry, Section},
};
use crate::{Figure, Result, words::short};

/// How many neurons of each cluster are shown; the analysis keeps a few more.
const SHOWN_PER_CLUSTER: usize = 3;

pub(super) fn section(of: &Found) -> Result<Section> {
    let (p, summary) = (of.p, of.summary);
    let count = of.len("neurons.sample")?;
    let sample = of.whole_numbers("neurons.sample", &[count])?;
    let clusters = of.whole_numbers("neurons.cluster", &[of.model.d_mlp])?;
    let cluster_of = |neuron: i64| usize::try_from(neuron).ok().and_then(|n| clusters.get(n)).copied();
    let mut shown = Vec::new();
    for (i, &neuron) in sample.iter().enumerate() {
        let cluster = cluster_of(neuron);
        let before = sample[..i].iter().filter(|&&other| cluster_of(other) == cluster).count();
        if before < SHOWN_PER_CLUSTER {
            let cluster = match cluster {
                Some(k) if k > 0 => format!("frequency {k}"),
                _ => "unclustered".to_owned(),
            };
            shown.push((i, format!("{neuron}, {cluster}")));
        }
    }
    let acts = of.floats("neurons.sample_acts", &[count, p, p])?;
    let mut coefficients = of.floats("neurons.sample_acts_fourier", &[count, p, p])?.to_vec();
    coefficients.chunks_exact_mut(p * p).for_each(|map| map[0] = 0.0);
    let frames = |values: &[f64], name: &str, has_signs: bool| {
        let map = |(i, label): &(usize, String)| {
            (label.clone(), of.map_over_xy(&values[i * p * p..][..p * p], name, has_signs))
        };
        shown.iter().map(map).collect::<Vec<_>>()
    };
    let over_inputs = Figure::with_slider(
        "neurons",
        "Activations of single neurons over (x, y)",
        of.input_axes(),
        "neuron",
        frames(acts, "activation", false),
    );
    let fourier = Figure::with_slider(
        "neurons-fourier",
        "Activations of single neurons in the 2D Fourier basis, but for their mean",
        of.component_axes(),
        "neuron",
        frames(&coefficients, "coefficient", true),
    );
    let squared = Figure::new(
        "neurons-mean-squared",
        "Mean squared 2D coefficient of the neurons",
        of.component_axes(),
        of.map_over_xy(of.floats("neurons.mean_squared", &[p, p])?, "mean square", false),
    );
    let symmetric = summary.median_frac_symmetric.map_or_else(
        || "No neuron is in a cluster.".to_owned(),
        |share| {
            format!(
                "In the median clustered neuron {:.0} % of the variance stays when x and y change places.",
                100.0 * share
            )
        },
    );
    let mut entries = vec![
        Entry::new(
            over_inputs,
            format!(
                "The first neurons of each cluster. A neuron that serves one frequency shows a regular \
                pattern, periodic along both axes. {symmetric}"
            ),
        ),
        Entry::new(
            fourier,
            match summary.activation {
                Activation::Square => {
                    "Each should have few coefficients that matter: quadratic ones where both components \
                are of its frequency, and linear ones along the edges, of twice its frequency too."
                }
                _ => {
                    "Each should have at most eight coefficients that matter: linear ones along the edges \
                and quadratic ones where both components are of its frequency."
                }
            },
        ),
        Entry::new(
            squared,
            format!(
                "All neurons together should use only constant, linear and quadratic terms of the key \
                frequencies ({}): {:.1} % of the squares are quadratic and {:.1} % linear in those.",
                of.key_freqs_listed(),
                100.0 * summary.neurons_frac_quadratic,
                100.0 * summary.neurons_frac_linear
            ),
        ),
    ];
    if summary.activation == Activation::Relu && of.coordinates().has_inputs() {
        entries.push(relu_fit(of)?);
    }
    Ok(Section::new("neurons", of.heading("Neurons", "products of waves"), entries))
}

/// How a ReLU multiplies.
fn relu_fit(of: &Found) -> Result<Entry> {
    let p = of.p;
    let fit = &of.summary.relu_fit;
    let relu = |name: &str| of.floats(name, &[p, p]);
    let frames = [
        ("the function", relu("relu_fit.relu")?),
        ("fit with the product", relu("relu_fit.fitted")?),
        ("fit without it", relu("relu_fit.fitted_linear")?),
    ];
    let relu = Figure::with_slider(
        "relu-fit",
        format!("ReLU(0.5/√p + cos ωx + cos ωy) and its fits, frequency {}", fit.freq),
        of.input_axes(),
        "shown",
        frames.map(|(label, values)| (label.to_owned(), of.map_over_xy(values, "value", true))),
    );
    let [constant, x, y, product] = fit.coefficients;
    Ok(Entry::new(
        relu,
        format!(
            "Why a ReLU multiplies: it is close to {} const + {} cos ωx + {} cos ωy + {} cos ωx cos \
                ωy, with r² = {:.3}. Without the product r² is {:.3}.",
            short(constant),
            short(x),
            short(y),
            short(product),
            fit.r2,
            fit.r2_without_quadratic
        ),
    ))
}
