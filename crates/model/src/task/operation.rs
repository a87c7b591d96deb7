use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::polynomial::{NoPolynomial, Polynomial};
use crate::as_text::as_text;

/// An operation on numbers modulo p. In files it is a text, as [`FromStr`] reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Operation {
    /// (x + y) mod p.
    #[default]
    Add,
    /// (x − y) mod p.
    Subtract,
    /// (x · y) mod p, for a prime p.
    Multiply,
    /// The number whose product with y is x, for a prime p and a y that is not 0.
    Divide,
    /// A polynomial in x and y, and none of the above.
    Polynomial(Polynomial),
    /// A number that the seed draws for each pair: it can be memorised, and no more.
    Random,
}

impl Operation {
    /// Those that have names and a rule.
    pub const NAMED: [Self; 4] = [Self::Add, Self::Subtract, Self::Multiply, Self::Divide];

    /// What a network of this operation does: it adds.
    #[must_use]
    pub fn verb(self) -> String {
        match self {
            Self::Add => "adds".to_owned(),
            Self::Subtract => "subtracts".to_owned(),
            Self::Multiply => "multiplies".to_owned(),
            Self::Divide => "divides".to_owned(),
            Self::Polynomial(_) => format!("computes {}", self.formula()),
            Self::Random => "knows random answers".to_owned(),
        }
    }

    /// What its answers are called: sums.
    #[must_use]
    pub fn answers(self) -> String {
        match self {
            Self::Add => "sums".to_owned(),
            Self::Subtract => "differences".to_owned(),
            Self::Multiply => "products".to_owned(),
            Self::Divide => "quotients".to_owned(),
            Self::Polynomial(_) => format!("values of {}", self.formula()),
            Self::Random => "random answers".to_owned(),
        }
    }

    /// It in the letters x and y, as one prints it: x² + x·y + y².
    #[must_use]
    pub fn formula(self) -> String {
        let text = match self {
            Self::Add => "x + y".to_owned(),
            Self::Subtract => "x - y".to_owned(),
            Self::Multiply => "x*y".to_owned(),
            Self::Divide => "x / y".to_owned(),
            Self::Polynomial(polynomial) => polynomial.to_string(),
            Self::Random => "random".to_owned(),
        };
        let mut printed = String::new();
        let mut is_raised = false;
        for character in text.chars() {
            is_raised = character == '^' || is_raised && character.is_ascii_digit();
            match character {
                '^' => {}
                '*' => printed.push('·'),
                '-' => printed.push('−'),
                '0'..='9' if is_raised => {
                    printed.extend("⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(character as usize - '0' as usize));
                }
                character => printed.push(character),
            }
        }
        printed
    }

    /// The polynomial or, where it is one of those that have a name, that.
    fn of(polynomial: Polynomial) -> Self {
        match polynomial.linear() {
            Some([1, 1, 0]) => Self::Add,
            Some([1, -1, 0]) => Self::Subtract,
            _ if polynomial.is_product() => Self::Multiply,
            _ => Self::Polynomial(polynomial),
        }
    }
}

impl fmt::Display for Operation {
    /// Writes the name that the configuration gives it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add => f.write_str("add"),
            Self::Subtract => f.write_str("subtract"),
            Self::Multiply => f.write_str("multiply"),
            Self::Divide => f.write_str("divide"),
            Self::Polynomial(polynomial) => polynomial.fmt(f),
            Self::Random => f.write_str("random"),
        }
    }
}

as_text!(Operation);

impl FromStr for Operation {
    type Err = String;

    /// Reads an operation as configurations and people's programs write it: `add`, `x^2 + x*y`, `(x * y) % p`,
    /// `lambda x: (x[0]+x[1])%59`.
    fn from_str(text: &str) -> Result<Self, String> {
        let spelled = text.to_lowercase().replace("lambda x:", "").replace("x[0]", "x").replace("x[1]", "y");
        let (expression, modulus) = spelled.rsplit_once('%').unwrap_or((&spelled, ""));
        let is_modulus = modulus.trim().chars().all(|c| c.is_alphanumeric() || "._".contains(c));
        let expression = if is_modulus { expression } else { &spelled };
        // Others call the two numbers a and b.
        let mut letters = expression.chars().filter(|c| c.is_alphabetic());
        let expression = match letters.all(|letter| "ab".contains(letter)) {
            true => expression.replace('a', "x").replace('b', "y"),
            false => expression.to_owned(),
        };
        let plain: String = text.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
        let without_spaces: String =
            expression.chars().filter(|c| !c.is_whitespace() && !"()".contains(*c)).collect();
        match &plain[..] {
            "add" | "addition" | "plus" | "sum" | "+" => return Ok(Self::Add),
            "subtract" | "subtraction" | "minus" | "sub" | "-" => return Ok(Self::Subtract),
            "multiply" | "multiplication" | "times" | "mul" | "*" => return Ok(Self::Multiply),
            "divide" | "division" | "div" | "/" => return Ok(Self::Divide),
            "random" => return Ok(Self::Random),
            _ if without_spaces == "x/y" => return Ok(Self::Divide),
            _ => {}
        }
        let fail = |error: NoPolynomial| {
            let NoPolynomial { at, problem } = error;
            let marked: String =
                expression.chars().take(at).chain(['›']).chain(expression.chars().skip(at)).collect();
            format!(
                "no operation that is known: {}: {problem}; there are add, subtract, multiply, divide, random and polynomials \
                 such as x^2 + x*y",
                marked.trim()
            )
        };
        Polynomial::parse(&expression).map(Self::of).map_err(fail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read_as_people_write_them() {
        for (operation, texts) in [
            (
                Operation::Add,
                &["add", "x + y", "lambda x: (x[0]+x[1])%59", "(x + y) % p", "addition", "y + x"][..],
            ),
            (Operation::Subtract, &["subtract", "x-y", "(a - b) % 113", "minus"]),
            (Operation::Multiply, &["multiply", "x*y", "lambda x: (x[0]*x[1])%59", "mul", "xy"]),
            (Operation::Divide, &["divide", "x/y", "(x / y) % p", "a / b"]),
            (Operation::Random, &["random"]),
        ] {
            for text in texts {
                assert_eq!(text.parse(), Ok(operation), "{text}");
            }
            assert_eq!(operation.to_string().parse(), Ok(operation));
        }
        for (text, canonical, formula) in [
            ("lambda x: (x[0]**2+x[1])%59", "x^2 + y", "x² + y"),
            ("x + y + 1", "x + y + 1", "x + y + 1"),
            ("a^12 - 2ab", "x^12 - 2*x*y", "x¹² − 2·x·y"),
        ] {
            let operation: Operation = text.parse().unwrap();
            assert_eq!(
                (operation.to_string(), operation.formula()),
                (canonical.to_owned(), formula.to_owned())
            );
            let json = serde_json::to_string(&operation).unwrap();
            assert_eq!(json, format!("\"{canonical}\""));
            assert_eq!(serde_json::from_str::<Operation>(&json).unwrap(), operation);
        }
    }

    #[test]
    fn what_is_no_operation_is_shown_where_it_is_wrong() {
        for (text, marked) in [
            ("x^2 + z", ": x^2 + ›z: \"z\" stands where"),
            ("(x+y)%p+1", ": (x+y)›%p+1: \"%\" is no x, y"),
            ("x / (y + 1)", ": x ›/ (y + 1): \"/\" is no x, y"),
            ("", ": ›: it ends"),
            ("5", ": ›5: has no x and no y"),
        ] {
            let error = text.parse::<Operation>().unwrap_err();
            assert!(error.contains(marked), "{error}");
        }
    }
}
