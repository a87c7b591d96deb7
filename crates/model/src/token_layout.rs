use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::as_text::as_text;

/// The tokens that a transformer reads, in their order: `x y =`, `x + y =`, `x y`. The answer is read at the last.
///
/// It is written as its tokens with spaces between them, or without where all are single characters. A literal may
/// have its number in the vocabulary behind a colon, `x +:24 y =:23`; one without is numbered after the numbers, in
/// the order of the layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TokenLayout(Vec<Token>);

/// One token of a [`TokenLayout`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// The first number.
    X,
    /// The second number.
    Y,
    /// The same token in every input.
    Literal {
        /// What it is called, such as `=`.
        symbol: String,
        /// Its number in the vocabulary, where it is told.
        number: Option<usize>,
    },
}

/// The most tokens that a layout has.
const MAX_TOKENS: usize = 16;

impl TokenLayout {
    /// The paper's: `x y =`.
    #[must_use]
    pub fn paper() -> Self {
        Self(vec![Token::X, Token::Y, Token::Literal { symbol: "=".to_owned(), number: None }])
    }

    /// The tokens.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.0
    }

    /// How many tokens there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a layout has an x and a y")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The literals, in their order.
    pub fn literals(&self) -> impl Iterator<Item = (&str, Option<usize>)> {
        self.0.iter().filter_map(|token| match token {
            Token::Literal { symbol, number } => Some((&symbol[..], *number)),
            _ => None,
        })
    }

    /// What each token is called.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let name = |token: &Token| match token {
            Token::X => "x".to_owned(),
            Token::Y => "y".to_owned(),
            Token::Literal { symbol, .. } => symbol.clone(),
        };
        self.0.iter().map(name).collect()
    }

    /// The layout without the numbers of its literals: their embeddings are known by their order.
    #[must_use]
    pub fn without_numbers(&self) -> Self {
        let without = |token: &Token| match token {
            Token::Literal { symbol, .. } => Token::Literal { symbol: symbol.clone(), number: None },
            number => number.clone(),
        };
        Self(self.0.iter().map(without).collect())
    }
}

impl fmt::Display for TokenLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, token)) in self.names().iter().zip(&self.0).enumerate() {
            let space = if i == 0 { "" } else { " " };
            write!(f, "{space}{name}")?;
            if let Token::Literal { number: Some(number), .. } = token {
                write!(f, ":{number}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for TokenLayout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<String> = match text.contains(char::is_whitespace) {
            true => text.split_whitespace().map(str::to_owned).collect(),
            false => text.chars().map(String::from).collect(),
        };
        // A number has more than one character, and needs spaces around it.
        if !text.contains(char::is_whitespace) && text.contains(|c: char| c == ':' || c.is_ascii_digit()) {
            return Err(format!(
                "{text:?} is no layout of tokens: put spaces between them, such as \"x y =:113\""
            ));
        }
        let token = |word: &String| match word.split_once(':') {
            _ if word == "x" => Ok(Token::X),
            _ if word == "y" => Ok(Token::Y),
            Some((symbol, number)) if !symbol.is_empty() => {
                let number =
                    number.parse().map_err(|_| format!("{text:?}: {number:?} is no token's number"))?;
                Ok(Token::Literal { symbol: symbol.to_owned(), number: Some(number) })
            }
            _ => Ok(Token::Literal { symbol: word.clone(), number: None }),
        };
        let tokens = words.iter().map(token).collect::<Result<Vec<_>, String>>()?;
        let count = |of: &Token| tokens.iter().filter(|token| *token == of).count();
        if count(&Token::X) != 1 || count(&Token::Y) != 1 || tokens.len() > MAX_TOKENS {
            return Err(format!(
                "{text:?} is no layout of tokens: it needs x and y once each, such as \"x y =\""
            ));
        }
        Ok(Self(tokens))
    }
}

as_text!(TokenLayout);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_read_as_they_are_written() {
        for (text, written) in [
            ("x y =", "x y ="),
            ("xy=", "x y ="),
            ("x+y=", "x + y ="),
            ("x +:24 y =:23", "x +:24 y =:23"),
            ("= x y", "= x y"),
        ] {
            let layout: TokenLayout = text.parse().unwrap();
            assert_eq!(layout.to_string(), written);
            assert_eq!(written.parse(), Ok(layout));
        }
        assert_eq!("xy=".parse(), Ok(TokenLayout::paper()));
        let layout: TokenLayout = "x +:24 y =".parse().unwrap();
        assert_eq!(layout.literals().collect::<Vec<_>>(), [("+", Some(24)), ("=", None)]);
        assert_eq!(layout.without_numbers().to_string(), "x + y =");
    }

    #[test]
    fn what_lacks_a_number_or_has_one_twice_is_refused() {
        for text in ["", "x", "x x y", "y =", "x y =:q", "xy=:113"] {
            assert!(text.parse::<TokenLayout>().is_err(), "{text:?}");
        }
    }
}
