//! Draws what training measured. It sees plain numbers and never runs a model.

mod font;
mod training_curves;

pub use training_curves::{CurvePoint, DrawingError, training_curves_svg};
