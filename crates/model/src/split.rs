use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, Side, Task};

/// The lists of pairs that some files keep beside the weights: by their [index](Task::index), or as they are.
pub(crate) const SPLIT_NAMES: [&str; 2] = ["train_indices", "test_indices"];

/// How a run's pairs are split: drawn by a seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SplitRule {
    /// The fraction of all pairs to train on.
    pub train_fraction: f64,
    /// The seed that draws them.
    pub seed: u64,
}

/// A split of a task's pairs into those trained on and those held out.
///
/// Pairs are known by their [index](Task::index); both lists are ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Indices of the pairs to train on.
    pub train: Vec<usize>,
    /// Indices of the pairs held out, all others if we made it.
    pub test: Vec<usize>,
}

impl Split {
    /// Draws `⌊train_fraction · n_pairs⌋` pairs to train on, every choice equally likely.
    ///
    /// # Errors
    ///
    /// [`Error::TrainFraction`] where the fraction leaves no pair to train or none to test on.
    pub fn new(task: Task, rule: SplitRule) -> Result<Self> {
        let SplitRule { train_fraction, seed } = rule;
        let n_pairs = task.n_pairs();
        let n_train = (train_fraction * n_pairs as f64).floor();
        if !(n_train >= 1.0 && n_train < n_pairs as f64) {
            let lacking = if n_train >= 1.0 { Side::Test } else { Side::Train };
            return Err(Error::TrainFraction { train_fraction, n_pairs, lacking });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut pairs: Vec<usize> = task.indices().collect();
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

    /// The SHA-256 of the pairs trained on, as 64-bit little-endian numbers, in hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> String {
        let bytes: Vec<u8> = self.train.iter().flat_map(|&pair| (pair as u64).to_le_bytes()).collect();
        clockwork_files::sha256(&bytes)
    }

    /// An imported split, from lists of the indices of the pairs trained on and held out; without a second
    /// list all other pairs are held out. The error says what is wrong with the lists.
    pub(crate) fn of_indices(
        task: Task,
        train: &[i64],
        test: Option<&[i64]>,
    ) -> std::result::Result<Self, String> {
        let mut is_taken = vec![false; task.modulus.pow(2)];
        let mut take = |name: &str, indices: &[i64]| {
            for &index in indices {
                let pair = usize::try_from(index).ok().filter(|&pair| task.has(task.pair(pair)));
                let pair = pair.ok_or_else(|| {
                    format!("{name} has {index}, which is none of the {} pairs", task.n_pairs())
                })?;
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
            None => task.indices().filter(|&pair| !is_taken[pair]).collect(),
        };
        Ok(Self { train, test })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draw(modulus: usize, train_fraction: f64, seed: u64) -> Result<Split> {
        Split::new(Task::addition(modulus), SplitRule { train_fraction, seed })
    }

    proptest! {
        #[test]
        fn disjoint_and_exhaustive(p in 3_usize..40, fraction in 0.12_f64..0.999, seed: u64) {
            let n = p * p;
            let split = draw(p, fraction, seed);
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
        let split = draw(113, 0.3, 0).unwrap();
        assert_eq!((split.train.len(), split.test.len()), (3830, 8939));
        assert_eq!(split, draw(113, 0.3, 0).unwrap());
        assert_ne!(split, draw(113, 0.3, 1).unwrap());
    }

    /// What a seed means: a generator that draws otherwise must fail here, not in somebody's comparison.
    #[test]
    fn the_first_pairs_of_a_seed_are_pinned() {
        let split = draw(59, 0.4, 0).unwrap();
        assert_eq!(split.train[..10], [2, 3, 4, 5, 6, 9, 11, 12, 14, 16]);
        assert_eq!(split.test[..10], [0, 1, 7, 8, 10, 13, 15, 17, 18, 19]);
        let pinned = "1b8e23c1c970a6e767bb3d25b6693355d93dbc29e72e69d95eb15384c7d024cf";
        assert_eq!(split.sha256(), pinned);
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
            let message = draw(7, fraction, 0).unwrap_err().to_string();
            assert!(message.contains(problem), "{message}");
        }
    }
}
