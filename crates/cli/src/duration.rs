use std::fmt;

/// A time in words: `8 s`, `3 min 41 s`, `1 h 2 min`.
pub struct InWords {
    pub seconds: f64,
}

impl fmt::Display for InWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds.max(0.0).round() as u64;
        match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
            (0, 0, s) => write!(f, "{s} s"),
            (0, min, s) => write!(f, "{min} min {s} s"),
            (h, min, _) => write!(f, "{h} h {min} min"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_at_most() {
        let words = [0.4, 59.6, 221.2, 3720.0, -1.0].map(|seconds| InWords { seconds }.to_string());
        assert_eq!(words, ["0 s", "1 min 0 s", "3 min 41 s", "1 h 2 min", "0 s"]);
    }
}
