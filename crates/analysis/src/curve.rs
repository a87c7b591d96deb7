use crate::ProgressRow;

/// A measure over steps: on a straight line between two checkpoints, on a logarithmic scale where it is a loss.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    /// Steps and values on the measure's scale.
    points: Vec<[f64; 2]>,
}

impl Curve {
    /// A measure of some rows; nothing where it is not known of one, or there is none.
    pub fn of(
        rows: &[ProgressRow],
        read: impl Fn(&ProgressRow) -> Option<f64>,
        is_log: bool,
    ) -> Option<Self> {
        let scaled = |value: f64| if is_log { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let point = |row: &ProgressRow| {
            let value = read(row).filter(|value| value.is_finite())?;
            Some([row.step as f64, scaled(value)])
        };
        let points = rows.iter().map(point).collect::<Option<Vec<_>>>()?;
        (!points.is_empty()).then_some(Self { points })
    }

    /// The first step at which it has gone a share of the way from its first value to its last; nothing where it goes no
    /// way.
    pub fn has_gone(&self, share: f64) -> Option<f64> {
        let ([_, from], [_, to]) = (self.points.first()?, self.points.last()?);
        (from != to).then(|| self.first_beyond(from + share * (to - from), *to > *from))?
    }

    /// Its value on the measure's scale at the first step.
    pub fn first(&self) -> f64 {
        self.points[0][1]
    }

    /// The same at the last step.
    pub fn last(&self) -> f64 {
        self.points[self.points.len() - 1][1]
    }

    /// The curve from a step on, which is one of its steps or between two of them.
    pub fn from(&self, step: f64) -> Self {
        let after = self.points.iter().position(|[of, _]| *of > step).unwrap_or(self.points.len());
        let first = match (after.checked_sub(1).map(|at| self.points[at]), self.points.get(after)) {
            (Some([a, from]), Some([b, to])) => from + (to - from) * (step - a) / (b - a),
            (Some([_, value]), None) | (None, Some(&[_, value])) => value,
            (None, None) => f64::NAN,
        };
        let rest = self.points[after..].iter().copied();
        Self { points: std::iter::once([step, first]).chain(rest).collect() }
    }

    /// The first step at which it is as high as a value, or as low where it falls.
    pub fn first_beyond(&self, value: f64, rises: bool) -> Option<f64> {
        let is_beyond = |[_, of]: &[f64; 2]| if rises { *of >= value } else { *of <= value };
        let at = self.points.iter().position(is_beyond)?;
        let [step, beyond] = self.points[at];
        let Some([step_before, before]) = at.checked_sub(1).map(|before| self.points[before]) else {
            return Some(step);
        };
        Some(step_before + (step - step_before) * (value - before) / (beyond - before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[[f64; 2]]) -> Curve {
        Curve { points: points.to_vec() }
    }

    #[test]
    fn a_share_of_the_way_is_gone_between_checkpoints() {
        let rises = curve(&[[100.0, 0.0], [200.0, 1.0], [400.0, 4.0], [600.0, 10.0]]);
        // 5 is a sixth of the way from 4 to 10.
        assert_eq!(rises.has_gone(0.5), Some(400.0 + 200.0 / 6.0));
        assert_eq!(
            (rises.has_gone(0.0), rises.has_gone(0.1), rises.has_gone(1.0)),
            (Some(100.0), Some(200.0), Some(600.0))
        );
        let falls = curve(&[[0.0, 8.0], [100.0, 6.0], [200.0, 0.0], [300.0, 4.0]]);
        assert_eq!(falls.has_gone(0.5), Some(100.0));
        assert_eq!(falls.has_gone(1.0), Some(100.0 + 100.0 / 3.0), "it was as low before");
        let later = rises.from(300.0);
        assert_eq!((later.first(), later.last(), later.has_gone(0.2)), (2.5, 10.0, Some(400.0)));
        assert_eq!((rises.from(400.0).first(), rises.from(600.0).first()), (4.0, 10.0));
        assert_eq!(curve(&[[0.0, 3.0], [100.0, 5.0], [200.0, 3.0]]).has_gone(0.5), None, "it goes no way");
    }
}
