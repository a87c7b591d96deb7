//! Figures for the page: data for plotly's script, which draws them where they are looked at.

use plotly::{
    Bar, HeatMap as PlotlyMap, Layout, Plot, Scatter, Trace,
    color::NamedColor,
    common::{
        Anchor, ColorBar, ColorScale, ColorScaleElement, ExponentFormat, Font, HoverInfo, Line as Stroke,
        Marker, Mode, Pad, Title, Visible,
    },
    layout::{
        Annotation, Axis as PlotlyAxis, AxisType, Legend, Margin, Shape, ShapeLine, ShapeType, Slider,
        SliderCurrentValue, SliderMethod, SliderStep, TicksDirection,
    },
};
use serde_json::{Value, json};

use crate::{
    Axis, Content, Figure, HeatMap,
    colours::{LINES, hex, stops},
    ticks::Ticks,
};

/// Digits that values keep; a pixel shows fewer.
const DIGITS: i32 = 4;

/// Pixels that a map has from its first row to its last, about, on the page.
const MAP_HEIGHT: usize = 360;

/// A figure as the JSON object that plotly's script draws. All frames are in it; a slider shows one.
pub(crate) fn json(figure: &Figure) -> String {
    let mut plot = Plot::new();
    let mut frames = Vec::new();
    for (i, frame) in figure.frames.iter().enumerate() {
        let traces = traces(figure, &frame.content, i == 0);
        frames.extend(std::iter::repeat_n(i, traces.len()));
        plot.add_traces(traces);
    }
    let first = figure.frames.first().map(|frame| &frame.content);
    let mut layout = Layout::new()
        .auto_size(true)
        .margin(Margin::new().left(70).right(20).top(20).bottom(if figure.slider.is_some() {
            90
        } else {
            60
        }))
        .font(Font::new().family("system-ui, sans-serif").size(13))
        .x_axis(axis(&figure.x, first, true))
        .y_axis(axis(&figure.y, first, false))
        .legend(Legend::new().x(1.0).y(1.0).x_anchor(Anchor::Right));
    layout = decorated(layout, figure, first);
    if let Some(name) = &figure.slider {
        let step = |(i, frame): (usize, &crate::Frame)| {
            let visible: Vec<bool> = frames.iter().map(|&of| of == i).collect();
            SliderStep::new()
                .label(&frame.label)
                .method(SliderMethod::Restyle)
                .args(json!([{ "visible": visible }]))
        };
        let slider = Slider::new()
            .active(0)
            .current_value(SliderCurrentValue::new().prefix(format!("{name}: ")))
            // Below the axis' labels and name.
            .pad(Pad::new(70, 0, 0))
            .steps(figure.frames.iter().enumerate().map(step).collect());
        layout = layout.sliders(vec![slider]);
    }
    plot.set_layout(layout);
    plot.to_json()
}

fn traces(figure: &Figure, content: &Content, is_first: bool) -> Vec<Box<dyn Trace>> {
    let visible = if is_first { Visible::True } else { Visible::False };
    let place = |axis: &Axis, position: f64| -> Value {
        match &axis.names {
            Some(names) => names.get(position as usize).cloned().unwrap_or_default().into(),
            None => position.into(),
        }
    };
    match content {
        Content::Lines { lines, .. } => lines
            .iter()
            .zip(LINES.iter().cycle())
            .map(|(line, &colour)| {
                let y = line.points.iter().map(|point| rounded(figure.y.shown(point[1]))).collect();
                let stroke = Stroke::new().color(hex(colour)).width(2.0);
                let template = format!("{}<br>%{{x}}: %{{y}}<extra></extra>", line.name);
                let x: Vec<Value> = line.points.iter().map(|point| place(&figure.x, point[0])).collect();
                let trace: Box<dyn Trace> = Scatter::new(x, y)
                    .mode(Mode::Lines)
                    .name(&line.name)
                    .line(stroke)
                    .hover_template(template)
                    .visible(visible.clone());
                trace
            })
            .collect(),
        Content::Points(points) => {
            let marker = Marker::new()
                .size(8)
                .color_array(points.colours.iter().map(|&c| hex(crate::colours::colour(c, false))).collect())
                .line(Stroke::new().color(NamedColor::Gray).width(1.0));
            let [x, y] = [0, 1].map(|axis| points.points.iter().map(|point| rounded(point[axis])).collect());
            let text = points.names.iter().zip(&points.colours);
            let text =
                text.map(|(name, c)| format!("{name}<br>{} {}", points.colour_name, rounded(*c))).collect();
            let trace = Scatter::<f64, f64>::new(x, y).mode(Mode::Markers).marker(marker).text_array(text);
            vec![trace.hover_template("%{text}<br>%{x}: %{y}<extra></extra>").visible(visible)]
        }
        Content::Bars { bars, .. } => {
            let (names, values) =
                bars.iter().map(|(name, value)| (name.clone(), rounded(figure.y.shown(*value)))).unzip();
            let trace = Bar::new(names, values).marker(Marker::new().color(hex(LINES[0])));
            vec![trace.hover_template("%{x}: %{y}<extra></extra>").visible(visible)]
        }
        Content::HeatMap(map) => {
            let marks = (!map.marked.is_empty()).then(|| marks(figure, map, visible.clone()));
            std::iter::once(heat_map(figure, map, visible)).chain(marks).collect()
        }
    }
}

