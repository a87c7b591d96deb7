//! Wrong requests and failures: one clear line, the right exit status, no panic, nothing lost.

use std::fs;

use clockwork_model::{Checkpoint, StoredNetwork};

use crate::sandbox::{BACKENDS, SMALL, Sandbox, assert_refused, train_small};

#[test]
fn wrong_configurations_name_file_and_key() {
    let sandbox = Sandbox::new();
    for (text, words) in [
        ("[task]\nmodulo = 7", &["c.toml", "task.modulo", "task.modulus"][..]),
        ("[task]\nmodulus = 'x'", &["c.toml", "task.modulus", "whole number"]),
        ("[task]\nmodulus = 2", &["task.modulus = 2", "at least 3"]),
        ("[task]\nmodulus = 1000000000000", &["task.modulus", "at most"]),
        ("[task\n", &["c.toml:1"]),
        ("[task]\ntrain_fraction = 0", &["task.train_fraction = 0", "train on"]),
        ("[task]\ntrain_fraction = 1.0", &["task.train_fraction = 1", "test on"]),
        ("[model]\nd_model = 10\nn_heads = 4", &["model.d_model = 10", "model.n_heads = 4"]),
        ("[optimizer]\nweight_decay = -1", &["optimizer.weight_decay = -1"]),
        ("[optimizer]\nepsilon = 1e-60", &["optimizer.epsilon"]),
        ("[training]\nmax_steps = 0", &["training.max_steps = 0"]),
        ("[training]\ngradient = 'magic'", &["training.gradient", "closed-form"]),
    ] {
        sandbox.write("c.toml", text);
        assert_refused(&sandbox.run(&["train", "--config", "c.toml"]), 2, words);
        assert!(!sandbox.path("runs").exists(), "{text} left a run behind");
    }
    let binary = [0xff, 0xfe, 0];
    fs::write(sandbox.path("c.toml"), binary).unwrap();
    assert_refused(&sandbox.run(&["train", "--config", "c.toml"]), 2, &["c.toml"]);
    assert_refused(&sandbox.run(&["train", "--config", "none.toml"]), 2, &["none.toml"]);
    assert_refused(&sandbox.run(&["train", "--set", "task.modulus"]), 2, &["section.key=value"]);
    assert_refused(&sandbox.run(&["train", "--tui"]), 2, &["terminal"]);
    assert!(!sandbox.path("runs").exists());
}

#[cfg(not(feature = "wgpu"))]
#[test]
fn a_backend_that_was_not_built_in_says_how_to_get_it() {
    let sandbox = Sandbox::new();
    let words = ["--backend wgpu", "just backend=wgpu", "--features wgpu"];
    assert_refused(&sandbox.run(&train_small("a", 10, &["--backend=wgpu"])), 2, &words);
    assert_refused(&sandbox.run(&["sweep", "--seeds=0", "--backend=wgpu"]), 2, &words);
    assert!(!sandbox.path("runs").exists());
    let said = sandbox.succeed(&["devices"]);
    assert!(said.contains("processor") && said.contains("built without wgpu"), "{said}");
    let output = sandbox.run(&train_small("a", 10, &["--backend=auto"]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("--backend auto: the processor, for this clockwork was built without wgpu"),
        "{said}"
    );
    assert_eq!(sandbox.json("runs/a/run.json")["backend"]["name"], "flex");
}

#[test]
fn wrong_names_make_no_run() {
    let sandbox = Sandbox::new();
    for name in ["a/b", "../a", "latest", ".a", ""] {
        let output = sandbox.run(&train_small(name, 10, &[]));
        assert_refused(&output, 2, &["run name"]);
    }
    assert!(!sandbox.path("a").exists());
    sandbox.succeed(&train_small("taken", 10, &[]));
    let before = sandbox.read("runs/taken/checkpoints/step-0000010.safetensors");
    assert_refused(
        &sandbox.run(&train_small("taken", 20, &[])),
        2,
        &["runs/taken exists already", "clockwork resume"],
    );
    assert_eq!(sandbox.read("runs/taken/checkpoints/step-0000010.safetensors"), before);
    assert_refused(&sandbox.run(&["resume", "runs/taken"]), 2, &["finished at step 10"]);
}

#[test]
fn what_is_no_run_cannot_be_resumed() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("empty")).unwrap();
    sandbox.write("file", "");
    assert_refused(&sandbox.run(&["resume", "none"]), 2, &["none", "no run here"]);
    assert_refused(&sandbox.run(&["resume", "empty"]), 2, &["empty", "no run here"]);
    assert_refused(&sandbox.run(&["resume", "file"]), 2, &["file", "no run here"]);
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("runs", "a file where the directory should be");
    assert_refused(&sandbox.run(&train_small("a", 10, &[])), 1, &["cannot create", "runs"]);
}

