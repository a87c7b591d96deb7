use crate::{AnalysedNetwork, Error, FourierBasis, Result, product::rows_of};

/// How many principal components are looked at.
const COMPONENTS: usize = 4;

/// The mean over the first four principal components of the numbers' embedding of the largest share of one frequency in each
/// ("The Clock and the Pizza", Zhong et al. 2023, section 4.2): 1 where numbers lie on circles. Components without any
/// extent count as 0.
///
/// # Errors
///
/// [`Error::SingularValues`] where the components do not converge.
pub(crate) fn circularity(basis: &FourierBasis, network: &AnalysedNetwork) -> Result<f64> {
    of_embedding(basis, &network.embedding_of_x())
}

/// That of an embedding, [n, width].
fn of_embedding(basis: &FourierBasis, embedding: &[f64]) -> Result<f64> {
    let n = basis.modulus();
    let width = embedding.len() / n;
    let mut centred = embedding.to_vec();
    for column in 0..width {
        let mean = embedding.iter().skip(column).step_by(width).sum::<f64>() / n as f64;
        centred.iter_mut().skip(column).step_by(width).for_each(|value| *value -= mean);
    }
    let svd = rows_of(&centred, width).thin_svd().map_err(|_| Error::SingularValues { matrix: "W_E" })?;
    let components = COMPONENTS.min(n).min(width);
    let largest = svd.S().column_vector()[0];
    let share = |component: usize| {
        // A direction in which numbers do not differ is one of rounding.
        if svd.S().column_vector()[component] <= 1e-12 * largest {
            return 0.0;
        }
        let scores: Vec<f64> = (0..n).map(|number| svd.U()[(number, component)]).collect();
        let power = |row: usize| basis.component(row, &scores, 1)[0].powi(2);
        let of_freq = |k: usize| basis.rows_of(k).into_iter().map(power).sum::<f64>();
        // The scores are a unit vector.
        basis.frequencies().map(of_freq).fold(0.0, f64::max)
    };
    Ok((0..components).map(share).sum::<f64>() / components as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_of_their_own_have_one_and_a_number_that_stands_out_has_a_share_of_each_frequency() {
        let (n, basis) = (11, FourierBasis::new(11));
        // Two circles of frequencies 2 and 5 in four dimensions, the second smaller.
        let rows = [3, 4, 9, 10].map(|row| basis.row(row));
        let circles: Vec<f64> = (0..n)
            .flat_map(|number| {
                rows.iter().enumerate().map(move |(i, row)| row[number] * [3.0, 3.0, 1.0, 1.0][i])
            })
            .collect();
        assert!((of_embedding(&basis, &circles).unwrap() - 1.0).abs() < 1e-12);
        // One number apart from all others: each of five frequencies has a fifth, and there is one component.
        let mut one = vec![0.0; n];
        one[4] = 1.0;
        assert!((of_embedding(&basis, &one).unwrap() - 0.2).abs() < 1e-12);
        assert_eq!(of_embedding(&basis, &vec![0.0; 4 * n]).unwrap(), 0.0);
    }
}
