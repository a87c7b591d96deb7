use serde::{Deserialize, Serialize};

/// Mean and spread of a quantity over runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Over how many runs.
    pub count: usize,
    /// The mean.
    pub mean: f64,
    /// The sample's standard deviation, with n − 1; one run has none.
    pub standard_deviation: Option<f64>,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

impl Spread {
    /// The spread of some values, if there are any.
    #[must_use]
    pub fn new(values: &[f64]) -> Option<Self> {
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (count > 0).then(|| Self {
            count,
            mean,
            standard_deviation: (count > 1).then(|| (squares / (count - 1) as f64).sqrt()),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

/// A quantile of ordered values, interpolated between two of them (Hyndman and Fan 1996, definition 7).
pub(super) fn quantile(ordered: &[f64], share: f64) -> f64 {
    let position = share * (ordered.len() - 1) as f64;
    let (before, after) = (ordered[position.floor() as usize], ordered[position.ceil() as usize]);
    before + (after - before) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_hand() {
        let of = |share| quantile(&[1.0, 2.0, 4.0, 8.0, 16.0], share);
        assert_eq!([0.0, 0.25, 0.5, 0.625, 1.0].map(of), [1.0, 2.0, 4.0, 6.0, 16.0]);
        assert_eq!(quantile(&[3.0], 0.95), 3.0);
        assert!((quantile(&[0.0, 1.0], 0.05) - 0.05).abs() < 1e-15);
    }

    #[test]
    fn by_hand() {
        let spread = Spread::new(&[2.0, 4.0, 4.0, 6.0]).unwrap();
        assert_eq!((spread.count, spread.mean, spread.min, spread.max), (4, 4.0, 2.0, 6.0));
        assert!((spread.standard_deviation.unwrap() - (8.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        let one = Spread { count: 1, mean: 5.0, standard_deviation: None, min: 5.0, max: 5.0 };
        assert_eq!((Spread::new(&[5.0]), Spread::new(&[])), (Some(one), None));
    }
}
