//! How long `clockwork progress` takes for a run of the paper's sizes with 150 checkpoints, from nothing, and how much memory
//! it holds at most, where the system tells. The checkpoints lead from random weights to the clock set by hand.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use clockwork_model::{Checkpoint, SplitRule, Weights, clock, initial_weights};

const P: usize = 113;

const FREQS: [usize; 5] = [14, 35, 41, 42, 52];

const CHECKPOINTS: u64 = 150;

const STEPS_APART: u64 = 200;

/// How often it is looked how much memory is held.
const LOOKED_EVERY: Duration = Duration::from_millis(50);

fn main() {
    // Cargo asks every benchmark for its tests too.
    if env::args().any(|argument| argument == "--list" || argument == "--test") {
        return;
    }
    let directory = tempfile::tempdir().expect("there is room for a run");
    write_checkpoints(&directory.path().join("checkpoints"));
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_clockwork"))
        .args(["progress", "--json"])
        .arg(directory.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary is there");
    let mut most = None;
    let status = loop {
        most = peak_memory(command.id()).or(most);
        match command.try_wait().expect("a child can be waited for") {
            Some(status) => break status,
            None => sleep(LOOKED_EVERY),
        }
    };
    assert!(status.success(), "{status}");
    let seconds = began.elapsed().as_secs_f64();
    let memory = most.map_or("not known".to_owned(), |bytes| format!("{:.0} MB", bytes / 1e6));
    println!("{CHECKPOINTS} checkpoints: {seconds:.1} s, peak memory {memory}");
}

/// Writes the checkpoints of a run, each a step further from random weights to a clock that is about as sure as a trained
/// network.
fn write_checkpoints(directory: &Path) {
    fs::create_dir(directory).expect("the run's directory is empty");
    // Five frequencies of 51 angles have 510 neurons.
    let (config, mut clock) = clock(P, &FREQS, 51);
    clock.w_u.iter_mut().for_each(|w| *w *= 0.05);
    let random = initial_weights(&config, 0);
    for i in 0..CHECKPOINTS {
        let share = i as f32 / (CHECKPOINTS - 1) as f32;
        let between = |(random, clock): (Vec<f32>, Vec<f32>)| {
            random.iter().zip(clock).map(|(random, clock)| (1.0 - share) * random + share * clock).collect()
        };
        let weights: Weights = random.clone().zip(clock.clone()).map(between);
        let mut checkpoint = Checkpoint::of_weights(config, weights);
        checkpoint.metadata.step = i * STEPS_APART;
        checkpoint.metadata.split = Some(SplitRule { train_fraction: 0.3, seed: 0 });
        let name = format!("step-{:07}.safetensors", i * STEPS_APART);
        checkpoint.write(&directory.join(name)).expect("there is room for a checkpoint");
    }
}

/// The most memory that a process has held so far, in bytes, where the system tells.
fn peak_memory(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.split_whitespace().next()?.parse::<f64>().ok().map(|kib| 1024.0 * kib)
}
