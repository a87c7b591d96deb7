//! A run that was stopped, killed, or damaged ends in the same bytes as one that never was.

use std::{fs, process::Child};

use crate::sandbox::{Sandbox, signal, train_small};

const STEPS: u32 = 1500;
const OFTEN: [&str; 2] = ["--set=training.checkpoint_every=50", "--set=training.eval_every=20"];

/// A sandbox with the run `whole`, which was never stopped.
fn with_whole_run() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("whole", STEPS, &OFTEN));
    sandbox
}

fn checkpoint(run: &str, step: u32) -> String {
    format!("runs/{run}/checkpoints/step-{step:07}.safetensors")
}

fn optimizer_state(run: &str, step: u32) -> String {
    format!("runs/{run}/checkpoints/step-{step:07}.optimizer.safetensors")
}

fn kill_at(sandbox: &Sandbox, mut child: Child, run: &str, step: u32) {
    sandbox.wait_for(&checkpoint(run, step));
    signal(child.id(), "-KILL");
    assert!(!child.wait().unwrap().success(), "the run was over before it could be killed");
}

fn assert_same_end(sandbox: &Sandbox, run: &str) {
    for file in [checkpoint, optimizer_state] {
        assert!(
            sandbox.read(&file(run, STEPS)) == sandbox.read(&file("whole", STEPS)),
            "{}",
            file(run, STEPS)
        );
    }
    assert_eq!(sandbox.metrics(run), sandbox.metrics("whole"));
    assert_eq!(sandbox.json(&format!("runs/{run}/run.json"))["state"], "finished");
}

#[test]
fn killed_again_and_again() {
    let sandbox = with_whole_run();
    kill_at(&sandbox, sandbox.start(&train_small("killed", STEPS, &OFTEN)), "killed", 16);
    for step in [100, 350, 700, 1100] {
        kill_at(&sandbox, sandbox.start(&["resume", "runs/killed"]), "killed", step);
        assert_eq!(sandbox.json("runs/killed/run.json")["state"], "running");
    }
    sandbox.succeed(&["resume", "runs/latest"]);
    assert_same_end(&sandbox, "killed");
}

#[test]
fn killed_before_the_first_checkpoint() {
    let sandbox = with_whole_run();
    let child = sandbox.start(&train_small("early", STEPS, &OFTEN));
    sandbox.wait_for("runs/early/config.toml");
    kill_at(&sandbox, child, "early", 0);
    // As far as a kill can come before a checkpoint is on the disk.
    fs::remove_dir_all(sandbox.path("runs/early/checkpoints")).unwrap();
    let _ = fs::remove_file(sandbox.path("runs/early/metrics.jsonl"));
    sandbox.succeed(&["resume", "runs/early"]);
    assert_same_end(&sandbox, "early");
}

#[test]
fn stopped_by_ctrl_c() {
    let sandbox = with_whole_run();
    let child = sandbox.start(&train_small("stopped", STEPS, &OFTEN));
    sandbox.wait_for(&checkpoint("stopped", 200));
    signal(child.id(), "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("stopped at step") && said.contains("clockwork resume runs/stopped"), "{said}");
    let record = sandbox.json("runs/stopped/run.json");
    assert_eq!((&record["state"], &record["reason"]), (&"stopped".into(), &"stopped by the user".into()));
    let step = record["step"].as_u64().unwrap() as u32;
    assert!(sandbox.path(checkpoint("stopped", step)).exists(), "the last step was not kept");
    sandbox.succeed(&["resume", "runs/stopped"]);
    assert_same_end(&sandbox, "stopped");
}

#[test]
fn a_broken_checkpoint_is_passed_over() {
    let sandbox = with_whole_run();
    kill_at(&sandbox, sandbox.start(&train_small("broken", STEPS, &OFTEN)), "broken", 500);
    let newest = (0..=STEPS / 50)
        .map(|i| 50 * i)
        .rfind(|&step| sandbox.path(optimizer_state("broken", step)).exists());
    let newest = newest.unwrap();
    for file in [checkpoint, optimizer_state] {
        // As a disk leaves a file after a power cut.
        let path = sandbox.path(file("broken", newest));
        let bytes = fs::read(&path).unwrap_or_default();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    }
    sandbox.write("runs/broken/checkpoints/.step-0009999.safetensors.aB3dE6.clockwork-tmp", "half");
    sandbox.succeed(&["resume", "runs/broken"]);
    assert!(!sandbox.path("runs/broken/checkpoints/.step-0009999.safetensors.aB3dE6.clockwork-tmp").exists());
    assert_same_end(&sandbox, "broken");
}

#[test]
fn a_run_that_is_being_trained_is_left_alone() {
    let sandbox = Sandbox::new();
    let mut child = sandbox.start(&train_small("busy", 1_000_000, &OFTEN));
    sandbox.wait_for(&checkpoint("busy", 0));
    let output = sandbox.run(&["resume", "runs/busy"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("another process is training this"), "{said}");
}
