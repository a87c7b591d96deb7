use crate::sandbox::{Sandbox, train_small};

#[test]
fn a_runs_course_is_measured_once_and_what_is_missing_afterwards() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 100, &[]));
    let said = sandbox.succeed(&["progress", "runs/run", "--freqs=2,5"]);
    assert!(said.contains("by the frequencies chosen: 2 and 5"), "{said}");
    assert!(said.contains("phases: ") && said.contains("of 4 claims hold"), "{said}");
    assert!(said.contains("test loss") && said.contains("measures runs/run/analysis/by-2-5"), "{said}");
    let file = sandbox.json("runs/run/analysis/by-2-5/progress.json");
    let rows = file["rows"].as_array().unwrap();
    // Step 0, the powers of two, and the last.
    assert_eq!(rows.len(), 9);
    let at_64 = rows.iter().find(|row| row["step"] == 64).unwrap();
    let evaluated = sandbox.metrics("run");
    let evaluated = evaluated.iter().find(|evaluation| evaluation["step"] == 64).unwrap();
    for (side, key) in [("train", "train_loss"), ("test", "test_loss")] {
        let (found, trained) =
            (at_64["measures"][side]["loss"].as_f64().unwrap(), evaluated[key].as_f64().unwrap());
        assert!((found - trained).abs() < 1e-5 * trained, "{side}: {found} is not {trained}");
    }
    assert!(
        (at_64["train_accuracy"].as_f64().unwrap() - evaluated["train_accuracy"].as_f64().unwrap()).abs()
            < 1e-9
    );

    // A checkpoint that is missing, and one that is broken: the others are kept, and the broken one is named.
    std::fs::remove_file(sandbox.path("runs/run/checkpoints/step-0000016.safetensors")).unwrap();
    sandbox.write("runs/run/checkpoints/step-0000032.safetensors", "broken");
    let output = sandbox.run(&["progress", "runs/run", "--freqs=5,2", "--json"]);
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && warned.contains("step-0000032.safetensors") && warned.contains("left out"),
        "{warned}"
    );
    let again: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let steps: Vec<u64> =
        again["rows"].as_array().unwrap().iter().map(|row| row["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [0, 1, 2, 4, 8, 64, 100]);
    assert_eq!(again["claims"].as_array().unwrap().len(), 4);
    assert!(again["phases"].get("circuit_formation").is_some() && again["leads"].is_array(), "{again}");

    // The report of an analysis shows the course by key frequencies, and none by others.
    sandbox.succeed(&["analyze", "runs/run", "--report"]);
    assert!(!sandbox.path("runs/run/report/figures/course-embedding.svg").exists());
    sandbox.succeed(&["progress", "runs/run"]);
    sandbox.succeed(&["analyze", "runs/run", "--report"]);
    let page = String::from_utf8(sandbox.read("runs/run/report/report.html")).unwrap();
    assert!(page.contains("How it came about") && page.contains("course-losses"));
    assert!(page.contains("the restricted loss falls before the test loss"));
    assert!(sandbox.path("runs/run/report/figures/course-embedding.svg").exists());

    // Files that are broken are measured anew.
    sandbox.write("runs/run/analysis/progress.json", "{");
    let output = sandbox.run(&["progress", "runs/run"]);
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && warned.contains("measured anew"), "{warned}");
}

#[test]
fn an_analysis_measures_the_course_too_where_it_is_asked_to() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 20, &[]));
    let said = sandbox.succeed(&["analyze", "runs/run", "--progress"]);
    assert!(said.contains("how it came about\n  phases: ") && said.contains("of 4 claims hold"), "{said}");
    let course = sandbox.json("runs/run/analysis/progress.json");
    assert_eq!(course["maps"]["steps"], serde_json::json!([0, 1, 2, 4, 8, 16, 20]));

    let json = sandbox.succeed(&["analyze", "runs/run", "--progress", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["measures"].is_object() && json["course"]["phases"].is_object(), "{json}");
    assert_eq!(json["course"]["claims"].as_array().unwrap().len(), 4);
    assert!(sandbox.succeed(&["analyze", "runs/run", "--json"]).find("\"course\"").is_none());

    // With another place for the analysis, the course is there too.
    sandbox.succeed(&["analyze", "runs/run", "--progress", "--report", "--out=elsewhere"]);
    assert!(
        sandbox.path("elsewhere/progress.json").exists() && sandbox.path("elsewhere/report.html").exists()
    );
    // One checkpoint is no course, and a file is no run.
    let file = "runs/run/checkpoints/step-0000020.safetensors";
    sandbox.succeed(&train_small("one", 1, &[]));
    std::fs::remove_file(sandbox.path("runs/one/checkpoints/step-0000000.safetensors")).unwrap();
    for target in ["runs/one", file] {
        let said = sandbox.succeed(&["analyze", target, "--progress"]);
        assert_eq!(said.contains("how it came about"), target == file, "{said}");
    }
    assert!(!sandbox.path("runs/one/analysis/progress.json").exists());
}

