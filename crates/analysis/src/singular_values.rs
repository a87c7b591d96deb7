use crate::product::rows_of;

/// The singular values, descending, of a row-major matrix with rows of `columns` finite numbers.
pub(crate) fn singular_values(matrix: &[f64], columns: usize) -> Vec<f64> {
    rows_of(matrix, columns).singular_values().expect("the values of a finite matrix converge")
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
            let found = singular_values(&matrix, columns);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
            }
        }
    }
}
