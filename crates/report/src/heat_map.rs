/// A map of values, the first row at the bottom.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Cells along the horizontal axis.
    pub columns: usize,
    /// The values, a row after the other.
    pub values: Vec<f64>,
    /// What the values are.
    pub value_name: String,
    /// Whether they have signs: then zero is in the middle of the colours, else at their start.
    pub has_signs: bool,
    /// Rows below which a border is drawn, with the name of what is above it.
    pub borders: Vec<(usize, String)>,
    /// Cells that are marked, as row and column.
    pub marked: Vec<[usize; 2]>,
    /// Rows and columns before it was thinned, if it was.
    pub thinned_from: Option<[usize; 2]>,
}

/// A map with more cells along an axis than this is thinned: more could not be told apart.
pub(crate) const MAX_CELLS: usize = 600;

/// How many neighbouring cells are merged into one along an axis of `cells` cells.
pub(crate) fn cells_to_one(cells: usize) -> usize {
    cells.div_ceil(MAX_CELLS).max(1)
}

impl HeatMap {
    /// A map of rows after each other.
    #[must_use]
    pub fn new(columns: usize, values: Vec<f64>, value_name: &str, has_signs: bool) -> Self {
        let value_name = value_name.to_owned();
        Self {
            columns,
            values,
            value_name,
            has_signs,
            borders: Vec::new(),
            marked: Vec::new(),
            thinned_from: None,
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    /// The largest magnitude, which ends the colours.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()))
    }

    /// The map with at most [`MAX_CELLS`] cells along each axis.
    pub(crate) fn thinned(self) -> Self {
        let (rows, columns) = (self.rows(), self.columns);
        let [by_row, by_column] = [rows, columns].map(cells_to_one);
        if by_row == 1 && by_column == 1 {
            return self;
        }
        let new_columns = columns.div_ceil(by_column);
        let mut values = vec![0.0_f64; rows.div_ceil(by_row) * new_columns];
        for (i, &value) in self.values.iter().enumerate() {
            let cell = &mut values[(i / columns / by_row) * new_columns + (i % columns) / by_column];
            if value.abs() > cell.abs() {
                *cell = value;
            }
        }
        let borders = self.borders.into_iter().map(|(row, name)| (row / by_row, name)).collect();
        let marked =
            self.marked.into_iter().map(|[row, column]| [row / by_row, column / by_column]).collect();
        Self { columns: new_columns, values, borders, marked, thinned_from: Some([rows, columns]), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_map_is_left_alone_and_a_large_one_keeps_what_stands_out() {
        let small = HeatMap::new(3, vec![1.0, -2.0, 3.0, 4.0, 5.0, -6.0], "v", true);
        assert_eq!((small.rows(), small.largest()), (2, 6.0));
        assert_eq!(small.clone().thinned(), small);

        let (rows, columns) = (2 * MAX_CELLS + 1, 5);
        let mut values = vec![0.5; rows * columns];
        values[7 * columns + 3] = -9.0;
        let mut large = HeatMap::new(columns, values, "v", true);
        large.borders = vec![(8, "b".to_owned())];
        large.marked = vec![[8, 4]];
        let thinned = large.thinned();
        assert_eq!((thinned.columns, thinned.rows()), (5, rows.div_ceil(3)));
        assert_eq!(thinned.values[2 * columns + 3], -9.0);
        assert_eq!(thinned.thinned_from, Some([rows, columns]));
        assert_eq!(thinned.borders, [(2, "b".to_owned())]);
        assert_eq!(thinned.marked, [[2, 4]]);
    }
}
