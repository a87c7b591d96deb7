//! One command a file.

mod analyze;
mod checkpoint_path;
mod import;
mod program;
mod relative_path;
mod resume;
mod sitting;
mod threads;
mod train;

pub use analyze::analyze;
pub use import::import;
pub use resume::resume;
pub use train::train;
