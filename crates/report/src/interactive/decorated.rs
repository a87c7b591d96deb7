use plotly::{
    Layout,
    common::{Anchor, Font},
    layout::{Annotation, Shape, ShapeLayer, ShapeLine, ShapeType},
};
use plotters::style::RGBColor;

use crate::{
    Content, Figure, Lines,
    colours::{LINES, SHADE, STRETCHES, hex},
};

/// Pixels from one line of names to the next.
const NAME_HEIGHT: f64 = 16.0;

/// Draws marks, shaded stretches, levels and borders.
pub(super) fn decorated(layout: Layout, figure: &Figure, content: Option<&Content>) -> Layout {
    let lines: Vec<(Shape, Annotation)> = match content {
        Some(Content::Lines(Lines { marks, stretches, .. })) => {
            let marks = marks.iter().map(|(x, name)| vertical(*x, figure.x.place(*x), name));
            let colours = STRETCHES.iter().cycle().enumerate();
            let shaded = stretches.iter().zip(colours).map(|(of, (i, &colour))| {
                shaded([of.from, of.to], figure.x.place(of.from), &of.name, colour, i)
            });
            marks.chain(shaded).collect()
        }
        Some(Content::Bars { levels, .. }) => {
            let colour = hex(LINES[1]);
            levels.iter().map(|(y, name)| horizontal(*y, figure.y.place(*y), name, &colour)).collect()
        }
        Some(Content::HeatMap(map)) => {
            let below = |row: usize| row as f64 - 0.5;
            map.borders
                .iter()
                .map(|(row, name)| horizontal(below(*row), below(*row), name, "#000000"))
                .collect()
        }
        Some(Content::Areas(_) | Content::Points(_)) | None => Vec::new(),
    };
    let (shapes, notes) = lines.into_iter().unzip();
    layout.shapes(shapes).annotations(notes)
}

/// A line from the bottom to the top at x, named at its top. Names are placed in the axis' own
/// coordinates, which are logarithms on a logarithmic one.
fn vertical(x: f64, name_at: f64, name: &str) -> (Shape, Annotation) {
    let line = line("#777777").x_ref("x").y_ref("paper").x0(x).x1(x).y0(0).y1(1);
    let note = note(name).x(name_at).y(1.0).y_ref("paper").x_anchor(Anchor::Left).y_anchor(Anchor::Top);
    (line, note)
}

/// A stretch that is shaded, named at the top where it begins. Names take turns on two lines, or short stretches' would run
/// into each other.
fn shaded([x0, x1]: [f64; 2], name_at: f64, name: &str, colour: RGBColor, i: usize) -> (Shape, Annotation) {
    let stretch = Shape::new()
        .shape_type(ShapeType::Rect)
        .layer(ShapeLayer::Below)
        .fill_color(hex(colour))
        .opacity(SHADE)
        .line(ShapeLine::new().width(0.0));
    let stretch = stretch.x_ref("x").y_ref("paper").x0(x0).x1(x1).y0(0).y1(1);
    let below = NAME_HEIGHT * (i % 2) as f64;
    let note = note(name).x(name_at).y(1.0).y_ref("paper").x_anchor(Anchor::Left).y_anchor(Anchor::Top);
    (stretch, note.y_shift(-below))
}

/// A line from the left to the right at y, named at its right end.
fn horizontal(y: f64, name_at: f64, name: &str, colour: &str) -> (Shape, Annotation) {
    let line = line(colour).x_ref("paper").y_ref("y").x0(0).x1(1).y0(y).y1(y);
    let note = note(name).x(1.0).x_ref("paper").y(name_at).x_anchor(Anchor::Right).y_anchor(Anchor::Bottom);
    (line, note)
}

fn line(colour: &str) -> Shape {
    Shape::new().shape_type(ShapeType::Line).line(ShapeLine::new().color(colour.to_owned()).width(1.5))
}

fn note(text: &str) -> Annotation {
    Annotation::new().text(text).show_arrow(false).font(Font::new().size(12))
}
