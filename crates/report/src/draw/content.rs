use plotters::{
    chart::{ChartContext, SeriesLabelPosition},
    coord::{Shift, cartesian::Cartesian2d},
    element::{Circle, EmptyElement, PathElement, Polygon, Rectangle, Text},
    prelude::{DrawingArea, DrawingBackend, LineSeries, RGBColor},
    style::{
        BLACK, Color, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::labels::{draw_key, draw_legend, draw_swatches, text};
use crate::{
    Content, Figure, HeatMap, Line, Lines, Stretch,
    colours::{GREY, LINES, SHADE, STRETCHES, colour},
    error::Anything,
    figure::upper_edges,
    legend::LegendPlace,
    ticks::Ticks,
};

/// Pixels from one line of names to the next.
const LINE_HEIGHT: i32 = 18;

/// Draws what a frame shows onto its axes, and what its colours mean beside them.
pub(super) fn draw_content<'a, B: DrawingBackend<ErrorType: 'static> + 'a>(
    chart: &mut ChartContext<'a, B, Cartesian2d<Ticks, Ticks>>,
    key: &DrawingArea<B, Shift>,
    figure: &Figure,
    content: &Content,
    scale: u32,
) -> std::result::Result<(), Anything> {
    let (x, y) = (chart.x_range(), chart.y_range());
    let text = |size: u32| text(size, scale);
    let at = |[px, py]: [f64; 2]| (figure.x.place(px), figure.y.place(py));
    let stroke = 2 * scale;
    match content {
        Content::Lines(lines) => draw_lines(chart, figure, lines, scale)?,
        Content::Areas(areas) => draw_areas(chart, key, figure, areas, scale)?,
        Content::Points(points) => {
            let circle = |(point, &value): (&[f64; 2], &f64)| {
                Circle::new(at(*point), 4 * scale, colour(value, false).filled())
            };
            let outline = |point: &[f64; 2]| Circle::new(at(*point), 4 * scale, GREY.mix(0.25));
            chart.draw_series(points.points.iter().zip(&points.colours).map(circle))?;
            chart.draw_series(points.points.iter().map(outline))?;
            if points.is_labelled {
                let label = |((point, name), is_left): ((&[f64; 2], &String), bool)| {
                    let (side, away) = if is_left { (HPos::Right, -8) } else { (HPos::Left, 8) };
                    let style = text(13).pos(Pos::new(side, VPos::Center));
                    EmptyElement::at(at(*point)) + Text::new(name.clone(), (away * scale as i32, 0), style)
                };
                let named = points.points.iter().zip(&points.names);
                chart.draw_series(named.zip(points.names_to_the_left()).map(label))?;
            }
            draw_key(key, &points.colour_name, false, 1.0, scale)?;
        }
        Content::Bars { bars, levels } => {
            for (i, (_, value)) in bars.iter().enumerate() {
                let top = figure.y.place(*value);
                let base = if figure.y.is_log { y.start } else { 0.0 };
                let corners = [(i as f64 - 0.38, base), (i as f64 + 0.38, top)];
                chart.draw_series([Rectangle::new(corners, LINES[0].filled())])?;
            }
            for (level, name) in levels {
                let level = figure.y.place(*level);
                let line =
                    PathElement::new(vec![(x.start, level), (x.end, level)], LINES[1].stroke_width(stroke));
                chart.draw_series([line])?.label(name).legend(move |(x, y)| {
                    PathElement::new(vec![(x, y), (x + 20 * scale as i32, y)], LINES[1].stroke_width(stroke))
                });
            }
            if !levels.is_empty() {
                draw_legend(chart, SeriesLabelPosition::UpperLeft, scale)?;
            }
        }
        Content::HeatMap(map) => {
            for (row, name) in &map.borders {
                let row = *row as f64 - 0.5;
                chart.draw_series([PathElement::new(
                    vec![(x.start, row), (x.end, row)],
                    BLACK.stroke_width(scale),
                )])?;
                let style = text(13).pos(Pos::new(HPos::Right, VPos::Bottom));
                chart.draw_series([Text::new(name.clone(), (x.end, row), style)])?;
            }
            let (across, down) = chart.plotting_area().get_pixel_range();
            let cell = (across.len() / map.columns.max(1)).min(down.len() / map.rows().max(1));
            let radius = (6 * scale as i32).min(cell as i32 / 2).max(1);
            for [row, column] in &map.marked {
                // With a rim they show on light cells and on dark ones.
                for (radius, colour) in [(radius, WHITE), (radius * 5 / 6, LINES[1])] {
                    let centre = (*column as f64, *row as f64);
                    chart.draw_series([Circle::new(centre, radius, colour.filled())])?;
                }
            }
            draw_key(key, &map.value_name, map.has_signs, map.largest(), scale)?;
        }
    }
    Ok(())
}

/// Draws lines, what is shaded behind them and marked among them, and their legend.
fn draw_lines<'a, B: DrawingBackend<ErrorType: 'static> + 'a>(
    chart: &mut ChartContext<'a, B, Cartesian2d<Ticks, Ticks>>,
    figure: &Figure,
    of: &Lines,
    scale: u32,
) -> std::result::Result<(), Anything> {
    let y = chart.y_range();
    let (stroke, text) = (2 * scale, |size: u32| text(size, scale));
    let Lines { lines, marks, stretches } = of;
    for (i, (Stretch { from, to, name }, &colour)) in
        stretches.iter().zip(STRETCHES.iter().cycle()).enumerate()
    {
        let [from, to] = [from, to].map(|position| figure.x.place(*position));
        let corners = [(from, y.start), (to, y.end)];
        chart.draw_series([Rectangle::new(corners, colour.mix(SHADE).filled())])?;
        // Names take turns on two lines, or short stretches' would run into each other.
        let below = LINE_HEIGHT * (i % 2) as i32 * scale as i32;
        let name = EmptyElement::at((from, y.end)) + Text::new(format!(" {name}"), (0, below), text(14));
        chart.draw_series([name])?;
    }
    for (line, &colour) in lines.iter().zip(LINES.iter().cycle()) {
        let points = line.points.iter().map(|&[x, y]| (figure.x.place(x), figure.y.place(y)));
        chart.draw_series(LineSeries::new(points, colour.stroke_width(stroke)))?.label(&line.name).legend(
            move |(x, y)| {
                PathElement::new(vec![(x, y), (x + 20 * scale as i32, y)], colour.stroke_width(stroke))
            },
        );
    }
    for (position, name) in marks {
        let position = figure.x.place(*position);
        let ends = vec![(position, y.start), (position, y.end)];
        chart.draw_series([PathElement::new(ends, GREY.mix(0.7).stroke_width(scale))])?;
        chart.draw_series([Text::new(format!(" {name}"), (position, y.end), text(14))])?;
    }
    // More lines than colours cannot be told apart.
    if (2..=LINES.len()).contains(&lines.len()) {
        let position = match LegendPlace::among(figure, of) {
            LegendPlace { x: 1.0, y: 1.0 } => SeriesLabelPosition::UpperRight,
            LegendPlace { x: 1.0, y: 0.0 } => SeriesLabelPosition::LowerRight,
            LegendPlace { x: 1.0, .. } => SeriesLabelPosition::MiddleRight,
            LegendPlace { y: 1.0, .. } => SeriesLabelPosition::UpperLeft,
            LegendPlace { y: 0.0, .. } => SeriesLabelPosition::LowerLeft,
            LegendPlace { .. } => SeriesLabelPosition::MiddleLeft,
        };
        draw_legend(chart, position, scale)?;
    }
    Ok(())
}