/// The names of a map's columns or rows.
fn names(axis: &Axis, count: usize) -> Vec<String> {
    match &axis.names {
        // A thinned map has fewer cells than there are names.
        Some(names) if names.len() == count => names.clone(),
        _ => (0..count).map(|i| i.to_string()).collect(),
    }
}

/// Dots on a map's marked cells, which do not get in the way of pointing at them.
fn marks(figure: &Figure, map: &HeatMap, visible: Visible) -> Box<dyn Trace> {
    let [x, y] =
        [(&figure.x, map.columns, 1), (&figure.y, map.rows(), 0)].map(|(axis, count, coordinate)| {
            let names = names(axis, count);
            map.marked.iter().filter_map(|cell| names.get(cell[coordinate]).cloned()).collect()
        });
    let rim = Stroke::new().color(NamedColor::White).width(if map.rows() < 40 { 1.5 } else { 0.0 });
    // Dots of more rows would cover their neighbours.
    let size = (MAP_HEIGHT / map.rows().max(1)).clamp(2, 9);
    let marker = Marker::new().size(size).color(hex(LINES[1])).line(rim);
    let trace = Scatter::<String, String>::new(x, y).mode(Mode::Markers).marker(marker);
    trace.hover_info(HoverInfo::Skip).show_legend(false).visible(visible)
}

fn heat_map(figure: &Figure, map: &HeatMap, visible: Visible) -> Box<dyn Trace> {
    let z: Vec<Vec<f64>> = map
        .values
        .chunks_exact(map.columns.max(1))
        .map(|row| row.iter().map(|&v| rounded(v)).collect())
        .collect();
    let stops = stops(map.has_signs);
    let scale = stops
        .iter()
        .enumerate()
        .map(|(i, &colour)| ColorScaleElement(i as f64 / (stops.len() - 1) as f64, hex(colour)));
    // A map of nothing but zeros still has a colour for more.
    let largest = if map.largest() > 0.0 { rounded(map.largest()) } else { 1.0 };
    let template = format!("%{{x}}, %{{y}}<br>{} %{{z}}<extra></extra>", map.value_name);
    PlotlyMap::new(names(&figure.x, map.columns), names(&figure.y, map.rows()), z)
        .color_scale(ColorScale::Vector(scale.collect()))
        .zmin(if map.has_signs { -largest } else { 0.0 })
        .zmax(largest)
        .color_bar(ColorBar::new().title(Title::with_text(&map.value_name)).thickness(14))
        .hover_template(template)
        .hover_info(HoverInfo::All)
        .visible(visible)
}

fn axis(of: &Axis, content: Option<&Content>, is_x: bool) -> PlotlyAxis {
    let axis = PlotlyAxis::new().title(Title::with_text(&of.name)).zero_line(false).auto_margin(true);
    let is_map = matches!(content, Some(Content::HeatMap(_)));
    let axis = if is_map { axis.show_grid(false) } else { axis.grid_color("#e4e4e4") };
    let has_names = of.names.is_some() || is_map || (is_x && matches!(content, Some(Content::Bars { .. })));
    if let (Some(names), false) = (&of.names, of.labelled.is_empty()) {
        let labelled: Vec<usize> = of.labelled.iter().copied().filter(|&i| i < names.len()).collect();
        let text = labelled.iter().map(|&i| names[i].clone()).collect();
        return axis
            .type_(AxisType::Category)
            .tick_values(labelled.iter().map(|&i| i as f64).collect())
            .tick_text(text);
    }
    match (has_names, of.is_log) {
        (true, _) => axis.type_(AxisType::Category).n_ticks(12).ticks(TicksDirection::Outside),
        (false, true) => axis.type_(AxisType::Log).dtick(2.0).exponent_format(ExponentFormat::SmallE),
        (false, false) => match content {
            Some(Content::Bars { bars, .. }) if of.is_count => {
                let most = bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
                let whole = Ticks::count(0.0, most).labels.into_iter().map(|(position, _)| position);
                axis.type_(AxisType::Linear).tick_values(whole.collect())
            }
            _ => axis.type_(AxisType::Linear),
        },
    }
}

