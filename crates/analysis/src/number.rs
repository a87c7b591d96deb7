/// Digits beyond which a value and its bound are not told apart.
const MOST_DIGITS: usize = 9;

/// A number in three digits.
///
/// ```
/// use clockwork_analysis::short;
///
/// assert_eq!([0.032_19, 123.456, 2.412e-7].map(short), ["0.0322", "123", "2.41e-7"]);
/// ```
#[must_use]
pub fn short(value: f64) -> String {
    in_digits(value, 3)
}

/// The least share that is told.
const LEAST_SHARE: f64 = 1e-4;

/// A share as a percentage, in three digits.
#[must_use]
pub(crate) fn percent(share: f64) -> String {
    match share.abs() < LEAST_SHARE {
        true => format!("less than {} %", short(100.0 * LEAST_SHARE)),
        false => short(100.0 * share) + " %",
    }
}

/// A value and its bound in three digits, or as many more as it takes to tell which is larger.
pub(crate) fn told_apart(value: f64, bound: f64) -> (String, String) {
    let tells = |digits: &usize| value == bound || in_digits(value, *digits) != in_digits(bound, *digits);
    let digits = (3..=MOST_DIGITS).find(tells).unwrap_or(MOST_DIGITS);
    (in_digits(value, digits), round(in_digits(bound, digits)))
}

/// A number without zeros at the end of its digits: `1e-5`, not `1.00e-5`.
fn round(number: String) -> String {
    match number.split_once('e') {
        Some((digits, power)) if digits.contains('.') => {
            format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => number,
    }
}

/// A number in some digits, without zeros at the end.
fn in_digits(value: f64, digits: usize) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-2..1e4).contains(&size) => {
            let decimals = (digits as f64 - 1.0 - size.log10().floor()).max(0.0) as usize;
            let text = format!("{value:.decimals$}");
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
        _ => format!("{value:.*e}", digits - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.5, "0.5"),
            (0.032_19, "0.0322"),
            (123.456, "123"),
            (9_999.0, "9999"),
            (12_345.0, "1.23e4"),
            (2.412e-7, "2.41e-7"),
            (-0.5, "-0.5"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn what_is_next_to_nothing_is_no_number() {
        assert_eq!([0.123_45, 0.0, 2e-17].map(percent), ["12.3 %", "less than 0.01 %", "less than 0.01 %"]);
    }

    #[test]
    fn a_value_beside_its_bound_has_the_digits_that_tell_them_apart() {
        for ((value, bound), (words, bound_words)) in [
            ((0.5, 0.9), ("0.5", "0.9")),
            ((0.999_97, 1.0), ("0.99997", "1")),
            ((1.0, 1.0), ("1", "1")),
            ((2.412e-7, 1e-5), ("2.41e-7", "1e-5")),
            ((0.012_31, 0.012_345_6), ("0.01231", "0.01235")),
            ((1.501e-7, 1.5e-7), ("1.501e-7", "1.5e-7")),
        ] {
            assert_eq!(told_apart(value, bound), (words.to_owned(), bound_words.to_owned()));
        }
    }
}
