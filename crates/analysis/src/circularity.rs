use crate::{AnalysedNetwork, FourierBasis, Result, principal_components::PrincipalComponents};

/// How many principal components are looked at.
const COMPONENTS: usize = 4;

/// The mean over the first four principal components of the numbers' embedding of the largest share of one frequency in each
/// ("The Clock and the Pizza", Zhong et al. 2023, section 4.2): 1 where numbers lie on circles. Components without any
/// extent count as 0.
///
/// # Errors
///
/// [`Error::SingularValues`](crate::Error::SingularValues) where the components do not converge.
pub(crate) fn circularity(basis: &FourierBasis, network: &AnalysedNetwork) -> Result<f64> {
    of_embedding(basis, &network.embedding_of_x())
}

/// That of an embedding, [n, width].
fn of_embedding(basis: &FourierBasis, embedding: &[f64]) -> Result<f64> {
    let components = PrincipalComponents::new(basis.modulus(), embedding)?;
    let largest: Vec<f64> = components
        .shares(basis)
        .take(COMPONENTS)
        .map(|shares| shares.into_iter().fold(0.0, f64::max))
        .collect();
    Ok(largest.iter().sum::<f64>() / largest.len() as f64)
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
