//! Figures for papers: SVG and PNG, by plotters.

use std::{error::Error as StdError, ops::Range};

use base64::{Engine, prelude::BASE64_STANDARD};
use plotters::{
    backend::BitMapBackend,
    chart::{ChartBuilder, ChartContext, SeriesLabelPosition},
    coord::{Shift, cartesian::Cartesian2d},
    element::{Circle, PathElement, Rectangle, Text},
    prelude::{DrawingArea, DrawingBackend, IntoDrawingArea, LineSeries, RGBColor, SVGBackend},
    style::{
        BLACK, Color, IntoFont, TextStyle, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

use crate::{
    Axis, Content, Error, Figure, Frame, HeatMap, Points, Result,
    colours::{LINES, colour},
    font,
    ticks::Ticks,
};

/// Width and height of a figure in pixels.
const SIZE: (u32, u32) = (960, 640);

/// Pixels in a PNG for one of an SVG, for print.
const PNG_SCALE: u32 = 2;

/// With more bars than this their names take turns on two lines, or they would run into each other.
const MAX_NAMES_ABREAST: usize = 6;

/// Values below this are drawn at it on logarithmic axes, which have no zero.
const SMALLEST: f64 = 1e-12;

const GREY: RGBColor = RGBColor(90, 90, 90);

type Anything = Box<dyn StdError>;

/// Where a map's cells are, in pixels.
type Place = (Range<i32>, Range<i32>);

/// A frame as SVG. The cells of a map are one embedded image, so that ten thousands of them stay small.
///
/// # Errors
///
/// [`Error::Drawing`] where plotters refuses.
pub fn svg(figure: &Figure, frame: &Frame) -> Result<String> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    let place = draw(&area, figure, frame, 1, false).map_err(failed(figure))?;
    area.present().map_err(|e| failed(figure)(e.into()))?;
    drop(area);
    if let (Some((x, y)), Content::HeatMap(map)) = (place, &frame.content) {
        let cells: Vec<u8> = (0..map.rows()).rev().flat_map(|row| row_of(map, row)).collect();
        let png = encode(&cells, map.columns as u32, map.rows() as u32).map_err(failed(figure))?;
        let image = format!(
            r#"<image x="{}" y="{}" width="{}" height="{}" preserveAspectRatio="none" style="image-rendering:pixelated" href="data:image/png;base64,{}"/>"#,
            x.start,
            y.start,
            x.len(),
            y.len(),
            BASE64_STANDARD.encode(png),
        );
        // Above the background, which is drawn first, and below all else.
        let at = svg.find("<rect").and_then(|rect| Some(rect + svg[rect..].find("/>")? + 2)).unwrap_or(0);
        svg.insert_str(at, &image);
    }
    Ok(svg)
}

/// A frame as PNG.
///
/// # Errors
///
/// [`Error::Drawing`] where plotters refuses.
pub fn png(figure: &Figure, frame: &Frame) -> Result<Vec<u8>> {
    let (width, height) = (SIZE.0 * PNG_SCALE, SIZE.1 * PNG_SCALE);
    let mut pixels = vec![0; 3 * (width * height) as usize];
    let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    draw(&area, figure, frame, PNG_SCALE, true).map_err(failed(figure))?;
    area.present().map_err(|e| failed(figure)(e.into()))?;
    drop(area);
    encode(&pixels, width, height).map_err(failed(figure))
}

fn failed(figure: &Figure) -> impl Fn(Anything) -> Error + use<> {
    let figure = figure.title.clone();
    move |problem| Error::Drawing { figure: figure.clone(), problem: problem.to_string() }
}

fn encode(rgb: &[u8], width: u32, height: u32) -> std::result::Result<Vec<u8>, Anything> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(bytes)
}

fn row_of(map: &HeatMap, row: usize) -> Vec<u8> {
    let largest = map.largest();
    let values = &map.values[row * map.columns..][..map.columns];
    values
        .iter()
        .map(|value| colour(if largest > 0.0 { value / largest } else { 0.0 }, map.has_signs))
        .flat_map(|RGBColor(red, green, blue)| [red, green, blue])
        .collect()
}

