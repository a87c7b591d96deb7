use std::{fmt, iter, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, ModelConfig, Result};

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
    /// (x − y) mod p.
    Subtract,
    /// (x · y) mod p, for a prime p.
    Multiply,
}

/// The coordinates in which an operation is addition modulo n: the sum of the coordinates of x and y is that
/// of the answer.
///
/// An analysis that sees numbers in coordinates only serves every operation that has them. For addition they
/// are the numbers themselves; for subtraction that of y is −y; for multiplication they are the discrete logarithms of
/// the p − 1 numbers that are not 0, and n is p − 1.
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

    /// This task, if there are coordinates in which it is addition.
    ///
    /// # Errors
    ///
    /// [`Error::Size`] for a modulus that no network has, [`Error::NotPrime`] for multiplication modulo a number that
    /// is not prime.
    pub fn validated(self) -> Result<Self> {
        ModelConfig { modulus: self.modulus, d_model: 1, n_heads: 0, d_mlp: 1 }.within_limits()?;
        match self.operation {
            Operation::Multiply if primitive_root(self.modulus).is_none() => {
                Err(Error::NotPrime { modulus: self.modulus })
            }
            _ => Ok(self),
        }
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
            Operation::Subtract => (x + self.modulus - y) % self.modulus,
            Operation::Multiply => x * y % self.modulus,
        }
    }

    /// How many frequencies functions of a coordinate have, ⌊n/2⌋: 1 … ⌊n/2⌋.
    #[must_use]
    pub fn n_frequencies(&self) -> usize {
        self.coordinates().n() / 2
    }

    /// The coordinates in which the operation is addition.
    ///
    /// # Panics
    ///
    /// Where there are none ([`validated`](Self::validated)).
    #[must_use]
    pub fn coordinates(&self) -> Coordinates {
        let identity = Coordinates::identity(self.modulus);
        match self.operation {
            Operation::Add => identity,
            Operation::Subtract => {
                let y = identity.y.iter().map(|y| (self.modulus - y) % self.modulus).collect();
                Coordinates { y, ..identity }
            }
            Operation::Multiply => {
                let root = primitive_root(self.modulus).expect("the modulus is prime");
                let powers = iter::successors(Some(1), |power| Some(power * root % self.modulus));
                let powers: Vec<usize> = powers.take(self.modulus - 1).collect();
                Coordinates { x: powers.clone(), y: powers.clone(), answer: powers }
            }
        }
    }
}

/// The least number whose powers are all numbers but 0 modulo a prime; none modulo any other number.
fn primitive_root(p: usize) -> Option<usize> {
    let reaches_all = |root: &usize| {
        let powers = iter::successors(Some(*root), |power| Some(power * root % p));
        // The first power that is 1 is the (p − 1)th.
        powers.take(p).position(|power| power == 1) == Some(p - 2)
    };
    (2..p).find(reaches_all)
}

impl fmt::Display for Operation {
    /// Writes the name that the configuration gives it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply => "multiply",
        })
    }
}

impl FromStr for Operation {
    type Err = String;

    /// Reads an operation as configurations and people's programs write it: `add`, `x-y`, `(x * y) % p`,
    /// `lambda x: (x[0]+x[1])%59`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let text = text.to_lowercase().replace("lambda x:", "").replace("x[0]", "x").replace("x[1]", "y");
        let plain: String = text.chars().filter(|c| !c.is_whitespace() && !"()".contains(*c)).collect();
        let (expression, modulus) = plain.split_once('%').unwrap_or((&plain, ""));
        match expression {
            _ if !modulus.chars().all(|c| c.is_alphanumeric() || "._".contains(c)) => Err(()),
            "add" | "addition" | "plus" | "sum" | "+" | "x+y" | "a+b" => Ok(Self::Add),
            "subtract" | "subtraction" | "minus" | "sub" | "-" | "x-y" | "a-b" => Ok(Self::Subtract),
            "multiply" | "multiplication" | "times" | "mul" | "*" | "x*y" | "a*b" => Ok(Self::Multiply),
            _ => Err(()),
        }
        .map_err(|()| format!("no operation that is known: {text}; there are add, subtract and multiply"))
    }
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Add, Self::Subtract, Self::Multiply];

    /// What a network of this operation does: it adds.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Add => "adds",
            Self::Subtract => "subtracts",
            Self::Multiply => "multiplies",
        }
    }

    /// What its answers are called: sums.
    #[must_use]
    pub fn answers(self) -> &'static str {
        match self {
            Self::Add => "sums",
            Self::Subtract => "differences",
            Self::Multiply => "products",
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
        fn in_coordinates_the_operation_is_addition(modulus in 3_usize..30) {
            for operation in Operation::ALL {
                let Ok(task) = (Task { modulus, operation }).validated() else {
                    prop_assert!((2..modulus).any(|factor| modulus % factor == 0), "{} is prime", modulus);
                    continue;
                };
                let coordinates = task.coordinates();
                let n = coordinates.n();
                for (i, pair) in coordinates.pairs().enumerate() {
                    let sum = (i / n + i % n) % n;
                    prop_assert_eq!(coordinates.answer[sum], task.answer(pair));
                }
                // No pair is there twice, and only those with a 0 are missing of a product.
                let mut indices: Vec<usize> = coordinates.pairs().map(|pair| task.index(pair)).collect();
                indices.sort_unstable();
                let has_coordinates = |(x, y)| operation != Operation::Multiply || x * y != 0;
                let all: Vec<usize> = task.pairs().filter(|&pair| has_coordinates(pair)).map(|pair| task.index(pair)).collect();
                prop_assert_eq!(indices, all);
            }
        }
    }

    #[test]
    fn operations_are_read_as_people_write_them() {
        for (operation, texts) in [
            (Operation::Add, &["add", "x + y", "lambda x: (x[0]+x[1])%59", "(x + y) % p", "addition"][..]),
            (Operation::Subtract, &["subtract", "x-y", "(a - b) % 113", "minus"]),
            (Operation::Multiply, &["multiply", "x*y", "lambda x: (x[0]*x[1])%59", "mul"]),
        ] {
            for text in texts {
                assert_eq!(text.parse(), Ok(operation), "{text}");
            }
            assert_eq!(operation.to_string().parse(), Ok(operation));
        }
        for text in ["x/y", "lambda x: (x[0]**2+x[1])%59", "x + y + 1", "(x+y)%p+1", ""] {
            assert!(text.parse::<Operation>().is_err(), "{text}");
        }
    }
}
