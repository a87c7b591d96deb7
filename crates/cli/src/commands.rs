//! One command a file.

mod analyze;
mod checkpoint_path;
mod import;
mod program;
mod relative_path;
mod report;
mod resume;
mod sitting;
mod threads;
mod train;
mod training_curves;

pub use analyze::analyze;
pub use import::import;
pub use report::report;
pub use resume::resume;
pub use train::train;
