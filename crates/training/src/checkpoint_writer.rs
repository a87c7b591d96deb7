use std::{
    sync::mpsc,
    thread::{self, Scope, ScopedJoinHandle},
};

use clockwork_model::Weights;

use crate::{CheckpointFiles, Config, Error, Result};

/// Steps whose checkpoints may wait to be written; training waits when there are more.
const MAX_WAITING: usize = 1;

/// Checkpoints that are written at a time.
const AT_A_TIME: usize = 8;

/// A network at one of its steps, as copies of its own.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub step: u64,
    pub weights: Weights,
    /// The optimiser's state as its file has it, from the first step on.
    pub optimizer: Option<Vec<u8>>,
}

impl Snapshot {
    /// Writes both files of a checkpoint, the weights first: without the optimiser's state they are no
    /// step to resume from.
    pub fn write(&self, files: &CheckpointFiles, config: &Config) -> Result<()> {
        files.write_weights(self.step, &self.weights, config)?;
        self.optimizer.as_ref().map_or(Ok(()), |state| files.write_optimizer_state(self.step, state, config))
    }
}

/// Writes the checkpoints of a group of runs on a thread of its own, while training goes on.
pub(crate) struct CheckpointWriter<'scope> {
    queue: mpsc::SyncSender<Vec<Job>>,
    failed: mpsc::Receiver<(usize, Error)>,
    thread: ScopedJoinHandle<'scope, ()>,
}

/// A checkpoint to write.
pub(crate) struct Job {
    /// Identifies the run when it fails.
    pub run: usize,
    pub files: CheckpointFiles,
    pub config: Config,
    pub snapshot: Snapshot,
}

impl<'scope> CheckpointWriter<'scope> {
    /// Starts the thread.
    pub fn start(scope: &'scope Scope<'scope, '_>) -> Self {
        let (queue, steps) = mpsc::sync_channel::<Vec<Job>>(MAX_WAITING);
        let (fail, failed) = mpsc::channel();
        let thread = scope.spawn(move || steps.iter().for_each(|jobs| write(&jobs, &fail)));
        Self { queue, failed, thread }
    }

    /// Queues the checkpoints of a step.
    pub fn write(&self, jobs: Vec<Job>) {
        self.queue.send(jobs).expect("the thread takes jobs until the queue is closed");
    }

    /// The runs whose checkpoints could not be written since this was asked last.
    pub fn failures(&self) -> Vec<(usize, Error)> {
        self.failed.try_iter().collect()
    }

    /// Waits until everything is written; tells what could not be.
    pub fn finish(self) -> Vec<(usize, Error)> {
        drop(self.queue);
        self.thread.join().expect("writing files does not panic");
        self.failed.iter().collect()
    }
}

/// Writes checkpoints, several at a time: each waits for the disk.
fn write(jobs: &[Job], fail: &mpsc::Sender<(usize, Error)>) {
    thread::scope(|scope| {
        for jobs in jobs.chunks(jobs.len().div_ceil(AT_A_TIME).max(1)) {
            scope.spawn(move || {
                for Job { run, files, config, snapshot } in jobs {
                    if let Err(error) = snapshot.write(files, config) {
                        // The receiver is gone only where training panicked.
                        let _ = fail.send((*run, error));
                    }
                }
            });
        }
    });
}
