use super::{
    found::{Found, input_axes},
    section::{Entry, Section},
};
use crate::{Figure, Result, words::short};

pub(super) fn section(of: &Found) -> Result<Section> {
    let margins = of.floats("logits.margin", &[of.p, of.p])?;
    let map = of.map_over_xy(margins, "margin", true);
    let figure = Figure::new("margin", "Margin of the right answer over (x, y)", input_axes(), map);
    let text = format!(
        "The right answer's logit minus the largest other. The least is {}; where it is below 0, the answer is \
                wrong.",
        short(of.summary.least_margin)
    );
    Ok(Section::new("margin", "Margin: how clear answers are", vec![Entry::new(figure, text)]))
}
