//! A sweep ends in the same bytes as its runs trained alone, whatever happened on the way.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::sandbox::{MODULO_59, SMALL, Sandbox, signal};

/// A configuration, until its first seeds generalise.
const GROKS: [&str; 5] = ["sweep", "59.toml", "--set=training.max_steps=1200", "--jobs=2", "--name=q"];

/// A sandbox with the file of that configuration.
fn with_configuration() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("59.toml", MODULO_59);
    sandbox
}

/// A sweep of the small network.
fn sweep_small(more: &[&'static str]) -> Vec<&'static str> {
    [&["sweep", "--name=s"][..], &SMALL, more].concat()
}

fn manifest(sandbox: &Sandbox, sweep: &str) -> Vec<Value> {
    sandbox.json(&format!("runs/{sweep}/sweep.json"))["runs"].as_array().unwrap().clone()
}

fn states(sandbox: &Sandbox, sweep: &str) -> Vec<String> {
    let state = |run: &Value| run["state"].as_str().unwrap().to_owned();
    manifest(sandbox, sweep).iter().map(state).collect()
}

/// The process that trains a run of a sweep.
fn process_of(parent: u32, run: &str) -> u32 {
    let parent = parent.to_string();
    let found = Command::new("pgrep").args(["-P", &parent, "-f", &format!("name={run} ")]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn killed_parent_and_child_and_started_again() {
    let sandbox = with_configuration();
    let args = [&GROKS[..], &["--seeds=0..4"]].concat();
    let mut sweep = sandbox.start(&args);
    for seed in [0, 1] {
        sandbox.wait_for(&format!("runs/q/seed-{seed}/checkpoints/step-0000200.safetensors"));
    }
    signal(process_of(sweep.id(), "seed-1"), "-KILL");
    sandbox.wait_for("runs/q/seed-2/checkpoints/step-0000064.safetensors");
    sweep.kill().unwrap();
    sweep.wait().unwrap();
    let of_manifest = manifest(&sandbox, "q");
    assert_eq!((&of_manifest[1]["state"], &of_manifest[3]["state"]), (&"failed".into(), &"waiting".into()));
    assert!(of_manifest[1]["reason"].as_str().unwrap().contains("signal: 9"), "{}", of_manifest[1]);

    // What it left behind may still be at its last step; the sweep waits for that.
    let output = sandbox.run(&args);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("4 of 4 runs finished"), "{said}");
    assert!(said.contains("clockwork compare runs/q"), "{said}");
    assert_eq!(states(&sandbox, "q"), ["finished"; 4]);
    for seed in ["0", "1", "2", "3"] {
        let alone = ["train", "--config=59.toml", "--set=training.max_steps=1200", "--runs-dir=alone"];
        sandbox.succeed(&[&alone[..], &["--name", seed, "--seed", seed]].concat());
        for file in ["step-0001200.safetensors", "step-0001200.optimizer.safetensors"] {
            let swept = sandbox.read(&format!("runs/q/seed-{seed}/checkpoints/{file}"));
            assert!(swept == sandbox.read(&format!("alone/{seed}/checkpoints/{file}")), "{seed}: {file}");
        }
    }
    compared(&sandbox);
}

/// The runs of the sweep, compared.
fn compared(sandbox: &Sandbox) {
    let said = sandbox.succeed(&["compare", "runs/q"]);
    for words in ["seed-0", "seed-3", "over 4 runs modulo 59, of 29 frequencies", "over 6 pairs", "by chance"]
    {
        assert!(said.contains(words), "{said:?} lacks {words:?}");
    }
    for file in ["report.html", "comparison.csv", "figures/key-frequencies.svg", "figures/overlap.found.png"]
    {
        assert!(sandbox.path(format!("runs/q/comparison/{file}")).exists(), "{file}");
    }
    // Everything that a shell finds there, and the sweep itself, is still four runs.
    let entries = std::fs::read_dir(sandbox.path("runs/q")).unwrap();
    let mut everything: Vec<String> =
        entries.map(|entry| format!("runs/q/{}", entry.unwrap().file_name().to_str().unwrap())).collect();
    everything.sort();
    assert!(everything.contains(&"runs/q/latest".to_owned()), "{everything:?}");
    let output = sandbox.command(&["compare", "--json", "runs/q"]).args(&everything).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json, sandbox.json("runs/q/comparison/comparison.json"));
    let runs = json["runs"].as_array().unwrap();
    let names: Vec<&str> = runs.iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["seed-0", "seed-1", "seed-2", "seed-3"]);
    assert_eq!(json["across"]["pairs"].as_array().unwrap().len(), 6);

    let csv = sandbox.succeed(&["compare", "--csv", "runs/q"]);
    assert_eq!(csv.as_bytes(), sandbox.read("runs/q/comparison/comparison.csv"));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 4);
    for (record, run) in records.iter().zip(runs) {
        assert_eq!(record[column("seed")], run["seed"].to_string());
        let freqs: Vec<usize> =
            record[column("key_freqs")].split_whitespace().map(|k| k.parse().unwrap()).collect();
        assert_eq!(serde_json::json!(freqs), run["key_freqs"]);
        assert_eq!(
            record[column("original_loss")].parse::<f64>().unwrap(),
            run["original_loss"].as_f64().unwrap()
        );
        assert_eq!(record[column("generalised")].parse().ok(), run["generalised"].as_u64());
    }
    analysed_anew(sandbox, &runs[0]);
}

