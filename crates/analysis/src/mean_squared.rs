/// The mean over some of a batch of squared 2D coefficients [p, p, batch], [p, p]. The constant's is 0, as
/// if the data had been centred.
pub(crate) fn mean_squared(coefficients: &[f64], batch: usize, of: &[usize]) -> Vec<f64> {
    let mean = |row: &[f64]| of.iter().map(|&n| row[n] * row[n]).sum::<f64>() / of.len().max(1) as f64;
    let rows = coefficients.chunks_exact(batch).enumerate();
    rows.map(|(term, row)| if term == 0 { 0.0 } else { mean(row) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_chosen_ones_without_the_constant() {
        let coefficients = [9.0, 9.0, 9.0, 1.0, 2.0, 3.0];
        assert_eq!(mean_squared(&coefficients, 3, &[0, 2]), [0.0, 5.0]);
        assert_eq!(mean_squared(&coefficients, 3, &[]), [0.0, 0.0]);
    }
}
