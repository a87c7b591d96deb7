use std::{env, fs, path::PathBuf};

use crate::sandbox::Sandbox;

/// The first evaluated step at which an accuracy is 99 % or more.
fn passed(metrics: &[serde_json::Value], accuracy: &str) -> u64 {
    let passed = metrics.iter().find(|evaluation| evaluation[accuracy].as_f64().unwrap() >= 0.99);
    passed.unwrap_or_else(|| panic!("{accuracy} never passed 99 %"))["step"].as_u64().unwrap()
}

#[test]
fn the_quick_configuration_groks() {
    let sandbox = Sandbox::new();
    let quick = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../../configs/quick.toml");
    fs::copy(quick, sandbox.path("quick.toml")).unwrap();
    let said = sandbox.succeed(&["train", "--config=quick.toml", "--name=quick"]);
    assert!(said.contains("finished at step") && said.contains("runs/quick"), "{said}");

    let metrics = sandbox.metrics("quick");
    let last = metrics.last().unwrap();
    assert_eq!(last["test_accuracy"], 1.0);
    assert_eq!(last["train_accuracy"], 1.0);
    assert!(last["test_loss"].as_f64().unwrap() < 1e-5, "{last}");
    let (memorised, generalised) = (passed(&metrics, "train_accuracy"), passed(&metrics, "test_accuracy"));
    assert!(generalised > 2 * memorised, "memorised at {memorised}, generalised at {generalised}");

    let said = sandbox.succeed(&["analyze", "runs/quick", "--check"]);
    let step = last["step"].as_u64().unwrap();
    let claims = &sandbox.json(&format!("runs/quick/analysis/step-{step:07}/analysis.json"))["claims"];
    let count = claims.as_array().unwrap().len();
    assert!(said.contains(&format!("{count} of {count} claims hold")), "{said}");
}
