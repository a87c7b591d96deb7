//! What a network learns, and in which coordinates it is addition.

mod coordinates;
mod names;
mod operation;
mod polynomial;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use self::{coordinates::primitive_root, polynomial::power};
pub use self::{
    coordinates::{Coordinates, CoordinatesOf, powers_of_primitive_root},
    operation::Operation,
    polynomial::Polynomial,
};
use crate::{Error, ModelConfig, Result};

/// The stream of the seed's generator that draws random answers. That of the split and the initial weights is 0.
const STREAM_OF_ANSWERS: u64 = 1;

/// What a network learns: an operation on the numbers 0 … p − 1.
///
/// This is the one place that knows which pairs there are, how they are numbered, and what the answer to
/// each is. A pair (x, y) is known by its index, `x · p + y`.
///
/// ```
/// use clockwork_model::{Operation, Task};
///
/// let task = Task::addition(7);
/// assert_eq!(task.answer((5, 4)), 2);
/// assert_eq!(task.pair(task.index((5, 4))), (5, 4));
/// // Quotients have no pairs with a 0.
/// assert_eq!(Task::new(7, Operation::Divide).n_pairs(), 36);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The modulus p.
    pub modulus: usize,
    /// The operation.
    pub operation: Operation,
    /// Whether 0 is among the inputs. Products can go without it, quotients do, and everything else has it.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub zero: bool,
    /// The seed that draws random answers; 0 of every other operation.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub seed: u64,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_yes(flag: &bool) -> bool {
    *flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(seed: &u64) -> bool {
    *seed == 0
}

impl Task {
    /// Addition modulo p.
    #[must_use]
    pub const fn addition(modulus: usize) -> Self {
        Self { modulus, operation: Operation::Add, zero: true, seed: 0 }
    }

    /// An operation modulo p on all numbers that it takes.
    #[must_use]
    pub fn new(modulus: usize, operation: Operation) -> Self {
        Self { modulus, operation, zero: operation != Operation::Divide, seed: 0 }
    }

    /// This task, if its operation is one modulo p.
    ///
    /// # Errors
    ///
    /// [`Error::Size`] for a modulus that no network has, [`Error::NotPrime`] for products and quotients modulo a number
    /// that is not prime, [`Error::DivisionByZero`] for quotients of 0, [`Error::WithoutZero`] for what is no product without
    /// it.
    pub fn validated(self) -> Result<Self> {
        let modulus = self.modulus;
        ModelConfig { modulus, d_model: 1, n_heads: 0, d_mlp: 1 }.within_limits()?;
        match self.operation {
            Operation::Multiply | Operation::Divide if primitive_root(modulus).is_none() => {
                Err(Error::NotPrime { operation: self.operation.to_string(), modulus })
            }
            Operation::Divide if self.zero => Err(Error::DivisionByZero),
            Operation::Multiply | Operation::Divide => Ok(self),
            operation if !self.zero => Err(Error::WithoutZero { operation: operation.to_string() }),
            _ => Ok(self),
        }
    }

    /// The least number that is an input.
    fn first(&self) -> usize {
        usize::from(!self.zero)
    }

    /// How many pairs there are.
    #[must_use]
    pub fn n_pairs(&self) -> usize {
        (self.modulus - self.first()).pow(2)
    }

    /// The indices of all pairs, ascending.
    pub fn indices(self) -> impl Iterator<Item = usize> + Clone {
        let (p, first) = (self.modulus, self.first());
        (first..p).flat_map(move |x| (first..p).map(move |y| x * p + y))
    }

