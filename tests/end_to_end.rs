//! Runs the binary as a user would.

#[path = "end_to_end/analyze.rs"]
mod analyze;
#[path = "end_to_end/bad_input.rs"]
mod bad_input;
#[cfg(unix)]
#[path = "end_to_end/clean.rs"]
mod clean;
#[path = "end_to_end/determinism.rs"]
mod determinism;
#[cfg(unix)]
#[path = "end_to_end/faults.rs"]
mod faults;
#[path = "end_to_end/going_on.rs"]
mod going_on;
#[path = "end_to_end/grokking.rs"]
mod grokking;
#[path = "end_to_end/help.rs"]
mod help;
#[path = "end_to_end/operations.rs"]
mod operations;
#[path = "end_to_end/pinned.rs"]
mod pinned;
#[path = "end_to_end/progress.rs"]
mod progress;
#[path = "end_to_end/report.rs"]
mod report;
#[cfg(unix)]
#[path = "end_to_end/resume.rs"]
mod resume;
#[path = "end_to_end/sandbox.rs"]
mod sandbox;
#[cfg(unix)]
#[path = "end_to_end/signals.rs"]
mod signals;
#[cfg(unix)]
#[path = "end_to_end/storage.rs"]
mod storage;
#[cfg(unix)]
#[path = "end_to_end/sweep.rs"]
mod sweep;
#[cfg(all(unix, feature = "wgpu"))]
#[path = "end_to_end/wgpu.rs"]
mod wgpu;
