//! One command a file.

mod analyze;
mod checkpoint_analysis;
mod checkpoint_path;
mod compare;
mod comparison_csv;
mod comparison_table;
mod devices;
mod import;
mod interrupt;
mod program;
mod relative_path;
mod report;
mod resume;
mod runs_to_compare;
mod sitting;
mod sweep;
mod threads;
mod train;
mod training_curves;

pub use analyze::analyze;
pub use compare::compare;
pub use devices::devices;
pub use import::import;
pub use report::report;
pub use resume::resume;
pub use sweep::sweep;
pub use train::train;
