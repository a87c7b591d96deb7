use std::sync::Once;

use plotters::style::{FontStyle, register_font};

/// The name under which figures ask for their font; where an SVG is shown, it is the reader's own.
pub(crate) const FONT: &str = "sans-serif";

/// Gives plotters the font that it measures and draws text with: one that comes along, so that figures are
/// the same on every machine, and have their Greek letters on one without fonts.
pub(crate) fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        for (style, font) in
            [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())]
        {
            if register_font(FONT, style, font).is_err() {
                unreachable!("the font that comes along is whole");
            }
        }
    });
}
