//! Every kind of operation is trained, resumed, analysed, reported, imported, swept and compared.

use std::{collections::BTreeMap, fs};

use safetensors::SafeTensors;

use crate::sandbox::{BACKENDS, Sandbox, assert_refused, train_small};

/// An operation of each kind, with more settings, as they are given at the command line, and the start of its default name.
const OPERATIONS: [(&[&str], &str); 7] = [
    (&["task.operation=subtract"], "subtract11-seed"),
    (&["task.operation=multiply"], "multiply11-seed"),
    (&["task.operation=multiply", "task.zero=true"], "multiply-with-0-mod11-seed"),
    (&["task.operation=divide"], "divide11-seed"),
    (&["task.operation=2x + 3y + 1"], "2x+3y+1-mod11-seed"),
    (&["task.operation=x^2 + x*y + y^2"], "x2+xy+y2-mod11-seed"),
    (&["task.operation=random"], "random11-seed"),
];

fn settings(of: &[&str]) -> Vec<String> {
    of.iter().map(|setting| format!("--set={setting}")).collect()
}

/// `clockwork train` of a small network of an operation.
fn train(name: &str, steps: u32, of: &[&str], more: &[&str]) -> Vec<String> {
    let settings = settings(of);
    let more: Vec<&str> = settings.iter().map(String::as_str).chain(more.iter().copied()).collect();
    train_small(name, steps, &more)
}

#[test]
fn every_operation_gives_the_same_bytes_on_any_number_of_threads_and_resumed() {
    let sandbox = Sandbox::new();
    let last = |run: &str| sandbox.read(&format!("runs/{run}/checkpoints/step-0000120.safetensors"));
    for (i, (of, _)) in OPERATIONS.iter().enumerate() {
        let [one, two, resumed] = ["one", "two", "resumed"].map(|name| format!("{name}-{i}"));
        sandbox.succeed(&train(&one, 120, of, &["--threads=1"]));
        sandbox.succeed(&train(&two, 120, of, &["--threads=2"]));
        sandbox.succeed(&train(&resumed, 64, of, &[]));
        sandbox.succeed(&["resume", &format!("runs/{resumed}"), "--max-steps=120"]);
        let weights = |file: &[u8]| -> BTreeMap<String, Vec<u8>> {
            let tensors = SafeTensors::deserialize(file).unwrap();
            tensors.tensors().into_iter().map(|(name, of)| (name, of.data().to_vec())).collect()
        };
        assert!(last(&one) == last(&two), "{of:?}: bytes depend on the number of threads");
        // The planned number of steps is in the metadata.
        assert!(weights(&last(&one)) == weights(&last(&resumed)), "{of:?}: resumed it ends otherwise");
        assert_eq!(sandbox.metrics(&one), sandbox.metrics(&resumed));
    }
    let random = OPERATIONS[6].0;
    sandbox.succeed(&train("other", 120, random, &["--seed=1"]));
    assert!(last("other") != last("one-6"), "another seed draws other answers");
}

