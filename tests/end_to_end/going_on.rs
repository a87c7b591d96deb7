//! What a run was started with stays, and what it is gone on with is asked for.

use std::fs;

use crate::sandbox::{Sandbox, assert_refused, train_small};

const OFTEN: [&str; 2] = ["--set=training.checkpoint_every=50", "--set=training.eval_every=20"];

/// A run that finished at step 200.
fn run(sandbox: &Sandbox) {
    sandbox.succeed(&train_small("a", 200, &OFTEN));
}

/// The same run, which is to go on from there.
fn stopped_run(sandbox: &Sandbox) {
    run(sandbox);
    edit(sandbox, "runs/a/run.json", "finished", "stopped");
}

fn edit(sandbox: &Sandbox, file: &str, from: &str, to: &str) {
    let text = String::from_utf8(sandbox.read(file)).unwrap();
    assert!(text.contains(from), "{text}");
    sandbox.write(file, &text.replace(from, to));
}

/// Every file of a run and its bytes.
fn all(sandbox: &Sandbox) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut directories = vec![sandbox.path("runs/a")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => directories.push(path),
                false => files.push((path.clone(), fs::read(path).unwrap())),
            }
        }
    }
    files.sort();
    files
}

#[test]
fn settings_that_were_edited_under_a_run_are_refused_by_name() {
    let sandbox = Sandbox::new();
    stopped_run(&sandbox);
    for (from, to, words) in [
        ("seed = 2", "seed = 5", "has training.seed = 5, but the run was started with 2"),
        (
            "weight_decay = 1.0",
            "weight_decay = 0.5",
            "has optimizer.weight_decay = 0.5, but the run was started with 1.0",
        ),
        ("train_fraction = 0.5", "train_fraction = 0.25", "has task.train_fraction = 0.25"),
        ("d_mlp = 32", "d_mlp = 64", "has model.d_mlp = 64"),
        ("closed-form", "autodiff", "has training.gradient = \"autodiff\""),
    ] {
        edit(&sandbox, "runs/a/config.toml", from, to);
        let before = all(&sandbox);
        let refused = sandbox.run(&["resume", "runs/a"]);
        assert_refused(
            &refused,
            2,
            &["runs/a/config.toml", words, "back, or train a new run with `clockwork train"],
        );
        assert!(all(&sandbox) == before, "a refused run was changed");
        edit(&sandbox, "runs/a/config.toml", to, from);
    }
    let said = String::from_utf8(sandbox.run(&["resume", "runs/a"]).stdout).unwrap();
    assert!(said.contains("finished at step 200"), "{said}");
}

#[test]
fn a_finished_run_whose_settings_were_edited_is_not_finished_already() {
    let sandbox = Sandbox::new();
    run(&sandbox);
    edit(&sandbox, "runs/a/config.toml", "seed = 2", "seed = 5");
    let again = ["train", "--config=runs/a/config.toml", "--name=a", "--or-resume"];
    assert_refused(&sandbox.run(&again), 2, &["has training.seed = 5, but the run was started with 2"]);
    edit(&sandbox, "runs/a/config.toml", "seed = 5", "seed = 2");
    assert!(sandbox.succeed(&again).contains("finished at step 200 already"));
    // Asked for again with more steps it goes on, and with fewer it is finished.
    let longer = [&again[..], &["--max-steps=260"]].concat();
    assert!(sandbox.succeed(&longer).contains("finished at step 260 after"));
    assert!(sandbox.succeed(&again).contains("finished at step 260 already"));
    // What is fixed at a run's start is another run's.
    let other = [&again[..], &["--set=optimizer.weight_decay=2"]].concat();
    assert_refused(
        &sandbox.run(&other),
        2,
        &["has optimizer.weight_decay = 1.0, not 2.0; choose another --name"],
    );
}

#[test]
fn before_the_first_checkpoint_the_hash_in_the_record_tells() {
    let sandbox = Sandbox::new();
    run(&sandbox);
    edit(&sandbox, "runs/a/run.json", "finished", "running");
    fs::remove_dir_all(sandbox.path("runs/a/checkpoints")).unwrap();
    fs::remove_file(sandbox.path("runs/a/metrics.jsonl")).unwrap();
    edit(&sandbox, "runs/a/config.toml", "seed = 2", "seed = 5");
    assert_refused(
        &sandbox.run(&["resume", "runs/a"]),
        2,
        &["config.toml", "their hash is another than in run.json"],
    );
}

