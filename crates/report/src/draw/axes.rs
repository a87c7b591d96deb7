use crate::{Axis, Content, Figure, Lines, Points, figure::upper_edges, ticks::Ticks};

/// With more bars than this their names take turns on two lines, or they would run into each other.
const MAX_NAMES_ABREAST: usize = 6;

/// How much of the way between points is left beside them for their names.
const ROOM_FOR_LABELS: f64 = 0.15;

/// The upper end of a linear vertical axis with named levels, relative to the highest bar or level.
const ROOM_FOR_NAMES: f64 = 1.25;

/// How many positions along an axis are labelled at most, where none were chosen.
const LABELS: usize = 12;

/// Whether the names of a frame's bars take turns.
pub(super) fn is_staggered(content: &Content) -> bool {
    matches!(content, Content::Bars { bars, .. } if bars.len() > MAX_NAMES_ABREAST)
}

/// A frame's axes: their ranges and labels.
pub(super) fn axes(figure: &Figure, content: &Content) -> [Ticks; 2] {
    let (x, y) = ranges(figure, content);
    let [columns, rows] = content.positions([&figure.x, &figure.y]);
    let x = match content {
        Content::Bars { bars, .. } => {
            // Names that take turns are written apart.
            let name = |name: &String| if is_staggered(content) { String::new() } else { name.clone() };
            let labels = bars.iter().enumerate().map(|(i, bar)| (i as f64, name(&bar.0))).collect();
            Ticks { low: x[0], high: x[1], labels }
        }
        _ => ticks(&figure.x, columns, x),
    };
    [x, ticks(&figure.y, rows, y)]
}

fn ticks(axis: &Axis, positions: Option<usize>, [low, high]: [f64; 2]) -> Ticks {
    match positions {
        Some(count) => {
            let labelled = axis.labelled_of(count, LABELS).into_iter();
            Ticks { low, high, labels: labelled.map(|i| (i as f64, axis.name_of(i))).collect() }
        }
        None if axis.is_log => Ticks::log(low, high),
        None if axis.is_count => Ticks::count(low, high),
        None => Ticks::linear(low, high),
    }
}

/// The smallest and the largest value along both axes.
fn ranges(figure: &Figure, content: &Content) -> ([f64; 2], [f64; 2]) {
    let bounds = |values: &mut dyn Iterator<Item = f64>, axis: &Axis| {
        let values = values.map(|value| axis.shown(value));
        let [low, high] = values.fold([f64::MAX, f64::MIN], |[low, high], v| [low.min(v), high.max(v)]);
        if low > high { [1.0, 1.0] } else { [low, high] }
    };
    let of_points = |points: &[[f64; 2]]| {
        let x = bounds(&mut points.iter().map(|point| point[0]), &figure.x);
        (x, bounds(&mut points.iter().map(|point| point[1]), &figure.y))
    };
    match content {
        Content::Lines(Lines { lines, .. }) => {
            of_points(&lines.iter().flat_map(|line| line.points.iter().copied()).collect::<Vec<_>>())
        }
        Content::Areas(areas) => {
            let (x, [low, high]) = of_points(&upper_edges(areas).concat());
            (x, [low.min(0.0), high])
        }
        Content::Points(Points { points, is_labelled, .. }) => {
            let ([x_low, x_high], [_, y_high]) = of_points(points);
            match is_labelled {
                // Names have room beside the points.
                true => {
                    let room = ROOM_FOR_LABELS * (x_high - x_low);
                    ([x_low - room, x_high + room], [0.0, 1.05 * y_high.max(1.0)])
                }
                false => ([x_low - 1.0, x_high + 1.0], [0.0, 1.0]),
            }
        }
        Content::Bars { bars, levels } => {
            let mut values = bars.iter().map(|bar| bar.1).chain(levels.iter().map(|level| level.0));
            let [low, high] = bounds(&mut values, &figure.y);
            // Above linear bars there is room for the names of levels.
            let room = if levels.is_empty() { 1.0 } else { ROOM_FOR_NAMES };
            let [low, high] = if figure.y.is_log { [low, high] } else { [low.min(0.0), room * high] };
            ([-0.5, bars.len() as f64 - 0.5], [low, high])
        }
        Content::HeatMap(map) => ([-0.5, map.columns as f64 - 0.5], [-0.5, map.rows() as f64 - 0.5]),
    }
}
