//! What is trained through wgpu is the same run. These tests need a device: Mesa's software one will do.

use std::process::Command;

use crate::sandbox::{Sandbox, signal, train_small};

const WGPU: &str = "--backend=wgpu";
const OFTEN: [&str; 2] = ["--set=training.checkpoint_every=10", "--set=training.eval_every=10"];

/// The losses of two runs agree to a thousandth, the promise for 50 steps.
fn assert_same_losses(sandbox: &Sandbox, run: &str, other: &str) {
    let (a, b) = (sandbox.metrics(run), sandbox.metrics(other));
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a["step"], b["step"]);
        for key in ["train_loss", "test_loss"] {
            let (a, b) = (a[key].as_f64().unwrap(), b[key].as_f64().unwrap());
            assert!((a - b).abs() <= 1e-3 * b, "{key}: {a} and {b}");
        }
    }
}

#[test]
fn fifty_steps_give_the_processors_losses() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("cpu", 50, &OFTEN));
    sandbox.succeed(&train_small("wgpu", 50, &[&OFTEN[..], &[WGPU]].concat()));
    assert_same_losses(&sandbox, "wgpu", "cpu");
    let backend = &sandbox.json("runs/wgpu/run.json")["backend"];
    assert_eq!(backend["name"], "wgpu");
    let devices = sandbox.succeed(&["devices"]);
    assert!(devices.contains(backend["device"].as_str().unwrap()), "{devices}");
    // Which of them that is depends on the machine; it is told, and noted.
    let said = String::from_utf8(sandbox.run(&train_small("auto", 1, &["--backend=auto"])).stderr).unwrap();
    let noted = &sandbox.json("runs/auto/run.json")["backend"];
    let name = if noted["name"] == "flex" { "the processor" } else { noted["device"].as_str().unwrap() };
    assert!(said.contains(&format!("--backend auto: {name}")), "{said}");
    // What comes after does not care where a run came from.
    sandbox.succeed(&["analyze", "runs/wgpu"]);
    sandbox.succeed(&["report", "runs/wgpu"]);
}

#[test]
fn a_stopped_run_goes_on_on_either_backend() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("whole", 50, &OFTEN));
    for (first, then) in [("wgpu", "cpu"), ("cpu", "wgpu"), ("wgpu", "wgpu")] {
        let name = format!("{first}-{then}");
        let backend = format!("--backend={first}");
        // Without an end the processor would be there before it is stopped.
        let mut child = sandbox.start(&train_small(&name, 50, &[&OFTEN[..], &[&backend]].concat()));
        sandbox.wait_for(&format!("runs/{name}/checkpoints/step-0000010.safetensors"));
        // It may be over by now.
        let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let stopped = child.wait().unwrap().code() == Some(130);
        assert!(stopped || first == "cpu", "{name} was over before it could be stopped");
        if stopped {
            let (run, backend) = (format!("runs/{name}"), format!("--backend={then}"));
            // What the run was trained on is what it goes on on, if nothing else is asked for.
            let more = if first == then { None } else { Some(backend.as_str()) };
            sandbox.succeed(&["resume", &run].into_iter().chain(more).collect::<Vec<_>>());
            let backend = &sandbox.json(&format!("runs/{name}/run.json"))["backend"]["name"];
            assert_eq!(backend, if then == "cpu" { "flex" } else { "wgpu" });
        }
        assert_same_losses(&sandbox, &name, "whole");
    }
}