/// What this state of the program analysed is taken as it is, and what another state analysed is not.
fn analysed_anew(sandbox: &Sandbox, run: &Value) {
    let path = format!("runs/q/seed-0/analysis/step-{:07}/analysis.json", run["step"].as_u64().unwrap());
    let mut findings = sandbox.json(&path);
    let loss = |findings: &Value| {
        sandbox.write(&path, &findings.to_string());
        let compared: Value =
            serde_json::from_str(&sandbox.succeed(&["compare", "--json", "runs/q"])).unwrap();
        compared["runs"][0]["original_loss"].clone()
    };
    findings["summary"]["original_loss"] = 7.0.into();
    assert_eq!(loss(&findings), 7.0);
    findings["provenance"]["sources"] = "another state".into();
    assert_eq!(loss(&findings), run["original_loss"]);
}

#[test]
fn ctrl_c_stops_all_and_any_scheduler_goes_on() {
    let sandbox = Sandbox::new();
    let args = sweep_small(&["--seeds=5,7,9", "--jobs=2", "--set=training.max_steps=20000"]);
    let sweep = sandbox.start(&args);
    for seed in [5, 7] {
        sandbox.wait_for(&format!("runs/s/seed-{seed}/checkpoints/step-0000200.safetensors"));
    }
    signal(sweep.id(), "-INT");
    let output = sweep.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("0 of 3 runs finished") && said.contains("the same command goes on"), "{said}");
    assert_eq!(states(&sandbox, "s"), ["waiting"; 3]);
    for seed in [5, 7] {
        let record = sandbox.json(&format!("runs/s/seed-{seed}/run.json"));
        assert_eq!(
            (&record["state"], &record["reason"]),
            (&"stopped".into(), &"stopped with its sweep".into())
        );
    }

    // As someone else would start them, from somewhere else; a second time there is nothing left to do.
    for run in manifest(&sandbox, "s") {
        let command: Vec<String> = serde_json::from_value(run["command"].clone()).unwrap();
        for _ in 0..2 {
            let status =
                Command::new(&command[0]).args(&command[1..]).current_dir("/").stdout(Stdio::null()).status();
            assert!(status.unwrap().success());
        }
    }
    let finished = sandbox.read("runs/s/seed-5/run.json");
    let said = sandbox.succeed(&args);
    assert!(said.contains("3 of 3 runs finished"), "{said}");
    assert_eq!(states(&sandbox, "s"), ["finished"; 3]);
    assert_eq!(sandbox.read("runs/s/seed-5/run.json"), finished, "what is finished is left alone");
}

#[test]
fn a_run_that_fails_does_not_stop_the_others_and_seeds_can_be_added() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path("runs/s/d_mlp-32-seed-0")).unwrap();
    sandbox.write("runs/s/d_mlp-32-seed-0/notes.txt", "not a run");
    let sweep = |seeds| {
        let output = sandbox.run(&["sweep", "small.toml", "--name=s", "--set=model.d_mlp=16,32", seeds]);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    sandbox.write("small.toml", "[task]\nmodulus = 11\n[model]\nd_model = 16\n[training]\nmax_steps = 200\n");
    let (status, said) = sweep("--seeds=0..2");
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("3 of 4 runs finished, 1 failed"), "{said}");
    assert_eq!(states(&sandbox, "s"), ["finished", "finished", "failed", "finished"]);
    let failed = &manifest(&sandbox, "s")[2];
    assert!(failed["reason"].as_str().unwrap().contains("d_mlp-32-seed-0: no run here"), "{failed}");
    assert!(said.contains("no run here"), "{said}");

    let finished = sandbox.read("runs/s/d_mlp-16-seed-0/run.json");
    std::fs::remove_dir_all(sandbox.path("runs/s/d_mlp-32-seed-0")).unwrap();
    let (status, said) = sweep("--seeds=0,2");
    assert!(status == Some(0) && said.contains("4 of 4 runs finished"), "{said}");
    // What is not asked for this time is still in the manifest.
    assert_eq!(states(&sandbox, "s"), ["finished"; 6]);
    assert_eq!(sandbox.read("runs/s/d_mlp-16-seed-0/run.json"), finished, "what is finished is left alone");

    // Settings that differ are columns of a comparison.
    let said = sandbox.succeed(&["compare", "runs/s"]);
    assert!(said.contains("d_mlp") && said.contains("d_mlp-32-seed-2"), "{said}");
}