/// Draws a frame; tells where a map's cells are. They are drawn too with `with_cells`.
fn draw<B: DrawingBackend<ErrorType: 'static>>(
    area: &DrawingArea<B, Shift>,
    figure: &Figure,
    frame: &Frame,
    scale: u32,
    with_cells: bool,
) -> std::result::Result<Option<Place>, Anything> {
    font::register();
    area.fill(&WHITE)?;
    let text = |size: u32| text(size, scale);
    let area = area.margin(10 * scale, 0, 0, 0).titled(&figure.title_of(frame), text(20))?;
    let key_width = match &frame.content {
        Content::HeatMap(_) | Content::Points(_) => 130 * scale,
        Content::Lines { .. } | Content::Bars { .. } => 0,
    };
    let (width, _) = area.dim_in_pixel();
    let (area, key) = area.split_horizontally(width - key_width);
    let ([x_low, x_high], [y_low, y_high]) = ranges(figure, &frame.content);
    let x = ticks(&figure.x, x_low, x_high, matches!(frame.content, Content::Bars { .. }), &frame.content);
    let y = ticks(&figure.y, y_low, y_high, false, &frame.content);
    let is_staggered = matches!(&frame.content, Content::Bars { bars, .. } if bars.len() > MAX_NAMES_ABREAST);
    let mut chart = ChartBuilder::on(&area)
        .margin(12 * scale)
        .margin_right(24 * scale)
        .x_label_area_size(if is_staggered { 72 } else { 52 } * scale)
        .y_label_area_size(86 * scale)
        .build_cartesian_2d(x.clone(), y.clone())?;
    let is_map = matches!(frame.content, Content::HeatMap(_));
    if let Content::HeatMap(map) = &frame.content
        && with_cells
    {
        draw_cells(&mut chart, map)?;
    }
    chart
        .configure_mesh()
        .light_line_style(WHITE.mix(0.0))
        .bold_line_style(BLACK.mix(if is_map { 0.0 } else { 0.12 }))
        .x_desc(&figure.x.name)
        .y_desc(&figure.y.name)
        .x_labels(x.labels.len().max(1))
        .y_labels(y.labels.len().max(1))
        .axis_desc_style(text(16))
        .label_style(text(14))
        .draw()?;
    if let Content::Bars { bars, .. } = &frame.content
        && is_staggered
    {
        draw_staggered(&area, &chart, bars, scale)?;
    }
    draw_content(&mut chart, &key, figure, &frame.content, scale)?;
    let (across, down) = chart.plotting_area().get_pixel_range();
    Ok(is_map.then_some((across, down)))
}

fn draw_content<'a, B: DrawingBackend<ErrorType: 'static> + 'a>(
    chart: &mut ChartContext<'a, B, Cartesian2d<Ticks, Ticks>>,
    key: &DrawingArea<B, Shift>,
    figure: &Figure,
    content: &Content,
    scale: u32,
) -> std::result::Result<(), Anything> {
    let (x, y) = (chart.x_range(), chart.y_range());
    let text = |size: u32| text(size, scale);
    let to_axis = |axis: &Axis, value: f64| if axis.is_log { value.max(SMALLEST).log10() } else { value };
    let at = |[px, py]: [f64; 2]| (to_axis(&figure.x, px), to_axis(&figure.y, py));
    let stroke = 2 * scale;
    match content {
        Content::Lines { lines, marks } => {
            for (line, &colour) in lines.iter().zip(LINES.iter().cycle()) {
                let points = line.points.iter().map(|&point| at(point));
                chart
                    .draw_series(LineSeries::new(points, colour.stroke_width(stroke)))?
                    .label(&line.name)
                    .legend(move |(x, y)| {
                        PathElement::new(
                            vec![(x, y), (x + 20 * scale as i32, y)],
                            colour.stroke_width(stroke),
                        )
                    });
            }
            for (position, name) in marks {
                let position = to_axis(&figure.x, *position);
                let ends = vec![(position, y.start), (position, y.end)];
                chart.draw_series([PathElement::new(ends, GREY.mix(0.7).stroke_width(scale))])?;
                chart.draw_series([Text::new(format!(" {name}"), (position, y.end), text(14))])?;
            }
            if lines.len() > 1 {
                draw_legend(chart, SeriesLabelPosition::UpperRight, scale)?;
            }
        }
        Content::Points(points) => {
            let circle = |(point, &value): (&[f64; 2], &f64)| {
                Circle::new(at(*point), 4 * scale, colour(value, false).filled())
            };
            let outline = |point: &[f64; 2]| Circle::new(at(*point), 4 * scale, GREY.mix(0.25));
            chart.draw_series(points.points.iter().zip(&points.colours).map(circle))?;
            chart.draw_series(points.points.iter().map(outline))?;
            draw_key(key, &points.colour_name, false, 1.0, scale)?;
        }
        Content::Bars { bars, levels } => {
            for (i, (_, value)) in bars.iter().enumerate() {
                let top = to_axis(&figure.y, *value);
                let base = if figure.y.is_log { y.start } else { 0.0 };
                let corners = [(i as f64 - 0.38, base), (i as f64 + 0.38, top)];
                chart.draw_series([Rectangle::new(corners, LINES[0].filled())])?;
            }
            for (level, name) in levels {
                let level = to_axis(&figure.y, *level);
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
            draw_key(key, &map.value_name, map.has_signs, map.largest(), scale)?;
        }
    }
    Ok(())
}

/// Writes the bars' names below the axis, in turns on two lines.
fn draw_staggered<B: DrawingBackend<ErrorType: 'static>>(
    area: &DrawingArea<B, Shift>,
    chart: &ChartContext<'_, B, Cartesian2d<Ticks, Ticks>>,
    bars: &[(String, f64)],
    scale: u32,
) -> std::result::Result<(), Anything> {
    let (left, top) = {
        let (across, down) = area.get_pixel_range();
        (across.start, down.start)
    };
    let style = text(14, scale).pos(Pos::new(HPos::Center, VPos::Top));
    for (i, (name, _)) in bars.iter().enumerate() {
        let (x, y) = chart.backend_coord(&(i as f64, chart.y_range().start));
        let below = (8 + 18 * (i as i32 % 2)) * scale as i32;
        area.draw(&Text::new(name.clone(), (x - left, y - top + below), style.clone()))?;
    }
    Ok(())
}

