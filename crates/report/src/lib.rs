//! Draws what was measured and found: figures, and a report that is one HTML file. It sees plain results
//! and never runs a model.
//!
//! A [`Figure`] is data. [`svg`] and [`png`] draw it for papers; on the page, plotly's script does, so
//! that one can point at things. [`story`] makes figures of an analysis, with what to look for in them.
//!
//! ```
//! use clockwork_report::{TrainingCurves, svg, training_figures};
//!
//! let curves = TrainingCurves {
//!     steps: vec![0, 100],
//!     losses: vec![[4.7, 4.7], [1e-3, 9.0]],
//!     accuracies: vec![[0.01, 0.01], [1.0, 0.02]],
//!     milestones: vec![(100, "train 99 %".to_owned())],
//! };
//! let [loss, _accuracy] = training_figures(&curves);
//! assert!(svg(&loss, &loss.frames[0])?.contains("Train and test loss"));
//! # Ok::<(), clockwork_report::Error>(())
//! ```

mod colours;
mod comparison;
mod draw;
mod error;
mod figure;
mod font;
mod heat_map;
mod interactive;
mod legend;
mod page;
mod report;
mod story;
mod ticks;
pub mod words;

pub use comparison::{ComparisonReport, OperationsReport, comparison_story};
pub use draw::{png, svg};
pub use error::{Error, Result};
pub use figure::{Axis, Content, Figure, Frame, Line, Lines, Points, Stretch};
pub use heat_map::HeatMap;
pub use page::Report;
pub use report::{FIGURES, Written, write_figures};
pub use story::{Entry, Section, Table, TrainingCurves, course_section, story, training_figures};
