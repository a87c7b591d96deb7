use crate::sandbox::{Sandbox, train_small};

#[test]
fn a_run_is_analysed_at_any_of_its_checkpoints() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 100, &[]));
    let said = sandbox.succeed(&["analyze", "runs/latest"]);
    assert!(said.contains("key frequencies") && said.contains("of 15 claims hold"), "{said}");
    let file = sandbox.json("runs/run/analysis/step-0000100/analysis.json");
    assert_eq!(file["summary"]["p"], 11);
    assert_eq!(file["claims"].as_array().unwrap().len(), 15);
    assert_eq!(file["provenance"]["step"], 100);

    // The losses on either side of the split are those that training measured.
    let summary: serde_json::Value =
        serde_json::from_str(&sandbox.succeed(&["analyze", "runs/run", "--step=64", "--json"])).unwrap();
    let metrics = sandbox.metrics("run");
    let at_64 = metrics.iter().find(|evaluation| evaluation["step"] == 64).unwrap();
    for key in ["train_loss", "test_loss"] {
        let (found, trained) = (summary[key].as_f64().unwrap(), at_64[key].as_f64().unwrap());
        assert!((found - trained).abs() < 1e-5 * trained, "{key}: {found} is not {trained}");
    }
    assert!(sandbox.path("runs/run/analysis/step-0000064/analysis.json").exists());
}

#[test]
fn a_network_that_only_memorised_fails_the_check() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 300, &[]));
    let output = sandbox.run(&["analyze", "runs/run", "--check"]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("FAILS  it generalises"), "{said}");
}

#[test]
fn what_cannot_be_analysed_is_named() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 10, &[]));
    sandbox.write("broken.safetensors", "no tensors");
    for (args, words) in [
        (&["analyze", "none"][..], "none does not exist"),
        (&["analyze", "."], "no run here"),
        (&["analyze", "runs/run", "--step=9"], "no checkpoint of step 9; the nearest is 8"),
        (&["analyze", "broken.safetensors"], "broken.safetensors: not a whole safetensors file"),
        (&["analyze", "broken.safetensors", "--step=9"], "--step goes with a run"),
    ] {
        let output = sandbox.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(words) && said.lines().count() == 1, "{said:?} lacks {words:?}");
        assert_eq!(output.status.code(), Some(2), "{said}");
    }
}
