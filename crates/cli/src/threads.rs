use std::{num::NonZeroUsize, thread::available_parallelism};

use anyhow::Context;

/// Starts rayon's global thread pool, with a thread per core unless a number is asked for. Returns its size.
pub fn start_threads(asked: Option<NonZeroUsize>) -> anyhow::Result<usize> {
    let threads = asked.or_else(|| available_parallelism().ok()).map_or(1, usize::from);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .context("cannot start the threads")?;
    Ok(threads)
}
