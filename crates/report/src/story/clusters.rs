use clockwork_analysis::{CLUSTER_FRAC_EXPLAINED, Cluster};
use clockwork_model::Activation;

use super::{
    found::Found,
    section::{Entry, Section},
};
use crate::{Axis, Content, Figure, Points, Result};

pub(super) fn section(of: &Found) -> Result<Section> {
    let (p, d_mlp, summary) = (of.p, of.model.d_mlp, of.summary);
    let freqs = of.whole_numbers("neurons.best_freq", &[d_mlp])?;
    let explained = of.floats("neurons.frac_explained", &[d_mlp])?;
    let points = Points {
        points: freqs.iter().zip(explained).map(|(&k, &share)| [k as f64, share]).collect(),
        names: (0..d_mlp).map(|n| format!("neuron {n}")).collect(),
        colours: of.floats("neurons.frac_active", &[d_mlp])?.to_vec(),
        colour_name: if summary.activation == Activation::Relu { "fires on" } else { "positive input on" }
            .to_owned(),
        is_labelled: false,
    };
    let scatter = Figure::new(
        "frac-explained",
        "Fraction of a neuron's variance explained by its best frequency",
        [Axis::of("best frequency"), Axis::of("fraction explained")],
        Content::Points(points),
    );
    let bars = of.clusters().map(|of_bar| Ok((of_bar.to_string(), of.cluster_size(of_bar)? as f64)));
    let sizes = Figure::new(
        "cluster-sizes",
        "Neurons per cluster",
        [Axis::of("cluster's frequency"), Axis::of("neurons")],
        Content::Bars { bars: bars.collect::<Result<_>>()?, levels: vec![] },
    );
    let mut frames = Vec::new();
    for k in of.key_freqs {
        let values = of.floats(&format!("neurons.mean_squared.{k}"), &[p, p])?;
        frames.push((k.to_string(), of.map_over_xy(values, "mean square", false)));
    }
    let by_cluster = Figure::with_slider(
        "clusters-mean-squared",
        "Mean squared 2D coefficient of the neurons of a cluster",
        of.component_axes(),
        "frequency",
        frames,
    );
    let median = summary.median_frac_explained.map_or_else(
        || "no neuron is in a cluster".to_owned(),
        |share| format!("the median clustered neuron reaches {share:.3}"),
    );
    let is_relu = summary.activation == Activation::Relu;
    let firing = summary.unclustered_frac_active.filter(|_| is_relu).map_or_else(String::new, |share| {
        format!(" They fire on {:.0} % of the inputs on average.", 100.0 * share)
    });
    let darker = match is_relu {
        true => {
            "Darker ones fire on more inputs: a neuron that always fires adds nothing but a linear map, and need not \
             keep to a frequency."
        }
        false => "Darker ones have a positive input more often.",
    };
    if !of.coordinates().has_inputs() {
        let most = explained.iter().copied().fold(0.0, f64::max);
        let text = format!(
            "How much of each neuron is waves of one frequency over the numbers: at most {most:.3}. Frequencies mean nothing for this \
             operation, so that neurons form no clusters. {darker}"
        );
        let title = "Frequencies of neurons: in the additive basis";
        return Ok(Section::new("clusters", title, vec![Entry::new(scatter, text)]));
    }
    let mut entries = vec![
        Entry::new(
            scatter,
            format!("Neurons above {CLUSTER_FRAC_EXPLAINED} belong to a frequency; {median}. {darker}"),
        ),
        Entry::new(
            sizes,
            format!(
                "{} of {d_mlp} neurons are in no cluster, {} of them dead, and together they have {:.2} \
                % of all neurons' effect.{firing}",
                of.cluster_size(Cluster::Unclustered)?,
                summary.dead_neurons,
                100.0 * summary.unclustered_share_of_effect
            ),
        ),
    ];
    if !of.key_freqs.is_empty() {
        entries.push(Entry::new(
            by_cluster,
            "A cluster's neurons have coefficients of their own frequency only: two along each edge, \
                and four where both components meet."
                .to_owned(),
        ));
    }
    Ok(Section::new("clusters", "Clusters: each neuron serves one frequency", entries))
}
