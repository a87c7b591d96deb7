//! A run whose cleanup ends once its circuit is clean.

use std::fs;

use crate::sandbox::{Sandbox, assert_refused, signal};

/// A network modulo 23 that groks within a second, is looked at from step 1,000 on, and clean at step 2,000.
const GROKS: [&str; 9] = [
    "--set=task.modulus=23",
    "--set=task.train_fraction=0.6",
    "--set=model.d_model=32",
    "--set=model.d_mlp=64",
    "--set=optimizer.weight_decay=2",
    "--set=optimizer.learning_rate=0.003",
    "--set=training.stop_below_test_loss=1e-4",
    "--set=training.stop_when=clean",
    "--set=training.max_steps=12000",
];

/// The step that a run ended at.
fn step(sandbox: &Sandbox, run: &str) -> u64 {
    sandbox.json(&format!("runs/{run}/run.json"))["step"].as_u64().unwrap()
}

fn train(name: &str, more: &[&str]) -> Vec<String> {
    let args = ["train".to_owned(), format!("--name={name}")];
    args.into_iter().chain(GROKS.iter().chain(more).map(ToString::to_string)).collect()
}

/// The checkpoints of a run, which must be the same however it came to its end: all weights, the optimiser's state.
fn bytes(sandbox: &Sandbox, run: &str) -> Vec<(String, Vec<u8>)> {
    let names = fs::read_dir(sandbox.path(format!("runs/{run}/checkpoints"))).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let read = |name: String| {
        let bytes = sandbox.read(&format!("runs/{run}/checkpoints/{name}"));
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

fn assert_same(sandbox: &Sandbox, run: &str, other: &str) {
    let (run_bytes, other_bytes) = (bytes(sandbox, run), bytes(sandbox, other));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&run_bytes), names(&other_bytes));
    for ((name, bytes), (_, other)) in run_bytes.iter().zip(&other_bytes) {
        assert!(bytes == other, "{name}");
    }
    assert_eq!(sandbox.metrics(run), sandbox.metrics(other));
    for run in [run, other] {
        assert_eq!(sandbox.json(&format!("runs/{run}/run.json"))["state"], "finished");
    }
}

/// The state of the optimiser after a step, which has no settings in it but for those fixed at a run's start.
fn optimizer(sandbox: &Sandbox, run: &str, step: u64) -> Vec<u8> {
    sandbox.read(&format!("runs/{run}/checkpoints/step-{step:07}.optimizer.safetensors"))
}

#[test]
fn a_clean_circuit_ends_a_run_and_changes_no_byte_of_it() {
    let sandbox = Sandbox::new();
    let said = sandbox.succeed(&train("clean", &["--threads=2"]));
    let end = step(&sandbox, "clean");
    assert!(said.contains(&format!("finished at step {end}")) && end < 12_000, "{said}");
    assert_eq!(sandbox.json("runs/clean/run.json")["reason"], "the circuit is clean");
    assert_eq!((end % 1_000, end >= 1_200), (200, true), "a checkpoint after one that was looked at");

    // Other threads, and no look at all.
    sandbox.succeed(&train("again", &["--threads=1"]));
    assert_same(&sandbox, "again", "clean");
    let steps = format!("--max-steps={end}");
    sandbox.succeed(&train("never", &[&steps, "--set=training.stop_below_test_loss=0"]));
    assert!(optimizer(&sandbox, "never", end) == optimizer(&sandbox, "clean", end));
    assert_eq!(sandbox.metrics("never"), sandbox.metrics("clean"));

    // It is finished, and goes on where it is told not to stop.
    let refused = sandbox.run(&["resume", "runs/clean"]);
    let never = "--set training.stop_below_test_loss=0";
    assert_refused(&refused, 2, &["there is nothing to resume", "it stopped early", never]);
    let longer = format!("--max-steps={}", end + 300);
    let on = ["resume", "runs/clean", &longer, "--set=training.stop_below_test_loss=0"];
    sandbox.succeed(&on);
    sandbox.succeed(&["resume", "runs/never", &longer]);
    assert!(optimizer(&sandbox, "never", end + 300) == optimizer(&sandbox, "clean", end + 300));
}

#[test]
fn what_is_too_large_to_be_looked_at_is_refused_before_it_is_trained() {
    let sandbox = Sandbox::new();
    let large = ["--set=task.modulus=997", "--set=training.stop_when=clean"];
    let words = ["whether the circuit is clean", "modulo 997", "GiB", "--set training.stop_when=steps"];
    for command in [&["train"][..], &["sweep", "--seeds=0"]] {
        let asked: Vec<&str> = command.iter().chain(&large).copied().collect();
        assert_refused(&sandbox.run(&asked), 2, &words);
        assert!(!sandbox.path("runs").exists());
    }
}

