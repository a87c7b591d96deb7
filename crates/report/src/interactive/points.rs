use plotly::{
    Scatter,
    color::NamedColor,
    common::{Line as Stroke, Marker, Mode, Position},
};

use super::rounded;
use crate::{
    Points,
    colours::{colour, hex},
};

/// Points as a trace, with their names beside them or where one points at them.
pub(super) fn of_points(points: &Points) -> Box<Scatter<f64, f64>> {
    let marker = Marker::new()
        .size(8)
        .color_array(points.colours.iter().map(|&c| hex(colour(c, false))).collect())
        .line(Stroke::new().color(NamedColor::Gray).width(1.0));
    let [x, y] = [0, 1].map(|axis| points.points.iter().map(|point| rounded(point[axis])).collect());
    let told = points.names.iter().zip(&points.colours);
    let told = told.map(|(name, c)| format!("{name}<br>{} {}", points.colour_name, rounded(*c))).collect();
    let trace = Scatter::new(x, y)
        .marker(marker)
        .hover_text_array(told)
        .hover_template("%{hovertext}<br>%{x}: %{y}<extra></extra>");
    if !points.is_labelled {
        return trace.mode(Mode::Markers);
    }
    let side = |is_left| if is_left { Position::MiddleLeft } else { Position::MiddleRight };
    let sides = points.names_to_the_left().into_iter().map(side).collect();
    trace.mode(Mode::MarkersText).text_array(points.names.clone()).text_position_array(sides)
}
