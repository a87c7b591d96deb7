//! Ordinary places where files behave oddly: no links, no locks, nothing that may be written to, no room.

use std::{
    fs,
    process::{Output, Stdio},
};

use crate::{
    faults::{command_with, run_with},
    sandbox::{Sandbox, train_small},
};

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn assert_succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_latest_that_is_a_directory_stops_no_run_and_stays() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("a", 10, &[]));
    fs::remove_file(sandbox.path("runs/latest")).unwrap();
    fs::create_dir(sandbox.path("runs/latest")).unwrap();
    sandbox.write("runs/latest/notes.txt", "mine");
    let theirs = sandbox.read("runs/a/checkpoints/step-0000010.safetensors");
    fs::write(sandbox.path("theirs.safetensors"), without_metadata(&theirs)).unwrap();
    sandbox.write("small.toml", "[task]\nmodulus = 7\n[model]\nd_model = 16\n[training]\nmax_steps = 5\n");
    for args in [
        &["train", "--config=small.toml", "--name=b", "--quiet"][..],
        &["import", "theirs.safetensors", "--name=c"],
    ] {
        let output = sandbox.run(args);
        assert_succeeds(&output);
        let words = "warning: runs/latest does not stand for this run: it is a directory, not a link\n";
        assert!(said(&output).contains(words), "{args:?}: {}", said(&output));
    }
    sandbox.succeed(&["sweep", "small.toml", "--seeds=0..2"]);
    assert_eq!(sandbox.read("runs/latest/notes.txt"), b"mine");
    let mut left: Vec<_> =
        fs::read_dir(sandbox.path("runs")).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["a", "b", "c", "latest", "small-sweep"]);
}

fn without_metadata(checkpoint: &[u8]) -> Vec<u8> {
    let tensors = safetensors::SafeTensors::deserialize(checkpoint).unwrap();
    safetensors::serialize(tensors.iter().collect::<Vec<_>>(), None).unwrap()
}

#[test]
fn where_there_are_no_links_latest_is_a_small_file_that_every_command_understands() {
    let sandbox = Sandbox::new();
    let Some(output) = run_with(&sandbox, "no-links", &train_small("first", 20, &[])) else { return };
    assert_succeeds(&output);
    assert!(!said(&output).contains("warning"), "{}", said(&output));
    assert_eq!(sandbox.read("runs/latest"), b"first\n");
    assert_succeeds(&run_with(&sandbox, "no-links", &train_small("second", 20, &[])).unwrap());
    assert_eq!(sandbox.read("runs/latest"), b"second\n");
    let said = sandbox.succeed(&["analyze", "runs/latest", "--report"]);
    assert!(said.contains("runs/second/checkpoints/step-0000020.safetensors"), "{said}");
    assert!(sandbox.path("runs/second/report/report.html").is_file());
    let said = sandbox.succeed(&["report", "runs/latest"]);
    assert!(said.contains("runs/second/report/report.html"), "{said}");
    let said = sandbox.succeed(&["resume", "runs/latest", "--max-steps=30"]);
    assert!(said.contains("finished at step 30") && said.contains("runs/second"), "{said}");
    let said = sandbox.succeed(&["compare", "runs/first", "runs/second", "runs/latest"]);
    assert!(said.contains("over 2 runs"), "{said}");
    let left: Vec<_> = fs::read_dir(sandbox.path("runs")).unwrap().collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

#[test]
fn where_there_are_no_locks_a_file_with_the_process_stands_for_one() {
    for fault in ["no-locks", "no-lock-server"] {
        let sandbox = Sandbox::new();
        let Some(mut command) = command_with(&sandbox, fault, &train_small("run", 1_000_000, &[])) else {
            return;
        };
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        sandbox.wait_for("runs/run/checkpoints/step-0000128.safetensors");
        let output = run_with(&sandbox, fault, &["resume", "runs/run"]).unwrap();
        let process = format!("another process is training this (process {} on ", child.id());
        assert!(output.status.code() == Some(2) && said(&output).contains(&process), "{}", said(&output));
        // A machine that has locks is kept out as well.
        assert!(said(&sandbox.run(&["resume", "runs/run"])).contains(&process));
        child.kill().unwrap();
        let first = child.wait_with_output().unwrap();
        assert_eq!(said(&first).matches("the file system has no locks").count(), 1, "{}", said(&first));
        let again = run_with(&sandbox, fault, &["resume", "runs/run", "--max-steps=2000"]).unwrap();
        assert_succeeds(&again);
        assert!(!sandbox.path("runs/run/lock.json").exists());
        sandbox.succeed(&train_small("whole", 2000, &[]));
        let last = |run| sandbox.read(&format!("runs/{run}/checkpoints/step-0002000.optimizer.safetensors"));
        assert!(last("run") == last("whole"));
    }
}

#[test]
fn a_sweep_goes_on_without_locks_and_with_none_at_all() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", "[task]\nmodulus = 7\n[model]\nd_model = 16\n[training]\nmax_steps = 5\n");
    let sweep = |name: &str, more: &[&str]| {
        let args = [&["sweep", "small.toml", "--seeds=0..2", name][..], more].concat();
        run_with(&sandbox, "no-locks", &args)
    };
    let Some(claimed) = sweep("--name=claimed", &[]) else { return };
    assert!(assert_succeeds(&claimed).contains("2 of 2 runs finished"));
    assert_eq!(said(&claimed).matches("the file system has no locks").count(), 1, "{}", said(&claimed));
    let waived = sweep("--name=waived", &["--no-lock"]).unwrap();
    assert!(assert_succeeds(&waived).contains("2 of 2 runs finished"));
    assert!(!said(&waived).contains("no locks") && !sandbox.path("runs/waived/seed-0/lock").exists());
}