/// Marks, levels and borders.
fn decorated(layout: Layout, figure: &Figure, content: Option<&Content>) -> Layout {
    let lines: Vec<(Shape, Annotation)> = match content {
        Some(Content::Lines { marks, .. }) => {
            marks.iter().map(|(x, name)| vertical(*x, figure.x.place(*x), name)).collect()
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
        Some(Content::Points(_)) | None => Vec::new(),
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

/// A value with [`DIGITS`] digits.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    // Formatted and parsed again: rounding by multiplication would leave further digits in the JSON.
    format!("{value:.*e}", DIGITS as usize - 1).parse().unwrap_or(value)
}

/// plotly's script, alone, from what comes with the crate.
pub(crate) fn script() -> String {
    let sources = Plot::offline_js_sources();
    let start = sources.find('>').map_or(0, |at| at + 1);
    let end = sources.find("</script>").unwrap_or(sources.len());
    sources[start..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;

    #[test]
    fn values_are_rounded_and_stay_short() {
        assert_eq!(rounded(0.123_456_789), 0.1235);
        assert_eq!(rounded(-98_765.4), -98_770.0);
        assert_eq!(rounded(2.188e-7), 2.188e-7);
        assert_eq!(rounded(0.0), 0.0);
    }

    #[test]
    fn a_slider_shows_one_frame_at_a_time_and_maps_are_centred_at_zero() {
        let map = |v: f64| Content::HeatMap(HeatMap::new(2, vec![v, -v, 0.0, v / 2.0], "value", true));
        let names = Axis::named("component", vec!["const".into(), "cos 1".into()], vec![1]);
        let figure = Figure::with_slider(
            "maps",
            "Maps",
            [names, Axis::of("row")],
            "head",
            [("0".to_owned(), map(1.0)), ("1".to_owned(), map(2.0))],
        );
        let plot: serde_json::Value = serde_json::from_str(&json(&figure)).unwrap();
        let data = plot["data"].as_array().unwrap();
        assert_eq!(data.len(), 2);
        assert_eq!((&data[0]["visible"], &data[1]["visible"]), (&json!(true), &json!(false)));
        assert_eq!((data[1]["zmin"].as_f64(), data[1]["zmax"].as_f64()), (Some(-2.0), Some(2.0)));
        assert_eq!(data[0]["x"], json!(["const", "cos 1"]));
        // Columns go to the right and rows upwards: neither axis is reversed.
        assert_eq!(data[0]["z"], json!([[1.0, -1.0], [0.0, 0.5]]));
        assert_eq!(data[0]["y"], json!(["0", "1"]));
        for axis in ["xaxis", "yaxis"] {
            assert!(plot["layout"][axis]["autorange"].is_null() && plot["layout"][axis]["range"].is_null());
        }
        let steps = &plot["layout"]["sliders"][0]["steps"];
        assert_eq!(steps[1]["args"][0]["visible"], json!([false, true]));
        assert_eq!(plot["layout"]["xaxis"]["ticktext"], json!(["cos 1"]));
    }

    #[test]
    fn losses_have_a_logarithmic_axis() {
        let line = Line { name: "train".into(), points: vec![[0.0, 4.0], [10.0, 1e-7]] };
        let content = Content::Lines { lines: vec![line], marks: vec![] };
        let figure = Figure::new("loss", "Loss", [Axis::of("step"), Axis::log("loss")], content);
        let plot: serde_json::Value = serde_json::from_str(&json(&figure)).unwrap();
        assert_eq!(plot["layout"]["yaxis"]["type"], "log");
        assert_eq!(plot["data"][0]["y"], json!([4.0, 1e-7]));
    }

    #[test]
    fn the_script_is_plotlys_and_closes_no_element_early() {
        let script = script();
        assert!(script.len() > 1_000_000 && script.contains("plotly.js"));
        assert!(!script.contains("</script") && !script.contains("MathJax-script"));
    }
}
