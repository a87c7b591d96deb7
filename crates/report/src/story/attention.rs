use super::{
    effective_weights,
    found::{Found, input_axes},
    section::{Entry, Section},
};
use crate::{Figure, Result};

/// The positions attended to, in the order of the second axis of `attention.pattern`.
const POSITIONS: [&str; 3] = ["x", "y", "="];

pub(super) fn section(of: &Found) -> Result<Section> {
    let (p, n_heads) = (of.p, of.model.n_heads);
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

    let shares: Vec<String> = of
        .summary
        .mean_attention
        .iter()
        .enumerate()
        .map(|(head, [x, y, e])| {
            format!("head {head} {:.0} %, {:.0} % and {:.0} %", 100.0 * x, 100.0 * y, 100.0 * e)
        })
        .collect();
    let mut entries = vec![
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
                of.key_freqs_listed()
            ),
        ),
    ];
    entries.extend(effective_weights::entries(of)?);
    Ok(Section::new("attention", "Attention: numbers reach the last position", entries))
}
