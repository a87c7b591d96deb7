//! The triples (x, y, z) over which "The Clock and the Pizza" publishes gradient symmetricity.

use rand_mt::Mt;

/// How many there are.
const TRIPLES: usize = 100;

/// The seed that its authors' notebook shuffles with.
const SEED: u32 = 42;

/// The triples that the notebook draws modulo n: the first hundred of all n³ in their order, once Python's
/// `random.Random(42).shuffle` has mixed them. Fewer where there are fewer.
pub(crate) fn published_triples(n: usize) -> Vec<[usize; 3]> {
    let of_index = |index: u32| {
        let index = index as usize;
        [index / (n * n), index / n % n, index % n]
    };
    let mut order: Vec<u32> = (0..(n * n * n) as u32).collect();
    shuffle_as_python(&mut order);
    order.into_iter().take(TRIPLES).map(of_index).collect()
}

/// Shuffles as CPython's `random.shuffle` does: Fisher and Yates from behind, with whole numbers of as many bits of the
/// Mersenne Twister as they need, drawn again where they are too large.
fn shuffle_as_python(items: &mut [u32]) {
    let mut generator = Mt::new_with_key([SEED]);
    for last in (1..items.len()).rev() {
        let bound = last as u32 + 1;
        let surplus = bound.leading_zeros();
        let chosen = loop {
            let drawn = generator.next_u32() >> surplus;
            if drawn < bound {
                break drawn;
            }
        };
        items.swap(last, chosen as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triples_are_those_that_python_draws() {
        // By CPython 3: xs = [(a, b, c) for a in range(n) for b in range(n) for c in range(n)];
        // random.Random(42).shuffle(xs); xs[:3].
        for (n, expected) in [
            (3, [[1, 2, 1], [1, 1, 0], [1, 0, 0]]),
            (59, [[29, 1, 57], [49, 36, 24], [40, 38, 8]]),
            (113, [[65, 64, 45], [44, 106, 50], [87, 86, 55]]),
        ] {
            let triples = published_triples(n);
            assert_eq!(&triples[..3], expected, "modulo {n}");
            assert_eq!(triples.len(), TRIPLES.min(n * n * n));
        }
    }
}
