/// The Gini coefficient of non-negative numbers: 0 where all are alike,
/// even all zero, (n − 1)/n where one has all.
pub(crate) fn gini(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let weighted: f64 = sorted.iter().zip(1..).map(|(value, rank)| f64::from(rank) * value).sum();
    let sum: f64 = sorted.iter().sum();
    if sum > 0.0 { 2.0 * weighted / (n * sum) - (n + 1.0) / n } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_all_alike_to_one_has_all() {
        assert!(gini(&[2.0; 5]).abs() < 1e-12);
        assert_eq!(gini(&[0.0; 5]), 0.0);
        assert!((gini(&[0.0, 0.0, 7.0, 0.0]) - 0.75).abs() < 1e-12);
        assert!((gini(&[3.0, 1.0]) - 0.25).abs() < 1e-12);
    }
}
