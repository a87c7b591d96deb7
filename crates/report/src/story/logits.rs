use super::{
    found::Found,
    section::{Entry, Section},
};
use crate::{Axis, Content, Figure, Line, Result};

pub(super) fn section(of: &Found) -> Result<Section> {
    let (p, summary) = (of.p, of.summary);
    let squared = |name: &str| of.floats(&format!("{name}.mean_squared"), &[p, p]);
    let frames = [("logits", squared("logits")?), ("neurons", squared("neurons")?)];
    let maps = Figure::with_slider(
        "logits-mean-squared",
        "Mean squared 2D coefficient of the logits, beside the neurons'",
        of.component_axes(),
        "of",
        frames.map(|(label, values)| (label.to_owned(), of.map_over_xy(values, "mean square", false))),
    );
    let maps = Entry::new(maps, of_maps(of));
    if !of.coordinates().has_answers() {
        return Ok(Section::new("logits", of.heading("Logits", "linear terms cancel"), vec![maps]));
    }
    let bars =
        of.key_freqs.iter().map(|&k| Ok((k.to_string(), Found::of_freq(&summary.logit_coefficients, k)?)));
    let coefficients = Figure::new(
        "logit-coefficients",
        "C_k in logits ≈ Σ C_k cos ω_k(x + y − z)",
        [Axis::of("frequency k"), Axis::of("C_k")],
        Content::Bars { bars: bars.collect::<Result<_>>()?, levels: vec![] },
    );
    let by_difference = |name: &str| of.floats(&format!("logits.{name}_by_difference"), &[p]);
    let (mean, sd, fitted) = (by_difference("mean")?, by_difference("sd")?, by_difference("fitted")?);
    let line = |name: &str, value: &dyn Fn(usize) -> f64| Line {
        name: name.to_owned(),
        points: (0..p).map(|d| [d as f64, value(d)]).collect(),
    };
    let lines = vec![
        line("mean logit", &|d| mean[d]),
        line("Σ C_k cos ω_k(x + y − z)", &|d| fitted[d]),
        line("mean + standard deviation", &|d| mean[d] + sd[d]),
        line("mean − standard deviation", &|d| mean[d] - sd[d]),
    ];
    let profile = Figure::new(
        "logits-by-difference",
        "Logits against Σ C_k cos ω_k(x + y − z)",
        [of.difference_axis(), Axis::of("centred logit")],
        Content::lines(lines),
    );
    let mut entries = vec![
        maps,
        Entry::new(
            profile,
            "Logits by how far an answer z is from the right one, which is at 0. Where the mean and \
                the sum of waves lie over each other, and the band is narrow, the logits depend on x + y \
                − z alone."
                .to_owned(),
        ),
    ];
    if !of.key_freqs.is_empty() {
        entries.insert(
            1,
            Entry::new(
                coefficients,
                format!(
                    "All should be positive, so that the waves add up at the right answer and cancel \
                elsewhere. Together they explain {:.1} % of the logits' variance.",
                    100.0 * summary.logit_frac_variance_explained
                ),
            ),
        );
    }
    Ok(Section::new("logits", "Logits: linear terms cancel", entries))
}

/// What to look for in the maps of squared coefficients.
fn of_maps(of: &Found) -> String {
    let summary = of.summary;
    match of.coordinates().has_inputs() {
        true => format!(
            "Move the slider: the neurons' linear terms along the edges are gone in the logits. Of \
                the logits' squares {:.1} % are quadratic and {:.2} % linear in key frequencies; of the \
                neurons' {:.1} % and {:.1} %.",
            100.0 * summary.logits_frac_quadratic,
            100.0 * summary.logits_frac_linear,
            100.0 * summary.neurons_frac_quadratic,
            100.0 * summary.neurons_frac_linear
        ),
        false => "What the operation makes of waves over the numbers is in many coefficients. A few that stand out \
                would be a structure that this analysis does not know."
            .to_owned(),
    }
}
