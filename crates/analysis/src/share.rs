/// A part's share of the whole. Of nothing it is 0: a network whose weights have all decayed shows no
/// structure, and must not show figures that are no numbers.
pub(crate) fn share(part: f64, whole: f64) -> f64 {
    // The sum of nothing is −0, which reads as a mistake.
    if whole > 0.0 && part != 0.0 { part / whole } else { 0.0 }
}
