/// How little the right answer's logit depends on the distance x − y ("The Clock and the Pizza", Zhong et al. 2023, section
/// 4.2): the standard deviation over x at each x − y, averaged over these, by that over all inputs. It is near 0 where the
/// logit depends on the distance alone, as a pizza's does, and near 1 where it does not depend on it. Where the logit is the same on all
/// inputs there is none. The logits are [n², n].
pub(crate) fn distance_irrelevance(n: usize, logits: &[f64]) -> Option<f64> {
    let of_answer = |x: usize, y: usize| logits[(x * n + y) * n + (x + y) % n];
    let at_distance =
        |distance: usize| (0..n).map(move |y| of_answer((y + distance) % n, y)).collect::<Vec<f64>>();
    let within = (0..n).map(|distance| standard_deviation(&at_distance(distance))).sum::<f64>() / n as f64;
    let logits: Vec<f64> = (0..n).flat_map(at_distance).collect();
    let all = standard_deviation(&logits);
    let largest = logits.iter().fold(0.0, |largest: f64, logit| largest.max(logit.abs()));
    // What differs by the rounding of weights of 32 bits alone is the same.
    (all > 1e-6 * largest).then(|| within / all)
}

/// The standard deviation of values that are all there are.
fn standard_deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits whose right answer's is some function of x and y, and all others are 0.
    fn logits(n: usize, of_answer: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let mut logits = vec![0.0; n * n * n];
        for (x, y) in (0..n).flat_map(|x| (0..n).map(move |y| (x, y))) {
            logits[(x * n + y) * n + (x + y) % n] = of_answer(x, y);
        }
        logits
    }

    #[test]
    fn a_logit_of_the_distance_alone_one_of_the_sum_alone_and_one_of_both() {
        let (n, wave) = (7, |v: usize| (std::f64::consts::TAU * v as f64 / 7.0).cos());
        let of_any = |of_answer: &dyn Fn(usize, usize) -> f64| distance_irrelevance(n, &logits(n, of_answer));
        let of = |of_answer: &dyn Fn(usize, usize) -> f64| of_any(of_answer).unwrap();
        assert!(of(&|x, y| wave(x + n - y)) < 1e-12);
        assert!((of(&|x, y| wave(x + y)) - 1.0).abs() < 1e-12);
        // Two waves that are not correlated, of the same size: 1/√2.
        assert!((of(&|x, y| wave(x + n - y) + wave(x + y)) - 0.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(of_any(&|_, _| 3.0), None);
    }
}
