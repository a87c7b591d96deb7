//! Trains a small network and watches it: `cargo run --release --example train_and_watch`.

use burn::train::Interrupter;
use clockwork_analysis::Cleanliness;
use clockwork_training::{
    Config, Ending, Evaluation, Locking, Looker, Milestones, Phase, Run, RunObserver, TrainingDevice,
};

/// Prints a line whenever the run enters another phase.
#[derive(Default)]
struct Watch {
    milestones: Milestones,
    phase: Option<Phase>,
}

impl RunObserver for Watch {
    fn evaluated(&mut self, of: &Evaluation) {
        self.milestones.observe(of.step, of.train_accuracy, of.test_accuracy);
        let phase = self.milestones.phase();
        if self.phase.replace(phase) != Some(phase) {
            println!("step {:>5}: {phase}, test loss {:.2e} nats", of.step, of.test_loss);
        }
    }

    fn ended(&mut self, ending: &Ending) {
        println!("ended: {ending:?}");
    }
}

fn main() -> anyhow::Result<()> {
    let settings = ["task.modulus=13", "task.train_fraction=0.7", "model.d_model=32", "model.d_mlp=64"];
    let mut settings = settings.map(String::from).to_vec();
    settings.push("training.max_steps=1000".to_owned());
    let config = Config::load(None, &settings)?;
    let runs = tempfile::tempdir()?;
    let run = Run::create(runs.path(), "small", config, Locking::Needed)?;
    // The run ends once its circuit is clean, if it comes so far.
    let looker = Looker::new(|checkpoint| Ok(Cleanliness::of(checkpoint)?.is_clean()));
    let outcome =
        run.train(&TrainingDevice::cpu(), 1, Box::new(Watch::default()), &looker, &Interrupter::new())?;
    println!("{} evaluations in {:.1} s", outcome.evaluations.len(), outcome.elapsed_s);
    Ok(())
}

#[test]
fn trains() {
    main().unwrap();
}