/// A run that stopped at step 200 of 400.
fn stopped_run(sandbox: &Sandbox) -> String {
    sandbox.succeed(&train_small("run", 200, &[]));
    // What may change on the way may also be edited.
    let config = String::from_utf8(sandbox.read("runs/run/config.toml")).unwrap();
    sandbox.write("runs/run/config.toml", &config.replace("max_steps = 200", "max_steps = 400"));
    let record = String::from_utf8(sandbox.read("runs/run/run.json")).unwrap();
    sandbox.write("runs/run/run.json", &record.replace("finished", "stopped"));
    "runs/run/checkpoints/step-0000200.safetensors".to_owned()
}

#[test]
fn truncated_and_foreign_checkpoints_are_refused_and_kept() {
    for backend in BACKENDS {
        let sandbox = Sandbox::new();
        let newest = stopped_run(&sandbox);
        // Only the newest is left to resume from.
        for entry in fs::read_dir(sandbox.path("runs/run/checkpoints")).unwrap() {
            let path = entry.unwrap().path();
            if !path.to_str().unwrap().contains("step-0000200") {
                fs::remove_file(path).unwrap();
            }
        }
        let whole = sandbox.read(&newest);
        fs::write(sandbox.path(&newest), &whole[..whole.len() / 3]).unwrap();
        let resume = ["resume", "runs/run", backend];
        let words = ["step-0000200.safetensors", "not a whole safetensors"];
        assert_refused(&sandbox.run(&resume), 2, &words);

        let mut other = train_small("other", 200, &[]);
        other.push("--set=model.d_mlp=16".to_owned());
        sandbox.succeed(&other);
        let foreign = sandbox.read("runs/other/checkpoints/step-0000200.safetensors");
        fs::write(sandbox.path(&newest), &foreign).unwrap();
        assert_refused(&sandbox.run(&resume), 2, &["step-0000200.safetensors", "another run"]);
        assert_eq!(sandbox.read(&newest), foreign, "a file that was refused was changed");

        fs::write(sandbox.path(&newest), &whole).unwrap();
        sandbox.succeed(&resume);
    }
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_what_was_good() {
    for backend in BACKENDS {
        let sandbox = Sandbox::new();
        let newest = sandbox.path(stopped_run(&sandbox));
        let mut checkpoint = Checkpoint::read(&newest).unwrap();
        let StoredNetwork::Paper(weights) = &mut checkpoint.network else {
            panic!("a run trains the paper's")
        };
        weights.w_u.iter_mut().for_each(|w| *w *= 1e36);
        weights.w_out.iter_mut().for_each(|w| *w *= 1e36);
        checkpoint.write(&newest).unwrap();
        let before = fs::read(&newest).unwrap();
        // The processor knows a step's loss at once, other devices tell it at the next evaluation.
        let step = if *backend == "--backend=cpu" { "200" } else { "300" };
        assert_refused(
            &sandbox.run(&["resume", "runs/run", backend]),
            1,
            &[&format!("step {step} is not finite"), "optimizer.learning_rate"],
        );
        assert_eq!(fs::read(&newest).unwrap(), before);
        let record = sandbox.json("runs/run/run.json");
        assert_eq!(record["state"], "stopped");
        assert!(record["reason"].as_str().unwrap().contains("not finite"));
    }
}

/// A limit on the size of files stands for a full disk: the write that crosses it fails.
#[cfg(unix)]
#[test]
fn a_full_disk_stops_the_run_with_whole_files() {
    for backend in BACKENDS {
        let sandbox = Sandbox::new();
        let train = train_small("full", 200, &["--quiet", backend]).join(" ");
        // A kilobyte lets the configuration through, but no checkpoint; ignoring the signal turns it
        // into the error that a full disk gives.
        let script = format!("trap '' XFSZ; ulimit -f 2; exec {} {train}", env!("CARGO_BIN_EXE_clockwork"));
        let mut shell = std::process::Command::new("sh");
        shell.current_dir(sandbox.path("")).args(["-c", &script]).env("NODEVICE_SELECT", "1");
        let output = shell.output().unwrap();
        assert_refused(&output, 1, &["cannot write", "checkpoints/step-"]);
        let left: Vec<_> = fs::read_dir(sandbox.path("runs/full/checkpoints")).unwrap().collect();
        assert!(left.is_empty(), "{left:?} was left half-written");
        sandbox.succeed(&["resume", "runs/full"]);
        sandbox.succeed(&train_small("whole", 200, &[backend]));
        let last = |run| sandbox.read(&format!("runs/{run}/checkpoints/step-0000200.safetensors"));
        assert_eq!(last("full"), last("whole"));
    }
}

#[test]
fn settings_are_those_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.write("c.toml", "[training]\nseed = 4\nmax_steps = 7\n");
    let args = [&["train", "--config=c.toml", "--name=a", "--seed=5"][..], &SMALL].concat();
    sandbox.succeed(&args);
    let config = String::from_utf8(sandbox.read("runs/a/config.toml")).unwrap();
    assert!(config.contains("seed = 5") && config.contains("max_steps = 7"), "{config}");
    assert_eq!(sandbox.json("runs/a/run.json")["seed"], 5);
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_that_went_away_is_no_error() {
    let sandbox = Sandbox::new();
    for args in [&["devices"][..], &["--help"]] {
        let mut child = sandbox.start(args);
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn numbers_that_nothing_can_be_are_refused_with_their_range() {
    let sandbox = Sandbox::new();
    let refused = |args: &[&str], words: &[&str]| {
        let output = sandbox.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(words.iter().all(|word| said.contains(word)) && !said.contains("panicked"), "{said}");
        assert_eq!(output.status.code(), Some(2), "{said}");
    };
    let most = "9223372036854775807";
    for seed in ["9223372036854775808", "18446744073709551615", "99999999999999999999999"] {
        refused(&["train", &format!("--seed={seed}")], &[seed]);
        refused(&["train", &format!("--set=training.seed={seed}")], &["must be at most", most]);
        refused(&["sweep", &format!("--seeds={seed}")], &["seeds must be at most", most]);
    }
    refused(&["train", "--seed=9223372036854775808"], &["0..=9223372036854775807"]);
    sandbox.write("c.toml", "[training]\nseed = 9223372036854775808\n");
    refused(&["train", "--config=c.toml"], &["c.toml:2"]);
    for threads in ["0", "5000", "100000", "18446744073709551616"] {
        let range = "must be a whole number from 1 to 512";
        refused(&["train", &format!("--threads={threads}")], &[range]);
        refused(&["analyze", "x", &format!("--threads={threads}")], &[range]);
        refused(&["compare", "x", &format!("--threads={threads}")], &[range]);
        refused(&["sweep", "--seeds=0", &format!("--jobs={threads}")], &[range]);
    }
    assert!(!sandbox.path("runs").exists());
}

#[test]
fn a_device_that_burn_does_not_know_is_one_line() {
    let sandbox = Sandbox::new();
    stopped_run(&sandbox);
    for name in ["warp-drive", "cuda"] {
        let output = sandbox.command(&["resume", "runs/run"]).env("BURN_DEVICE", name).output().unwrap();
        assert_refused(&output, 2, &["BURN_DEVICE", "unset it, and choose with --backend"]);
    }
    let output = sandbox.command(&["resume", "runs/run"]).env("BURN_DEVICE", "Flex").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[cfg(unix)]
#[test]
fn a_latest_whose_run_was_removed_says_where_it_points_and_what_is_there() {
    let sandbox = Sandbox::new();
    for name in ["old", "kept", "gone"] {
        sandbox.succeed(&train_small(name, 10, &[]));
    }
    fs::remove_dir_all(sandbox.path("runs/gone")).unwrap();
    let words = ["runs/latest", "it points to runs/gone, which is not there; the newest run is runs/kept"];
    for _ in 0..2 {
        for command in ["resume", "analyze", "report"] {
            assert_refused(&sandbox.run(&[command, "runs/latest"]), 2, &words);
        }
        // Where there are no links it is a file.
        fs::remove_file(sandbox.path("runs/latest")).unwrap();
        sandbox.write("runs/latest", "gone\n");
    }
    assert_refused(&sandbox.run(&["resume", "runs/none"]), 2, &["the newest is runs/kept"]);
    assert_refused(&sandbox.run(&["analyze", "none"]), 2, &["none does not exist", "such as runs/latest"]);
}

#[test]
fn what_people_take_for_a_checkpoint_is_named_with_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 10, &[]));
    let state = "runs/run/checkpoints/step-0000010.optimizer.safetensors";
    let weights = "its weights are beside it, in runs/run/checkpoints/step-0000010.safetensors";
    assert_refused(&sandbox.run(&["analyze", state]), 2, &["the optimiser's state of a run", weights]);
    let key = "--key=moment_1";
    assert_refused(&sandbox.run(&["analyze", state, key]), 2, &["the optimiser's state of a run"]);
    sandbox.write("model.pt", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n");
    assert_refused(
        &sandbox.run(&["analyze", "model.pt"]),
        2,
        &["model.pt: a Git LFS pointer", "git lfs pull"],
    );
    sandbox.write("model.pth", "<!DOCTYPE html><html><head><title>Sign in</title></head></html>");
    assert_refused(
        &sandbox.run(&["import", "model.pth", "--name=a"]),
        2,
        &["a web page; download the file itself"],
    );
    fs::write(sandbox.path("model.safetensors"), b"\x1f\x8b\x08\0\0\0\0\0\0\x03").unwrap();
    assert_refused(&sandbox.run(&["analyze", "model.safetensors"]), 2, &["compressed with gzip", "gunzip"]);
    assert!(!sandbox.path("runs/a").exists());
}

#[cfg(unix)]
#[test]
fn a_pipe_where_a_file_is_needed_is_named() {
    let sandbox = Sandbox::new();
    let clockwork = env!("CARGO_BIN_EXE_clockwork");
    for command in ["analyze /dev/stdin", "import /dev/stdin --name a"] {
        let script = format!("echo bytes | {clockwork} {command}");
        let mut shell = std::process::Command::new("sh");
        let output = shell.current_dir(sandbox.path("")).args(["-c", &script]).output().unwrap();
        assert_refused(&output, 2, &["/dev/stdin: a pipe or a device", "save it as a file first"]);
    }
    // Settings are read once, so they may come from a pipe, for many runs as for one.
    let settings = "[task]\\nmodulus = 7\\n[model]\\nd_model = 16\\n[training]\\nmax_steps = 5\\n";
    let sweep = format!("printf '{settings}' | {clockwork} sweep /dev/stdin --name s --seeds 0..2");
    let mut shell = std::process::Command::new("sh");
    let output = shell.current_dir(sandbox.path("")).args(["-c", &sweep]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    for seed in 0..2 {
        let config = String::from_utf8(sandbox.read(&format!("runs/s/seed-{seed}/config.toml"))).unwrap();
        assert!(config.contains("modulus = 7"), "{config}");
    }
}