#[test]
fn a_run_that_somebody_else_trains_is_waited_for_and_one_of_other_settings_is_not_taken_for_its_own() {
    let sandbox = Sandbox::new();
    let settings = "[task]\nmodulus = 11\n[model]\nd_model = 16\n[training]\nmax_steps = 3000\n";
    sandbox.write("small.toml", settings);
    sandbox.write("other.toml", &settings.replace("d_model = 16", "d_model = 8").replace("3000", "20"));
    let train = ["train", "--runs-dir=runs/s"];
    sandbox.succeed(&[&train[..], &["--config=other.toml", "--seed=1", "--name=seed-1"]].concat());
    let mut elsewhere =
        sandbox.start(&[&train[..], &["--config=small.toml", "--seed=0", "--name=seed-0"]].concat());
    sandbox.wait_for("runs/s/seed-0/run.json");
    let output = sandbox.run(&["sweep", "small.toml", "--name=s", "--seeds=0..2"]);
    assert!(elsewhere.wait().unwrap().success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("seed-0: another process trains it; waiting for that"), "{said}");
    assert!(said.contains("seed-0: finished at step 3000"), "{said}");
    assert_eq!(
        (output.status.code(), states(&sandbox, "s")),
        (Some(1), vec!["finished".into(), "failed".into()])
    );
    let reason = manifest(&sandbox, "s")[1]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("has model.d_model = 8, not 16; choose another --name"), "{reason}");
}