fn draw_legend<'a, B: DrawingBackend<ErrorType: 'static> + 'a>(
    chart: &mut ChartContext<'a, B, Cartesian2d<Ticks, Ticks>>,
    position: SeriesLabelPosition,
    scale: u32,
) -> std::result::Result<(), Anything> {
    chart
        .configure_series_labels()
        .position(position)
        .margin(20 * scale)
        .background_style(WHITE.mix(0.85))
        .border_style(GREY.mix(0.4))
        .legend_area_size(30 * scale)
        .label_font(text(15, scale))
        .draw()?;
    Ok(())
}

fn text(size: u32, scale: u32) -> TextStyle<'static> {
    (font::FONT, size * scale).into_font().into()
}

fn draw_cells<B: DrawingBackend<ErrorType: 'static>>(
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

/// What colours mean: a bar from the smallest value to the largest.
fn draw_key<B: DrawingBackend<ErrorType: 'static>>(
    area: &DrawingArea<B, Shift>,
    name: &str,
    has_signs: bool,
    largest: f64,
    scale: u32,
) -> std::result::Result<(), Anything> {
    const STEPS: i32 = 100;
    let (_, height) = area.dim_in_pixel();
    let (top, height) = (12 * scale as i32, height as i32 - 64 * scale as i32);
    let (left, right) = (0, 18 * scale as i32);
    let low = if has_signs { -1.0 } else { 0.0 };
    for step in 0..STEPS {
        let value = 1.0 + (low - 1.0) * f64::from(step) / f64::from(STEPS - 1);
        let [from, to] = [step, step + 1].map(|step| top + height * step / STEPS);
        area.draw(&Rectangle::new([(left, from), (right, to)], colour(value, has_signs).filled()))?;
    }
    let style = text(13, scale).pos(Pos::new(HPos::Left, VPos::Center));
    for (share, value) in [(0.0, 1.0), (0.5, f64::midpoint(low, 1.0)), (1.0, low)] {
        let y = top + (f64::from(height) * share) as i32;
        area.draw(&Text::new(short(value * largest), (right + 6 * scale as i32, y), style.clone()))?;
    }
    let below = (left, top + height + 24 * scale as i32);
    area.draw(&Text::new(name.to_owned(), below, style))?;
    Ok(())
}

/// A number in three digits.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-2..1e4).contains(&size) => {
            let digits = (2.0 - size.log10().floor()).clamp(0.0, 4.0) as usize;
            let text = format!("{value:.digits$}");
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
        _ => format!("{value:.2e}"),
    }
}

