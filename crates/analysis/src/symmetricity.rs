use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{AnalysedNetwork, LogitGradients};

/// Gradient symmetricity ("The Clock and the Pizza", Zhong et al. 2023, section 4.2): the cosines between the gradients of a
/// logit with respect to the embeddings of x and of y, over triples (x, y, z) of which z may be any answer. It is 1 where
/// the network sees the sum of the two embeddings and nothing else, as a pizza does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Symmetricity {
    /// Their mean; 0 where there is none.
    pub mean: f64,
    /// Their standard deviation.
    pub standard_deviation: f64,
    /// How many there are. A triple with a gradient of zero has none.
    pub triples: usize,
}

/// Cosines that are being summed.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: usize,
    sum: f64,
    squares: f64,
}

impl Symmetricity {
    /// Over all n³ triples.
    #[must_use]
    pub fn over_all(network: &AnalysedNetwork) -> Self {
        let (n, gradients) = (network.n(), network.gradients());
        let answers: Vec<usize> = (0..n).collect();
        let of_pair = |input: usize| sums_of(&gradients, (input / n, input % n), &answers);
        // Summed in the order of the inputs, on any number of threads.
        let of_pairs: Vec<Sums> = (0..n * n).into_par_iter().map(of_pair).collect();
        Self::of(of_pairs)
    }

    /// Over some triples.
    pub(crate) fn over(network: &AnalysedNetwork, triples: &[[usize; 3]]) -> Self {
        let gradients = network.gradients();
        let of_triple = |&[x, y, z]: &[usize; 3]| sums_of(&gradients, (x, y), &[z]);
        Self::of(triples.par_iter().map(of_triple).collect())
    }

    fn of(parts: Vec<Sums>) -> Self {
        let Sums { count, sum, squares } = parts.into_iter().fold(Sums::default(), |a, b| Sums {
            count: a.count + b.count,
            sum: a.sum + b.sum,
            squares: a.squares + b.squares,
        });
        let of = count.max(1) as f64;
        let mean = sum / of;
        let standard_deviation = (squares / of - mean * mean).max(0.0).sqrt();
        Self { mean, standard_deviation, triples: count }
    }
}

/// The cosines of a pair for some answers.
fn sums_of(gradients: &dyn LogitGradients, pair: (usize, usize), answers: &[usize]) -> Sums {
    let [of_x, of_y] = gradients.of(pair, answers); // [width, answers]
    let mut products = vec![[0.0; 3]; answers.len()];
    for (x, y) in of_x.chunks_exact(answers.len()).zip(of_y.chunks_exact(answers.len())) {
        for ([xx, yy, xy], (x, y)) in products.iter_mut().zip(x.iter().zip(y)) {
            *xx += x * x;
            *yy += y * y;
            *xy += x * y;
        }
    }
    let mut sums = Sums::default();
    for [xx, yy, xy] in products.into_iter().filter(|[xx, yy, _]| *xx > 0.0 && *yy > 0.0) {
        let cosine = xy / (xx.sqrt() * yy.sqrt());
        sums.count += 1;
        sums.sum += cosine;
        sums.squares += cosine * cosine;
    }
    sums
}
