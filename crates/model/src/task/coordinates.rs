use std::{collections::BTreeSet, iter};

use serde::{Deserialize, Serialize};

use super::{Operation, Task, polynomial::modulo};

/// The coordinates in which an operation is addition modulo n: the sum of the coordinates of x and y is that
/// of the answer.
///
/// An analysis that sees numbers in coordinates only serves every operation that has them. For addition they
/// are the numbers themselves; for `a*x + b*y + c` that of x is a·x, that of y is b·y, and that of the answer is z − c; for
/// products and quotients they are the discrete logarithms of the p − 1 numbers that are not 0, and n is p − 1.
///
/// Of a function of a sum, such as `(x + y)^2`, inputs have coordinates and answers have none, as several sums share
/// one; of other polynomials neither have. What has no coordinate stands as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coordinates {
    /// What has coordinates.
    pub of: CoordinatesOf,
    /// The first number at each coordinate, [n].
    pub x: Vec<usize>,
    /// The second number at each coordinate, [n].
    pub y: Vec<usize>,
    /// The answer at each coordinate, [n]; where answers have none and inputs have, the answer to each sum.
    pub answer: Vec<usize>,
}

/// What has coordinates in which an operation is addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CoordinatesOf {
    /// Inputs and answers.
    #[default]
    InputsAndAnswers,
    /// Inputs alone: the answer is a function of the sum of theirs, and several sums share one.
    Inputs,
    /// Nothing.
    Nothing,
}

impl CoordinatesOf {
    /// Whether inputs have coordinates: frequencies mean something, and some of them may be key.
    #[must_use]
    pub fn has_inputs(self) -> bool {
        self != Self::Nothing
    }

    /// Whether answers have them too: the operation is addition.
    #[must_use]
    pub fn has_answers(self) -> bool {
        self == Self::InputsAndAnswers
    }
}

impl Coordinates {
    /// Every number is its own coordinate.
    #[must_use]
    pub fn identity(n: usize) -> Self {
        let numbers: Vec<usize> = (0..n).collect();
        let of = CoordinatesOf::InputsAndAnswers;
        Self { of, x: numbers.clone(), y: numbers.clone(), answer: numbers }
    }

    /// Those of a task, whose modulus its operation can have.
    pub(super) fn of(task: &Task) -> Self {
        let p = task.modulus;
        let identity = Self::identity(p);
        let times = |factor: usize| identity.x.iter().map(|c| c * factor % p).collect::<Vec<usize>>();
        match task.operation {
            Operation::Add => identity,
            Operation::Subtract => Self { y: times(p - 1), ..identity },
            Operation::Multiply | Operation::Divide => {
                let powers = powers_of_primitive_root(p).expect("the modulus is prime");
                let y = match task.operation {
                    Operation::Divide => iter::once(1).chain(powers[1..].iter().rev().copied()).collect(),
                    _ => powers.clone(),
                };
                Self { of: identity.of, x: powers.clone(), y, answer: powers }
            }
            Operation::Polynomial(polynomial) => {
                let linear = polynomial.linear().map(|abc| abc.map(|number| modulo(number, p)));
                let scaled = linear.and_then(|[a, b, c]| Some((inverse(a, p)?, inverse(b, p)?, c)));
                if let Some((of_a, of_b, c)) = scaled {
                    let answer = (0..p).map(|sum| (sum + c) % p).collect();
                    return Self { of: identity.of, x: times(of_a), y: times(of_b), answer };
                }
                match factor_of_sum(task) {
                    Some(factor) => {
                        let answer: Vec<usize> = (0..p).map(|sum| task.answer((sum, 0))).collect();
                        let are_different = answer.iter().collect::<BTreeSet<_>>().len() == p;
                        let of = if are_different {
                            CoordinatesOf::InputsAndAnswers
                        } else {
                            CoordinatesOf::Inputs
                        };
                        let of_factor = inverse(factor, p).expect("the factor is a unit");
                        Self { of, y: times(of_factor), answer, ..identity }
                    }
                    None => Self { of: CoordinatesOf::Nothing, ..identity },
                }
            }
            Operation::Random => Self { of: CoordinatesOf::Nothing, ..identity },
        }
    }

    /// The n of Z_n.
    #[must_use]
    pub fn n(&self) -> usize {
        self.x.len()
    }

    /// The pairs (x, y) in the order of their coordinates, that of x first, [n²].
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        self.x.iter().flat_map(|&x| self.y.iter().map(move |&y| (x, y)))
    }

    /// Whether x and y have the same coordinates, so that one embedding serves both alike.
    #[must_use]
    pub fn are_alike(&self) -> bool {
        self.x == self.y
    }
}

/// The b, a unit, for which the answers to all pairs are a function of x + b·y.
pub(super) fn factor_of_sum(task: &Task) -> Option<usize> {
    let p = task.modulus;
    let of_sum: Vec<usize> = (0..p).map(|sum| task.answer((sum, 0))).collect();
    let is_of_sum = |b: usize| task.pairs().all(|(x, y)| task.answer((x, y)) == of_sum[(x + b * y) % p]);
    (1..p).filter(|&b| inverse(b, p).is_some()).find(|&b| is_of_sum(b))
}

/// The number whose product with another is 1 modulo n, if the other is a unit.
fn inverse(number: usize, n: usize) -> Option<usize> {
    (1..n).find(|other| number * other % n == 1)
}

/// The numbers but 0 modulo a prime in the order of their discrete logarithms to the least primitive root: its powers
/// 0 … p − 2. None modulo any other number.
#[must_use]
pub fn powers_of_primitive_root(p: usize) -> Option<Vec<usize>> {
    let root = primitive_root(p)?;
    Some(iter::successors(Some(1), |power| Some(power * root % p)).take(p - 1).collect())
}

/// The least number whose powers are all numbers but 0 modulo a prime; none modulo any other number.
pub(super) fn primitive_root(p: usize) -> Option<usize> {
    let reaches_all = |root: &usize| {
        let powers = iter::successors(Some(*root), |power| Some(power * root % p));
        // The first power that is 1 is the (p − 1)th.
        powers.take(p).position(|power| power == 1) == Some(p - 2)
    };
    (2..p).find(reaches_all)
}
