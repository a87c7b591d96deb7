//! Figures for papers: SVG and PNG, by plotters.

mod axes;
mod content;
mod labels;

use std::ops::Range;

use base64::{Engine, prelude::BASE64_STANDARD};
use plotters::{
    backend::BitMapBackend,
    chart::ChartBuilder,
    coord::Shift,
    prelude::{DrawingArea, DrawingBackend, IntoDrawingArea, SVGBackend},
    style::{BLACK, Color, WHITE},
};

use self::{
    axes::{axes, is_staggered},
    content::{draw_cells, draw_content, row_of},
    labels::{draw_staggered, text},
};
use crate::{Content, Error, Figure, Frame, Result, error::Anything, font, ticks::Ticks};

/// Width and height of a figure in pixels.
const SIZE: (u32, u32) = (960, 640);

/// Pixels in a PNG for one of an SVG, for print.
const PNG_SCALE: u32 = 2;

/// How the cells of a map are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cells {
    /// One by one, with everything else.
    Drawn,
    /// Not at all: they are put in afterwards, as one image.
    LeftOut,
}

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
    let place = draw(&area, figure, frame, 1, Cells::LeftOut).map_err(failed(figure))?;
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
    draw(&area, figure, frame, PNG_SCALE, Cells::Drawn).map_err(failed(figure))?;
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

/// Draws a frame, its cells as `cells` says. Returns where they are, for a map.
fn draw<B: DrawingBackend<ErrorType: 'static>>(
    area: &DrawingArea<B, Shift>,
    figure: &Figure,
    frame: &Frame,
    scale: u32,
    cells: Cells,
) -> std::result::Result<Option<Place>, Anything> {
    font::register();
    area.fill(&WHITE)?;
    let text = |size: u32| text(size, scale);
    let area = area.margin(10 * scale, 0, 0, 0).titled(&figure.title_of(frame), text(20))?;
    let key_width = match &frame.content {
        Content::HeatMap(_) | Content::Points(_) | Content::Areas(_) => 130 * scale,
        Content::Lines(_) | Content::Bars { .. } => 0,
    };
    let (width, _) = area.dim_in_pixel();
    let (area, key) = area.split_horizontally(width - key_width);
    let [x, y] = axes(figure, &frame.content);
    let is_staggered = is_staggered(&frame.content);
    let mut chart = ChartBuilder::on(&area)
        .margin(12 * scale)
        .margin_right(24 * scale)
        .x_label_area_size(if is_staggered { 72 } else { 52 } * scale)
        .y_label_area_size(label_width(&y) * scale)
        .build_cartesian_2d(x.clone(), y.clone())?;
    let is_map = matches!(frame.content, Content::HeatMap(_));
    if let Content::HeatMap(map) = &frame.content
        && cells == Cells::Drawn
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

/// Pixels for the vertical axis' name and labels, which may be names.
fn label_width(y: &Ticks) -> u32 {
    let longest = y.labels.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
    (34 + 8 * longest as u32).clamp(86, 300)
}

#[cfg(test)]
mod tests {
    use plotters::prelude::RGBColor;

    use super::*;
    use crate::{Axis, HeatMap, Line, Lines, Points, Stretch};

    fn figures() -> Vec<Figure> {
        let axes = || [Axis::of("x & axis"), Axis::of("y <axis>")];
        let line = |name: &str| Line { name: name.to_owned(), points: vec![[0.0, 1e-7], [5.0, 3.0]] };
        let lines = || {
            Content::Lines(Lines {
                lines: vec![line("train"), line("test")],
                marks: vec![(2.0, "m".into())],
                stretches: vec![Stretch { from: 1.0, to: 2.0, name: "phase".into() }],
            })
        };
        let points = Points {
            points: vec![[3.0, 0.5], [7.0, 1.0]],
            names: vec!["a".into(), "b".into()],
            colours: vec![0.0, 1.0],
            colour_name: "fires".into(),
            is_labelled: false,
        };
        let labelled = Points { points: vec![[0.2, 0.5], [0.9, 1.0]], is_labelled: true, ..points.clone() };
        let mut map = HeatMap::new(3, vec![1.0, -2.0, 3.0, 4.0, 5.0, -6.0], "value", true);
        map.borders = vec![(1, "border".into())];
        map.marked = vec![[1, 2]];
        let named = Axis::named("component", ["const", "cos 1", "sin 1"].map(String::from).to_vec(), vec![1]);
        vec![
            Figure::new("lines", "Lines & <signs>", axes(), lines()),
            Figure::new("log", "Losses", [Axis::of("step"), Axis::log("loss")], lines()),
            Figure::new("areas", "Areas", axes(), Content::Areas(vec![line("below"), line("above")])),
            Figure::new("points", "Points", axes(), Content::Points(points)),
            Figure::new("labelled", "Labelled points", axes(), Content::Points(labelled)),
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
            Figure::new("empty", "Empty", axes(), Content::lines(vec![])),
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
                let named: &[&str] = match frame.content {
                    Content::Areas(_) => &["below", "above"],
                    Content::Lines(ref of) if !of.lines.is_empty() => &["train", "m", "phase"],
                    _ => &[],
                };
                let title = figure.title_of(frame);
                for words in [&title, &figure.x.name, &figure.y.name].map(String::as_str).iter().chain(named)
                {
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

    /// The colour of each corner's cell: bottom left, bottom right, top left, top right.
    fn corners(pixel: impl Fn(u32, u32) -> [u8; 3], (across, down): &Place) -> [[u8; 3]; 4] {
        let at = |range: &Range<i32>, quarters: i32| {
            (range.start + (range.end - range.start) * quarters / 4) as u32
        };
        [(1, 3), (3, 3), (1, 1), (3, 1)].map(|(x, y)| pixel(at(across, x), at(down, y)))
    }

    fn decode(png: &[u8]) -> (u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        (reader.info().width, pixels)
    }

    #[test]
    fn columns_of_a_map_go_to_the_right_and_rows_upwards() {
        // The bottom row is 1, 2 and the top row 3, 4.
        let values = [1.0, 2.0, 3.0, 4.0];
        let map = Content::HeatMap(HeatMap::new(2, values.to_vec(), "value", false));
        let figure = Figure::new("map", "Map", [Axis::of("x"), Axis::of("y")], map);
        let expected = values.map(|value| {
            let RGBColor(red, green, blue) = crate::colours::colour(value / 4.0, false);
            [red, green, blue]
        });
        let pixel_of = |width: u32, pixels: Vec<u8>| {
            move |x: u32, y: u32| {
                let at = 3 * (y * width + x) as usize;
                [pixels[at], pixels[at + 1], pixels[at + 2]]
            }
        };

        let (width, pixels) = decode(&png(&figure, &figure.frames[0]).unwrap());
        let mut again = vec![0; pixels.len()];
        let size = (SIZE.0 * PNG_SCALE, SIZE.1 * PNG_SCALE);
        let area = BitMapBackend::with_buffer(&mut again, size).into_drawing_area();
        let place = draw(&area, &figure, &figure.frames[0], PNG_SCALE, Cells::Drawn).unwrap().unwrap();
        assert_eq!(corners(pixel_of(width, pixels), &place), expected);

        let svg = svg(&figure, &figure.frames[0]).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let image = document.descendants().find(|node| node.has_tag_name("image")).unwrap();
        let data = image.attribute("href").unwrap().strip_prefix("data:image/png;base64,").unwrap();
        let (width, pixels) = decode(&BASE64_STANDARD.decode(data).unwrap());
        assert_eq!(corners(pixel_of(width, pixels), &(0..2, 0..2)), expected);
    }
}
