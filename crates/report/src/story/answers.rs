use super::{
    found::Found,
    section::{Entry, Section},
};
use crate::{Axis, Content, Figure, Line, Result};

/// How often each answer is right: nothing where the logits' waves tell it, as answers have coordinates.
pub(super) fn section(of: &Found) -> Result<Option<Section>> {
    if of.coordinates().has_answers() {
        return Ok(None);
    }
    let p = of.len("answers.accuracy")?;
    let accuracy = of.floats("answers.accuracy", &[p])?;
    let pairs = of.whole_numbers("answers.pairs", &[p])?;
    let asked: Vec<usize> = (0..p).filter(|&z| pairs[z] > 0).collect();
    let points = asked.iter().map(|&z| [z as f64, accuracy[z]]).collect();
    let figure = Figure::new(
        "accuracy-by-answer",
        "Accuracy by answer",
        [Axis::of("answer z"), Axis::of("fraction of its pairs that are right")],
        Content::lines(vec![Line { name: "accuracy".to_owned(), points }]),
    );
    let always = asked.iter().filter(|&&z| accuracy[z] >= 1.0).count();
    let (least, most) = (asked.iter().map(|&z| pairs[z]).min(), asked.iter().map(|&z| pairs[z]).max());
    let text = format!(
        "Of {p} numbers {} are the answer to some pair, to between {} and {} each, and {always} of them are always right. Where \
         all are right about as often, what is wrong is not a matter of the answer.",
        asked.len(),
        least.unwrap_or(0),
        most.unwrap_or(0)
    );
    Ok(Some(Section::new("answers", "Answers: which are right", vec![Entry::new(figure, text)])))
}
