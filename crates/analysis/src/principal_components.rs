use crate::{
    Error, FourierBasis, Result,
    product::{product, rows_of},
};

/// The principal components of an embedding, [n, width]: directions in which numbers differ most, and where numbers lie
/// along them.
pub(crate) struct PrincipalComponents {
    n: usize,
    /// The mean over the numbers, [width].
    mean: Vec<f64>,
    /// What numbers have along each direction, each of unit norm, [n] per component.
    scores: Vec<Vec<f64>>,
    /// The directions, [width] per component, as long as numbers are spread along them.
    directions: Vec<Vec<f64>>,
    /// How far numbers are spread along each, descending; 0 along directions of rounding.
    spreads: Vec<f64>,
}

impl PrincipalComponents {
    /// Those of an embedding of n numbers.
    ///
    /// # Errors
    ///
    /// [`Error::SingularValues`] where they do not converge.
    pub fn new(n: usize, embedding: &[f64]) -> Result<Self> {
        let width = embedding.len() / n;
        let mut mean = vec![0.0; width];
        for row in embedding.chunks_exact(width) {
            mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / n as f64);
        }
        let centred: Vec<f64> = embedding
            .chunks_exact(width)
            .flat_map(|row| row.iter().zip(&mean).map(|(value, mean)| value - mean).collect::<Vec<f64>>())
            .collect();
        let svd = rows_of(&centred, width).thin_svd().map_err(|_| Error::SingularValues { matrix: "W_E" })?;
        let values = svd.S().column_vector();
        let components = 0..n.min(width);
        let spread = |component: usize| {
            // A direction in which numbers do not differ is one of rounding.
            if values[component] <= 1e-12 * values[0] { 0.0 } else { values[component] }
        };
        let spreads: Vec<f64> = components.clone().map(spread).collect();
        Ok(Self {
            n,
            scores: components.clone().map(|c| (0..n).map(|number| svd.U()[(number, c)]).collect()).collect(),
            directions: components
                .map(|c| (0..width).map(|i| spreads[c] * svd.V()[(i, c)]).collect())
                .collect(),
            mean,
            spreads,
        })
    }

    /// The shares of each frequency, 1 … ⌊n/2⌋, in the squares of where numbers lie along each component, the largest
    /// components first.
    pub fn shares<'a>(&'a self, basis: &'a FourierBasis) -> impl Iterator<Item = Vec<f64>> + 'a {
        self.scores.iter().zip(&self.spreads).map(|(scores, &spread)| {
            let power = |row: usize| basis.component(row, scores, 1)[0].powi(2);
            // The scores are a unit vector.
            let of_freq = |k: usize| basis.rows_of(k).into_iter().map(power).sum::<f64>();
            basis.frequencies().map(|k| if spread > 0.0 { of_freq(k) } else { 0.0 }).collect()
        })
    }

    /// The embedding of those components alone that have most of a frequency, one for each of its waves, about the mean,
    /// [n, width].
    pub fn isolated(&self, basis: &FourierBasis, k: usize) -> Vec<f64> {
        let power =
            self.shares(basis).zip(&self.spreads).map(|(shares, spread)| shares[k - 1] * spread * spread);
        let mut most: Vec<(usize, f64)> = power.enumerate().collect();
        most.sort_by(|a, b| b.1.total_cmp(&a.1));
        most.truncate(basis.rows_of(k).len());
        let chosen = |of: &[Vec<f64>]| most.iter().flat_map(|&(c, _)| of[c].clone()).collect::<Vec<f64>>();
        let (scores, directions) = (chosen(&self.scores), chosen(&self.directions));
        let mut rows = product(rows_of(&scores, self.n).transpose(), rows_of(&directions, self.mean.len()));
        for row in rows.chunks_exact_mut(self.mean.len()) {
            row.iter_mut().zip(&self.mean).for_each(|(value, mean)| *value += mean);
        }
        rows
    }
}
