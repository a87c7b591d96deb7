use std::{collections::BTreeMap, fmt};

/// How many terms a polynomial has at most once it is multiplied out.
const MAX_TERMS: usize = 16;

/// The largest exponent of x or y.
const MAX_EXPONENT: u32 = 99;

/// How many terms there are at most on the way there, so that no text, in a file of anyone's, takes long to read.
const MAX_TERMS_ON_THE_WAY: usize = 1_000;

/// How deep parentheses may stand in each other: reading recurses into them.
const MAX_DEPTH: usize = 50;

/// A polynomial in x and y with whole coefficients, multiplied out.
///
/// Two texts that come to the same terms are the same polynomial: `(x + y)^2` is `x^2 + 2*x*y + y^2`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Polynomial {
    /// Its terms by descending degree, that of x first; those behind them have the coefficient 0.
    terms: [Term; MAX_TERMS],
}

/// `coefficient · x^i · y^j`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Term {
    coefficient: i32,
    /// The exponents of x and of y.
    exponents: (u8, u8),
}

/// What is wrong with a text that is no polynomial, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoPolynomial {
    /// How many characters there are before the place.
    pub at: usize,
    pub problem: String,
}

/// Coefficients by the exponents of x and y.
type Terms = BTreeMap<(u32, u32), i64>;

impl Polynomial {
    /// Reads a polynomial: sums, differences and products of whole numbers, `x` and `y`, with parentheses and with powers as
    /// `^2`, `**2` or `²`. The sign of a product may be left out, as in `2x^2y`.
    pub(super) fn parse(text: &str) -> Result<Self, NoPolynomial> {
        let as_typed = |character| match character {
            '·' | '×' => '*',
            '−' => '-',
            character => character,
        };
        let mut parser = Parser { characters: text.chars().map(as_typed).collect(), at: 0, depth: 0 };
        let terms = parser.sum()?;
        match parser.next() {
            None => Self::of_terms(terms).map_err(|problem| NoPolynomial { at: 0, problem }),
            Some(')') => Err(parser.fail("closes a parenthesis that was not opened")),
            Some(_) => Err(parser.fail("is no x, y, whole number, +, -, *, ^ or parenthesis")),
        }
    }

    fn of_terms(terms: Terms) -> Result<Self, String> {
        let mut terms: Vec<((u32, u32), i64)> = terms.into_iter().filter(|(_, c)| *c != 0).collect();
        terms.sort_by_key(|&((i, j), _)| std::cmp::Reverse((i + j, i)));
        if terms.len() > MAX_TERMS {
            return Err(format!(
                "has {} terms when it is multiplied out, more than {MAX_TERMS}",
                terms.len()
            ));
        }
        if terms.iter().all(|(exponents, _)| *exponents == (0, 0)) {
            return Err("has no x and no y in it".to_owned());
        }
        let mut polynomial = Self { terms: [Term::default(); MAX_TERMS] };
        for (slot, ((i, j), coefficient)) in polynomial.terms.iter_mut().zip(terms) {
            let too_large =
                |_| format!("has an exponent above {MAX_EXPONENT} or a coefficient above {}", i32::MAX);
            let exponents = (u8::try_from(i).map_err(too_large)?, u8::try_from(j).map_err(too_large)?);
            *slot = Term { coefficient: i32::try_from(coefficient).map_err(too_large)?, exponents };
        }
        Ok(polynomial)
    }

    fn terms(&self) -> impl Iterator<Item = &Term> {
        self.terms.iter().filter(|term| term.coefficient != 0)
    }

    /// Its value modulo p, for numbers below p.
    pub(super) fn value(&self, (x, y): (usize, usize), p: usize) -> usize {
        let of_term = |term: &Term| {
            let (i, j) = term.exponents;
            let powers = power(x, i.into(), p) * power(y, j.into(), p) % p;
            modulo(i64::from(term.coefficient), p) * powers % p
        };
        self.terms().map(of_term).sum::<usize>() % p
    }

    /// a, b and c, where it is a·x + b·y + c.
    pub(super) fn linear(&self) -> Option<[i64; 3]> {
        let is_linear = self.terms().all(|term| matches!(term.exponents, (0, 0 | 1) | (1, 0)));
        is_linear.then(|| [(1, 0), (0, 1), (0, 0)].map(|exponents| self.coefficient(exponents)))
    }

    /// Whether it is x · y.
    pub(super) fn is_product(&self) -> bool {
        self.terms().count() == 1 && self.coefficient((1, 1)) == 1
    }

    fn coefficient(&self, exponents: (u8, u8)) -> i64 {
        self.terms().find(|term| term.exponents == exponents).map_or(0, |term| term.coefficient.into())
    }
}

/// A number modulo p.
pub(super) fn modulo(number: i64, p: usize) -> usize {
    number.rem_euclid(p as i64) as usize
}

/// A power modulo p.
pub(super) fn power(base: usize, exponent: usize, p: usize) -> usize {
    let (mut power, mut square, mut left) = (1 % p, base % p, exponent);
    while left > 0 {
        if left % 2 == 1 {
            power = power * square % p;
        }
        square = square * square % p;
        left /= 2;
    }
    power
}

