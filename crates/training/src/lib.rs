//! Trains the network of `clockwork-model` until it groks, and never loses a run.
//!
//! A [`Run`] is a directory: its configuration, what was measured, and checkpoints. It is made with
//! [`Run::create`] or opened again with [`Run::resume`], and [`Run::train`] takes it to its end.
//! The same configuration, seed, [device](TrainingDevice) and number of threads give the same bytes, stopped
//! and resumed or not. Nothing here prints: progress goes to a burn renderer, [`Silent`] being the one
//! that shows nothing. A [`Sweep`] trains many runs, each in a process of its own, or on a GPU many
//! [as one network](train_together).
//!
//! ```
//! use burn::train::Interrupter;
//! use clockwork_training::{Config, Run, Silent, TrainingDevice};
//!
//! let settings = ["task.modulus=5", "model.d_model=8", "model.d_mlp=16", "training.max_steps=20"];
//! let config = Config::load(None, &settings.map(String::from))?;
//! # let directory = tempfile::tempdir().unwrap();
//! # let runs_dir = directory.path();
//! let run = Run::create(runs_dir, "demo", config)?;
//! let summary = run.train(&TrainingDevice::cpu(), 1, Box::new(Silent), &Interrupter::new())?;
//! assert_eq!(summary.step, 20);
//! assert!(runs_dir.join("demo/checkpoints/step-0000020.safetensors").is_file());
//! # Ok::<(), clockwork_training::Error>(())
//! ```

mod adam_w;
mod checkpoints;
mod closed_form;
mod config;
mod early_stop;
mod error;
mod full_batch;
mod full_batch_strategy;
mod imported_run;
mod learner;
mod metrics;
mod optimizer_state;
mod phase;
mod reading;
mod run;
mod run_directory;
mod run_record;
mod schedule;
mod silent;
mod sweep;
mod together;
mod training_device;

pub use checkpoints::CheckpointFiles;
pub use config::{Config, GradientMethod, OptimizerConfig, SizesConfig, TaskConfig, TrainingConfig};
pub use early_stop::EarlyStop;
pub use error::{Error, Result};
pub use full_batch_strategy::Ending;
pub use imported_run::{ImportRecord, import};
pub use metrics::{Evaluation, read_metrics};
pub use phase::{GROKKING_ACCURACY, LEARNED_ACCURACY, Milestones, Phase};
pub use reading::{ACCURACY, LOSS};
pub use run::{Run, Summary};
pub use run_directory::{LATEST, RunDirectory};
pub use run_record::{Backend, RunRecord, RunState, SplitRecord, Versions};
pub use schedule::Schedule;
pub use silent::Silent;
pub use sweep::{
    PlannedRun, STOP_AT_EOF, Seeds, Sweep, SweepManifest, SweepObserver, SweepPlan, SweepRun, SweepState,
};
pub use together::train_together;
pub use training_device::{BackendChoice, DeviceClass, HAS_WGPU, TrainingDevice};