#[test]
fn stopped_or_killed_it_ends_in_the_same_bytes() {
    let sandbox = Sandbox::new();
    let more = [&OFTEN[..], &[WGPU]].concat();
    sandbox.succeed(&train_small("whole", 100, &more));

    let mut child = sandbox.start(&train_small("killed", 100, &more));
    sandbox.wait_for("runs/killed/checkpoints/step-0000020.optimizer.safetensors");
    child.kill().unwrap();
    child.wait().unwrap();
    // Of what it wrote last, half is lost.
    let checkpoints = sandbox.path("runs/killed/checkpoints");
    let weights = |step: u32| checkpoints.join(format!("step-{step:07}.safetensors"));
    let newest = (0..=10).map(|i| 10 * i).rfind(|&step| weights(step).exists()).unwrap();
    let bytes = std::fs::read(weights(newest)).unwrap();
    std::fs::write(weights(newest), &bytes[..bytes.len() / 2]).unwrap();
    sandbox.succeed(&["resume", "runs/killed"]);

    let mut child = sandbox.start(&train_small("stopped", 100, &more));
    sandbox.wait_for("runs/stopped/checkpoints/step-0000010.safetensors");
    signal(child.id(), "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(sandbox.json("runs/stopped/run.json")["state"], "stopped");
    sandbox.succeed(&["resume", "runs/stopped"]);

    for run in ["killed", "stopped"] {
        assert_same_end(&sandbox, &format!("runs/{run}"), "runs/whole");
    }
}

/// The last of a hundred steps left the same bytes.
fn assert_same_end(sandbox: &Sandbox, run: &str, other: &str) {
    for file in ["step-0000100.safetensors", "step-0000100.optimizer.safetensors"] {
        let read = |run: &str| sandbox.read(&format!("{run}/checkpoints/{file}"));
        assert!(read(run) == read(other), "{run}: {file}");
    }
}

/// The small network, for a hundred steps.
const SWEPT: &str = "\
    [task]\nmodulus = 11\ntrain_fraction = 0.5\n[model]\nd_model = 16\nn_heads = 2\nd_mlp = 32\n\
    [training]\nmax_steps = 100\neval_every = 10\ncheckpoint_every = 10\n";

#[test]
fn three_seeds_trained_together_have_each_its_own_losses() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", SWEPT);
    let sweep = ["sweep", "small.toml", "--name=s", "--seeds=3..6", "--set=training.max_steps=50", WGPU];
    let said = sandbox.succeed(&sweep);
    assert!(said.contains("3 of 3 runs finished"), "{said}");
    for seed in ["3", "4", "5"] {
        let alone = ["train", "--config=small.toml", "--max-steps=50", "--runs-dir=runs/s"];
        sandbox.succeed(&[&alone[..], &["--name", seed, "--seed", seed]].concat());
        assert_same_losses(&sandbox, &format!("s/seed-{seed}"), &format!("s/{seed}"));
        let record = sandbox.json(&format!("runs/s/seed-{seed}/run.json"));
        assert_eq!((&record["state"], &record["backend"]["name"]), (&"finished".into(), &"wgpu".into()));
    }
}

#[test]
fn a_sweep_that_was_stopped_ends_in_the_same_bytes() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", SWEPT);
    let sweep = |name| ["sweep", "small.toml", "--seeds=0..3", WGPU, "--name", name];
    sandbox.succeed(&sweep("whole"));
    let mut child = sandbox.start(&sweep("stopped"));
    sandbox.wait_for("runs/stopped/seed-2/checkpoints/step-0000010.safetensors");
    signal(child.id(), "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    for run in sandbox.json("runs/stopped/sweep.json")["runs"].as_array().unwrap() {
        assert_eq!(run["state"], "waiting");
    }
    sandbox.succeed(&sweep("stopped"));
    for seed in 0..3 {
        assert_same_end(&sandbox, &format!("runs/stopped/seed-{seed}"), &format!("runs/whole/seed-{seed}"));
    }
}

#[test]
fn a_run_that_somebody_else_trains_is_waited_for() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", SWEPT);
    let alone = ["train", "--config=small.toml", "--runs-dir=runs/s", "--name=seed-1", "--seed=1", WGPU];
    let mut elsewhere = sandbox.start(&alone);
    sandbox.wait_for("runs/s/seed-1/checkpoints/step-0000000.safetensors");
    let said = sandbox.run(&["sweep", "small.toml", "--name=s", "--seeds=0..3", WGPU]);
    assert!(elsewhere.wait().unwrap().success());
    assert!(said.status.success());
    let [told, shown] = [said.stderr, said.stdout].map(|said| String::from_utf8(said).unwrap());
    assert!(told.contains("seed-1: another process trains it; waiting for that"), "{told}");
    assert!(shown.contains("3 of 3 runs finished"), "{shown}");
}

#[test]
fn a_run_that_fails_does_not_stop_those_that_are_trained_with_it() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", SWEPT);
    std::fs::create_dir_all(sandbox.path("runs/s")).unwrap();
    // A file where its directory should be.
    sandbox.write("runs/s/seed-1", "");
    let output = sandbox.run(&["sweep", "small.toml", "--name=s", "--seeds=0..3", WGPU]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("2 of 3 runs finished, 1 failed") && said.contains("seed-1"), "{said}");
}
