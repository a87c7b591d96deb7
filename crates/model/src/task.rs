use std::fmt;

use serde::{Deserialize, Serialize};

/// What a network learns: an operation on the numbers 0 … p − 1.
///
/// This is the one place that knows which pairs there are, how they are numbered, and what the answer to
/// each is. A pair (x, y) is known by its index, `x · p + y`.
///
/// ```
/// use clockwork_model::Task;
///
/// let task = Task::addition(7);
/// assert_eq!(task.answer((5, 4)), 2);
/// assert_eq!(task.pair(task.index((5, 4))), (5, 4));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The modulus p.
    pub modulus: usize,
    /// The operation.
    pub operation: Operation,
}

/// An operation on numbers modulo p.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// (x + y) mod p.
    #[default]
    Add,
}

/// The coordinates in which an operation is addition modulo n: the sum of the coordinates of x and y is that
/// of the answer.
///
/// An analysis that sees numbers in coordinates only serves every operation that has them. For addition they
/// are the numbers themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coordinates {
    /// The first number at each coordinate, [n].
    pub x: Vec<usize>,
    /// The second number at each coordinate, [n].
    pub y: Vec<usize>,
    /// The answer at each coordinate, [n].
    pub answer: Vec<usize>,
}

impl Task {
    /// Addition modulo p.
    #[must_use]
    pub const fn addition(modulus: usize) -> Self {
        Self { modulus, operation: Operation::Add }
    }

    /// How many pairs there are.
    #[must_use]
    pub fn n_pairs(&self) -> usize {
        self.modulus * self.modulus
    }

    /// All pairs, in the order of their indices.
    pub fn pairs(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.n_pairs()).map(move |index| self.pair(index))
    }

    /// The pair (x, y) of an index.
    #[must_use]
    pub fn pair(&self, index: usize) -> (usize, usize) {
        (index / self.modulus, index % self.modulus)
    }

    /// The index of a pair (x, y).
    #[must_use]
    pub fn index(&self, (x, y): (usize, usize)) -> usize {
        x * self.modulus + y
    }

    /// The answer to a pair (x, y).
    #[must_use]
    pub fn answer(&self, (x, y): (usize, usize)) -> usize {
        match self.operation {
            Operation::Add => (x + y) % self.modulus,
        }
    }

    /// How many frequencies functions of a coordinate have, ⌊n/2⌋: 1 … ⌊n/2⌋.
    #[must_use]
    pub fn n_frequencies(&self) -> usize {
        self.coordinates().n() / 2
    }

    /// The coordinates in which the operation is addition.
    #[must_use]
    pub fn coordinates(&self) -> Coordinates {
        match self.operation {
            Operation::Add => Coordinates::identity(self.modulus),
        }
    }
}

impl fmt::Display for Operation {
    /// Writes the name that the configuration gives it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "add",
        })
    }
}

impl Operation {
    /// What a network of this operation does: it adds.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Add => "adds",
        }
    }

    /// What its answers are called: sums.
    #[must_use]
    pub fn answers(self) -> &'static str {
        match self {
            Self::Add => "sums",
        }
    }
}

impl Coordinates {
    /// Every number is its own coordinate.
    #[must_use]
    pub fn identity(n: usize) -> Self {
        let numbers: Vec<usize> = (0..n).collect();
        Self { x: numbers.clone(), y: numbers.clone(), answer: numbers }
    }

    /// The n of Z_n.
    #[must_use]
    pub fn n(&self) -> usize {
        self.answer.len()
    }

    /// The pairs (x, y) in the order of their coordinates, that of x first, [n²].
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        self.x.iter().flat_map(|&x| self.y.iter().map(move |&y| (x, y)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pairs_are_numbered_once_each(modulus in 3_usize..30) {
            let task = Task::addition(modulus);
            let indices: Vec<usize> = task.pairs().map(|pair| task.index(pair)).collect();
            prop_assert_eq!(indices, (0..task.n_pairs()).collect::<Vec<_>>());
        }

        #[test]
        fn in_coordinates_the_operation_is_addition(modulus in 3_usize..20) {
            let task = Task::addition(modulus);
            let coordinates = task.coordinates();
            let n = coordinates.n();
            for (i, pair) in coordinates.pairs().enumerate() {
                let sum = (i / n + i % n) % n;
                prop_assert_eq!(coordinates.answer[sum], task.answer(pair));
            }
        }
    }
}
