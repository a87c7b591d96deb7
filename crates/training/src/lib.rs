//! Trains the network of `clockwork-model` until it groks, and never loses a run.
//!
//! A [`Run`] is a directory: its configuration, what was measured, and checkpoints. It is made with
//! [`Run::create`] or opened again with [`Run::resume`], and [`Run::train`] takes it to its end. Anyone may
//! read its [`RunFiles`] meanwhile. The same configuration, seed, [device](TrainingDevice) and number of
//! threads give the same bytes, stopped and resumed or not. Nothing here prints: progress goes to a
//! [`RunObserver`]. A [`Sweep`] trains many runs, each in a process of its own, or on a GPU many
//! [as one network](train_together).
//!
//! ```
//! use burn::train::Interrupter;
//! use clockwork_training::{Config, Locking, Looker, Run, TrainingDevice};
//!
//! let settings = ["task.modulus=5", "model.d_model=8", "model.d_mlp=16", "training.max_steps=20"];
//! let config = Config::load(None, &settings.map(String::from))?;
//! # let directory = tempfile::tempdir().unwrap();
//! # let runs_dir = directory.path();
//! let run = Run::create(runs_dir, "demo", config, Locking::Needed)?;
//! let outcome = run.train(&TrainingDevice::cpu(), 1, Box::new(()), &Looker::never(), &Interrupter::new())?;
//! assert_eq!(outcome.step, 20);
//! assert!(runs_dir.join("demo/checkpoints/step-0000020.safetensors").is_file());
//! # Ok::<(), clockwork_training::Error>(())
//! ```

mod adam_w;
mod checkpoint_writer;
mod checkpoints;
mod clock;
mod closed_form;
mod config;
mod early_stop;
mod ending;
mod error;
mod evaluation;
mod full_batch;
mod imported_run;
mod launch;
mod learnable;
mod locked_run;
mod look;
mod member;
mod milestones;
mod named_by_key;
mod no_output;
mod note;
mod observer;
mod optimizer;
mod optimizer_state;
mod run;
mod run_files;
mod run_record;
mod schedule;
mod scores;
mod setting_change;
mod settings;
mod sweep;
mod together;
mod trainee;
mod training_device;
mod training_loop;

pub use checkpoints::CheckpointFiles;
pub use clock::now;
pub use config::{
    Config, GradientMethod, OptimizerConfig, SizesConfig, StopWhen, TaskConfig, TrainingConfig,
};
pub use early_stop::EarlyStop;
pub use ending::{Ending, Outcome};
pub use error::{Error, NoDevice, NotARun, Origin, Result, RunNameProblem};
pub use evaluation::Evaluation;
pub use imported_run::import;
pub use locked_run::{CLAIM, LATEST, LockedRun, Locking};
pub use look::{LookFailure, Looker};
pub use milestones::{GROKKING_ACCURACY, LEARNED_ACCURACY, Milestones, Phase};
pub use note::Note;
pub use observer::RunObserver;
pub use run::{Resume, Run};
pub use run_files::RunFiles;
pub use run_record::{Backend, Change, ImportRecord, Record, RunRecord, RunState, SplitRecord, Versions};
pub use setting_change::SettingChange;
pub use sweep::{
    PlannedRun, STOP_AT_EOF, Seeds, Sweep, SweepManifest, SweepObserver, SweepPlan, SweepRun, SweepState,
};
pub use together::train_together;
pub use training_device::{BackendChoice, DeviceClass, HAS_WGPU, TrainingDevice};
