use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Error, Result, import::SPLIT_NAMES};

/// The one split of all p² pairs into those trained on and those held out.
///
/// A pair (x, y) is known by its index `x · p + y`; both lists are ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Indices of the pairs to train on.
    pub train: Vec<usize>,
    /// Indices of the pairs held out, all others if we made it.
    pub test: Vec<usize>,
}

impl Split {
    /// Draws `⌊train_fraction · p²⌋` pairs to train on, every choice equally likely.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] where the fraction leaves no pair to train or none to test on.
    pub fn new(modulus: usize, train_fraction: f64, seed: u64) -> Result<Self> {
        let n_pairs = modulus * modulus;
        let n_train = (train_fraction * n_pairs as f64).floor();
        if !(n_train >= 1.0 && n_train < n_pairs as f64) {
            return Err(Error::Setting {
                key: "task.train_fraction",
                value: train_fraction.to_string(),
                problem: format!(
                    "leaves no pair to {} of the {n_pairs} that modulus {modulus} has; choose one between 0 and 1",
                    if n_train >= 1.0 { "test on" } else { "train on" }
                ),
            });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut pairs: Vec<usize> = (0..n_pairs).collect();
        // Fisher and Yates' shuffle, written out because the order that a library's shuffle gives
        // may change with its version, and with it what a seed means.
        for i in (1..n_pairs).rev() {
            pairs.swap(i, rng.random_range(0..=i as u64) as usize);
        }
        let mut test = pairs.split_off(n_train as usize);
        pairs.sort_unstable();
        test.sort_unstable();
        Ok(Self { train: pairs, test })
    }

    /// The split that someone else made: indices of the pairs trained on, and of those held out, which
    /// without a list are all others. The error says what is wrong with them.
    pub(crate) fn of_indices(
        modulus: usize,
        train: &[i64],
        test: Option<&[i64]>,
    ) -> std::result::Result<Self, String> {
        let n_pairs = modulus * modulus;
        let mut is_taken = vec![false; n_pairs];
        let mut take = |name: &str, indices: &[i64]| {
            for &index in indices {
                let pair = usize::try_from(index).ok().filter(|&pair| pair < n_pairs);
                let pair = pair.ok_or_else(|| format!("{name} has {index}, beyond the {n_pairs} pairs"))?;
                if std::mem::replace(&mut is_taken[pair], true) {
                    return Err(format!("{name} has {index} a second time"));
                }
            }
            let mut pairs: Vec<usize> = indices.iter().map(|&index| index as usize).collect();
            pairs.sort_unstable();
            match pairs.is_empty() {
                true => Err(format!("{name} is empty")),
                false => Ok(pairs),
            }
        };
        let train = take(SPLIT_NAMES[0], train)?;
        let test = match test {
            Some(test) => take(SPLIT_NAMES[1], test)?,
            None => (0..n_pairs).filter(|&pair| !is_taken[pair]).collect(),
        };
        Ok(Self { train, test })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn disjoint_and_exhaustive(p in 3_usize..40, fraction in 0.12_f64..0.999, seed: u64) {
            let n = p * p;
            let split = Split::new(p, fraction, seed);
            prop_assume!((fraction * n as f64).floor() < n as f64);
            let split = split.unwrap();
            prop_assert_eq!(split.train.len(), (fraction * n as f64).floor() as usize);
            let mut all = [split.train, split.test].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_paper_trains_on_3830_pairs_and_the_seed_chooses_them() {
        let split = Split::new(113, 0.3, 0).unwrap();
        assert_eq!((split.train.len(), split.test.len()), (3830, 8939));
        assert_eq!(split, Split::new(113, 0.3, 0).unwrap());
        assert_ne!(split, Split::new(113, 0.3, 1).unwrap());
    }

    #[test]
    fn fractions_that_leave_nothing_are_refused() {
        for (fraction, problem) in [
            (0.0, "no pair to train on"),
            (-0.5, "no pair to train on"),
            (0.01, "no pair to train on"),
            (f64::NAN, "no pair to train on"),
            (1.0, "no pair to test on"),
            (7.0, "no pair to test on"),
        ] {
            let message = Split::new(7, fraction, 0).unwrap_err().to_string();
            assert!(message.starts_with("task.train_fraction") && message.contains(problem), "{message}");
        }
    }
}
