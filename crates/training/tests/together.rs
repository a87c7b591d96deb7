//! Runs that are trained together become what they would have become alone.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use burn::train::Interrupter;
use clockwork_training::{
    Config, Ending, Error, Evaluation, Locking, Looker, Outcome, Resume, Run, RunFiles, RunObserver,
    RunState, TrainingDevice, train_together,
};

const SETTINGS: [&str; 7] = [
    "task.modulus=7",
    "task.train_fraction=0.6",
    "model.d_model=8",
    "model.d_mlp=16",
    "training.gradient=autodiff",
    "training.eval_every=10",
    "training.checkpoint_every=20",
];

fn config(seed: u64, more: &[&str]) -> Config {
    let settings = SETTINGS.iter().chain(more).map(ToString::to_string);
    Config::load(None, &settings.chain([format!("training.seed={seed}")]).collect::<Vec<_>>()).unwrap()
}

fn create(runs_dir: &Path, seeds: &[u64], more: &[&str]) -> Vec<Run> {
    let create =
        |seed: &u64| Run::create(runs_dir, &seed.to_string(), config(*seed, more), Locking::Needed).unwrap();
    seeds.iter().map(create).collect()
}

/// Each run with an observer that does not listen.
fn unobserved(runs: Vec<Run>) -> Vec<(Run, Box<dyn RunObserver>)> {
    runs.into_iter().map(|run| (run, Box::new(()) as Box<dyn RunObserver>)).collect()
}

fn together(runs: Vec<(Run, Box<dyn RunObserver>)>, interrupter: &Interrupter) -> Vec<Outcome> {
    let outcomes = train_together(runs, &TrainingDevice::cpu(), 1, &Looker::never(), interrupter).unwrap();
    outcomes.into_iter().map(Result::unwrap).collect()
}

/// Stops training at a step.
struct StopAt(u64, Interrupter);

impl RunObserver for StopAt {
    fn evaluated(&mut self, evaluation: &Evaluation) {
        if evaluation.step == self.0 {
            self.1.stop(Some("enough"));
        }
    }
}

/// Equal but for the order in which 32 bits were added up.
fn assert_alike(runs_dir: &Path, others: &Path, seed: u64) {
    let read = |runs_dir: &Path| RunFiles::new(runs_dir.join(seed.to_string())).metrics(u64::MAX).unwrap();
    let (ours, theirs) = (read(runs_dir), read(others));
    assert_eq!(ours.len(), theirs.len(), "seed {seed}");
    for (a, b) in ours.iter().zip(theirs) {
        assert_eq!((a.step, a.train_accuracy, a.test_accuracy), (b.step, b.train_accuracy, b.test_accuracy));
        for (a, b) in [(a.train_loss, b.train_loss), (a.test_loss, b.test_loss)] {
            assert!((a - b).abs() < 1e-4 * b, "seed {seed}: {a} is not {b}");
        }
    }
}

/// Each seed draws answers of its own.
#[test]
fn random_answers_are_each_runs_own() {
    let [alone, tied] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let more = ["task.operation=random", "training.max_steps=40"];
    for run in create(alone.path(), &[3, 1], &more) {
        let looker = Looker::never();
        run.train(&TrainingDevice::cpu(), 1, Box::new(()), &looker, &Interrupter::new()).unwrap();
    }
    together(unobserved(create(tied.path(), &[3, 1], &more)), &Interrupter::new());
    for seed in [3, 1] {
        assert_alike(tied.path(), alone.path(), seed);
        // The checkpoint's network is as good at its own answers as training said.
        let files = RunFiles::new(tied.path().join(seed.to_string()));
        let checkpoint = clockwork_model::Checkpoint::read(&files.checkpoints().weights(40)).unwrap();
        let task = checkpoint.metadata.task;
        assert_eq!(task.seed, seed);
        let device = burn::tensor::Device::flex();
        let network = clockwork_model::Transformer::from_weights(
            &[checkpoint.weights().unwrap()],
            &checkpoint.metadata.model,
            &device,
        );
        let batch = clockwork_model::Batch::new(task, &checkpoint.split().unwrap().train, &device);
        let losses = clockwork_model::loss::per_example(network.last_position(&batch).logits, &batch);
        let loss = clockwork_model::loss::means(losses, 1).unwrap()[0];
        let told = files.metrics(u64::MAX).unwrap().pop().unwrap().train_loss;
        assert!((loss - told).abs() < 1e-4 * told, "{loss} is not {told}");
    }
}

