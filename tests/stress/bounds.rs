use std::{
    env,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// How much is tried: rounds are handed out, each with a seed of its own, until there were enough of them or the
/// time is over.
pub struct Bounds {
    most: u64,
    since: Instant,
    time: Duration,
    seed: u64,
    rounds: AtomicU64,
    done: AtomicU64,
}

impl Bounds {
    /// As many as an environment variable says, or else so many.
    pub fn new(most: &str, default: u64) -> Self {
        Self {
            most: of_environment(most, default),
            since: Instant::now(),
            time: Duration::from_secs(of_environment("CLOCKWORK_STRESS_SECONDS", 1800)),
            seed: of_environment("CLOCKWORK_STRESS_SEED", 0),
            rounds: AtomicU64::new(0),
            done: AtomicU64::new(0),
        }
    }

    /// The next round, by its seed, and what it draws from.
    pub fn next(&self) -> Option<(u64, ChaCha8Rng)> {
        let is_over = self.done() >= self.most || self.since.elapsed() >= self.time;
        let seed = self.seed + self.rounds.fetch_add(1, Ordering::Relaxed);
        (!is_over).then(|| (seed, ChaCha8Rng::seed_from_u64(seed)))
    }

    /// Counts what was tried.
    pub fn count(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were tried.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// How long it has taken, in seconds.
    pub fn seconds(&self) -> u64 {
        self.since.elapsed().as_secs()
    }
}

fn of_environment<T: FromStr>(name: &str, default: T) -> T {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