#[cfg(unix)]
#[test]
fn a_run_is_followed_until_it_is_trained_no_more() {
    use crate::sandbox::signal;

    let sandbox = Sandbox::new();
    let mut training =
        sandbox.start(&train_small("run", 1_000_000, &["--set=training.checkpoint_every=1000"]));
    sandbox.wait_for("runs/run/checkpoints/step-0000008.safetensors");
    let following = sandbox.start(&["progress", "runs/run", "--follow", "--json"]);
    sandbox.wait_for("runs/run/report/report.html");
    signal(training.id(), "-INT");
    training.wait().unwrap();
    let output = following.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && told.contains("report runs/run/report/report.html"), "{told}");
    assert!(told.contains("\nstep "), "it is told where the run has come to: {told}");

    let measured: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let last = &measured["rows"].as_array().unwrap().last().unwrap()["step"];
    assert_eq!(*last, sandbox.json("runs/run/run.json")["step"]);
    assert!(measured["maps"]["steps"].as_array().unwrap().contains(last), "maps are made in the end");
    assert_eq!(sandbox.json("runs/run/analysis/progress.json")["rows"], measured["rows"]);
    // Of an analysis that the next one replaces nothing is kept.
    assert_eq!(std::fs::read_dir(sandbox.path("runs/run/analysis")).unwrap().count(), 2);
}

#[test]
fn a_newest_checkpoint_that_is_broken_and_measures_of_other_checkpoints_stop_nothing() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 20, &[]));
    sandbox.succeed(&["progress", "runs/run"]);
    sandbox.write("runs/run/checkpoints/step-0000020.safetensors", "broken");
    let said = |args: &[&str]| {
        let output = sandbox.run(args);
        let (out, said) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{said}");
        (out, said)
    };
    let (out, warned) = said(&["progress", "runs/run", "--follow"]);
    assert!(
        warned.contains("step-0000020.safetensors is of no use; key frequencies are those of step 16"),
        "{warned}"
    );
    assert!(
        warned.contains("; left out") && out.contains("of step 16 (") && !out.contains("\n    20  "),
        "{out}"
    );

    // The run was trained anew, and its measures are of what it was.
    std::fs::remove_file(sandbox.path("runs/run/checkpoints/step-0000020.safetensors")).unwrap();
    sandbox.succeed(&train_small("other", 16, &["--seed=9"]));
    let newest = "checkpoints/step-0000016.safetensors";
    std::fs::copy(sandbox.path(format!("runs/other/{newest}")), sandbox.path(format!("runs/run/{newest}")))
        .unwrap();
    let (_, warned) = said(&["compare", "runs/run"]);
    assert!(warned.contains("its measures are of other checkpoints"), "{warned}");
    let (_, warned) = said(&["analyze", "runs/run", "--report"]);
    assert!(warned.contains("run `clockwork progress runs/run` again"), "{warned}");
    let page = String::from_utf8(sandbox.read("runs/run/report/report.html")).unwrap();
    assert!(!page.contains("How it came about"));
    assert!(
        !sandbox.path("runs/run/report/figures/course-losses.svg").exists(),
        "the earlier report's is removed"
    );
}

#[test]
fn what_has_no_course_is_named() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 10, &[]));
    for (args, words) in [
        (&["progress", "runs/none"][..], "runs/none does not exist"),
        (&["progress", "."], "no run here"),
        (&["progress", "runs/run/config.toml"], "is a file, and has no course: give the directory of a run"),
        (&["progress", "runs/run", "--freqs=0"], "0 is no frequency of this run: choose --freqs from 1 to 5"),
        (&["progress", "runs/run", "--freqs=6"], "6 is no frequency of this run"),
    ] {
        let output = sandbox.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(words), "{said:?} lacks {words:?}");
    }
}

#[test]
fn a_comparison_lays_courses_over_each_other() {
    let sandbox = Sandbox::new();
    for (name, seed) in [("a", "--seed=1"), ("b", "--seed=2")] {
        sandbox.succeed(&train_small(name, 20, &[seed]));
    }
    assert!(!sandbox.succeed(&["compare", "runs/a", "runs/b"]).contains("courses of"));
    sandbox.succeed(&["progress", "runs/a"]);
    let said = sandbox.succeed(&["compare", "runs/a", "runs/b"]);
    assert!(said.contains("courses of 1 of 2\n"), "what was measured is compared: {said}");
    let said = sandbox.succeed(&["compare", "runs/a", "runs/b", "--progress"]);
    assert!(said.contains("courses of 2 of 2\n") && said.contains("phases come in order"), "{said}");
    // The maps that were made stay, and none are made.
    assert!(sandbox.json("runs/a/analysis/progress.json")["maps"].is_object());
    assert!(sandbox.json("runs/b/analysis/progress.json")["maps"].is_null());
    let comparison = sandbox.json("runs/comparison/comparison.json");
    assert_eq!(comparison["across"]["course"]["runs"], 2);
    assert!(comparison["runs"][1]["course"]["phases"].is_object());
    let csv = String::from_utf8(sandbox.read("runs/comparison/comparison.csv")).unwrap();
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .contains(",circuit_formation,cleanup,settled,course_claims_held,course_claims_failed,"),
        "{csv}"
    );
    let claims = comparison["across"]["course"]["claims"].as_array().unwrap();
    assert_eq!(claims.last().unwrap()["id"], "phases-in-order");
    // A comparison of an earlier step knows nothing of what came later.
    let earlier = sandbox.succeed(&["compare", "runs/a", "runs/b", "--step=0"]);
    assert!(!earlier.contains("courses of"), "{earlier}");
}