#[test]
fn three_runs_together_have_each_its_own_losses_and_files() {
    let [alone, tied] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    // The losses of some fall below this, and those runs end early.
    let more = ["training.max_steps=120", "training.stop_below_test_loss=2.05", "training.cleanup_steps=20"];
    let mut endings = Vec::new();
    for run in create(alone.path(), &[3, 1, 4], &more) {
        let outcome = run
            .train(&TrainingDevice::cpu(), 1, Box::new(()), &Looker::never(), &Interrupter::new())
            .unwrap();
        endings.push((outcome.step, outcome.ending));
    }
    let outcomes = together(unobserved(create(tied.path(), &[3, 1, 4], &more)), &Interrupter::new());
    let of_outcome = |outcome: &Outcome| (outcome.step, outcome.ending.clone());
    assert_eq!(outcomes.iter().map(of_outcome).collect::<Vec<_>>(), endings);
    for seed in [3, 1, 4] {
        assert_alike(tied.path(), alone.path(), seed);
        let files = |runs_dir: &Path| {
            let entries = std::fs::read_dir(runs_dir.join(format!("{seed}/checkpoints"))).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(files(tied.path()), files(alone.path()));
    }
}

/// On the processor each network of a group has its own step in closed form, so company changes nothing.
#[test]
fn in_closed_form_each_ends_in_the_same_bytes_as_alone() {
    let [alone, tied] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let more = ["training.gradient=closed-form", "training.max_steps=40"];
    for run in create(alone.path(), &[2, 7], &more) {
        run.train(&TrainingDevice::cpu(), 1, Box::new(()), &Looker::never(), &Interrupter::new()).unwrap();
    }
    together(unobserved(create(tied.path(), &[2, 7], &more)), &Interrupter::new());
    for seed in [2, 7] {
        for kind in ["", ".optimizer"] {
            let file = format!("{seed}/checkpoints/step-0000040{kind}.safetensors");
            let read = |runs_dir: &Path| std::fs::read(runs_dir.join(&file)).unwrap();
            assert!(read(tied.path()) == read(alone.path()), "{file}");
        }
    }
}

#[test]
fn stopped_together_they_go_on_together_or_alone() {
    let [whole, stopped] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let more = ["training.max_steps=60"];
    together(unobserved(create(whole.path(), &[0, 5], &more)), &Interrupter::new());
    let interrupter = Interrupter::new();
    let mut runs = unobserved(create(stopped.path(), &[0, 5], &more));
    runs[1].1 = Box::new(StopAt(30, interrupter.clone()));
    let outcomes = together(runs, &interrupter);
    assert!(outcomes.iter().all(|outcome| outcome.ending == Ending::Interrupted("enough".into())));
    assert_eq!(outcomes[1].step, 30);

    let resume = |seed: u64| Run::resume(&stopped.path().join(seed.to_string()), &Resume::default()).unwrap();
    together(unobserved(vec![resume(0), resume(5)]), &Interrupter::new());
    for seed in [0, 5] {
        let last = |runs_dir: &Path, kind: &str| {
            std::fs::read(runs_dir.join(format!("{seed}/checkpoints/step-0000060{kind}.safetensors")))
                .unwrap()
        };
        for kind in ["", ".optimizer"] {
            assert!(last(stopped.path(), kind) == last(whole.path(), kind), "seed {seed}{kind}");
        }
    }
}

#[test]
fn runs_that_differ_in_more_than_the_seed_are_refused() {
    let runs_dir = tempfile::tempdir().unwrap();
    let mut runs = create(runs_dir.path(), &[0], &[]);
    runs.extend(create(runs_dir.path(), &[1], &["model.d_mlp=8"]));
    let refused = |runs| {
        train_together(unobserved(runs), &TrainingDevice::cpu(), 1, &Looker::never(), &Interrupter::new())
            .err()
    };
    assert!(matches!(refused(runs), Some(Error::Together(_))));
    assert!(matches!(refused(Vec::new()), Some(Error::Together(_))));
}

#[test]
fn a_look_ends_a_run_a_checkpoint_later_and_one_that_fails_stops_it() {
    let settings =
        ["training.stop_when=clean", "training.stop_below_test_loss=100", "training.max_steps=1100"];
    let runs_dir = tempfile::tempdir().unwrap();
    let train = |seeds: &[u64], looker: &Looker| {
        let runs = unobserved(create(runs_dir.path(), seeds, &settings));
        train_together(runs, &TrainingDevice::cpu(), 1, looker, &Interrupter::new()).unwrap()
    };
    let looked_at = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&looked_at);
    let looker = Looker::new(move |checkpoint| {
        let mut told = told.lock().unwrap();
        told.push(checkpoint.metadata.step);
        Ok(told.len() == 1)
    });
    let outcomes: Vec<Outcome> = train(&[0, 1], &looker).into_iter().map(Result::unwrap).collect();
    let ends: Vec<_> = outcomes.iter().map(|of| (of.ending.clone(), of.step)).collect();
    assert_eq!(ends, [(Ending::Clean, 1020), (Ending::MaxSteps, 1100)]);
    assert_eq!(*looked_at.lock().unwrap(), [1000, 1000]);

    let failed = train(&[2], &Looker::new(|_| Err("it is too dark".into()))).remove(0).unwrap_err();
    assert!(matches!(failed, Error::Look { step: 1000, .. }), "{failed}");
    assert!(failed.chain().ends_with("step 1000 is clean: it is too dark"), "{}", failed.chain());
    let record = RunFiles::new(runs_dir.path().join("2")).record().unwrap();
    assert_eq!(record.state(), RunState::Stopped);
    // With one that sees, it goes on.
    let run = Run::resume(&runs_dir.path().join("2"), &Resume::default()).unwrap();
    let outcome =
        run.train(&TrainingDevice::cpu(), 1, Box::new(()), &Looker::new(|_| Ok(true)), &Interrupter::new());
    assert_eq!(outcome.unwrap().step, 1020);
}