#[test]
fn a_run_that_may_not_be_written_to_is_analysed_compared_and_reported_elsewhere() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("mine", 20, &[]));
    sandbox.succeed(&train_small("theirs", 20, &["--seed=1"]));
    let theirs = fs::canonicalize(sandbox.path("runs/theirs")).unwrap();
    let fault = format!("read-only={}", theirs.display());
    let Some(output) = run_with(&sandbox, &fault, &["analyze", "runs/theirs", "--report"]) else { return };
    let table = assert_succeeds(&output);
    assert!(table.contains("claims hold") && !table.contains("figures "), "{table}");
    let warned = said(&output);
    assert!(warned.starts_with("warning: cannot write runs/theirs/analysis"), "{warned}");
    assert!(warned.contains("use --out for another place") && warned.lines().count() == 1, "{warned}");
    assert!(!sandbox.path("runs/theirs/analysis").exists());

    let output =
        run_with(&sandbox, &fault, &["analyze", "runs/theirs", "--out=elsewhere", "--report"]).unwrap();
    assert_succeeds(&output);
    assert!(sandbox.path("elsewhere/report.html").is_file());
    let output = run_with(&sandbox, &fault, &["compare", "runs/mine", "runs/theirs", "--out=c"]).unwrap();
    assert!(assert_succeeds(&output).contains("over 2 runs") && sandbox.path("c/report.html").is_file());

    let all = format!("read-only={}", fs::canonicalize(sandbox.path("runs")).unwrap().display());
    let output = run_with(&sandbox, &all, &["compare", "runs/mine", "runs/theirs"]).unwrap();
    assert!(output.status.code() == Some(1) && said(&output).contains("--out"), "{}", said(&output));
    sandbox.succeed(&["analyze", "runs/mine"]);
    let output = run_with(&sandbox, &all, &["report", "runs/mine"]).unwrap();
    assert!(output.status.code() == Some(1) && said(&output).contains("--out"), "{}", said(&output));
    let output = run_with(&sandbox, &all, &["report", "runs/mine", "--out=r"]).unwrap();
    assert!(assert_succeeds(&output).contains("r/report.html"));
}

/// Wherever the disk fills up, what is there is whole, and the run goes on to the same bytes once there is room.
#[test]
fn a_disk_that_fills_up_anywhere_loses_nothing() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("whole", 200, &[]));
    let last =
        |run: &str| sandbox.read(&format!("runs/{run}/checkpoints/step-0000200.optimizer.safetensors"));
    for room in [0, 100, 1_000, 5_000, 20_000, 60_000, 150_000, 250_000] {
        let name = format!("room-{room}");
        let mut train = train_small(&name, 200, &["--or-resume"]);
        let Some(output) = run_with(&sandbox, &format!("full-after={room}"), &train) else { return };
        assert_eq!(output.status.code(), Some(1), "{room}: {}", said(&output));
        assert!(said(&output).contains("error: cannot "), "{}", said(&output));
        train.push("--quiet".to_owned());
        sandbox.succeed(&train);
        assert!(last(&name) == last("whole"), "{room}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_is_lost_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("a", 10, &[]));
    for args in [
        &["analyze", "runs/a", "--json"][..],
        &["analyze", "runs/a"],
        &["compare", "runs/a", "--csv"],
        &["compare", "runs/a", "--json"],
        &["report", "runs/a"],
        &["--help"],
        &["train", "--help"],
        &["--version"],
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = sandbox.command(args).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(said(&output).contains("error: cannot write to standard output"), "{args:?}");
    }
}

#[test]
fn a_clock_past_the_year_9999_is_an_error_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let named = train_small("a", 10, &[]);
    let unnamed: Vec<String> = named.iter().filter(|arg| !arg.starts_with("--name")).cloned().collect();
    for args in [named, unnamed, vec!["sweep".to_owned(), "--seeds=0".to_owned()]] {
        let Some(output) = run_with(&sandbox, "year-10000", &args) else { return };
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert_eq!(
            said(&output),
            "error: the system's clock shows a time past the year 9999; set it right\n"
        );
        assert!(!sandbox.path("runs").exists());
    }
}

/// Several commands on one run at the same time: each succeeds, and what is left is whole.
#[test]
fn commands_side_by_side_do_not_get_in_each_others_way() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("a", 10, &[]));
    sandbox.succeed(&train_small("b", 10, &["--seed=1"]));
    sandbox.succeed(&["analyze", "runs/a"]);
    for _ in 0..10 {
        let commands: [&[&str]; 6] = [
            &["analyze", "runs/a"],
            &["analyze", "runs/../runs/a"],
            &["report", "runs/a"],
            &["report", "runs/a"],
            &["compare", "runs/a", "runs/b"],
            &["compare", "runs/a", "runs/b"],
        ];
        let started: Vec<_> = commands.iter().map(|args| sandbox.start(args)).collect();
        for (child, args) in started.into_iter().zip(commands) {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{args:?}: {}", said(&output));
        }
    }
    sandbox.succeed(&["report", "runs/a"]);
    for directory in
        ["runs/a/analysis/step-0000010", "runs/a/report", "runs/a/report/figures", "runs/comparison"]
    {
        let files = fs::read_dir(sandbox.path(directory)).unwrap();
        let names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        assert!(!names.is_empty() && names.iter().all(|name| !name.starts_with('.')), "{names:?}");
    }
}