#[test]
fn what_is_imported_or_broken_is_compared_as_far_as_it_is_known() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", "[task]\nmodulus = 11\n[model]\nd_model = 16\n[training]\nmax_steps = 20\n");
    sandbox.succeed(&["sweep", "small.toml", "--name=my sweep", "--seeds=0..2", "--quiet"]);
    let broken = "runs/my sweep/seed-1/checkpoints/step-0000020.safetensors";
    let theirs = safetensors::serialize(
        safetensors::SafeTensors::deserialize(&sandbox.read(broken)).unwrap().iter().collect::<Vec<_>>(),
        None,
    );
    std::fs::write(sandbox.path("theirs.safetensors"), theirs.unwrap()).unwrap();
    sandbox.succeed(&["import", "theirs.safetensors", "--name=theirs"]);
    sandbox.write(broken, "half");

    let earlier = sandbox.succeed(&["compare", "runs/my sweep", "--step=16", "--json", "--out=earlier"]);
    let earlier: Value = serde_json::from_str(&earlier).unwrap();
    assert_eq!([0, 1].map(|i| earlier["runs"][i]["step"].clone()), [16, 16].map(Value::from));
    let none = sandbox.run(&["compare", "runs/my sweep", "--step=17"]);
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(said.contains("seed-0: no run with a checkpoint of step 17; left out"), "{said}");
    assert_eq!(none.status.code(), Some(2), "{said}");

    std::fs::create_dir_all(sandbox.path("paper/figures")).unwrap();
    sandbox.write("paper/figures/mine.png", "by hand");

    let output = sandbox.run(&["compare", "runs/my sweep", "runs/theirs", "--json", "--out=paper"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("step-0000020.safetensors") && said.trim_end().ends_with("left out"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let runs = json["runs"].as_array().unwrap();
    assert_eq!((&runs[0]["name"], &runs[1]["name"]), (&"my sweep/seed-0".into(), &"theirs".into()));
    assert_eq!((&runs[0]["seed"], &runs[0]["state"]), (&0.into(), &"finished".into()));
    assert_eq!((&runs[1]["seed"], &runs[1]["state"]), (&Value::Null, &"imported".into()));
    assert_eq!(runs[1]["generalised"], Value::Null);
    assert_eq!(sandbox.read("paper/figures/mine.png"), b"by hand");
    let csv = sandbox.succeed(&["compare", "runs/my sweep", "runs/theirs", "--csv"]);
    assert!(csv.lines().nth(2).unwrap().starts_with("theirs,runs/theirs,,0,imported,,"), "{csv}");
    assert!(sandbox.path("comparison/report.html").exists(), "they are in several directories");
}

#[test]
fn one_broken_file_costs_what_it_tells_and_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", "[task]\nmodulus = 11\n[model]\nd_model = 16\n[training]\nmax_steps = 20\n");
    sandbox.succeed(&["sweep", "small.toml", "--name=s", "--seeds=0..4", "--quiet"]);
    sandbox.succeed(&["sweep", "small.toml", "--name=t", "--seeds=0", "--quiet"]);
    let metrics = String::from_utf8(sandbox.read("runs/s/seed-0/metrics.jsonl")).unwrap();
    sandbox.write("runs/s/seed-0/metrics.jsonl", &metrics.replacen("{\"step\":4", "{\"st", 1));
    std::fs::remove_file(sandbox.path("runs/s/seed-1/metrics.jsonl")).unwrap();
    sandbox.write("runs/s/seed-2/run.json", "{\"name\": ");
    sandbox.write("runs/t/sweep.json", "{");
    let output = sandbox.run(&["compare", "runs/s", "runs/t", "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    let warnings: Vec<&str> = said.lines().collect();
    assert_eq!(warnings.len(), 4, "{said}");
    for (warning, words) in warnings.iter().zip([
        "warning: runs/t/sweep.json: no manifest of a sweep",
        "warning: runs/s/seed-0/metrics.jsonl: line 4 is no evaluation",
        "warning: runs/s/seed-1: metrics.jsonl is missing",
        "warning: runs/s/seed-2: run.json is missing or broken",
    ]) {
        assert!(warning.starts_with(words), "{warning:?} is not {words:?}");
    }
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> =
        json["runs"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["s/seed-0", "s/seed-1", "s/seed-2", "s/seed-3", "t/seed-0"]);
    assert_eq!(json["runs"][2]["state"], Value::Null);
    // A report of such a run is one without its losses over steps.
    sandbox.succeed(&["analyze", "runs/s/seed-0"]);
    let output = sandbox.run(&["report", "runs/s/seed-0"]);
    assert!(output.status.success() && String::from_utf8(output.stderr).unwrap().contains("line 4"));
}

#[test]
fn what_cannot_be_swept_or_compared_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", "[task]\nmodulus = 11\n[model]\nd_model = 16\n[training]\nmax_steps = 20\n");
    let refused = |args: &[&str], words: &str| {
        let output = sandbox.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        let error = said.lines().last().unwrap();
        assert!(error.starts_with("error: ") && error.contains(words), "{said:?} lacks {words:?}");
        assert_eq!(output.status.code(), Some(2), "{said}");
    };
    refused(&["sweep", "none.toml", "--seeds=0"], "none.toml");
    refused(&["sweep", "small.toml", "--seeds=4..0"], "--seeds 4..0: 4..0 is an empty range");
    refused(&["sweep", "small.toml", "--seeds=0", "--name=a/b"], "run name");
    refused(&["sweep", "small.toml", "--seeds=0", "--set=task.modulo=7,9"], "did you mean task.modulus?");
    refused(&["compare", "runs"], "runs does not exist");
    assert!(!sandbox.path("runs").exists());

    sandbox.succeed(&["train", "--config=small.toml", "--name=eleven"]);
    refused(&["sweep", "small.toml", "--seeds=0", "--name=eleven"], "is a run; choose another --name");
    sandbox.succeed(&["sweep", "small.toml", "--seeds=0", "--set=task.modulus=7"]);
    refused(&["sweep", "small.toml", "--seeds=0"], "has task.modulus = 7, not 11; choose another --name");
    refused(
        &["compare", "runs/eleven", "runs/small-sweep"],
        "different moduli, 7 (1 run), 11 (1 run): choose those of one with --modulus",
    );
    refused(&["compare", "runs/eleven", "--modulus=5"], "none of these runs has modulus 5");
    refused(&["compare", "small.toml"], "there is no run to compare");
    let said = sandbox.succeed(&["compare", "runs/eleven", "runs/small-sweep", "--modulus=7", "--out=c"]);
    assert!(said.contains("over 1 run modulo 7") && sandbox.path("c/report.html").exists(), "{said}");

    // Other directories that a shell's pattern finds are passed over, and `latest` is no second run.
    std::fs::create_dir(sandbox.path("runs/empty")).unwrap();
    sandbox.succeed(&["train", "--config=small.toml", "--name=again"]);
    let output = sandbox.run(&["compare", "runs/empty", "runs/eleven", "runs/again", "runs/latest"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "warning: runs/empty: no run with a checkpoint; left out\n");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("over 2 runs") && said.contains("eleven, again have the same weights"), "{said}");
}