    /// All pairs, in the order of their indices.
    pub fn pairs(self) -> impl Iterator<Item = (usize, usize)> {
        self.indices().map(move |index| self.pair(index))
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

    /// Whether two numbers are a pair of this task.
    #[must_use]
    pub fn has(&self, (x, y): (usize, usize)) -> bool {
        let numbers = self.first()..self.modulus;
        numbers.contains(&x) && numbers.contains(&y)
    }

    /// The answer to a pair (x, y).
    #[must_use]
    pub fn answer(&self, (x, y): (usize, usize)) -> usize {
        let p = self.modulus;
        match self.operation {
            Operation::Add => (x + y) % p,
            Operation::Subtract => (x + p - y) % p,
            Operation::Multiply => x * y % p,
            // By Fermat's little theorem y^(p − 2) is 1 / y.
            Operation::Divide => x * power(y, p - 2, p) % p,
            Operation::Polynomial(polynomial) => polynomial.value((x, y), p),
            Operation::Random => {
                let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
                rng.set_stream(STREAM_OF_ANSWERS);
                // An answer is drawn from 64 bits of its own, with room for a second try.
                rng.set_word_pos(16 * self.index((x, y)) as u128);
                rng.random_range(0..p as u64) as usize
            }
        }
    }

    /// The coordinates in which the operation is addition, as far as there are any.
    ///
    /// # Panics
    ///
    /// For products and quotients modulo a number that is not prime ([`validated`](Self::validated)).
    #[must_use]
    pub fn coordinates(&self) -> Coordinates {
        Coordinates::of(self)
    }

    /// How many frequencies functions of a coordinate have, ⌊n/2⌋: 1 … ⌊n/2⌋.
    #[must_use]
    pub fn n_frequencies(&self) -> usize {
        self.coordinates().n() / 2
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const TASKS: [&str; 12] = [
        "add",
        "subtract",
        "multiply",
        "divide",
        "2*x + 3*y + 1",
        "-x + y",
        "x + y + 5",
        "(x + y)^2",
        "(x + 2*y)^3",
        "x^2 + x*y + y^2",
        "x^3 + x*y",
        "random",
    ];

    fn tasks(modulus: usize) -> impl Iterator<Item = Task> {
        let of = move |text: &str| Task::new(modulus, text.parse().unwrap());
        let without_zero = Task { zero: false, ..of("multiply") };
        TASKS.into_iter().map(of).chain([without_zero])
    }

    proptest! {
        #[test]
        fn pairs_are_numbered_once_each(modulus in 3_usize..30) {
            for task in tasks(modulus) {
                let indices: Vec<usize> = task.pairs().map(|pair| task.index(pair)).collect();
                prop_assert_eq!(&indices, &task.indices().collect::<Vec<_>>());
                prop_assert_eq!(indices.len(), task.n_pairs());
                let expected: Vec<usize> = (0..modulus * modulus).filter(|&index| task.has(task.pair(index))).collect();
                prop_assert_eq!(indices, expected);
            }
        }

        #[test]
        fn in_coordinates_the_operation_is_addition(modulus in 3_usize..30) {
            for task in tasks(modulus) {
                let Ok(task) = task.validated() else {
                    prop_assert!((2..modulus).any(|factor| modulus % factor == 0), "{} is prime", modulus);
                    continue;
                };
                let coordinates = task.coordinates();
                let n = coordinates.n();
                let of_sum = |i: usize| coordinates.answer[(i / n + i % n) % n];
                let are_of_sums = coordinates.pairs().enumerate().all(|(i, pair)| of_sum(i) == task.answer(pair));
                prop_assert_eq!(are_of_sums, coordinates.of.has_inputs(), "{}", task);
                let answers: BTreeSet<usize> = coordinates.answer.iter().copied().collect();
                prop_assert_eq!(answers.len() == n, coordinates.of != CoordinatesOf::Inputs, "{}", task);
                // No pair is there twice, and only those with a 0 are missing of a product.
                let mut indices: Vec<usize> = coordinates.pairs().map(|pair| task.index(pair)).collect();
                indices.sort_unstable();
                let has_coordinates = |(x, y)| task.operation != Operation::Multiply || x * y != 0;
                let all: Vec<usize> = task.pairs().filter(|&pair| has_coordinates(pair)).map(|pair| task.index(pair)).collect();
                prop_assert_eq!(indices, all);
            }
        }

        #[test]
        fn quotients_are_what_multiplied_gives_the_dividend(x in 1_usize..113, y in 1_usize..113) {
            let quotient = Task::new(113, Operation::Divide).answer((x, y));
            prop_assert_eq!(quotient * y % 113, x);
        }
    }

    #[test]
    fn polynomials_have_the_coordinates_of_the_sum_that_they_are_of() {
        let of = |p, text: &str| Task::new(p, text.parse().unwrap()).coordinates().of;
        for (text, expected) in [
            ("2x + 3y + 1", CoordinatesOf::InputsAndAnswers),
            ("y - x", CoordinatesOf::InputsAndAnswers),
            // Cubes are different for p = 11, where 3 does not divide p − 1, but not for p = 13.
            ("(x + y)^3", CoordinatesOf::InputsAndAnswers),
            ("(x + 2y)^2 + 1", CoordinatesOf::Inputs),
            ("x^2 + x*y + y^2", CoordinatesOf::Nothing),
            ("x^3 + x*y", CoordinatesOf::Nothing),
            ("x^2", CoordinatesOf::Nothing),
            ("random", CoordinatesOf::Nothing),
        ] {
            assert_eq!(of(11, text), expected, "{text}");
        }
        assert_eq!(of(13, "(x + y)^3"), CoordinatesOf::Inputs);
        // 2 is no unit modulo 10.
        assert_eq!(of(10, "2x + y"), CoordinatesOf::Nothing);
    }

    #[test]
    fn a_modulus_or_an_input_that_an_operation_cannot_have_is_refused() {
        for (task, message) in [
            (Task::new(12, Operation::Multiply), "multiply modulo 12: the modulus must be prime"),
            (Task::new(9, Operation::Divide), "divide modulo 9: the modulus must be prime"),
            (Task { zero: true, ..Task::new(7, Operation::Divide) }, "nothing can be divided by 0"),
            (Task { zero: false, ..Task::addition(7) }, "add is also of 0"),
            (Task::addition(2), "modulus = 2: must be at least 3"),
        ] {
            let error = task.validated().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    /// What a seed means: answers that are drawn otherwise must fail here, not in somebody's comparison.
    #[test]
    fn random_answers_are_drawn_by_the_seed_and_pinned() {
        let answers = |seed| {
            let task = Task { seed, ..Task::new(59, Operation::Random) };
            task.pairs().map(|pair| task.answer(pair)).collect::<Vec<usize>>()
        };
        assert_eq!(answers(0)[..8], [44, 40, 27, 0, 1, 29, 51, 12]);
        assert_eq!(answers(0), answers(0));
        let equal = answers(0).iter().zip(&answers(1)).filter(|(a, b)| a == b).count();
        assert!((20..110).contains(&equal), "about one of 59 is equal by chance, of 3481 {equal} are");
        let mut counts = [0; 59];
        answers(3).iter().for_each(|&answer| counts[answer] += 1);
        assert!(counts.iter().all(|count| (25..100).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_task_in_a_file_says_what_is_not_usual() {
        let json = |task: &Task| serde_json::to_string(task).unwrap();
        let unusual = Task { zero: false, ..Task::new(59, Operation::Multiply) };
        let random = Task { seed: 7, ..Task::new(59, Operation::Random) };
        for (task, expected) in [
            (Task::addition(59), r#"{"modulus":59,"operation":"add"}"#),
            (Task::new(59, Operation::Multiply), r#"{"modulus":59,"operation":"multiply"}"#),
            (unusual, r#"{"modulus":59,"operation":"multiply","zero":false}"#),
            (Task::new(59, Operation::Divide), r#"{"modulus":59,"operation":"divide","zero":false}"#),
            (random, r#"{"modulus":59,"operation":"random","seed":7}"#),
        ] {
            assert_eq!(json(&task), expected);
            assert_eq!(serde_json::from_str::<Task>(expected).unwrap(), task);
        }
    }
}