/// Draws areas on top of each other, and their names beside them.
fn draw_areas<'a, B: DrawingBackend<ErrorType: 'static> + 'a>(
    chart: &mut ChartContext<'a, B, Cartesian2d<Ticks, Ticks>>,
    key: &DrawingArea<B, Shift>,
    figure: &Figure,
    areas: &[Line],
    scale: u32,
) -> std::result::Result<(), Anything> {
    let mut below: Vec<(f64, f64)> = Vec::new();
    for (edge, &colour) in upper_edges(areas).iter().zip(LINES.iter().cycle()) {
        let above: Vec<(f64, f64)> =
            edge.iter().map(|&[x, y]| (figure.x.place(x), figure.y.place(y))).collect();
        if below.is_empty() {
            below = above.iter().map(|&(x, _)| (x, 0.0)).collect();
        }
        let outline: Vec<(f64, f64)> = above.iter().copied().chain(below.into_iter().rev()).collect();
        chart.draw_series([Polygon::new(outline, colour.filled())])?;
        below = above;
    }
    draw_swatches(key, areas, scale)
}

/// Draws a map's cells one by one.
pub(super) fn draw_cells<B: DrawingBackend<ErrorType: 'static>>(
    chart: &mut ChartContext<'_, B, Cartesian2d<Ticks, Ticks>>,
    map: &HeatMap,
) -> std::result::Result<(), Anything> {
    for row in 0..map.rows() {
        let colours = row_of(map, row);
        chart.draw_series(colours.as_chunks::<3>().0.iter().enumerate().map(|(column, &[r, g, b])| {
            let (x, y) = (column as f64, row as f64);
            Rectangle::new([(x - 0.5, y - 0.5), (x + 0.5, y + 0.5)], RGBColor(r, g, b).filled())
        }))?;
    }
    Ok(())
}

/// The colours of a map's row, three bytes a cell.
pub(super) fn row_of(map: &HeatMap, row: usize) -> Vec<u8> {
    let largest = map.largest();
    let values = &map.values[row * map.columns..][..map.columns];
    values
        .iter()
        .map(|value| colour(if largest > 0.0 { value / largest } else { 0.0 }, map.has_signs))
        .flat_map(|RGBColor(red, green, blue)| [red, green, blue])
        .collect()
}
