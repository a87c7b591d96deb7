use std::fs;

use crate::sandbox::{Sandbox, train_small};

#[test]
fn what_cannot_be_reported_is_named() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 10, &[]));
    let refused = |args: &[&str], status: i32, words: &str| {
        let output = sandbox.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(words) && said.lines().count() == 1, "{said:?} lacks {words:?}");
        assert_eq!(output.status.code(), Some(status), "{said}");
    };
    refused(&["report", "none"], 2, "none does not exist");
    refused(&["report", "runs/run"], 2, "run `clockwork analyze runs/run` first");
    sandbox.succeed(&["analyze", "runs/run"]);
    refused(&["report", "runs/run", "--step=8"], 2, "run `clockwork analyze runs/run --step 8` first");

    let arrays = "runs/run/analysis/step-0000010/arrays.safetensors";
    let whole = sandbox.read(arrays);
    fs::write(sandbox.path(arrays), &whole[..whole.len() / 2]).unwrap();
    refused(&["report", "runs/run"], 1, "arrays.safetensors: not a whole safetensors file");
    fs::write(sandbox.path(arrays), &whole).unwrap();
    let findings = "runs/run/analysis/step-0000010/analysis.json";
    let json = sandbox.read(findings);
    fs::write(sandbox.path(findings), &json[..json.len() / 2]).unwrap();
    refused(&["report", "runs/run"], 1, "analysis.json: EOF while parsing");
    sandbox.write(findings, "{\"summary\": {}}");
    refused(&["report", "runs/run"], 1, "missing field");
    fs::write(sandbox.path(findings), &json).unwrap();
    sandbox.succeed(&["report", "runs/run"]);
    assert!(sandbox.path("runs/run/report/figures/embedding-norm.svg").exists());
}
