//! Kills at random moments and files changed at random: nothing is lost, nothing panics, no wrong bytes.
//!
//! `cargo test` runs a small share. `just stress` runs all of it, bounded in count and time by three environment
//! variables: `CLOCKWORK_STRESS_KILLS`, `CLOCKWORK_STRESS_FILES` and `CLOCKWORK_STRESS_SECONDS`, the last for each
//! of the two tests. `CLOCKWORK_STRESS_SEED` chooses what happens; what failed is told with its own seed.
#![cfg(unix)]

#[path = "stress/bounds.rs"]
mod bounds;
#[path = "stress/changed_files.rs"]
mod changed_files;
#[path = "end_to_end/faults.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod faults;
#[path = "stress/kills.rs"]
mod kills;
#[path = "end_to_end/sandbox.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod sandbox;
