//! One command a file.

mod analyze;
mod compare;
mod devices;
mod import;
mod progress;
mod report;
mod resume;
mod sweep;
mod train;

pub use analyze::analyze;
pub use compare::compare;
pub use devices::devices;
pub use import::import;
pub use progress::progress;
pub use report::report;
pub use resume::resume;
pub use sweep::sweep;
pub use train::train;
