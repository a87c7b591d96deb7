use plotters::style::RGBColor;

/// The colours of lines and bars: Okabe and Ito's palette (2008), which the colour-blind tell apart.
pub(crate) const LINES: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(70, 70, 70),
    RGBColor(240, 228, 66),
];

/// Outlines, marks and rims.
pub(crate) const GREY: RGBColor = RGBColor(90, 90, 90);

/// Stretches that are shaded, in turns, where little of the colour is mixed with white.
pub(crate) const STRETCHES: [RGBColor; 3] = [GREY, LINES[0], LINES[2]];

/// How much of its colour a shaded stretch has.
pub(crate) const SHADE: f64 = 0.1;

/// From zero to the largest value: white to dark blue, lighter for less, also in print.
const SEQUENTIAL: [RGBColor; 5] = [
    RGBColor(255, 255, 255),
    RGBColor(189, 215, 231),
    RGBColor(107, 174, 214),
    RGBColor(33, 113, 181),
    RGBColor(8, 48, 107),
];

/// From the most negative to the most positive value: blue, white at zero, red.
const DIVERGING: [RGBColor; 5] = [
    RGBColor(5, 48, 97),
    RGBColor(67, 147, 195),
    RGBColor(255, 255, 255),
    RGBColor(214, 96, 77),
    RGBColor(103, 0, 31),
];

/// The stops of a colour map, evenly spaced.
pub(crate) fn stops(has_signs: bool) -> [RGBColor; 5] {
    if has_signs { DIVERGING } else { SEQUENTIAL }
}

/// The colour of a value between −1 and 1 with signs, between 0 and 1 without.
pub(crate) fn colour(value: f64, has_signs: bool) -> RGBColor {
    let position = if has_signs { f64::midpoint(value, 1.0) } else { value };
    let stops = stops(has_signs);
    let position = position.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let below = (position as usize).min(stops.len() - 2);
    let (low, high, share) = (stops[below], stops[below + 1], position - below as f64);
    let mix = |a: u8, b: u8| (f64::from(a) + share * (f64::from(b) - f64::from(a))).round() as u8;
    RGBColor(mix(low.0, high.0), mix(low.1, high.1), mix(low.2, high.2))
}

/// A colour as a web page names it.
pub(crate) fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_white_and_the_ends_are_the_last_stops() {
        assert_eq!(colour(0.0, true), RGBColor(255, 255, 255));
        assert_eq!(colour(0.0, false), RGBColor(255, 255, 255));
        assert_eq!((colour(-1.0, true), colour(1.0, true)), (DIVERGING[0], DIVERGING[4]));
        assert_eq!((colour(1.0, false), colour(7.0, false)), (SEQUENTIAL[4], SEQUENTIAL[4]));
        assert_eq!(hex(RGBColor(0, 114, 178)), "#0072b2");
    }
}