/// The smallest and the largest value along both axes.
fn ranges(figure: &Figure, content: &Content) -> ([f64; 2], [f64; 2]) {
    let bounds = |values: &mut dyn Iterator<Item = f64>, is_log: bool| {
        let values = values.map(|value| if is_log { value.max(SMALLEST) } else { value });
        let [low, high] = values.fold([f64::MAX, f64::MIN], |[low, high], v| [low.min(v), high.max(v)]);
        if low > high { [1.0, 1.0] } else { [low, high] }
    };
    let of_points = |points: &[[f64; 2]]| {
        let x = bounds(&mut points.iter().map(|point| point[0]), figure.x.is_log);
        (x, bounds(&mut points.iter().map(|point| point[1]), figure.y.is_log))
    };
    match content {
        Content::Lines { lines, .. } => {
            of_points(&lines.iter().flat_map(|line| line.points.iter().copied()).collect::<Vec<_>>())
        }
        Content::Points(Points { points, .. }) => {
            let ([x_low, x_high], _) = of_points(points);
            ([x_low - 1.0, x_high + 1.0], [0.0, 1.0])
        }
        Content::Bars { bars, levels } => {
            let mut values = bars.iter().map(|bar| bar.1).chain(levels.iter().map(|level| level.0));
            let [low, high] = bounds(&mut values, figure.y.is_log);
            let low = if figure.y.is_log { low } else { low.min(0.0) };
            ([-0.5, bars.len() as f64 - 0.5], [low, high])
        }
        Content::HeatMap(map) => ([-0.5, map.columns as f64 - 0.5], [-0.5, map.rows() as f64 - 0.5]),
    }
}

fn ticks(axis: &Axis, low: f64, high: f64, is_bars: bool, content: &Content) -> Ticks {
    if is_bars && let Content::Bars { bars, .. } = content {
        let is_staggered = bars.len() > MAX_NAMES_ABREAST;
        let name = |name: &String| if is_staggered { String::new() } else { name.clone() };
        let labels = bars.iter().enumerate().map(|(i, bar)| (i as f64, name(&bar.0))).collect();
        return Ticks { low, high, labels };
    }
    match &axis.names {
        Some(names) => {
            let label = |&i: &usize| Some((i as f64, names.get(i)?.clone()));
            Ticks { low, high, labels: axis.labelled.iter().filter_map(label).collect() }
        }
        None if axis.is_log => Ticks::log(low, high),
        None => Ticks::linear(low, high),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;

    fn figures() -> Vec<Figure> {
        let axes = || [Axis::of("x & axis"), Axis::of("y <axis>")];
        let line = |name: &str| Line { name: name.to_owned(), points: vec![[0.0, 1e-7], [5.0, 3.0]] };
        let lines =
            || Content::Lines { lines: vec![line("train"), line("test")], marks: vec![(2.0, "m".into())] };
        let points = Points {
            points: vec![[3.0, 0.5], [7.0, 1.0]],
            names: vec!["a".into(), "b".into()],
            colours: vec![0.0, 1.0],
            colour_name: "fires".into(),
        };
        let mut map = HeatMap::new(3, vec![1.0, -2.0, 3.0, 4.0, 5.0, -6.0], "value", true);
        map.borders = vec![(1, "border".into())];
        let named = Axis::named("component", ["const", "cos 1", "sin 1"].map(String::from).to_vec(), vec![1]);
        vec![
            Figure::new("lines", "Lines & <signs>", axes(), lines()),
            Figure::new("log", "Losses", [Axis::of("step"), Axis::log("loss")], lines()),
            Figure::new("points", "Points", axes(), Content::Points(points)),
            Figure::new(
                "bars",
                "Bars",
                [Axis::of("which"), Axis::log("loss")],
                Content::Bars {
                    bars: vec![("a".into(), 1.0), ("b".into(), 0.0)],
                    levels: vec![(0.1, "l".into())],
                },
            ),
            Figure::with_slider(
                "maps",
                "Maps",
                [named, Axis::of("row")],
                "head",
                [("1".into(), Content::HeatMap(map))],
            ),
            Figure::new("empty", "Empty", axes(), Content::Lines { lines: vec![], marks: vec![] }),
        ]
    }

    #[test]
    fn every_kind_is_drawn_with_its_title_and_axes() {
        for figure in figures() {
            for frame in &figure.frames {
                let svg = svg(&figure, frame).unwrap();
                let document =
                    roxmltree::Document::parse(&svg).unwrap_or_else(|e| panic!("{}: {e}", figure.id));
                let texts: Vec<&str> = document
                    .descendants()
                    .filter(roxmltree::Node::is_text)
                    .filter_map(|node| node.text())
                    .collect();
                let has = |words: &str| texts.iter().any(|text| text.contains(words));
                for words in [&figure.title_of(frame), &figure.x.name, &figure.y.name] {
                    assert!(has(words), "{} lacks {words:?}: {texts:?}", figure.id);
                }
                let image = document.descendants().find(|node| node.has_tag_name("image"));
                assert_eq!(image.is_some(), figure.id == "maps");
                let png = png(&figure, frame).unwrap();
                let reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
                assert_eq!((reader.info().width, reader.info().height), (1920, 1280));
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-0.5, "-0.5"),
            (12_345.0, "1.23e4"),
            (3.0e-7, "3.00e-7"),
            (123.4, "123"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
