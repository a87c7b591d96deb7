use crate::{HeatMap, heat_map::cells_to_one};

/// A figure as data: what is drawn, with no word on how.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Names its files and its place on the page.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What its frames differ in, where there are several: the head, the neuron, the frequency.
    pub slider: Option<String>,
    /// What is drawn; one at a time where there are several.
    pub frames: Vec<Frame>,
}

/// One picture of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its label on the slider; empty where it is the only one.
    pub label: String,
    /// What is drawn.
    pub content: Content,
}

/// An axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    /// What is along it, with its unit.
    pub name: String,
    /// Whether it is logarithmic.
    pub is_log: bool,
    /// Whether only whole numbers are along it.
    pub is_count: bool,
    /// The names of positions 0, 1, …, where they have any.
    pub names: Option<Vec<String>>,
    /// The positions whose names are written at the axis; evenly spaced ones where it is empty.
    pub labelled: Vec<usize>,
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Lines, with what is marked along the horizontal axis.
    Lines(Lines),
    /// Areas on top of each other, the first at the bottom. Each is as high as its line, and all lines have points at the
    /// same positions.
    Areas(Vec<Line>),
    /// Points, coloured by a third quantity.
    Points(Points),
    /// Bars, with levels to compare them with.
    Bars {
        /// Names and values.
        bars: Vec<(String, f64)>,
        /// Levels on the vertical axis that matter, with their names.
        levels: Vec<(f64, String)>,
    },
    /// A map of colours.
    HeatMap(HeatMap),
}

/// Lines, with what is marked along the horizontal axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lines {
    /// The lines, in the order of their colours.
    pub lines: Vec<Line>,
    /// Positions that matter, with their names.
    pub marks: Vec<(f64, String)>,
    /// Stretches that are shaded, from left to right.
    pub stretches: Vec<Stretch>,
}

/// A stretch of the horizontal axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// What it is called.
    pub name: String,
}

/// The upper edges of areas on top of each other, the first area at the bottom.
pub(crate) fn upper_edges(areas: &[Line]) -> Vec<Vec<[f64; 2]>> {
    let mut edges: Vec<Vec<[f64; 2]>> = Vec::new();
    for area in areas {
        let below = |i: usize| edges.last().and_then(|edge| edge.get(i)).map_or(0.0, |point| point[1]);
        let edge = area.points.iter().enumerate().map(|(i, &[x, height])| [x, below(i) + height]).collect();
        edges.push(edge);
    }
    edges
}

/// A line through points.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What the legend calls it.
    pub name: String,
    /// Its points.
    pub points: Vec<[f64; 2]>,
}

/// Points, each with a name and a third quantity, between 0 and 1, as its colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    /// Where they are.
    pub points: Vec<[f64; 2]>,
    /// Their names.
    pub names: Vec<String>,
    /// Their colours.
    pub colours: Vec<f64>,
    /// What the colours mean.
    pub colour_name: String,
    /// Whether names are written beside the points, as where there are few.
    pub is_labelled: bool,
}

impl Points {
    /// Whether the name of each point, where it is written, stands to its left: of those in the right half.
    pub(crate) fn names_to_the_left(&self) -> Vec<bool> {
        let xs = || self.points.iter().map(|point| point[0]);
        let middle =
            f64::midpoint(xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
        xs().map(|x| x > middle).collect()
    }
}

/// The round number of positions from one label to the next that leaves at most `most` of `count` labels.
fn label_every(count: usize, most: usize) -> usize {
    let powers = std::iter::successors(Some(1_usize), |power| power.checked_mul(10));
    let mut round = powers.flat_map(|power| [1, 2, 5].map(|digit| power.saturating_mul(digit)));
    round.find(|every| count <= every.saturating_mul(most.max(1))).unwrap_or(count)
}

/// Values below this are drawn at it on logarithmic axes, which have no zero.
const SMALLEST: f64 = 1e-12;

impl Axis {
    /// A value as the axis can show it.
    #[must_use]
    pub fn shown(&self, value: f64) -> f64 {
        if self.is_log { value.max(SMALLEST) } else { value }
    }

    /// Where a value is along the axis: its power of ten on a logarithmic one.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        if self.is_log { self.shown(value).log10() } else { value }
    }

    /// An axis of numbers.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// An axis of whole numbers.
    #[must_use]
    pub fn count(name: &str) -> Self {
        Self { is_count: true, ..Self::of(name) }
    }

