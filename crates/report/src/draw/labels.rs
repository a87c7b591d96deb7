use plotters::{
    chart::{ChartContext, SeriesLabelPosition},
    coord::{Shift, cartesian::Cartesian2d},
    element::{Rectangle, Text},
    prelude::{DrawingArea, DrawingBackend},
    style::{
        Color, IntoFont, TextStyle, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

use crate::{
    Line,
    colours::{GREY, LINES, colour},
    error::Anything,
    font,
    ticks::Ticks,
    words::short,
};

/// The font of figures in some size.
pub(super) fn text(size: u32, scale: u32) -> TextStyle<'static> {
    (font::FONT, size * scale).into_font().into()
}

/// Pixels that a letter takes at the most, and that are left between names.
const LETTER: usize = 8;

/// Writes the bars' names below the axis, in turns on two lines; not all of them where there is no room.
pub(super) fn draw_staggered<B: DrawingBackend<ErrorType: 'static>>(
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
    let (across, _) = chart.plotting_area().get_pixel_range();
    let longest = bars.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let room = 2 * across.len() / (scale as usize * LETTER * (longest + 1));
    let every = bars.len().div_ceil(room.max(1)).max(1);
    for (i, (name, _)) in bars.iter().enumerate().step_by(every) {
        let (x, y) = chart.backend_coord(&(i as f64, chart.y_range().start));
        let below = (8 + 18 * (i / every % 2) as i32) * scale as i32;
        area.draw(&Text::new(name.clone(), (x - left, y - top + below), style.clone()))?;
    }
    Ok(())
}

/// Names the lines.
pub(super) fn draw_legend<'a, B: DrawingBackend<ErrorType: 'static> + 'a>(
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

/// Names areas beside them, the topmost first; not those that more colours than there are would be needed for.
pub(super) fn draw_swatches<B: DrawingBackend<ErrorType: 'static>>(
    area: &DrawingArea<B, Shift>,
    areas: &[Line],
    scale: u32,
) -> std::result::Result<(), Anything> {
    if areas.len() > LINES.len() {
        return Ok(());
    }
    let scale = scale as i32;
    let style = text(13, scale as u32).pos(Pos::new(HPos::Left, VPos::Center));
    for (place, (line, colour)) in areas.iter().zip(LINES).rev().enumerate() {
        let middle = (24 + 22 * place as i32) * scale;
        let corners = [(0, middle - 7 * scale), (14 * scale, middle + 7 * scale)];
        area.draw(&Rectangle::new(corners, colour.filled()))?;
        area.draw(&Text::new(line.name.clone(), (20 * scale, middle), style.clone()))?;
    }
    Ok(())
}

/// What colours mean: a bar from the smallest value to the largest.
pub(super) fn draw_key<B: DrawingBackend<ErrorType: 'static>>(
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