#[test]
fn killed_or_stopped_while_it_is_looked_at_it_ends_at_the_same_step() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train("whole", &[]));
    let end = step(&sandbox, "whole");
    let weights = |run: &str, step: u64| format!("runs/{run}/checkpoints/step-{step:07}.safetensors");

    let mut child = sandbox.start(&train("killed", &[]));
    for at in [1_000, end - 400, end - 200, end] {
        sandbox.wait_for(&weights("killed", at));
        child.kill().unwrap();
        child.wait().unwrap();
        if at < end {
            child = sandbox.start(&["resume", "runs/killed"]);
        }
    }
    // It may have been finished before the last kill.
    sandbox.run(&["resume", "runs/killed"]);
    assert_same(&sandbox, "killed", "whole");

    // Stopped by a signal after the look was asked for, at whatever step.
    let child = sandbox.start(&train("stopped", &[]));
    sandbox.wait_for(&weights("stopped", end - 200));
    signal(child.id(), "-INT");
    child.wait_with_output().unwrap();
    sandbox.run(&["resume", "runs/stopped"]);
    assert_eq!(step(&sandbox, "stopped"), end);
    assert!(optimizer(&sandbox, "stopped", end) == optimizer(&sandbox, "whole", end));
}

#[test]
fn between_a_look_and_its_end_a_run_is_looked_at_again() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train("whole", &[]));
    let end = step(&sandbox, "whole");
    let until = format!("--max-steps={}", end - 100);
    for run in ["a", "b", "c"] {
        sandbox.succeed(&train(run, &[&until]));
        assert_eq!(step(&sandbox, run), end - 100);
    }
    sandbox.succeed(&["resume", "runs/a", "--max-steps=12000"]);
    assert_eq!(step(&sandbox, "a"), end);
    assert!(optimizer(&sandbox, "a", end) == optimizer(&sandbox, "whole", end));

    // With other steps between checkpoints from here on, what was kept before is looked at all the same.
    sandbox.succeed(&["resume", "runs/b", "--max-steps=12000", "--set=training.checkpoint_every=300"]);
    assert_eq!(step(&sandbox, "b"), end + 100, "300 steps after the clean checkpoint");
    sandbox.read(&format!("runs/b/checkpoints/step-{:07}.safetensors", end + 100));
    for run in ["a", "b"] {
        let again = sandbox.run(&["resume", &format!("runs/{run}"), "--set=training.checkpoint_every=70"]);
        assert_refused(&again, 2, &["there is nothing to resume"]);
    }

    // Without that checkpoint it cannot be told.
    fs::remove_file(sandbox.path(format!("runs/c/checkpoints/step-{:07}.safetensors", end - 200))).unwrap();
    let words = format!("cannot tell whether the circuit of step {} is clean", end - 200);
    let refused = sandbox.run(&["resume", "runs/c", "--max-steps=12000"]);
    assert_refused(&refused, 1, &[&words, "--set training.stop_when=steps"]);
    let end = format!("--max-steps={end}");
    sandbox.succeed(&["resume", "runs/c", &end, "--set=training.stop_when=steps"]);
}

#[test]
fn runs_of_a_sweep_end_each_when_it_is_clean_and_go_on_together() {
    let sandbox = Sandbox::new();
    let sweep = |max_steps: u64, stop_below: &str| {
        let common = ["task.modulus", "task.train", "model", "optimizer", "training.stop_when"];
        let is_common = |set: &&&str| common.iter().any(|key| set.starts_with(&format!("--set={key}")));
        let more = [
            format!("--set=training.max_steps={max_steps}"),
            format!("--set=training.stop_below_test_loss={stop_below}"),
        ];
        let args = ["sweep", "--seeds=2,3", "--name=s", "--quiet"];
        let args = args.iter().chain(GROKS.iter().filter(is_common)).map(ToString::to_string);
        args.chain(more).collect::<Vec<_>>()
    };
    let ends = |sandbox: &Sandbox| [2, 3].map(|seed| step(sandbox, &format!("s/seed-{seed}")));
    // Two of them are stopped by their number of steps, and go on to where they are clean.
    sandbox.succeed(&sweep(1_100, "1e-4"));
    assert_eq!(ends(&sandbox), [1_100, 1_100]);
    sandbox.succeed(&sweep(5_000, "1e-4"));
    sandbox.succeed(&train("alone", &["--seed=2"]));
    assert_eq!(ends(&sandbox)[0], step(&sandbox, "alone"));
    let end = ends(&sandbox)[0];
    assert!(optimizer(&sandbox, "s/seed-2", end) == optimizer(&sandbox, "alone", end));
    // What is finished stays so, and with fewer steps too.
    let before = ends(&sandbox);
    for max_steps in [5_000, 300] {
        sandbox.succeed(&sweep(max_steps, "1e-4"));
        assert_eq!(ends(&sandbox), before);
    }
    // Told not to stop, all go on.
    sandbox.succeed(&sweep(300, "0"));
    assert_eq!(ends(&sandbox), [5_000, 5_000]);
}
