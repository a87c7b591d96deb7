//! Signals: what was to be ignored stays ignored, and Ctrl-C stops, in the dashboard too.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
};

use crate::sandbox::{Sandbox, signal, train_small};

/// Runs `clockwork` from a shell that has a hang-up ignored, as `nohup` does.
fn start_ignoring_hang_ups(sandbox: &Sandbox, args: &[String]) -> Child {
    let script = format!("trap '' HUP; exec {} {}", env!("CARGO_BIN_EXE_clockwork"), args.join(" "));
    let mut shell = Command::new("sh");
    shell.current_dir(sandbox.path("")).args(["-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell.spawn().unwrap()
}

#[test]
fn a_hang_up_that_is_ignored_stops_nothing() {
    let sandbox = Sandbox::new();
    let child = start_ignoring_hang_ups(&sandbox, &train_small("a", 3000, &["--quiet"]));
    sandbox.wait_for("runs/a/checkpoints/step-0000128.safetensors");
    signal(child.id(), "-HUP");
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(sandbox.json("runs/a/run.json")["step"], 3000);
}

#[test]
fn a_hang_up_that_is_not_ignored_stops_after_the_step_at_hand() {
    for name in ["-HUP", "-TERM"] {
        let sandbox = Sandbox::new();
        let child = sandbox.start(&train_small("a", 1_000_000, &[]));
        sandbox.wait_for("runs/a/checkpoints/step-0000128.safetensors");
        signal(child.id(), name);
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
        assert_eq!(sandbox.json("runs/a/run.json")["state"], "stopped");
    }
}

#[test]
fn a_sweep_and_its_processes_ignore_a_hang_up_that_is_ignored() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "small.toml",
        "[task]\nmodulus = 11\n[model]\nd_model = 16\nn_heads = 2\nd_mlp = 32\n[training]\nmax_steps = 3000\n",
    );
    let args = ["sweep", "small.toml", "--seeds=0..2", "--jobs=2"].map(str::to_owned);
    let child = start_ignoring_hang_ups(&sandbox, &args);
    let checkpoint = |seed: u32| format!("runs/small-sweep/seed-{seed}/checkpoints/step-0000128.safetensors");
    (0..2).for_each(|seed| sandbox.wait_for(&checkpoint(seed)));
    // A terminal that goes away tells every process of its session.
    let of_sweep = Command::new("pgrep").args(["-P", &child.id().to_string()]).output();
    let children = of_sweep.map(|found| String::from_utf8(found.stdout).unwrap()).unwrap_or_default();
    for process in children.lines().filter_map(|line| line.parse().ok()).chain([child.id()]) {
        signal(process, "-HUP");
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stdout).unwrap().contains("2 of 2 runs finished"));
}

/// util-linux' `script` gives a program a terminal; its input is what is typed there.
#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_stops_the_dashboard_as_it_stops_everything() {
    let sandbox = Sandbox::new();
    let train = train_small("a", 1_000_000, &["--tui"]).join(" ");
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command"]);
    script.arg(format!("{} {train}", env!("CARGO_BIN_EXE_clockwork"))).arg("/dev/null");
    script.current_dir(sandbox.path("")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut script) = script.spawn() else {
        eprintln!("skipped: the dashboard needs a terminal, and there is no `script` to make one");
        return;
    };
    // The terminal's screen has to be read, or it fills up.
    let mut screen = script.stdout.take().unwrap();
    let read = std::thread::spawn(move || screen.read_to_end(&mut Vec::new()));
    sandbox.wait_for("runs/a/checkpoints/step-0000128.safetensors");
    script.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    assert_eq!(script.wait().unwrap().code(), Some(130));
    read.join().unwrap().unwrap();
    let record = sandbox.json("runs/a/run.json");
    assert_eq!((&record["state"], &record["reason"]), (&"stopped".into(), &"stopped by the user".into()));
}
