use crate::{Figure, Lines};

/// The share of the axes that a legend takes, along x and along y.
const SIZE: [f64; 2] = [0.25, 0.25];

/// How many points of each stretch between two points of a line are looked at.
const POINTS_PER_STRETCH: usize = 16;

/// How many points of a line a name counts as: it is covered whole, or not at all.
const POINTS_PER_NAME: usize = 100;

/// The share of the axis that the name of a mark or of a stretch takes, to the right of where that begins.
const NAME: f64 = 0.1;

/// Where a legend stands within the axes: each share is 0 at their beginning and 1 at their end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LegendPlace {
    pub x: f64,
    pub y: f64,
}

/// Where a legend may stand, those that readers expect first.
const PLACES: [LegendPlace; 6] = [
    LegendPlace { x: 1.0, y: 1.0 },
    LegendPlace { x: 1.0, y: 0.5 },
    LegendPlace { x: 1.0, y: 0.0 },
    LegendPlace { x: 0.0, y: 1.0 },
    LegendPlace { x: 0.0, y: 0.5 },
    LegendPlace { x: 0.0, y: 0.0 },
];

impl LegendPlace {
    /// The place that covers the least of some lines and of the names along the axis, which stand at the top.
    pub fn among(figure: &Figure, Lines { lines, marks, stretches }: &Lines) -> Self {
        let drawn: Vec<Vec<[f64; 2]>> = lines
            .iter()
            .map(|line| line.points.iter().map(|p| [figure.x.place(p[0]), figure.y.place(p[1])]).collect())
            .collect();
        let share = |axis: usize| {
            let of_all = drawn.iter().flatten().map(move |point| point[axis]);
            let (low, high) = of_all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (f64::min(low, value), f64::max(high, value))
            });
            move |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 }
        };
        let (x, y) = (share(0), share(1));
        let mut points: Vec<[f64; 2]> = Vec::new();
        for pair in drawn.iter().flat_map(|line| line.windows(2)) {
            let along = |i: usize| {
                let t = i as f64 / POINTS_PER_STRETCH as f64;
                let [a, b] = [0, 1].map(|axis| pair[0][axis] + t * (pair[1][axis] - pair[0][axis]));
                [x(a), y(b)]
            };
            points.extend((0..POINTS_PER_STRETCH).map(along));
        }
        let named = marks.iter().map(|(at, _)| *at).chain(stretches.iter().map(|stretch| stretch.from));
        for position in named {
            let at = x(figure.x.place(position));
            points.extend((0..POINTS_PER_NAME).map(|i| [at + NAME * i as f64 / POINTS_PER_NAME as f64, 1.0]));
        }
        let covered = |place: &Self| points.iter().filter(|point| place.covers(point)).count();
        PLACES.into_iter().min_by_key(covered).unwrap_or(PLACES[0])
    }

    fn covers(self, point: &[f64; 2]) -> bool {
        [self.x, self.y].into_iter().zip(point).zip(SIZE).all(|((place, at), size)| {
            // The legend begins at its place's share of the room that it leaves.
            let begins = place * (1.0 - size);
            (begins..=begins + size).contains(at)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Axis, Content, Line, Stretch};

    fn place(lines: &[&[[f64; 2]]], marks: &[(f64, String)], stretches: &[Stretch]) -> LegendPlace {
        let line = |points: &&[[f64; 2]]| Line { name: "a".into(), points: points.to_vec() };
        let lines: Vec<Line> = lines.iter().map(line).collect();
        let lines = Lines { lines, marks: marks.to_vec(), stretches: stretches.to_vec() };
        let axes = [Axis::of("x"), Axis::of("y")];
        let figure = Figure::new("lines", "Lines", axes, Content::lines(vec![]));
        LegendPlace::among(&figure, &lines)
    }

    #[test]
    fn a_legend_stands_where_least_is_drawn() {
        let falls: &[[f64; 2]] = &[[0.0, 1.0], [10.0, 0.0]];
        let rises: &[[f64; 2]] = &[[0.0, 0.0], [10.0, 1.0]];
        let along_the_top: &[[f64; 2]] = &[[0.0, 1.0], [10.0, 1.0]];
        assert_eq!(place(&[falls], &[], &[]), LegendPlace { x: 1.0, y: 1.0 });
        assert_eq!(place(&[rises], &[], &[]), LegendPlace { x: 1.0, y: 0.5 });
        assert_eq!(place(&[falls, along_the_top], &[], &[]), LegendPlace { x: 1.0, y: 0.5 });
        assert_eq!(place(&[rises, falls], &[], &[]), LegendPlace { x: 1.0, y: 0.5 });
        // A mark's name is at the top, to the right of the mark.
        assert_eq!(place(&[falls], &[(8.0, "clean".into())], &[]), LegendPlace { x: 1.0, y: 0.5 });
        assert_eq!(place(&[falls], &[(5.0, "clean".into())], &[]), LegendPlace { x: 1.0, y: 1.0 });
        // So is that of a stretch.
        let late = Stretch { from: 8.0, to: 10.0, name: "cleanup".into() };
        assert_eq!(place(&[falls], &[], &[late]), LegendPlace { x: 1.0, y: 0.5 });
        // What has no extent, and nothing at all, are fine.
        assert_eq!(place(&[&[[1.0, 1.0], [1.0, 1.0]]], &[], &[]), LegendPlace { x: 1.0, y: 1.0 });
        assert_eq!(place(&[], &[], &[]), LegendPlace { x: 1.0, y: 1.0 });
    }
}
