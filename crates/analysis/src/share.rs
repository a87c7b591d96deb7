/// A part's share of the whole. Of nothing it is 0: a network whose weights have all decayed shows no
/// structure, and must not show figures that are no numbers.
pub(crate) fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