#[test]
fn every_backend_and_both_gradients_follow_the_same_curve() {
    let sandbox = Sandbox::new();
    for (i, (of, _)) in OPERATIONS.iter().enumerate() {
        let reference = format!("closed-form-{i}");
        sandbox.succeed(&train(&reference, 40, of, &[]));
        let autodiff = ["--set=training.gradient=autodiff"].into_iter();
        for (j, way) in autodiff.chain(BACKENDS.iter().copied().skip(1)).enumerate() {
            let name = format!("other-{i}-{j}");
            sandbox.succeed(&train(&name, 40, of, &[way]));
            let (found, expected) = (sandbox.metrics(&name), sandbox.metrics(&reference));
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                for key in ["train_loss", "test_loss", "sum_squared_weights"] {
                    let [found, expected] = [found, expected].map(|of| of[key].as_f64().unwrap());
                    assert!(
                        (found - expected).abs() <= 1e-3 * expected,
                        "{of:?} {way} {key}: {found}, {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_operation_is_named_analysed_reported_and_imported() {
    let sandbox = Sandbox::new();
    for ((of, name), words) in OPERATIONS.into_iter().zip([
        &["of all differences modulo 11 right", "below, y stands for −y", "\"−y\""][..],
        &[
            "of all products modulo 11 right",
            "to the base 2, modulo 10",
            "log₂ x",
            "0, which has none, is left aside",
        ],
        &["of all products modulo 11 right", "over the pairs without 0", "log₂ x"],
        &["of all quotients modulo 11 right", "that of y with its sign changed", "−log₂ y"],
        &["of all values of 2·x + 3·y + 1 modulo 11 right", "x, y and z stand for 2x, 3y and (z − 1)"],
        &["of all values of x² + x·y + y² modulo 11 right", "in no known coordinates", "accuracy-by-answer"],
        &["of all random answers modulo 11 right", "can only be memorised", "accuracy-by-answer"],
    ]) {
        let mut command = train("", 40, of, &[]);
        command.retain(|argument| argument != "--name=");
        let said = sandbox.succeed(&command);
        let run = said.lines().find_map(|line| Some(line.split_once("runs/")?.1.to_owned())).unwrap();
        assert!(run.starts_with(name), "{run} does not start with {name}");
        let path = format!("runs/{run}");
        let analysed: serde_json::Value =
            serde_json::from_str(&sandbox.succeed(&["analyze", &path, "--json"])).unwrap();
        // What training said of the pairs is what the analysis finds of the task that the checkpoint names.
        let told = sandbox.metrics(&run).pop().unwrap();
        for key in ["train_loss", "test_loss"] {
            let [found, told] = [&analysed, &told].map(|of| of[key].as_f64().unwrap());
            assert!((found - told).abs() <= 1e-4 * told, "{of:?} {key}: {found}, {told}");
        }
        sandbox.succeed(&["report", &path]);
        let page = String::from_utf8(sandbox.read(&format!("{path}/report/report.html"))).unwrap();
        for word in words {
            assert!(page.contains(word), "the report of {of:?} lacks {word:?}");
        }
        let has_coordinates = !words.contains(&"accuracy-by-answer");
        assert_eq!(page.contains("logits-by-difference"), has_coordinates, "{of:?}");

        // The weights alone, as somebody else would keep them, are read by what is said of them.
        let operation = format!("--operation={}", of[0].split_once('=').unwrap().1);
        let bytes = sandbox.read(&format!("{path}/checkpoints/step-0000040.safetensors"));
        let tensors = SafeTensors::deserialize(&bytes).unwrap().tensors();
        fs::write(sandbox.path("theirs.safetensors"), safetensors::serialize(tensors, None).unwrap())
            .unwrap();
        let mut import = vec!["import", "theirs.safetensors", "--name", "theirs", &operation];
        if name.starts_with("multiply11") {
            import.push("--without-zero");
        }
        if name.starts_with("random") {
            assert_refused(&sandbox.run(&import), 2, &["random answers are known to the run alone"]);
            continue;
        }
        sandbox.succeed(&import);
        let imported: serde_json::Value =
            serde_json::from_str(&sandbox.succeed(&["analyze", "runs/theirs", "--json"])).unwrap();
        for key in ["accuracy", "original_loss", "gini_embedding", "loss_in_coordinates", "coordinates"] {
            assert_eq!(imported[key], analysed[key], "{of:?}: {key}");
        }
        fs::remove_dir_all(sandbox.path("runs/theirs")).unwrap();
    }
}

/// Random answers are memorised, and nothing is read into them.
#[test]
fn a_task_that_can_only_be_memorised_has_no_key_frequencies() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train("random", 1500, &["task.operation=random"], &[]));
    let last = sandbox.metrics("random").pop().unwrap();
    assert_eq!(last["train_accuracy"], 1.0);
    assert!(last["test_accuracy"].as_f64().unwrap() < 0.3, "{last}");
    let said = sandbox.succeed(&["analyze", "runs/random"]);
    assert!(said.contains("key frequencies do not apply") && said.contains("0 of 15 claims hold"), "{said}");
    let analysis = sandbox.json("runs/random/analysis/step-0001500/analysis.json");
    assert_eq!(analysis["summary"]["key_freqs"], serde_json::json!([]));
    let none = serde_json::json!({"embedding": [], "neurons": [], "w_logit": []});
    assert_eq!(analysis["summary"]["key_freqs_by_rule"], none);
    assert!(analysis["algorithm"].is_null() && analysis["measures"].is_null());
    for claim in analysis["claims"].as_array().unwrap() {
        let expected = if claim["id"] == "generalises" { "fails" } else { "does not apply" };
        assert_eq!(claim["verdict"], expected, "{claim}");
    }
    let check = sandbox.run(&["analyze", "runs/random", "--check"]);
    assert!(!check.status.success(), "it does not generalise");
}

#[test]
fn operations_are_swept_and_compared_beside_each_other() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "small.toml",
        "[task]\nmodulus = 11\ntrain_fraction = 0.5\n[model]\nd_model = 16\nn_heads = 2\nd_mlp = 32\n\
         [training]\nmax_steps = 60\ncheckpoint_every = 60\n",
    );
    let operations = "--set=task.operation=add,multiply,x^2 + x*y + y^2,random";
    sandbox.succeed(&["sweep", "small.toml", operations, "--seeds=0..2", "--name=ops", "--quiet"]);
    for run in ["operation-multiply-seed-1", "operation-x2+xy+y2-seed-0"] {
        assert!(sandbox.path(format!("runs/ops/{run}/run.json")).is_file(), "{run}");
    }
    let said = sandbox.succeed(&["compare", "runs/ops"]);
    for word in [
        "add",
        "multiply",
        "x^2 + x*y + y^2",
        "random",
        "0 of 2",
        "do not apply",
        "multiplicative",
        "modulo 11",
    ] {
        assert!(said.contains(word), "{said} lacks {word:?}");
    }
    let found = sandbox.json("runs/ops/comparison/operations.json");
    let rows = found["operations"].as_array().unwrap();
    let of = |key: &str| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("operation"), ["add", "multiply", "x^2 + x*y + y^2", "random"]);
    assert_eq!(of("coordinates"), ["inputs-and-answers", "inputs-and-answers", "nothing", "nothing"]);
    assert_eq!(of("frequencies"), [5, 5, 5, 5]);
    let page = String::from_utf8(sandbox.read("runs/ops/comparison/report.html")).unwrap();
    assert!(page.contains("href=\"multiply/report.html\"") && page.contains("accuracy-by-operation"));
    for name in ["add", "multiply", "x2+xy+y2", "random"] {
        assert!(sandbox.path(format!("runs/ops/comparison/{name}/report.html")).is_file(), "{name}");
        assert!(sandbox.path(format!("runs/ops/comparison/{name}/comparison.json")).is_file(), "{name}");
    }
    assert!(sandbox.path("runs/ops/comparison/figures/accuracy-by-operation.svg").is_file());
    let one = sandbox.succeed(&["compare", "runs/ops", "--operation=x*y"]);
    assert!(one.contains("over 2 runs modulo 11"), "{one}");
    // What comparisons leave is no run.
    let output = sandbox.run(&["compare", "runs/ops/operation-add-seed-0", "runs/ops/comparison"]);
    assert!(output.status.success() && !String::from_utf8_lossy(&output.stderr).contains("left out"));
    let csv = sandbox.succeed(&["compare", "runs/ops", "--csv"]);
    assert_eq!(csv.lines().count(), 5, "{csv}");
    assert_refused(
        &sandbox.run(&["compare", "runs/ops", "--operation=divide"]),
        2,
        &["none of these runs learned divide"],
    );
    let progress = sandbox.run(&["progress", "runs/ops/operation-random-seed-0"]);
    assert_refused(&progress, 2, &["random modulo 11", "in no known coordinates"]);
}

#[test]
fn operations_that_cannot_be_are_refused_with_the_reason() {
    let sandbox = Sandbox::new();
    for (set, words) in [
        ("task.operation=x^2 + z", "x^2 + ›z: \"z\" stands where an x"),
        ("task.operation=(x + y", "a parenthesis is not closed"),
        ("task.operation=7", "task.operation = 7: must be a string"),
        ("task.zero=maybe", "task.zero = \"maybe\": must be true or false"),
    ] {
        assert_refused(&sandbox.run(&train("a", 1, &[set], &[])), 2, &[words]);
    }
    for (operation, words) in
        [("multiply", "task.modulus = 12: must be prime to multiply"), ("divide", "must be prime to divide")]
    {
        let args = train("a", 1, &[&format!("task.operation={operation}"), "task.modulus=12"], &[]);
        assert_refused(&sandbox.run(&args), 2, &[words]);
    }
    let args = train("a", 1, &["task.operation=divide", "task.zero=true"], &[]);
    assert_refused(&sandbox.run(&args), 2, &["task.zero = true: must be false to divide"]);
}
