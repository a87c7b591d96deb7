use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// The range of an axis and the positions on it that are labelled, in the axis' own coordinates:
/// powers of ten for a logarithmic one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ticks {
    pub low: f64,
    pub high: f64,
    pub labels: Vec<(f64, String)>,
}

/// About how many labels an axis gets.
const LABELS: f64 = 7.0;

impl Ticks {
    /// An axis of whole numbers that holds all values.
    pub fn count(low: f64, high: f64) -> Self {
        let mut ticks = Self::linear(low, high);
        ticks.labels.retain(|(position, _)| position.fract() == 0.0);
        ticks.labels.iter_mut().for_each(|(position, label)| *label = format!("{position:.0}"));
        ticks
    }

    /// An axis of numbers that holds all values.
    pub fn linear(low: f64, high: f64) -> Self {
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
        let rough = (high - low) / LABELS;
        let power = 10_f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|&s| s >= rough).unwrap_or(rough);
        let digits = (-step.log10().floor()).max(0.0) as usize;
        let first = (low / step).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let labels = (first..=last).map(|i| i as f64 * step).map(|v| (v, format!("{v:.digits$}"))).collect();
        Self { low, high, labels }
    }

    /// An axis of powers of ten, from the one below all values to the one above.
    pub fn log(low: f64, high: f64) -> Self {
        let (low, high) = (low.log10().floor(), high.log10().ceil());
        let high = if high > low { high } else { low + 1.0 };
        let every = ((high - low) / LABELS).ceil().max(1.0) as i64;
        let powers = (low as i64..=high as i64).filter(|power| power % every == 0);
        Self { low, high, labels: powers.map(|power| (power as f64, format!("1e{power}"))).collect() }
    }
}

/// An axis of plotters that labels just those positions.
impl Ranged for Ticks {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * (value - self.low) / (self.high - self.low)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.labels.iter().map(|&(position, _)| position).collect()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Ticks {
    fn format_ext(&self, value: &f64) -> String {
        let label = self.labels.iter().find(|(position, _)| position == value);
        label.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &Ticks) -> Vec<&str> {
        ticks.labels.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn labels_are_round_numbers_within_the_range() {
        assert_eq!(labels(&Ticks::linear(0.0, 1.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&Ticks::linear(0.0, 12_400.0))[..3], ["0", "2000", "4000"]);
        assert_eq!(labels(&Ticks::linear(-0.03, 0.011)), ["-0.03", "-0.02", "-0.01", "0.00", "0.01"]);
        assert_eq!(labels(&Ticks::linear(3.0, 3.0)), ["2.6", "2.8", "3.0", "3.2", "3.4"]);
        assert_eq!(labels(&Ticks::count(0.0, 3.0)), ["0", "1", "2", "3"]);
        assert_eq!(labels(&Ticks::log(3e-7, 20.0))[..2], ["1e-6", "1e-4"]);
        assert_eq!(labels(&Ticks::log(1.0, 1.0)), ["1e0", "1e1"]);
    }
}
