use jiff::{SignedDuration, Unit};

/// From this many seconds on they are rounded to minutes.
const AN_HOUR: i64 = 3600;

/// A time as jiff writes it for people, in two units at most: `8s`, `3m 41s`, `1h 2m`.
pub fn seconds(seconds: f64) -> String {
    let time = SignedDuration::from_secs(seconds.max(0.0).round() as i64);
    let unit = if time.as_secs() < AN_HOUR { Unit::Second } else { Unit::Minute };
    format!("{:#}", time.round(unit).unwrap_or(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_at_most() {
        let words = [0.4, 59.6, 221.2, 3720.0, 3750.0, -1.0].map(seconds);
        assert_eq!(words, ["0s", "1m", "3m 41s", "1h 2m", "1h 3m", "0s"]);
    }
}
