use std::{collections::BTreeSet, str::FromStr};

use crate::{Error, Origin, Result, settings::is_whole_number};

/// A sweep with more runs is a slip of the finger.
pub(super) const MAX_RUNS: u64 = 10_000;

/// Seeds as a user lists them: half-open ranges and single ones, such as `0..8` or `1,5,10..12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(Vec<u64>);

impl Seeds {
    /// The seeds, in the order in which they were listed.
    #[must_use]
    pub fn as_slice(&self) -> &[u64] {
        &self.0
    }
}

impl FromStr for Seeds {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = |problem: String| Error::Config { origin: Origin::Seeds(text.to_owned()), problem };
        // TOML has no larger whole numbers.
        let number = |text: &str| text.trim().parse::<u64>().ok().filter(|&seed| i64::try_from(seed).is_ok());
        let mut seeds = Vec::new();
        for part in text.split(',') {
            let range = match part.split_once("..") {
                None => number(part).map(|seed| seed..seed + 1),
                Some((first, end)) => number(first).zip(number(end)).map(|(first, end)| first..end),
            };
            let range = range.ok_or_else(|| {
                let mut numbers = part.split("..").map(str::trim);
                fail(match numbers.all(is_whole_number) {
                    true => format!("seeds must be at most {}", i64::MAX),
                    false => "must be half-open ranges or single seeds, such as 0..8 or 1,5,9".to_owned(),
                })
            })?;
            if range.is_empty() {
                return Err(fail(format!("{} is an empty range; its end is left out", part.trim())));
            }
            if range.end - range.start > MAX_RUNS - seeds.len() as u64 {
                return Err(fail(format!("must be at most {MAX_RUNS} seeds")));
            }
            seeds.extend(range);
        }
        let mut seen = BTreeSet::new();
        match seeds.iter().find(|&seed| !seen.insert(seed)) {
            Some(seed) => Err(fail(format!("lists seed {seed} twice"))),
            None => Ok(Self(seeds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_half_open_and_lists_keep_their_order() {
        for (text, seeds) in [
            ("0..4", &[0, 1, 2, 3][..]),
            ("1,5,9", &[1, 5, 9]),
            ("7", &[7]),
            (" 9 , 2..4 ", &[9, 2, 3]),
            ("9223372036854775807", &[i64::MAX as u64]),
        ] {
            assert_eq!(text.parse::<Seeds>().unwrap().as_slice(), seeds, "{text}");
        }
    }

    #[test]
    fn what_lists_no_seeds_is_named() {
        for (text, problem) in [
            ("", "must be half-open ranges"),
            ("1,,2", "must be half-open ranges"),
            ("-1", "must be half-open ranges"),
            ("0..=8", "must be half-open ranges"),
            ("0..", "must be half-open ranges"),
            ("9223372036854775808", "seeds must be at most 9223372036854775807"),
            ("5..9223372036854775808", "seeds must be at most 9223372036854775807"),
            ("8..0", "8..0 is an empty range"),
            ("3..3", "3..3 is an empty range"),
            ("0..4,2", "lists seed 2 twice"),
            ("0..9223372036854775807", "must be at most 10000 seeds"),
            ("0..10000,10000", "must be at most 10000 seeds"),
        ] {
            let error = text.parse::<Seeds>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text}: {problem}")), "{error}");
        }
    }
}