    /// An axis of powers of ten.
    #[must_use]
    pub fn log(name: &str) -> Self {
        Self { is_log: true, ..Self::of(name) }
    }

    /// The axis of a map of so many cells that is thinned: a cell that was several is called what the first
    /// of them was.
    fn thinned(self, cells: usize) -> Self {
        let by = cells_to_one(cells);
        if by == 1 {
            return self;
        }
        let names = self.names.unwrap_or_else(|| (0..cells).map(|i| i.to_string()).collect());
        let mut labelled: Vec<usize> = self.labelled.into_iter().map(|i| i / by).collect();
        labelled.dedup();
        Self { names: Some(names.into_iter().step_by(by).collect()), labelled, ..self }
    }

    /// The name of a position: its number where positions have no names.
    pub(crate) fn name_of(&self, position: usize) -> String {
        match &self.names {
            Some(names) => names.get(position).cloned().unwrap_or_default(),
            None => position.to_string(),
        }
    }

    /// Which of `count` positions are labelled: evenly spaced ones, `most` at the most, where none were
    /// chosen.
    pub(crate) fn labelled_of(&self, count: usize, most: usize) -> Vec<usize> {
        match self.labelled.is_empty() {
            true => (0..count).step_by(label_every(count, most)).collect(),
            false => self.labelled.iter().copied().filter(|&position| position < count).collect(),
        }
    }

    /// An axis whose positions have names, of which some are written.
    #[must_use]
    pub fn named(name: &str, names: Vec<String>, labelled: Vec<usize>) -> Self {
        Self { names: Some(names), labelled, ..Self::of(name) }
    }
}

impl Content {
    /// Lines with nothing marked.
    #[must_use]
    pub fn lines(lines: Vec<Line>) -> Self {
        Self::Lines(Lines { lines, ..Lines::default() })
    }

    /// How many positions are counted along the axes of a figure with this content: cells, bars, or points
    /// whose positions have names.
    pub(crate) fn positions(&self, [x, y]: [&Axis; 2]) -> [Option<usize>; 2] {
        let named = |axis: &Axis| axis.names.as_ref().map(Vec::len);
        match self {
            Self::HeatMap(map) => [Some(map.columns), Some(map.rows())],
            Self::Bars { bars, .. } => [Some(bars.len()), None],
            Self::Lines(_) | Self::Areas(_) | Self::Points(_) => [named(x), named(y)],
        }
    }
}

impl Figure {
    /// A figure of one picture. A map of more than 600 cells along an axis is thinned, and its axes with it:
    /// of the cells that become one, the value of largest magnitude stays, so that what stands out is not
    /// lost.
    #[must_use]
    pub fn new(id: &str, title: impl Into<String>, [x, y]: [Axis; 2], content: Content) -> Self {
        let frames = vec![Frame { label: String::new(), content }];
        Self { id: id.to_owned(), title: title.into(), x, y, slider: None, frames }.thinned()
    }

    /// A figure of several pictures, and what they differ in. Maps are thinned as in [`Figure::new`].
    #[must_use]
    pub fn with_slider(
        id: &str,
        title: impl Into<String>,
        [x, y]: [Axis; 2],
        slider: &str,
        frames: impl IntoIterator<Item = (String, Content)>,
    ) -> Self {
        let frames = frames.into_iter().map(|(label, content)| Frame { label, content }).collect();
        Self { id: id.to_owned(), title: title.into(), x, y, slider: Some(slider.to_owned()), frames }
            .thinned()
    }

    /// The figure with its maps thinned, and its axes with them.
    fn thinned(mut self) -> Self {
        let mut cells = None;
        for frame in &mut self.frames {
            if let Content::HeatMap(map) = &mut frame.content {
                cells = cells.or(Some([map.columns, map.rows()]));
                *map = std::mem::replace(map, HeatMap::new(0, Vec::new(), "", false)).thinned();
            }
        }
        let Some([columns, rows]) = cells else { return self };
        Self { x: self.x.thinned(columns), y: self.y.thinned(rows), ..self }
    }

    /// Its title with that of a frame.
    pub(crate) fn title_of(&self, frame: &Frame) -> String {
        match frame.label.is_empty() {
            true => self.title.clone(),
            false => format!("{}: {}", self.title, frame.label),
        }
    }

