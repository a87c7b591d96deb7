//! Runs that are trained together become what they would have become alone.

use std::path::Path;

use burn::train::Interrupter;
use clockwork_training::{
    Config, Ending, Error, Evaluation, Run, Silent, Summary, TrainingDevice, read_metrics, train_together,
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
    let create = |seed: &u64| Run::create(runs_dir, &seed.to_string(), config(*seed, more)).unwrap();
    seeds.iter().map(create).collect()
}

fn together(
    runs: Vec<Run>,
    interrupter: &Interrupter,
    evaluated: &dyn Fn(usize, &[Evaluation]),
) -> Vec<Summary> {
    let summaries = train_together(runs, &TrainingDevice::cpu(), 1, interrupter, evaluated).unwrap();
    summaries.into_iter().map(Result::unwrap).collect()
}

/// Equal but for the order in which 32 bits were added up.
fn assert_alike(runs_dir: &Path, others: &Path, seed: u64) {
    let read =
        |runs_dir: &Path| read_metrics(&runs_dir.join(format!("{seed}/metrics.jsonl")), u64::MAX).unwrap();
    let (ours, theirs) = (read(runs_dir), read(others));
    assert_eq!(ours.len(), theirs.len(), "seed {seed}");
    for (a, b) in ours.iter().zip(theirs) {
        assert_eq!((a.step, a.train_accuracy, a.test_accuracy), (b.step, b.train_accuracy, b.test_accuracy));
        for (a, b) in [(a.train_loss, b.train_loss), (a.test_loss, b.test_loss)] {
            assert!((a - b).abs() < 1e-4 * b, "seed {seed}: {a} is not {b}");
        }
    }
}

#[test]
fn three_runs_together_have_each_its_own_losses_and_files() {
    let [alone, tied] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    // The losses of some fall below this, and those runs end early.
    let more = ["training.max_steps=120", "training.stop_below_test_loss=2.05", "training.cleanup_steps=20"];
    let mut endings = Vec::new();
    for run in create(alone.path(), &[3, 1, 4], &more) {
        let summary = run.train(&TrainingDevice::cpu(), 1, Box::new(Silent), &Interrupter::new()).unwrap();
        endings.push((summary.step, summary.ending));
    }
    let summaries = together(create(tied.path(), &[3, 1, 4], &more), &Interrupter::new(), &|_, _| ());
    let of_summary = |summary: &Summary| (summary.step, summary.ending.clone());
    assert_eq!(summaries.iter().map(of_summary).collect::<Vec<_>>(), endings);
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

#[test]
fn stopped_together_they_go_on_together_or_alone() {
    let [whole, stopped] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let more = ["training.max_steps=60"];
    together(create(whole.path(), &[0, 5], &more), &Interrupter::new(), &|_, _| ());
    let interrupter = Interrupter::new();
    let stop = |_: usize, evaluations: &[Evaluation]| {
        if evaluations.last().unwrap().step == 30 {
            interrupter.stop(Some("enough"));
        }
    };
    let summaries = together(create(stopped.path(), &[0, 5], &more), &interrupter, &stop);
    assert!(summaries.iter().all(|summary| summary.ending == Ending::Interrupted("enough".into())));
    assert_eq!(summaries[1].step, 30);

    let resume = |seed: u64| Run::resume(&stopped.path().join(seed.to_string())).unwrap();
    together(vec![resume(0), resume(5)], &Interrupter::new(), &|_, _| ());
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
    let refused =
        |runs| train_together(runs, &TrainingDevice::cpu(), 1, &Interrupter::new(), &|_, _| ()).err();
    assert!(matches!(refused(runs), Some(Error::Together(_))));
    assert!(matches!(refused(Vec::new()), Some(Error::Together(_))));
}
