//! Figures for the page: data for plotly's script, which draws them where they are looked at.

mod decorated;
mod points;

use plotly::{
    Bar, HeatMap as PlotlyMap, Layout, Plot, Scatter, Trace,
    color::NamedColor,
    common::{
        Anchor, ColorBar, ColorScale, ColorScaleElement, ExponentFormat, Font, HoverInfo, Line as Stroke,
        Marker, Mode, Pad, TickMode, Title, Visible,
    },
    layout::{
        Axis as PlotlyAxis, AxisRange, AxisType, Legend, Margin, Slider, SliderCurrentValue, SliderMethod,
        SliderStep, TicksDirection,
    },
};
use serde_json::{Map, Value, json};

use self::{decorated::decorated, points::of_points};
use crate::{
    Axis, Content, Figure, HeatMap, Lines,
    colours::{LINES, hex, stops},
    legend::LegendPlace,
    ticks::Ticks,
};

/// Digits that values keep; a pixel shows fewer.
const DIGITS: i32 = 4;

/// Pixels that a map has from its first row to its last, about, on the page.
const MAP_HEIGHT: usize = 360;

/// How many positions along an axis are labelled at most, where none were chosen.
const LABELS: usize = 12;

/// How many bars are labelled at most: as many names as find room upright.
const BAR_LABELS: usize = 36;

/// A figure as the JSON object that plotly's script draws. All frames are in it; a slider shows one.
///
/// Cells, bars and named points stand at 0, 1, 2, … along linear axes, and the axis says what each position
/// is called. On plotly's axes of categories, a number would be taken for the category of that name where
/// names are numbers, and two positions of one name would be one.
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
        .x_axis(axis(figure, first, 0))
        .y_axis(axis(figure, first, 1))
        .legend(legend(figure, first));
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
    let mut plot = json!(plot);
    for (axis, names) in ["xaxis", "yaxis"].into_iter().zip(names(figure, first)) {
        if let Some(names) = names {
            // The setting has no setter in plotly's crate.
            plot["layout"][axis]["labelalias"] = names.into();
        }
    }
    plot.to_string()
}

/// The legend, where it covers the least.
fn legend(figure: &Figure, content: Option<&Content>) -> Legend {
    let LegendPlace { x, y } = match content {
        Some(Content::Lines(lines)) => LegendPlace::among(figure, lines),
        // Areas leave no room.
        Some(Content::Areas(_)) => return Legend::new(),
        _ => LegendPlace { x: 1.0, y: 1.0 },
    };
    // An anchor that is chosen by plotly is that of the third of the axes which the place is in.
    Legend::new().x(x).y(y).x_anchor(Anchor::Auto).y_anchor(Anchor::Auto)
}

/// The names of positions along both axes, by how plotly would write their numbers. They hold for labels at
/// the axes and for those that pointing shows.
fn names(figure: &Figure, content: Option<&Content>) -> [Option<Map<String, Value>>; 2] {
    let of = |names: &mut dyn Iterator<Item = &String>| {
        names.enumerate().map(|(i, name)| (i.to_string(), name.as_str().into())).collect()
    };
    let of_axis = |axis: &Axis| axis.names.as_ref().map(|names| of(&mut names.iter()));
    match content {
        Some(Content::Bars { bars, .. }) => [Some(of(&mut bars.iter().map(|bar| &bar.0))), None],
        _ => [of_axis(&figure.x), of_axis(&figure.y)],
    }
}

fn traces(figure: &Figure, content: &Content, is_first: bool) -> Vec<Box<dyn Trace>> {
    let visible = if is_first { Visible::True } else { Visible::False };
    match content {
        Content::Lines(Lines { lines, .. }) => lines
            .iter()
            .zip(LINES.iter().cycle())
            .map(|(line, &colour)| {
                let y = line.points.iter().map(|point| rounded(figure.y.shown(point[1]))).collect();
                let stroke = Stroke::new().color(hex(colour)).width(2.0);
                let template = format!("{}<br>%{{x}}: %{{y}}<extra></extra>", line.name);
                let x = line.points.iter().map(|point| point[0]).collect();
                let trace: Box<dyn Trace> = Scatter::new(x, y)
                    .mode(Mode::Lines)
                    .name(&line.name)
                    .line(stroke)
                    .hover_template(template)
                    .visible(visible.clone());
                trace
            })
            .collect(),
        Content::Areas(areas) => areas
            .iter()
            .zip(LINES.iter().cycle())
            .map(|(area, &colour)| {
                let [x, y] =
                    [0, 1].map(|axis| area.points.iter().map(|point| rounded(point[axis])).collect());
                let template = format!("{}<br>%{{x}}: %{{y}}<extra></extra>", area.name);
                let trace: Box<dyn Trace> = Scatter::<f64, f64>::new(x, y)
                    .mode(Mode::Lines)
                    .name(&area.name)
                    .line(Stroke::new().width(0.0))
                    .fill_color(hex(colour))
                    .stack_group("all")
                    .hover_template(template)
                    .visible(visible.clone());
                trace
            })
            .collect(),
        Content::Points(points) => vec![of_points(points).visible(visible)],
        Content::Bars { bars, .. } => {
            let values = bars.iter().map(|bar| rounded(figure.y.shown(bar.1))).collect();
            let trace =
                Bar::new((0..bars.len()).collect(), values).marker(Marker::new().color(hex(LINES[0])));
            vec![trace.hover_template("%{x}: %{y}<extra></extra>").visible(visible)]
        }
        Content::HeatMap(map) => {
            let marks = (!map.marked.is_empty()).then(|| marks(map, visible.clone()));
            std::iter::once(heat_map(map, visible)).chain(marks).collect()
        }
    }
}

