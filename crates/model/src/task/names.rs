//! What a task, its coordinates and its answers are called.

use std::fmt;

use super::{
    Operation, Task,
    coordinates::{factor_of_sum, primitive_root},
    polynomial::modulo,
};

impl Task {
    /// What the coordinates of x and y are called: `x` and `−y`, or `log₃ x` and `log₃ y`.
    #[must_use]
    pub fn coordinate_names(&self) -> [String; 2] {
        let p = self.modulus;
        let times = |factor: usize, letter: &str| match factor {
            1 => letter.to_owned(),
            factor if factor + 1 == p => format!("−{letter}"),
            factor => format!("{factor}{letter}"),
        };
        match self.operation {
            Operation::Add | Operation::Random => ["x".to_owned(), "y".to_owned()],
            Operation::Subtract => ["x".to_owned(), "−y".to_owned()],
            Operation::Multiply => ["x", "y"].map(|letter| format!("{} {letter}", self.logarithm())),
            Operation::Divide => {
                [("", "x"), ("−", "y")].map(|(sign, letter)| format!("{sign}{} {letter}", self.logarithm()))
            }
            Operation::Polynomial(polynomial) => match polynomial.linear() {
                Some([a, b, _]) if self.coordinates().of.has_answers() => {
                    [times(modulo(a, p), "x"), times(modulo(b, p), "y")]
                }
                _ => ["x".to_owned(), times(factor_of_sum(self).unwrap_or(1), "y")],
            },
        }
    }

    /// What the coordinate of an answer z is called: `z`, or `log₃ z`.
    #[must_use]
    pub fn answer_name(&self) -> String {
        match self.operation {
            Operation::Multiply | Operation::Divide => format!("{} z", self.logarithm()),
            Operation::Polynomial(polynomial) => match polynomial.linear() {
                Some([.., c]) if c != 0 && self.coordinates().of.has_answers() => {
                    format!("(z − {})", modulo(c, self.modulus))
                }
                _ => "z".to_owned(),
            },
            Operation::Add | Operation::Subtract | Operation::Random => "z".to_owned(),
        }
    }

    /// Whether an answer's coordinate has a name: there is none for the sum of which a polynomial is some function.
    #[must_use]
    pub fn has_named_answers(&self) -> bool {
        match self.operation {
            Operation::Polynomial(polynomial) => polynomial.linear().is_some(),
            _ => true,
        }
    }

    /// What the coordinate of a number is called as x: `number`, `log₃ of the number`, `2 × the number`.
    #[must_use]
    pub fn number_name(&self) -> String {
        let [x, _] = self.coordinate_names();
        match (self.operation, x.strip_suffix('x').unwrap_or_default()) {
            (Operation::Multiply | Operation::Divide, _) => format!("{} of the number", self.logarithm()),
            (_, "") => "number".to_owned(),
            (_, "−") => "− the number".to_owned(),
            (_, factor) => format!("{factor} × the number"),
        }
    }

    /// The discrete logarithm by its base: `log₃`.
    fn logarithm(&self) -> String {
        let digit = |c: char| "₀₁₂₃₄₅₆₇₈₉".chars().nth(c as usize - '0' as usize);
        let root = primitive_root(self.modulus).map_or(String::new(), |root| root.to_string());
        format!("log{}", root.chars().filter_map(digit).collect::<String>())
    }

    /// What it does to any two numbers, whatever the modulus and the seed: `add`, `multiply with 0`.
    #[must_use]
    pub fn operation_name(&self) -> String {
        let zero = if self.operation == Operation::Multiply && self.zero { " with 0" } else { "" };
        format!("{}{zero}", self.operation)
    }

    /// The name of its operation as part of a file's: `x2+xy+y2`, `multiply-with-0`.
    #[must_use]
    pub fn operation_file_name(&self) -> String {
        let name = self.operation_name();
        match self.operation {
            Operation::Polynomial(_) => name.chars().filter(|c| !" ^*".contains(*c)).collect(),
            _ => name.replace(' ', "-"),
        }
    }

    /// A name that a file may have: `add113`, `x2+xy+y2-mod59`.
    #[must_use]
    pub fn file_name(&self) -> String {
        let name = self.operation_file_name();
        // A name that is no word would run into the modulus.
        let between = if name.chars().all(char::is_alphabetic) { "" } else { "-mod" };
        format!("{name}{between}{}", self.modulus)
    }
}

impl fmt::Display for Task {
    /// Writes it as one says it: `multiply with 0 modulo 113`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} modulo {}", self.operation_name(), self.modulus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_task_is() {
        let named = |p, text: &str| {
            let task = Task::new(p, text.parse().unwrap());
            (task.file_name(), task.coordinate_names().join(", "), task.number_name())
        };
        for (p, text, file, names, number) in [
            (113, "add", "add113", "x, y", "number"),
            (113, "subtract", "subtract113", "x, −y", "number"),
            (113, "multiply", "multiply-with-0-mod113", "log₃ x, log₃ y", "log₃ of the number"),
            (41, "divide", "divide41", "log₆ x, −log₆ y", "log₆ of the number"),
            (59, "x^2 + x*y + y^2", "x2+xy+y2-mod59", "x, y", "number"),
            (59, "2x - y + 3", "2x-y+3-mod59", "2x, −y", "2 × the number"),
            (59, "(x + 2y)^2", "x2+4xy+4y2-mod59", "x, 2y", "number"),
        ] {
            assert_eq!(named(p, text), (file.to_owned(), names.to_owned(), number.to_owned()), "{text}");
        }
    }
}
