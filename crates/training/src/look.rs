//! Looks at checkpoints while training goes on, to tell whether their circuits are clean.

use std::{error, sync::mpsc, thread};

use clockwork_model::Checkpoint;
use rayon::ThreadPoolBuilder;

use crate::{Error, Result};

/// Why a checkpoint could not be looked at.
pub type LookFailure = Box<dyn error::Error + Send + Sync>;

/// A thread that looks at one checkpoint after another, and tells whether its circuit is clean. Copies share it:
/// a look takes memory, so there is one at a time.
#[derive(Debug, Clone)]
pub struct Looker {
    queue: mpsc::Sender<Job>,
}

struct Job {
    checkpoint: Checkpoint,
    found: mpsc::Sender<std::result::Result<bool, LookFailure>>,
}

/// A look that was asked for.
#[derive(Debug)]
pub(crate) struct Look {
    /// The step of the checkpoint that is looked at.
    pub step: u64,
    found: mpsc::Receiver<std::result::Result<bool, LookFailure>>,
}

impl Looker {
    /// Starts the thread, which ends with the last copy of this value. What it finds must depend on the checkpoint
    /// alone, for a run that was stopped is looked at again.
    ///
    /// It has a thread of its own beside those of training.
    pub fn new<F>(is_clean: F) -> Self
    where
        F: Fn(&Checkpoint) -> std::result::Result<bool, LookFailure> + Send + Sync + 'static,
    {
        let (queue, jobs) = mpsc::channel::<Job>();
        // Where a system starts no more threads, a look that is asked for says so.
        let _ = thread::Builder::new().spawn(move || {
            let pool = ThreadPoolBuilder::new().num_threads(1).build();
            for Job { checkpoint, found } in jobs {
                let result = match &pool {
                    Ok(pool) => pool.install(|| is_clean(&checkpoint)),
                    Err(_) => is_clean(&checkpoint),
                };
                // Nobody waits for a run that was stopped.
                let _ = found.send(result);
            }
        });
        Self { queue }
    }

    /// One that finds no circuit clean, so that no run stops early for it.
    #[must_use]
    pub fn never() -> Self {
        Self::new(|_| Ok(false))
    }

    /// Asks for a look at a checkpoint.
    pub(crate) fn look(&self, checkpoint: Checkpoint) -> Look {
        let (found, receiver) = mpsc::channel();
        let step = checkpoint.metadata.step;
        // Where the thread is gone, the result says so.
        let _ = self.queue.send(Job { checkpoint, found });
        Look { step, found: receiver }
    }
}

impl Look {
    /// Waits for what was found: whether the circuit is clean.
    pub fn result(self) -> Result<bool> {
        let ended = |_| Err("the thread that looks at checkpoints has ended".into());
        let found = self.found.recv().unwrap_or_else(ended);
        found.map_err(|source| Error::Look { step: self.step, source })
    }
}
