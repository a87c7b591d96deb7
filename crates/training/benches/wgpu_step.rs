//! Milliseconds per step of the paper's run on a device that wgpu reaches: alone, and many seeds together,
//! next to the closed form on the processor.
//!
//! `just bench-wgpu` runs it; `just bench-wgpu --steps 20 1 8` takes fewer steps, of 1 and of 8 seeds.

use burn::train::Interrupter;
use clockwork_training::{
    BackendChoice, Config, Evaluation, Locking, Looker, Outcome, Run, RunObserver, TrainingDevice,
    train_together,
};

fn main() -> anyhow::Result<()> {
    let (steps, batches) = asked()?;
    let device = TrainingDevice::choose(BackendChoice::Wgpu)?;
    println!("{} steps on {}, an evaluation among them", steps, device.name());
    println!("{:<28}{:>12}{:>22}", "", "ms per step", "ms per step and seed");
    let line = |what: &str, seeds: u64, ms: f64| {
        println!("{what:<28}{ms:>12.2}{:>22.3}", ms / seeds as f64);
    };
    line("processor, closed form", 1, alone(&TrainingDevice::cpu(), steps)?);
    line("alone", 1, alone(&device, steps)?);
    for seeds in batches {
        line(&format!("{seeds} together"), seeds, together(&device, steps, seeds)?);
    }
    Ok(())
}

/// How many steps to time, and how many seeds to train together.
fn asked() -> anyhow::Result<(u64, Vec<u64>)> {
    let mut steps = 100;
    let mut batches = Vec::new();
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--steps" => steps = arguments.next().unwrap_or_default().parse()?,
            number => batches.push(number.parse()?),
        }
    }
    Ok((steps, if batches.is_empty() { vec![1, 8, 32, 64] } else { batches }))
}

/// The paper's run of a seed, long enough to take as many steps again once kernels are compiled.
fn config(steps: u64, seed: u64) -> anyhow::Result<Config> {
    let settings = [
        format!("training.seed={seed}"),
        format!("training.eval_every={steps}"),
        format!("training.checkpoint_every={steps}"),
        format!("training.max_steps={}", 2 * steps),
    ];
    Ok(Config::load(None, &settings)?)
}

fn alone(device: &TrainingDevice, steps: u64) -> anyhow::Result<f64> {
    let runs_dir = tempfile::tempdir()?;
    let run = Run::create(runs_dir.path(), "alone", config(steps, 0)?, Locking::Needed)?;
    let threads = rayon::current_num_threads();
    let Outcome { evaluations, .. } =
        run.train(device, threads, Box::new(()), &Looker::never(), &Interrupter::new())?;
    Ok(ms_per_step(&evaluations))
}

fn together(device: &TrainingDevice, steps: u64, seeds: u64) -> anyhow::Result<f64> {
    let runs_dir = tempfile::tempdir()?;
    let create = |seed| {
        let run =
            Run::create(runs_dir.path(), &format!("seed-{seed}"), config(steps, seed)?, Locking::Needed)?;
        Ok((run, Box::new(()) as Box<dyn RunObserver>))
    };
    let runs = (0..seeds).map(create).collect::<anyhow::Result<Vec<_>>>()?;
    let threads = rayon::current_num_threads();
    let outcomes = train_together(runs, device, threads, &Looker::never(), &Interrupter::new())?;
    let Outcome { evaluations, .. } = outcomes.into_iter().next().expect("there is a seed")?;
    Ok(ms_per_step(&evaluations))
}

/// From half way to the end: the first half compiles kernels.
fn ms_per_step(evaluations: &[Evaluation]) -> f64 {
    let last = evaluations.last().expect("the end is evaluated");
    let half_way = evaluations.iter().find(|of| of.step == last.step / 2).expect("half way is evaluated");
    1e3 * (last.elapsed_s - half_way.elapsed_s) / (last.step - half_way.step) as f64
}
