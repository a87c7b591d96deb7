//! One command a file.

mod analyze;
mod resume;
mod sitting;
mod threads;
mod train;

pub use analyze::analyze;
pub use resume::resume;
pub use train::train;
