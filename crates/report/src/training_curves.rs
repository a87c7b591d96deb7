use plotters::{
    chart::{ChartBuilder, SeriesLabelPosition},
    coord::{Shift, combinators::IntoLogRange},
    element::{PathElement, Text},
    prelude::{DrawingArea, IntoDrawingArea, LineSeries, RGBColor, SVGBackend},
    style::{Color, IntoFont, TextStyle, WHITE},
};

use crate::font;

/// The picture's width and height in pixels.
const SIZE: (u32, u32) = (960, 620);

/// The lower panel's share of the height is what the upper one leaves.
const LOSS_HEIGHT: i32 = 370;

/// Blue and vermilion of Okabe and Ito's palette (2008), which the colour-blind tell apart.
const TRAIN: RGBColor = RGBColor(0, 114, 178);
const TEST: RGBColor = RGBColor(213, 94, 0);
const GREY: RGBColor = RGBColor(90, 90, 90);

/// Losses below this are drawn at it: a logarithmic axis has no zero.
const SMALLEST_LOSS: f64 = 1e-12;

/// What was measured after some steps of training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Optimisation steps.
    pub step: u64,
    /// Mean losses on the training and test pairs, in nats.
    pub loss: [f64; 2],
    /// Fractions of the training and test pairs that are answered right.
    pub accuracy: [f64; 2],
}

/// The picture could not be drawn.
#[derive(Debug)]
pub struct DrawingError(String);

impl std::fmt::Display for DrawingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot draw the training curves: {}", self.0)
    }
}

impl std::error::Error for DrawingError {}

/// Losses (logarithmic) above accuracies over steps, as SVG, with dashed lines at the steps that the
/// `milestones` name.
///
/// # Errors
///
/// [`DrawingError`] where there are no points, or plotters refuses them.
pub fn training_curves_svg(
    title: &str,
    points: &[CurvePoint],
    milestones: &[(u64, &str)],
) -> Result<String, DrawingError> {
    font::register();
    let mut svg = String::new();
    draw(&mut svg, title, points, milestones).map_err(|e| DrawingError(e.to_string()))?;
    Ok(svg)
}

fn draw(
    svg: &mut String,
    title: &str,
    points: &[CurvePoint],
    milestones: &[(u64, &str)],
) -> Result<(), Box<dyn std::error::Error>> {
    let last = points.last().ok_or("there are no evaluations")?.step.max(1);
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let root = root.titled(title, text(20))?;
    let (upper, lower) = root.split_vertically(LOSS_HEIGHT);

    let losses = points.iter().flat_map(|point| point.loss).map(|loss| loss.max(SMALLEST_LOSS));
    let (low, high) = losses.fold((f64::MAX, f64::MIN), |(low, high), loss| (low.min(loss), high.max(loss)));
    let (low, high) = (10_f64.powf(low.log10().floor()), 10_f64.powf(high.log10().ceil()));
    let high = if high > low { high } else { 10.0 * low };
    let mut chart = panel(&upper, 0).build_cartesian_2d(0..last, (low..high).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .y_desc("loss (nats)")
        .y_label_formatter(&|loss| format!("{loss:.0e}"))
        .x_labels(8)
        .label_style(text(14))
        .draw()?;
    for (i, (name, colour)) in [("train", TRAIN), ("test", TEST)].into_iter().enumerate() {
        let line = points.iter().map(|point| (point.step, point.loss[i].max(SMALLEST_LOSS)));
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 24, y)], colour.stroke_width(2)));
    }
    for &(step, label) in milestones {
        chart.draw_series([PathElement::new(vec![(step, low), (step, high)], GREY.mix(0.6))])?;
        chart.draw_series([Text::new(format!(" {label}"), (step, high / 1.5), text(14))])?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::MiddleRight)
        .background_style(WHITE)
        .label_font(text(15))
        .draw()?;

    let mut chart = panel(&lower, 50).build_cartesian_2d(0..last, 0.0..1.0)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("optimisation steps")
        .y_desc("accuracy")
        .y_label_formatter(&|accuracy| format!("{:.0} %", 100.0 * accuracy))
        .x_labels(8)
        .y_labels(6)
        .label_style(text(14))
        .draw()?;
    for (i, colour) in [TRAIN, TEST].into_iter().enumerate() {
        let line = points.iter().map(|point| (point.step, point.accuracy[i]));
        chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
    }
    for &(step, _) in milestones {
        chart.draw_series([PathElement::new(vec![(step, 0.0), (step, 1.0)], GREY.mix(0.6))])?;
    }
    root.present()?;
    Ok(())
}

fn panel<'a, 'b>(
    area: &'a DrawingArea<SVGBackend<'b>, Shift>,
    x_labels: u32,
) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut chart = ChartBuilder::on(area);
    chart.margin(12).margin_right(28).x_label_area_size(x_labels).y_label_area_size(72);
    chart
}

fn text(size: i32) -> TextStyle<'static> {
    (font::FONT, size).into_font().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_title_its_axes_and_both_curves() {
        let points = [
            CurvePoint { step: 0, loss: [4.7, 4.7], accuracy: [0.01, 0.01] },
            CurvePoint { step: 100, loss: [1e-7, 20.0], accuracy: [1.0, 0.1] },
            CurvePoint { step: 200, loss: [0.0, 1e-7], accuracy: [1.0, 1.0] },
        ];
        let svg = training_curves_svg("a <run> & its name", &points, &[(200, "test 99 %")]).unwrap();
        for part in
            ["a &lt;run&gt; &amp; its name", "loss (nats)", "accuracy", "optimisation steps", "test 99 %"]
        {
            assert!(svg.contains(part), "{part} is missing");
        }
        for colour in ["#0072B2", "#D55E00"] {
            assert!(svg.matches(colour).count() >= 2, "{colour} is missing");
        }
        assert!(svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn one_point_is_enough_and_none_is_an_error() {
        let point = CurvePoint { step: 0, loss: [4.7, 4.7], accuracy: [0.0, 0.0] };
        assert!(training_curves_svg("t", &[point], &[]).is_ok());
        assert!(training_curves_svg("t", &[], &[]).unwrap_err().to_string().contains("no evaluations"));
    }
}
