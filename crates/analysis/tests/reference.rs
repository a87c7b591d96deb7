//! Models that other people trained, with the figures that an independent implementation finds on them.
//! They carry no licence to be kept here: the folder that holds them is named by an environment variable.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use clockwork_analysis::{Analysis, Claim, Summary, claims};
use clockwork_model::Checkpoint;
use serde_json::Value;

const FOLDER: &str = "CLOCKWORK_REFERENCE_DIR";

/// Losses agree to this share, or to [`LOSS_ABSOLUTE`].
const LOSS_RELATIVE: f64 = 0.01;
const LOSS_ABSOLUTE: f64 = 1e-12;

/// Fractions and coefficients agree to this; larger figures relative to their size.
const FIGURE: f64 = 1e-4;

/// The folder, or a word that the test is skipped.
fn folder() -> Option<PathBuf> {
    let folder = env::var_os(FOLDER).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: {FOLDER} does not name the folder of the reference models");
    }
    folder
}

fn analyse(checkpoint: &Path) -> (Summary, Vec<Claim>) {
    let checkpoint = Checkpoint::open(checkpoint, None).unwrap();
    let split = checkpoint.split.as_ref();
    let analysis = Analysis::new(&checkpoint.weights, &checkpoint.metadata.model, split, &mut ()).unwrap();
    let summary = Summary::new(&analysis);
    let claims = claims(&summary);
    (summary, claims)
}

/// Asserts that every figure of the reference is found, and within its tolerance.
fn assert_agree(name: &str, found: &Value, reference: &Value) {
    match (found, reference) {
        (Value::Object(found), Value::Object(reference)) => {
            for (key, expected) in reference {
                let found = found.get(key).unwrap_or_else(|| panic!("{name}.{key} is missing"));
                assert_agree(&format!("{name}.{key}"), found, expected);
            }
        }
        (Value::Array(found), Value::Array(reference)) => {
            assert_eq!(found.len(), reference.len(), "{name}");
            for (i, (found, expected)) in found.iter().zip(reference).enumerate() {
                assert_agree(&format!("{name}[{i}]"), found, expected);
            }
        }
        (Value::Number(number), Value::Number(expected)) if !expected.is_i64() => {
            let (found, expected) = (number.as_f64().unwrap(), expected.as_f64().unwrap());
            let tolerance = match name.contains("loss") {
                true => LOSS_ABSOLUTE + LOSS_RELATIVE * expected.abs(),
                false => FIGURE * expected.abs().max(1.0),
            };
            assert!((found - expected).abs() <= tolerance, "{name}: {found} is not {expected}");
        }
        _ => assert_eq!(found, reference, "{name}"),
    }
}

#[test]
fn every_figure_is_that_of_the_reference() {
    let Some(folder) = folder() else { return };
    let mut models = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "pt" && extension != "pth") {
            continue;
        }
        let reference: Value =
            serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
        let (summary, _) = analyse(&path);
        assert_agree(&path.display().to_string(), &serde_json::to_value(summary).unwrap(), &reference);
        models += 1;
    }
    assert!(models >= 3, "{models} models in {}", folder.display());
}

#[test]
fn claims_hold_on_networks_that_generalised_cleanly() {
    let Some(folder) = folder() else { return };
    for name in ["c113-seed1.pt", "c113-seed2.pt"] {
        let (_, claims) = analyse(&folder.join(name));
        let failed: Vec<_> = claims.iter().filter(|claim| !claim.holds).collect();
        assert!(failed.is_empty() && claims.len() == 15, "{name}: {failed:#?}");
    }
}

#[test]
fn claims_fail_on_the_network_that_did_not() {
    let Some(folder) = folder() else { return };
    let (_, claims) = analyse(&folder.join("low-precision.pth"));
    let failed: Vec<_> =
        claims.iter().filter(|claim| !claim.holds).map(|claim| claim.claim.as_str()).collect();
    // It answers 7 of 12,769 inputs wrong, and half of its W_logit is in frequencies that its neurons do
    // not serve. Its embedding is sparse, its clusters specialise and matter, as those of the others do.
    let expected = [
        "it generalises",
        "the three rules name the same key frequencies",
        "the neurons that matter specialise",
        "x + y terms alone do better",
        "W_logit reads key frequencies only",
        "and each from its own cluster",
        "neurons supply cos and sin of ω_k(x + y)",
        "logits are Σ C_k cos ω_k(x + y − z)",
    ];
    assert_eq!(failed, expected, "{claims:#?}");
}
