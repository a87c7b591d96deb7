use clockwork_analysis::Cluster;
use clockwork_model::CoordinatesOf;

use super::{
    found::Found,
    section::{Entry, Section},
};
use crate::{Axis, Content, Figure, HeatMap, Result};

pub(super) fn section(of: &Found) -> Result<Section> {
    let (p, d_mlp, summary) = (of.p, of.model.d_mlp, of.summary);
    let values = of.floats("W_logit.fourier", &[d_mlp, p])?;
    let map = |id: &str, title: &str, y: &str, map: HeatMap| {
        let x = match of.coordinates() {
            CoordinatesOf::Inputs => "Fourier component of the sum that has the answer",
            CoordinatesOf::InputsAndAnswers | CoordinatesOf::Nothing => "Fourier component of the answer",
        };
        let axes = [of.components(x), Axis::of(y)];
        Figure::new(id, title, axes, Content::HeatMap(map))
    };
    let raw = HeatMap::new(p, values.to_vec(), "coefficient", true);
    let order = of.whole_numbers("neurons.order", &[d_mlp])?;
    let rows = order.iter().filter_map(|&n| values.chunks_exact(p).nth(usize::try_from(n).ok()?));
    let mut ordered = HeatMap::new(p, rows.flatten().copied().collect(), "coefficient", true);
    let mut row = 0;
    for cluster in of.clusters() {
        let size = of.cluster_size(cluster)?;
        if size > 0 {
            let name = match cluster {
                Cluster::Frequency(k) => format!("cluster {k}"),
                Cluster::Unclustered => cluster.to_string(),
            };
            ordered.borders.push((row, name));
        }
        row += size;
    }
    let raw = map("w-logit", "W_logit in the Fourier basis", "neuron", raw);
    let ordered = map(
        "w-logit-ordered",
        "W_logit in the Fourier basis, neurons in the order of clusters",
        "neuron, in the order of clusters",
        ordered,
    );

    let has_waves = of.coordinates().has_answers();
    let mut frames = Vec::new();
    for k in of.key_freqs.iter().filter(|_| has_waves) {
        for wave in ["cos", "sin"] {
            // There is no sine for p/2.
            if wave == "sin" && 2 * k == p {
                continue;
            }
            let mut values = of.floats(&format!("W_logit.{wave}_component.{k}"), &[p, p])?.to_vec();
            values[0] = 0.0;
            frames.push((format!("{wave} {k}"), of.map_over_xy(&values, "coefficient", true)));
        }
    }
    let components = Figure::with_slider(
        "components",
        "What neurons put into a column of W_logit, in the 2D Fourier basis",
        of.component_axes(),
        "column",
        frames,
    );
    let values = of.series("W_logit.singular_values")?;
    let singular = Found::singular_values("w-logit-singular-values", "Singular values of W_logit", values);

    let least = |values: &mut dyn Iterator<Item = &f64>| values.copied().fold(1.0, f64::min);
    let own = least(&mut summary.w_logit_frac_from_own_cluster.values());
    let along = least(&mut summary.cos_component_frac.values().chain(summary.sin_component_frac.values()));
    let mut entries = vec![
        Entry::new(
            raw,
            format!(
                "Columns of key frequencies hold {:.1} % of the squared norm. The answer is read off as \
                waves of z, and of those frequencies only.",
                100.0 * summary.w_logit_frac_key_freqs
            ),
        ),
        Entry::new(
            ordered,
            format!(
                "The same with the neurons of a cluster beside each other: each cluster writes to the \
                two columns of its own frequency. At least {:.1} % of a key frequency's columns comes \
                from its own cluster.",
                100.0 * own
            ),
        ),
    ];
    if !of.key_freqs.is_empty() && has_waves {
        entries.push(Entry::new(
            components,
            format!(
                "The cosine's column needs cos ωx cos ωy − sin ωx sin ωy = cos ω(x + y): two equal \
                coefficients of opposite sign. The sine's needs sin ωx cos ωy + cos ωx sin ωy: two of \
                the same sign. At least {:.1} % of the squares lies along them.",
                100.0 * along
            ),
        ));
    }
    entries.push(Entry::new(
        singular,
        format!(
            "W_logit should be of low rank, two dimensions a key frequency; {} of its values are \
                above a millionth of the largest.",
            summary.w_logit_rank
        ),
    ));
    Ok(Section::new("w-logit", of.heading("W_logit", "waves become answers"), entries))
}
