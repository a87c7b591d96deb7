//! One command a file.

mod resume;
mod sitting;
mod train;

pub use resume::resume;
pub use train::train;
