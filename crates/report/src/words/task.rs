//! What a reader must know of a task: what stands for x, y and z in the figures, and what does not apply.

use clockwork_analysis::{Basis, Summary};
use clockwork_model::{CoordinatesOf, Operation, Task};

use super::short;

/// In which coordinates a task is addition, if it is not addition itself.
#[must_use]
pub fn coordinates(task: &Task) -> Option<String> {
    let (p, formula) = (task.modulus, task.operation.formula());
    let ([x, y], z) = (task.coordinate_names(), task.answer_name());
    let logarithms = |what: &str| {
        let coordinates = task.coordinates();
        let without = match task.zero {
            true => "all figures but the loss and the accuracy are over the pairs without 0, which has none",
            false => "0, which has none, is left aside in all figures but the loss and the accuracy",
        };
        format!(
            "{what}, to the base {}, modulo {}: below, x, y and z stand for these, and {without}",
            coordinates.x[1],
            p - 1
        )
    };
    match task.operation {
        Operation::Add => None,
        Operation::Subtract => {
            Some("x − y is the sum of x and −y: below, y stands for −y, and sums are differences".to_owned())
        }
        Operation::Multiply => Some(logarithms(&format!("products modulo {p} are sums of logarithms"))),
        Operation::Divide => Some(logarithms(&format!(
            "quotients modulo {p} are sums of logarithms, that of y with its sign changed"
        ))),
        Operation::Polynomial(_) => Some(match task.coordinates().of {
            CoordinatesOf::InputsAndAnswers if task.has_named_answers() => {
                format!("{formula} is a sum: below, x, y and z stand for {x}, {y} and {z}")
            }
            CoordinatesOf::InputsAndAnswers => format!(
                "{formula} is another for each sum of {x} and {y}: below, x and y stand for these, and z for the sum that has the \
                 answer"
            ),
            CoordinatesOf::Inputs => format!(
                "{formula} is a function of the sum of {x} and {y}: below, x and y stand for these. Several sums share an answer, so \
                 that what is about waves of the answers, the algorithm and the progress measures do not apply"
            ),
            CoordinatesOf::Nothing => nothing(&formula),
        }),
        Operation::Random => {
            Some(format!("the answers were drawn by the seed, and can only be memorised: {}", nothing("it")))
        }
    }
}

fn nothing(what: &str) -> String {
    format!(
        "in no known coordinates {what} is addition: embedding, neurons and logits are shown in the additive basis, and no frequency \
         is key"
    )
}

/// How sparse the embedding is in each basis that the modulus offers, where there are several.
#[must_use]
pub fn bases(of: &Summary) -> Option<String> {
    let name = |basis: &Basis| format!("the {basis} basis");
    let of_basis = |(basis, gini): (&Basis, &f64)| format!("{} in {}", short(*gini), name(basis));
    let all: Vec<String> = of.gini_by_basis.iter().map(of_basis).collect();
    (all.len() > 1).then(|| format!("the embedding's Gini coefficient is {}", super::and(&all)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_x_y_and_z_is_told() {
        let of = |p, text: &str| coordinates(&Task::new(p, text.parse().unwrap())).unwrap_or_default();
        for (p, text, words) in [
            (5, "add", ""),
            (5, "subtract", "y stands for −y, and sums are differences"),
            (
                5,
                "multiply",
                "sums of logarithms, to the base 2, modulo 4: below, x, y and z stand for these, and all figures but",
            ),
            (
                5,
                "divide",
                "that of y with its sign changed, to the base 2, modulo 4: below, x, y and z stand for these, and 0, which",
            ),
            (11, "2x - y + 3", "2·x − y + 3 is a sum: below, x, y and z stand for 2x, −y and (z − 3)"),
            (11, "(x + y)^3", "is another for each sum of x and y"),
            (11, "(x + 2y)^2", "is a function of the sum of x and 2y"),
            (11, "x^2 + x*y + y^2", "in no known coordinates x² + x·y + y² is addition"),
            (11, "random", "can only be memorised: in no known coordinates it is addition"),
        ] {
            assert!(of(p, text).contains(words), "{text}: {:?}", of(p, text));
        }
        assert_eq!(of(5, "add"), "");
    }
}
