use crate::sandbox::{Sandbox, train_small};

#[test]
fn a_runs_course_is_measured_once_and_what_is_missing_afterwards() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 100, &[]));
    let said = sandbox.succeed(&["progress", "runs/run", "--freqs=2,5"]);
    assert!(said.contains("by the frequencies chosen: 2 and 5"), "{said}");
    assert!(said.contains("phases: ") && said.contains("of 4 claims hold"), "{said}");
    assert!(said.contains("test loss") && said.contains("measures runs/run/analysis"), "{said}");
    let file = sandbox.json("runs/run/analysis/progress.json");
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

    // The report of an analysis shows the course.
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
fn what_has_no_course_is_named() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 10, &[]));
    for (args, words) in [
        (&["progress", "runs/none"][..], "runs/none does not exist"),
        (&["progress", "."], "no run here"),
        (&["progress", "runs/run", "--freqs=0"], "0 is no frequency of this run: choose --freqs from 1 to 5"),
        (&["progress", "runs/run", "--freqs=6"], "6 is no frequency of this run"),
    ] {
        let output = sandbox.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(words), "{said:?} lacks {words:?}");
    }
}