/// Dots on a map's marked cells, which do not get in the way of pointing at them.
fn marks(map: &HeatMap, visible: Visible) -> Box<dyn Trace> {
    let [y, x] = [0, 1].map(|coordinate| map.marked.iter().map(|cell| cell[coordinate]).collect());
    let rim = Stroke::new().color(NamedColor::White).width(if map.rows() < 40 { 1.5 } else { 0.0 });
    // Dots of more rows would cover their neighbours.
    let size = (MAP_HEIGHT / map.rows().max(1)).clamp(2, 9);
    let marker = Marker::new().size(size).color(hex(LINES[1])).line(rim);
    let trace = Scatter::<usize, usize>::new(x, y).mode(Mode::Markers).marker(marker);
    trace.hover_info(HoverInfo::Skip).show_legend(false).visible(visible)
}

/// The cells of a map. plotly puts columns and rows at 0, 1, 2, … where nothing else is said.
fn heat_map(map: &HeatMap, visible: Visible) -> Box<dyn Trace> {
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
    PlotlyMap::new_z(z)
        .color_scale(ColorScale::Vector(scale.collect()))
        .zmin(if map.has_signs { -largest } else { 0.0 })
        .zmax(largest)
        .color_bar(ColorBar::new().title(Title::with_text(&map.value_name)).thickness(14))
        .hover_template(template)
        .hover_info(HoverInfo::All)
        .visible(visible)
}

/// The horizontal axis, 0, or the vertical one, 1.
fn axis(figure: &Figure, content: Option<&Content>, which: usize) -> PlotlyAxis {
    let of = [&figure.x, &figure.y][which];
    let axis = PlotlyAxis::new().title(Title::with_text(&of.name)).zero_line(false).auto_margin(true);
    let is_map = matches!(content, Some(Content::HeatMap(_)));
    let axis = if is_map { axis.show_grid(false) } else { axis.grid_color("#e4e4e4") };
    if let Some(content) = content
        && let Some(count) = content.positions([&figure.x, &figure.y])[which]
    {
        return of_positions(axis, of, content, count);
    }
    match content {
        _ if of.is_log => axis.type_(AxisType::Log).dtick(2.0).exponent_format(ExponentFormat::SmallE),
        Some(Content::Bars { bars, .. }) if of.is_count => {
            let most = bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
            let whole = Ticks::count(0.0, most).labels.into_iter().map(|(position, _)| position);
            axis.type_(AxisType::Linear).tick_values(whole.collect())
        }
        _ => axis.type_(AxisType::Linear),
    }
}