#[test]
fn what_a_run_was_started_with_is_in_its_record_and_its_checkpoints() {
    let sandbox = Sandbox::new();
    run(&sandbox);
    let record = sandbox.json("runs/a/run.json");
    let file = sandbox.read("runs/a/checkpoints/step-0000050.safetensors");
    let (_, header) = safetensors::SafeTensors::read_metadata(&file).unwrap();
    let metadata: serde_json::Value =
        serde_json::from_str(&header.metadata().as_ref().unwrap()["clockwork"]).unwrap();
    let hashes = [&record["settings_sha256"], &record["split"]["sha256"]];
    assert_eq!(hashes, [&metadata["settings_sha256"], &metadata["split_sha256"]]);
    assert!(hashes.iter().all(|hash| hash.as_str().is_some_and(|hash| hash.len() == 64)), "{hashes:?}");
    assert!(record.get("changes").is_none());
}

#[test]
fn a_run_trained_on_by_flags_ends_in_the_bytes_of_one_that_was_to_train_so_long() {
    let sandbox = Sandbox::new();
    run(&sandbox);
    sandbox.succeed(&train_small("whole", 300, &OFTEN));
    assert_refused(
        &sandbox.run(&["resume", "runs/a"]),
        2,
        &["finished at step 200; there is nothing to resume"],
    );
    let fixed = sandbox.run(&["resume", "runs/a", "--set=training.seed=5"]);
    assert_refused(&fixed, 2, &["training.seed is fixed at a run's start", "training.max_steps"]);
    let output = sandbox.run(&["resume", "runs/a", "--max-steps=300"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("from step 200 on: training.max_steps = 300, not 200"), "{said}");
    let last = "checkpoints/step-0000300";
    for kind in [".safetensors", ".optimizer.safetensors"] {
        let of = |run: &str| sandbox.read(&format!("runs/{run}/{last}{kind}"));
        assert!(of("a") == of("whole"), "{kind}");
    }
    assert_eq!(sandbox.metrics("a"), sandbox.metrics("whole"));
    let record = sandbox.json("runs/a/run.json");
    let change = serde_json::json!([{
        "step": 200,
        "settings": [{ "key": "training.max_steps", "from": "200", "to": "300" }]
    }]);
    assert_eq!((&record["changes"], &record["state"]), (&change, &"finished".into()));
    let config = String::from_utf8(sandbox.read("runs/a/config.toml")).unwrap();
    assert!(config.contains("max_steps = 300"), "{config}");
}

#[test]
fn a_run_without_its_optimisers_states_is_not_begun_again() {
    let sandbox = Sandbox::new();
    stopped_run(&sandbox);
    for step in [150, 200] {
        fs::remove_file(sandbox.path(format!("runs/a/checkpoints/step-0000{step}.optimizer.safetensors")))
            .unwrap();
    }
    let before = all(&sandbox);
    let words = [
        "cannot go on exactly: checkpoints/step-0000200.optimizer.safetensors is missing",
        "resume runs/a --from-step 200",
        "train --config",
    ];
    for args in
        [&["resume", "runs/a"][..], &["train", "--config=runs/a/config.toml", "--name=a", "--or-resume"]]
    {
        assert_refused(&sandbox.run(args), 2, &words);
    }
    assert!(all(&sandbox) == before, "a refused run was changed");
    let none = sandbox.run(&["resume", "runs/a", "--from-step=175"]);
    assert_refused(
        &none,
        2,
        &["keeps no checkpoint of step 175; there are 0, 1, 2, 4, 8, 16, 32, 50, 100, 150, 200"],
    );

    // What is gone on with from there is what a run becomes whose moments are zero: the same in one go or in two.
    sandbox.succeed(&["resume", "runs/a", "--from-step=100", "--max-steps=300"]);
    assert!(sandbox.path("runs/a/aside-1/step-0000200.safetensors").exists(), "later steps are put aside");
    let change = &sandbox.json("runs/a/run.json")["changes"][0];
    assert_eq!((&change["step"], &change["fresh_moments"]), (&100.into(), &true.into()));
    let in_one_go = sandbox.read("runs/a/checkpoints/step-0000300.optimizer.safetensors");
    sandbox.succeed(&["resume", "runs/a", "--from-step=250"]);
    assert!(sandbox.read("runs/a/checkpoints/step-0000300.optimizer.safetensors") == in_one_go);
    assert!(sandbox.read("runs/a/aside-2/step-0000300.optimizer.safetensors") == in_one_go);
    assert_eq!(sandbox.json("runs/a/run.json")["changes"].as_array().unwrap().len(), 1);
}

#[test]
fn a_run_without_any_checkpoint_is_not_begun_again_either() {
    let sandbox = Sandbox::new();
    stopped_run(&sandbox);
    fs::remove_dir_all(sandbox.path("runs/a/checkpoints")).unwrap();
    let before = sandbox.metrics("a");
    let words = ["it has metrics, but none of its checkpoints is left", "put them back, or train a new run"];
    assert_refused(&sandbox.run(&["resume", "runs/a"]), 2, &words);
    assert_eq!(sandbox.metrics("a"), before);
}

#[test]
fn what_is_gone_on_with_from_zero_moments_can_be_stopped_at_once() {
    let sandbox = Sandbox::new();
    stopped_run(&sandbox);
    let state = |step: u32| format!("runs/a/checkpoints/step-{step:07}.optimizer.safetensors");
    for step in [150, 200] {
        let mut bytes = sandbox.read(&state(step));
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(sandbox.path(state(step)), bytes).unwrap();
    }
    let words = ["cannot go on exactly: ", "optimizer.safetensors: damaged", "resume runs/a --from-step 200"];
    assert_refused(&sandbox.run(&["resume", "runs/a"]), 2, &words);
    // A wrong request later on has moved nothing.
    let before = all(&sandbox);
    let broken =
        sandbox.command(&["resume", "runs/a", "--from-step=200"]).env("BURN_DEVICE", "x").output().unwrap();
    assert_refused(&broken, 2, &["BURN_DEVICE"]);
    let backwards = sandbox.run(&["resume", "runs/a", "--from-step=200", "--max-steps=150"]);
    assert_refused(&backwards, 2, &["training.max_steps = 150: the run is at step 200 already"]);
    assert!(all(&sandbox) == before, "a refused run was changed");

    // No step is taken: what is kept is the start with moments that are zero.
    sandbox.succeed(&["resume", "runs/a", "--from-step=200"]);
    assert!(
        sandbox.path("runs/a/aside-1/step-0000200.optimizer.safetensors").exists(),
        "what is damaged is put aside"
    );
    sandbox.succeed(&["resume", "runs/a", "--max-steps=300"]);
    let changes = sandbox.json("runs/a/run.json")["changes"].clone();
    assert_eq!((&changes[0]["step"], &changes[0]["fresh_moments"]), (&200.into(), &true.into()));
}

#[test]
fn a_run_that_stopped_early_says_how_to_train_on() {
    let sandbox = Sandbox::new();
    let early = [
        "--set=training.stop_below_test_loss=100",
        "--set=training.stop_when=steps",
        "--set=training.cleanup_steps=10",
    ];
    sandbox.succeed(&train_small("a", 400, &[&OFTEN[..], &early].concat()));
    let on = "it stopped early: train on with";
    for more in [&[][..], &["--max-steps=500"]] {
        let refused = sandbox.run(&[&["resume", "runs/a"][..], more].concat());
        assert_refused(
            &refused,
            2,
            &["there is nothing to resume", on, "--set training.stop_below_test_loss=0"],
        );
    }
    let said =
        sandbox.succeed(&["resume", "runs/a", "--max-steps=120", "--set=training.stop_below_test_loss=0"]);
    assert!(said.contains("finished at step 120"), "{said}");
}

#[test]
fn a_run_without_its_metrics_is_gone_on_with_and_that_is_said() {
    let sandbox = Sandbox::new();
    run(&sandbox);
    fs::remove_file(sandbox.path("runs/a/metrics.jsonl")).unwrap();
    assert_refused(&sandbox.run(&["resume", "runs/a"]), 2, &["finished at step 200"]);
    let output = sandbox.run(&["resume", "runs/a", "--max-steps=300"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("warning: runs/a/metrics.jsonl is missing; what was measured before step 200"),
        "{said}"
    );
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_report_of_weights_that_changed_since_says_so() {
    let sandbox = Sandbox::new();
    run(&sandbox);
    sandbox.succeed(&["analyze", "runs/a"]);
    sandbox.succeed(&["train", "--config=runs/a/config.toml", "--name=b", "--seed=5", "--quiet"]);
    let other = sandbox.read("runs/b/checkpoints/step-0000200.safetensors");
    fs::write(sandbox.path("runs/a/checkpoints/step-0000200.safetensors"), other).unwrap();
    let said = String::from_utf8(sandbox.run(&["report", "runs/a"]).stderr).unwrap();
    assert!(
        said.contains("has changed since it was analysed; run `clockwork analyze runs/a --step 200` again"),
        "{said}"
    );
}
