use std::{num::NonZeroUsize, thread::available_parallelism};

use anyhow::Context;

/// Starts the threads that share the work, all cores' where none are asked for, and says how many.
pub fn start_threads(asked: Option<NonZeroUsize>) -> anyhow::Result<usize> {
    let threads = asked.or_else(|| available_parallelism().ok()).map_or(1, usize::from);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .context("cannot start the threads")?;
    Ok(threads)
}