/// An axis on which cells, bars or named points stand at 0, 1, 2, …. By its format, that of whole numbers,
/// the page's script knows it, and labels more of the positions, up to `nticks`, when it is zoomed into.
fn of_positions(axis: PlotlyAxis, of: &Axis, content: &Content, count: usize) -> PlotlyAxis {
    // A cell or a bar reaches half a position to either side; a line ends at its last point.
    let (beyond, labels) = match content {
        Content::Bars { .. } => (0.5, BAR_LABELS),
        Content::HeatMap(_) | Content::Points(_) => (0.5, LABELS),
        Content::Lines(_) | Content::Areas(_) => (0.0, LABELS),
    };
    let labelled = of.labelled_of(count, labels).into_iter();
    axis.type_(AxisType::Linear)
        .range(AxisRange::new(-beyond, count as f64 - 1.0 + beyond))
        .tick_mode(TickMode::Array)
        .tick_values(labelled.map(|i| i as f64).collect())
        .tick_format("d")
        .ticks(TicksDirection::Outside)
        .n_ticks(labels)
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
    use crate::{Line, Stretch};

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
        // Columns go to the right and rows upwards: cells are counted from 0, and neither axis is reversed.
        assert_eq!(data[0]["z"], json!([[1.0, -1.0], [0.0, 0.5]]));
        for (axis, cells) in [("xaxis", "x"), ("yaxis", "y")] {
            assert!(data[0][cells].is_null());
            assert_eq!(plot["layout"][axis]["range"], json!([-0.5, 1.5]));
            assert_eq!(plot["layout"][axis]["type"], "linear");
        }
        let steps = &plot["layout"]["sliders"][0]["steps"];
        assert_eq!(steps[1]["args"][0]["visible"], json!([false, true]));
        assert_eq!(plot["layout"]["xaxis"]["labelalias"], json!({"0": "const", "1": "cos 1"}));
        assert_eq!(plot["layout"]["xaxis"]["tickvals"], json!([1.0]));
        assert!(plot["layout"]["yaxis"]["labelalias"].is_null());
        assert_eq!(plot["layout"]["yaxis"]["tickvals"], json!([0.0, 1.0]));
    }

    /// A figure's JSON, read again.
    fn plot(x: Axis, content: Content) -> Value {
        serde_json::from_str(&json(&Figure::new("figure", "Figure", [x, Axis::of("y")], content))).unwrap()
    }

    #[test]
    fn names_that_are_numbers_or_the_same_move_and_merge_nothing() {
        let names = ["2", "2.5", "0", "2"].map(String::from);
        let aliases = json!({"0": "2", "1": "2.5", "2": "0", "3": "2"});
        let axis = || Axis::named("run", names.to_vec(), vec![]);

        let mut map = HeatMap::new(4, vec![1.0, 2.0, 3.0, 4.0], "value", false);
        map.marked = vec![[0, 2]];
        let map = plot(axis(), Content::HeatMap(map));
        assert_eq!(map["data"][0]["z"], json!([[1.0, 2.0, 3.0, 4.0]]));
        assert_eq!((&map["data"][1]["x"], &map["data"][1]["y"]), (&json!([2]), &json!([0])));

        let bars = names.iter().zip([1.0, 2.0, 3.0, 4.0]).map(|(name, value)| (name.clone(), value));
        let bars = plot(Axis::of("run"), Content::Bars { bars: bars.collect(), levels: vec![] });
        assert_eq!(bars["data"][0]["x"], json!([0, 1, 2, 3]));
        assert_eq!(bars["data"][0]["y"], json!([1.0, 2.0, 3.0, 4.0]));

        let line = Line { name: "5".into(), points: vec![[0.0, 1.0], [1.0, 2.0], [3.0, 4.0]] };
        let lines = plot(
            axis(),
            Content::Lines(Lines { lines: vec![line], marks: vec![(1.0, "mark".into())], stretches: vec![] }),
        );
        assert_eq!(lines["data"][0]["x"], json!([0.0, 1.0, 3.0]));
        assert_eq!(lines["layout"]["shapes"][0]["x0"], json!(1.0));

        for plot in [map, bars, lines] {
            assert_eq!(plot["layout"]["xaxis"]["labelalias"], aliases);
            assert_eq!(plot["layout"]["xaxis"]["type"], "linear");
            assert_eq!(plot["layout"]["xaxis"]["tickvals"], json!([0.0, 1.0, 2.0, 3.0]));
        }
    }

    #[test]
    fn areas_stand_on_each_other_and_stretches_lie_below_their_names() {
        let line = |name: &str| Line { name: name.into(), points: vec![[0.0, 1.0], [4.0, 2.0]] };
        let areas = plot(Axis::of("step"), Content::Areas(vec![line("a"), line("b")]));
        let data = areas["data"].as_array().unwrap();
        assert_eq!(data.iter().map(|area| &area["stackgroup"]).collect::<Vec<_>>(), ["all", "all"]);
        // plotly adds them up.
        assert_eq!(data[1]["y"], json!([1.0, 2.0]));

        let stretch = |from, to, name: &str| Stretch { from, to, name: name.into() };
        let stretches = vec![stretch(0.0, 1.0, "first"), stretch(1.0, 4.0, "then")];
        let lines = Lines { lines: vec![line("a")], marks: vec![], stretches };
        let layout = &plot(Axis::of("step"), Content::Lines(lines))["layout"];
        let (shape, note) = (&layout["shapes"][1], &layout["annotations"][1]);
        assert_eq!((&shape["type"], &shape["layer"]), (&json!("rect"), &json!("below")));
        assert_eq!((&shape["x0"], &shape["x1"]), (&json!(1.0), &json!(4.0)));
        assert_eq!(
            (&note["text"], &note["x"], &note["yshift"]),
            (&json!("then"), &json!(1.0), &json!(-16.0))
        );
        assert_ne!(shape["fillcolor"], layout["shapes"][0]["fillcolor"]);
    }

    #[test]
    fn losses_have_a_logarithmic_axis() {
        let line = Line { name: "train".into(), points: vec![[0.0, 4.0], [10.0, 1e-7]] };
        let content = Content::lines(vec![line]);
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