impl fmt::Display for Polynomial {
    /// Writes it as it can be read again: `x^2 + 2*x*y - 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms().enumerate() {
            let sign = match (i, term.coefficient < 0) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            f.write_str(sign)?;
            let letter = |name: &str, exponent: u8| match exponent {
                0 => None,
                1 => Some(name.to_owned()),
                exponent => Some(format!("{name}^{exponent}")),
            };
            let letters = [letter("x", term.exponents.0), letter("y", term.exponents.1)];
            let size = term.coefficient.unsigned_abs();
            let number = (size != 1 || term.exponents == (0, 0)).then(|| size.to_string());
            let factors: Vec<String> = [number].into_iter().chain(letters).flatten().collect();
            f.write_str(&factors.join("*"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Polynomial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Polynomial({self})")
    }
}

/// Reads by recursive descent: a sum of products of powers of atoms.
struct Parser {
    characters: Vec<char>,
    at: usize,
    /// How many parentheses are open.
    depth: usize,
}

impl Parser {
    /// The next character that is no space.
    fn next(&mut self) -> Option<char> {
        while self.characters.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.characters.get(self.at).copied()
    }

    fn takes(&mut self, symbol: char) -> bool {
        let is_there = self.next() == Some(symbol);
        self.at += usize::from(is_there);
        is_there
    }

    fn fail(&mut self, problem: &str) -> NoPolynomial {
        let problem = match self.next() {
            Some(character) => format!("\"{character}\" {problem}"),
            None => "it ends where an x, a y, a number or a parenthesis is missing".to_owned(),
        };
        NoPolynomial { at: self.at, problem }
    }

    fn sum(&mut self) -> Result<Terms, NoPolynomial> {
        let mut sum = Terms::new();
        let mut sign = if self.takes('-') { -1 } else { 1 };
        loop {
            let at = self.at;
            for (exponents, coefficient) in self.product()? {
                let entry = sum.entry(exponents).or_default();
                let added = coefficient.checked_mul(sign).and_then(|c| entry.checked_add(c));
                *entry = added.ok_or_else(|| too_large(at))?;
            }
            sign = match (self.takes('+'), self.takes('-')) {
                (_, true) => -1,
                (true, false) => 1,
                (false, false) => return Ok(sum),
            };
        }
    }

    fn product(&mut self) -> Result<Terms, NoPolynomial> {
        let mut product = self.power()?;
        loop {
            let at = self.at;
            let is_multiplied = self.takes('*');
            match self.next() {
                Some('x' | 'y' | '(' | '0'..='9') => {}
                _ if is_multiplied => return Err(self.fail("is no factor")),
                _ => return Ok(product),
            }
            product = times(&product, &self.power()?).ok_or_else(|| too_large(at))?;
        }
    }

    fn power(&mut self) -> Result<Terms, NoPolynomial> {
        let base = self.atom()?;
        for (symbol, exponent) in [('²', 2), ('³', 3)] {
            let at = self.at;
            if self.takes(symbol) {
                return raised(&base, exponent).ok_or_else(|| too_large(at));
            }
        }
        let is_raised = self.takes('^') || {
            let at = self.at;
            let is_raised = self.takes('*') && self.characters.get(self.at) == Some(&'*');
            self.at = if is_raised { self.at + 1 } else { at };
            is_raised
        };
        if !is_raised {
            return Ok(base);
        }
        self.next();
        let at = self.at;
        let exponent = self.number().ok_or_else(|| self.fail("is no exponent, which is a whole number"))?;
        let exponent = u32::try_from(exponent).ok().filter(|exponent| *exponent <= MAX_EXPONENT);
        let exponent = exponent
            .ok_or_else(|| NoPolynomial { at, problem: format!("an exponent is at most {MAX_EXPONENT}") })?;
        raised(&base, exponent).ok_or_else(|| too_large(at))
    }

    fn atom(&mut self) -> Result<Terms, NoPolynomial> {
        let at = self.at;
        match self.next() {
            Some('x') => {
                self.at += 1;
                Ok(Terms::from([((1, 0), 1)]))
            }
            Some('y') => {
                self.at += 1;
                Ok(Terms::from([((0, 1), 1)]))
            }
            Some('(') if self.depth == MAX_DEPTH => {
                Err(self.fail("opens more parentheses in each other than can be read"))
            }
            Some('(') => {
                self.at += 1;
                self.depth += 1;
                let sum = self.sum()?;
                self.depth -= 1;
                match self.takes(')') {
                    true => Ok(sum),
                    false if self.next().is_none() => {
                        Err(NoPolynomial { at, problem: "a parenthesis is not closed".to_owned() })
                    }
                    false => Err(self.fail("is no x, y, whole number, +, -, *, ^ or parenthesis")),
                }
            }
            Some('0'..='9') => {
                let number = self.number().ok_or_else(|| too_large(at))?;
                Ok(Terms::from([((0, 0), number)]))
            }
            _ => Err(self.fail("stands where an x, a y, a whole number or a parenthesis is expected")),
        }
    }

