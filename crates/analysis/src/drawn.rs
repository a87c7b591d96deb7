use rand::{SeedableRng, seq::index::sample};
use rand_chacha::ChaCha8Rng;

/// The seed of the inputs that are drawn.
const SEED: u64 = 0;

/// The numbers of as many of all inputs as this, always the same, or of all.
pub(crate) fn draw(inputs: usize, of_them: usize) -> Vec<usize> {
    match of_them < inputs {
        true => sample(&mut ChaCha8Rng::seed_from_u64(SEED), inputs, of_them).into_vec(),
        false => (0..inputs).collect(),
    }
}
