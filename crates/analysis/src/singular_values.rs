use crate::{Error, Result, product::rows_of};

/// The singular values, descending, of a row-major matrix with rows of `columns` numbers. `name` is what the
/// matrix is called.
///
/// # Errors
///
/// [`Error::SingularValues`] where they do not converge, as those of numbers that are not finite.
pub(crate) fn singular_values(name: &'static str, matrix: &[f64], columns: usize) -> Result<Vec<f64>> {
    let values = rows_of(matrix, columns).singular_values();
    values.map_err(|_| Error::SingularValues { matrix: name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_matrices_known_by_hand() {
        for (matrix, columns, expected) in [
            (vec![3.0, 0.0, 0.0, -4.0], 2, vec![4.0, 3.0]),
            (vec![3.0, 0.0, 4.0, 5.0], 2, vec![45_f64.sqrt(), 5_f64.sqrt()]),
            (vec![1.0, 2.0, 3.0, 2.0, 4.0, 6.0], 3, vec![70_f64.sqrt(), 0.0]),
            (vec![1.0, 2.0, 2.0, 4.0, 3.0, 6.0], 2, vec![70_f64.sqrt(), 0.0]),
            (vec![0.0; 6], 2, vec![0.0, 0.0]),
        ] {
            let found = singular_values("by hand", &matrix, columns).unwrap();
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_finite_is_named() {
        let error = singular_values("W_E", &[f64::NAN, 1.0, 1.0, 1.0], 2).unwrap_err();
        assert_eq!(error.to_string(), "the singular values of W_E do not converge");
    }
}