    /// The digits here as a number, if there are any and it is not too large.
    fn number(&mut self) -> Option<i64> {
        let digits: String = self.characters[self.at..].iter().take_while(|c| c.is_ascii_digit()).collect();
        let number = digits.parse().ok().filter(|number| *number <= i64::from(i32::MAX))?;
        self.at += digits.len();
        Some(number)
    }
}

fn too_large(at: usize) -> NoPolynomial {
    NoPolynomial {
        at,
        problem: "its coefficients or exponents become too large, or its terms too many".to_owned(),
    }
}

/// A power of a sum; none where it becomes too large.
fn raised(base: &Terms, exponent: u32) -> Option<Terms> {
    (0..exponent).try_fold(Terms::from([((0, 0), 1)]), |power, _| times(&power, base))
}

/// The product of two sums; none where it becomes too large, or has too many terms.
fn times(a: &Terms, b: &Terms) -> Option<Terms> {
    let mut product = Terms::new();
    for (&(i, j), &c) in a {
        for (&(k, l), &d) in b {
            let exponents = (i + k, j + l);
            if exponents.0 > MAX_EXPONENT || exponents.1 > MAX_EXPONENT {
                return None;
            }
            let entry: &mut i64 = product.entry(exponents).or_default();
            *entry = entry.checked_add(c.checked_mul(d)?)?;
        }
        if product.len() > MAX_TERMS_ON_THE_WAY {
            return None;
        }
    }
    Some(product)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Polynomial {
        Polynomial::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"))
    }

    #[test]
    fn texts_that_come_to_the_same_are_the_same() {
        for (texts, canonical) in [
            (&["x^2+x*y+y^2", "y^2 + x y + x**2", "(x + y)^2 - x*y", "x² + xy + y²"][..], "x^2 + x*y + y^2"),
            (&["(x+y)^2", "(x + y)(y + x)"], "x^2 + 2*x*y + y^2"),
            (&["x^3 + xy", "x(x^2 + y)"], "x^3 + x*y"),
            (&["-x + y", "y - x", "-(x - y)"], "-x + y"),
            (&["2x + 3y + 1", "1 + 2*x + 3*y"], "2*x + 3*y + 1"),
            (&["x - 5", "(x) - 5*1"], "x - 5"),
        ] {
            for text in texts {
                assert_eq!(parse(text).to_string(), canonical, "{text}");
            }
            assert_eq!(parse(canonical), parse(texts[0]));
        }
    }

    #[test]
    fn errors_point_at_the_place() {
        for (text, at, problem) in [
            ("", 0, "it ends"),
            ("x +", 3, "it ends"),
            ("x + z", 4, "\"z\" stands where"),
            ("x^2 + q*y", 6, "\"q\" stands where"),
            ("x y ? 2", 4, "\"?\" is no x, y"),
            ("x^y", 2, "\"y\" is no exponent"),
            ("x^1.5", 3, "\".\" is no x, y"),
            ("(x + y", 0, "a parenthesis is not closed"),
            ("x + y)", 5, "\")\" closes"),
            ("x * + y", 4, "\"+\" is no factor"),
            ("x^100", 2, "an exponent is at most 99"),
            ("(x + y)^99", 8, "its coefficients or exponents become too large"),
            ("99999999999 x", 0, "its coefficients or exponents become too large"),
            ("(x + y + 1)^5", 0, "has 21 terms"),
            ("(x^2 + x + 1)^20 (y^2 + y + 1)^20", 16, "its coefficients or exponents become too large"),
            ("3", 0, "has no x and no y"),
            ("x - x", 0, "has no x and no y"),
        ] {
            let error = Polynomial::parse(text).unwrap_err();
            assert_eq!(error.at, at, "{text}: {error:?}");
            assert!(error.problem.starts_with(problem), "{text}: {error:?}");
        }
    }

    /// A text can come from a file of anyone's: a stack that overflows would end the process.
    #[test]
    fn parentheses_without_end_are_refused() {
        let nested = |depth: usize| format!("{}x{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(Polynomial::parse(&nested(MAX_DEPTH)).unwrap(), parse("x"));
        for depth in [MAX_DEPTH + 1, 1_000_000] {
            let error = Polynomial::parse(&nested(depth)).unwrap_err();
            assert!(error.at >= MAX_DEPTH && error.problem.contains("more parentheses"), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn values_are_those_of_whole_numbers(p in 3_usize..60, x in 0_usize..60, y in 0_usize..60, a in -9_i64..9, b in 1_i64..9) {
            let (x, y) = (x % p, y % p);
            let (i, j) = (x as i64, y as i64);
            let expected = modulo(a * i * i * j + b * j * j * j - 7 * i + 5, p);
            let polynomial = parse(&format!("{b}y^3 - 7x + 5 + x^2*y*({a})"));
            prop_assert_eq!(polynomial.value((x, y), p), expected);
            prop_assert_eq!(parse(&polynomial.to_string()), polynomial);
        }
    }
}
