//! Models that other people trained, with the figures that an independent implementation finds on them.
//!
//! They carry no licence to be kept here: an environment variable names the folder that holds them, and
//! without it these tests cannot run. `cargo test --release -- --ignored` runs them.

use std::{env, fs, path::PathBuf};

use clockwork_analysis::{AnalysisFiles, Findings};
use clockwork_model::Checkpoint;
use serde_json::Value;

/// Names the folder.
const FOLDER: &str = "CLOCKWORK_REFERENCE_DIR";

/// Two networks that generalised cleanly, and one that did not.
const CLEAN: [&str; 2] = ["c113-seed1.pt", "c113-seed2.pt"];
const UNCLEAN: &str = "low-precision.pth";

/// Losses agree to this share, or to [`LOSS_ABSOLUTE`].
const LOSS_RELATIVE: f64 = 0.01;
const LOSS_ABSOLUTE: f64 = 1e-12;

/// Fractions and coefficients agree to this; larger figures relative to their size.
const FIGURE: f64 = 1e-4;

fn path(model: &str) -> PathBuf {
    let folder = env::var_os(FOLDER).unwrap_or_else(|| panic!("{FOLDER} does not name the folder"));
    PathBuf::from(folder).join(model)
}

fn analyse(model: &str) -> Findings {
    let checkpoint = Checkpoint::open(&path(model), None).unwrap();
    AnalysisFiles::of(&checkpoint, &mut ()).unwrap().findings
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
#[ignore = "needs models that have no licence to be kept here"]
fn every_figure_is_that_of_the_reference() {
    for model in CLEAN.into_iter().chain([UNCLEAN]) {
        let reference = fs::read(path(model).with_extension("json")).unwrap();
        let reference: Value = serde_json::from_slice(&reference).unwrap();
        let summary = serde_json::to_value(analyse(model).summary).unwrap();
        assert_agree(model, &summary, &reference);
    }
}

#[test]
#[ignore = "needs models that have no licence to be kept here"]
fn a_file_whose_records_look_like_an_entry_of_its_archive_is_read() {
    // As saved under a name of 21 letters, and under one of 11.
    let [long, short] = ["valid-zip-refused.pt", "small/relu_nobias.pt"].map(|model| analyse(model).summary);
    assert_eq!(long, short);
    assert!((long.original_loss - 9.869_498_05e-5).abs() < 1e-9, "{}", long.original_loss);
}

#[test]
#[ignore = "needs models that have no licence to be kept here"]
fn claims_hold_on_networks_that_generalised_cleanly() {
    for model in CLEAN {
        let claims = analyse(model).claims;
        let others: Vec<_> = claims.iter().filter(|claim| !claim.holds()).collect();
        assert!(others.is_empty(), "{model}: {others:#?}");
    }
}

#[test]
#[ignore = "needs models that have no licence to be kept here"]
fn claims_fail_on_the_network_that_did_not() {
    let claims = analyse(UNCLEAN).claims;
    // It answers 7 of 12,769 inputs wrong, and half of its W_logit is in frequencies that its neurons do
    // not serve. Its embedding is sparse, its clusters specialise and matter, as those of the others do.
    for (id, holds) in [
        ("generalises", false),
        ("rules-agree", false),
        ("embedding-sparse", true),
        ("neurons-specialise", false),
        ("own-frequency-suffices", true),
        ("unclustered-matter-least", true),
        ("clusters-matter", true),
        ("sum-terms-suffice", false),
        ("frequencies-used", true),
        ("linear-terms-cancel", true),
        ("w-logit-reads-key", false),
        ("w-logit-own-cluster", false),
        ("neurons-supply-sum", false),
        ("logits-are-waves", false),
        ("relu-product", true),
    ] {
        let claim = claims.iter().find(|claim| claim.id == id).unwrap();
        assert_eq!((claim.holds(), claim.fails()), (holds, !holds), "{claim:#?}");
    }
}
