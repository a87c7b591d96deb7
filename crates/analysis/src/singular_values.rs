/// Columns are as good as orthogonal once no two overlap by more than this, relative to their norms.
const ORTHOGONAL: f64 = 1e-14;

/// Sweeps after which one-sided Jacobi has long converged; it takes six to ten.
const MAX_SWEEPS: usize = 60;

/// The singular values, descending, of a row-major matrix with rows of `columns` numbers, by the
/// one-sided Jacobi method (Hestenes 1958), which keeps small ones to full relative accuracy.
#[must_use]
pub fn singular_values(matrix: &[f64], columns: usize) -> Vec<f64> {
    let rows = matrix.len() / columns;
    // The shorter side's vectors are made orthogonal.
    let mut vectors: Vec<Vec<f64>> = match rows <= columns {
        true => matrix.chunks_exact(columns).map(<[f64]>::to_vec).collect(),
        false => (0..columns).map(|j| (0..rows).map(|i| matrix[i * columns + j]).collect()).collect(),
    };
    for _ in 0..MAX_SWEEPS {
        let mut rotated = false;
        for i in 1..vectors.len() {
            let (before, from) = vectors.split_at_mut(i);
            for a in before {
                rotated |= orthogonalise(a, &mut from[0]);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut values: Vec<f64> = vectors.iter().map(|v| v.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

/// Rotates two vectors in their plane until they are orthogonal; tells whether they were not before.
fn orthogonalise(a: &mut [f64], b: &mut [f64]) -> bool {
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(&*b) {
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    if ab.abs() <= ORTHOGONAL * (aa * bb).sqrt() {
        return false;
    }
    let zeta = (bb - aa) / (2.0 * ab);
    let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = cosine * tangent;
    for (x, y) in a.iter_mut().zip(b) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
    true
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
        ] {
            for (found, expected) in singular_values(&matrix, columns).into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
            }
        }
    }
}