    /// The name of a frame's files, without their extension.
    #[must_use]
    pub fn file_of(&self, frame: &Frame) -> String {
        let words = frame.label.replace('=', "equals").to_lowercase();
        let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        match frame.label.is_empty() {
            true => self.id.clone(),
            false => format!("{}.{}", self.id, words.collect::<Vec<_>>().join("-")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heat_map::MAX_CELLS;

    #[test]
    fn names_are_thinned_with_their_map() {
        let n = MAX_CELLS + 2;
        let names = (0..n).map(|i| i.to_string()).collect();
        let map = Content::HeatMap(HeatMap::new(n, vec![1.0; n], "v", false));
        let axes =
            [Axis::named("run", names, vec![0, 1, 500]), Axis::named("one", vec!["a".into()], vec![0])];
        let figure = Figure::new("map", "Map", axes, map);
        let names = figure.x.names.unwrap();
        assert_eq!((names.len(), names[250].as_str()), (n / 2, "500"));
        assert_eq!((figure.x.labelled, figure.y.names.unwrap()), (vec![0, 250], vec!["a".to_owned()]));
        let Content::HeatMap(map) = &figure.frames[0].content else { panic!() };
        assert_eq!((map.columns, map.thinned_from), (n / 2, Some([1, n])));
    }

    #[test]
    fn cells_of_a_thinned_map_without_names_keep_their_numbers() {
        let n = 2 * MAX_CELLS;
        let map = Content::HeatMap(HeatMap::new(n, vec![1.0; 2 * n], "v", false));
        let figure = Figure::new("map", "Map", [Axis::of("neuron"), Axis::of("head")], map);
        assert_eq!((figure.x.name_of(3), figure.y.name_of(1)), ("6".to_owned(), "1".to_owned()));
    }

    #[test]
    fn what_is_no_map_is_not_thinned() {
        let names = (0..2 * MAX_CELLS).map(|i| i.to_string()).collect();
        let axes = [Axis::named("number", names, vec![7]), Axis::of("score")];
        let figure = Figure::new("lines", "Lines", axes, Content::lines(vec![]));
        assert_eq!((figure.x.names.unwrap().len(), figure.x.labelled), (2 * MAX_CELLS, vec![7]));
    }

    #[test]
    fn an_area_stands_on_those_before_it() {
        let area = |heights: [f64; 2]| Line {
            name: String::new(),
            points: vec![[0.0, heights[0]], [10.0, heights[1]]],
        };
        let edges = upper_edges(&[area([1.0, 0.0]), area([2.0, 5.0]), area([0.0, 1.0])]);
        assert_eq!(
            edges.concat(),
            [[0.0, 1.0], [10.0, 0.0], [0.0, 3.0], [10.0, 5.0], [0.0, 3.0], [10.0, 6.0]]
        );
        assert!(upper_edges(&[]).is_empty());
    }

    #[test]
    fn labels_are_those_chosen_or_evenly_spaced() {
        let chosen = Axis::named("run", ["a", "b", "c"].map(String::from).to_vec(), vec![0, 2, 9]);
        assert_eq!(chosen.labelled_of(3, 12), [0, 2]);
        let all = Axis::of("number");
        assert_eq!(all.labelled_of(3, 12), [0, 1, 2]);
        assert_eq!(all.labelled_of(59, 12), [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]);
        assert_eq!(all.labelled_of(0, 12), [0; 0]);
        assert_eq!((label_every(12, 12), label_every(13, 12), label_every(600, 12)), (1, 2, 50));
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten_and_no_zero() {
        let (linear, log) = (Axis::of("a"), Axis::log("a"));
        assert_eq!((linear.shown(0.0), linear.place(100.0)), (0.0, 100.0));
        assert_eq!((log.shown(100.0), log.place(100.0)), (100.0, 2.0));
        assert_eq!((log.shown(0.0), log.place(0.0)), (SMALLEST, SMALLEST.log10()));
    }

    #[test]
    fn files_are_named_after_figure_and_frame() {
        let frames = [("head 1, to =".to_owned(), Content::Bars { bars: vec![], levels: vec![] })];
        let figure = Figure::with_slider("attention", "T", [Axis::of("x"), Axis::of("y")], "head", frames);
        assert_eq!(figure.file_of(&figure.frames[0]), "attention.head-1-to-equals");
        assert_eq!(figure.title_of(&figure.frames[0]), "T: head 1, to =");
    }
}
