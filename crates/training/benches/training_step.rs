//! The training step of the paper's network, whole: gradient, optimiser, and burn's learner.
//!
//! `just bench` runs it; `just bench-peer` sets it next to a textbook `PyTorch` step.

use burn::train::Interrupter;
use clockwork_training::{Config, Locking, Looker, Run, TrainingDevice};
use divan::Bencher;

fn main() {
    divan::main();
}

/// Trains for some steps without evaluations or checkpoints in between, so that what is measured,
/// but for the two at the ends, is steps.
fn train(bencher: Bencher, gradient: &str, steps: u64) {
    let settings = [
        format!("training.gradient={gradient}"),
        format!("training.max_steps={steps}"),
        "training.eval_every=1000000".to_owned(),
        "training.checkpoint_every=1000000".to_owned(),
    ];
    let config = Config::load(None, &settings).expect("the settings are valid");
    let directory = tempfile::tempdir().expect("there is room for a run");
    let mut names = 0..;
    bencher
        .counter(divan::counter::ItemsCount::new(steps))
        .with_inputs(|| {
            let name = format!("run-{}", names.next().unwrap_or(0));
            Run::create(directory.path(), &name, config.clone(), Locking::Needed)
                .expect("the directory is new")
        })
        .bench_local_values(|run| {
            run.train(&TrainingDevice::cpu(), 2, Box::new(()), &Looker::never(), &Interrupter::new())
                .expect("nothing fails")
        });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn closed_form_100_steps(bencher: Bencher) {
    train(bencher, "closed-form", 100);
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn autodiff_20_steps(bencher: Bencher) {
    train(bencher, "autodiff", 20);
}
