//! Models that other people trained, with the figures that an independent implementation finds on them.
//!
//! They carry no licence to be kept here: an environment variable names the folder that holds them, and
//! without it these tests cannot run. `cargo test --release -- --ignored` runs them.

use std::{env, fs, path::PathBuf};

use clockwork_analysis::{AlgorithmKind, AnalysisFiles, Findings, network_of};
use clockwork_model::{Checkpoint, CheckpointFile, Facts, ReadAs};
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

fn open(model: &str, facts: Facts) -> CheckpointFile {
    Checkpoint::open(&path(model), &ReadAs { facts, ..ReadAs::default() }).unwrap()
}

fn analyse(model: &str) -> Findings {
    analyse_as(model, Facts::default())
}

fn analyse_as(model: &str, facts: Facts) -> Findings {
    AnalysisFiles::of(&open(model, facts), &mut ()).unwrap().findings
}

fn json(file: &str) -> Value {
    serde_json::from_slice(&fs::read(path(file)).unwrap()).unwrap()
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
    for (model, figures) in [
        (CLEAN[0], "c113-seed1.json"),
        (CLEAN[1], "c113-seed2.json"),
        (UNCLEAN, "low-precision.json"),
        ("c113-seed1-tl4.pt", "c113-seed1.json"),
        ("c113-seed1-biased.pt", "c113-seed1-biased.json"),
    ] {
        let summary = serde_json::to_value(analyse(model).summary).unwrap();
        // Biases belong to the sum of squares, and those that are zero add nothing.
        assert_agree(model, &summary, &json(figures));
    }
}

/// What is said of each network of the pizza study: its configuration, as its authors keep it.
fn configured(model: &str) -> Facts {
    Facts::read(&path(&format!("{model}-config.json"))).unwrap()
}

#[test]
#[ignore = "needs models that have no licence to be kept here"]
fn networks_of_every_architecture_do_what_the_reference_says() {
    let pizza = ["pizza-a", "pizza-b", "pizza-own-vocabulary"];
    let others = ["c113-mlp-seed1", "c113-mlp-seed2", "c113-seed1", "c113-seed2"];
    let files = pizza.iter().map(|model| (*model, format!("{model}.pt"), configured(model)));
    let files = files.chain(others.iter().map(|model| (*model, format!("{model}.pt"), Facts::default())));
    for (model, file, facts) in files.chain([("p23-mlp", "p23-mlp.pth".to_owned(), Facts::default())]) {
        let findings = analyse_as(&file, facts);
        let found = serde_json::to_value(findings.measures.unwrap()).unwrap();
        let (loss, of_summary) = (found["loss"].as_f64().unwrap(), findings.summary.original_loss);
        assert!((loss - of_summary).abs() < 1e-9 * of_summary, "{model}: {loss} is not {of_summary}");
        for (key, expected) in json(&format!("{model}-measures.json")).as_object().unwrap() {
            // One-hot inputs have no embedding: the reference takes principal components of the identity, of which any are
            // as good as others, and the analysis those of the rows of W_in.
            let is_arbitrary = model == "p23-mlp" && key == "circularity";
            if !is_arbitrary {
                assert_agree(&format!("{model}.{key}"), &found[key], expected);
            }
        }
    }
}

#[test]
#[ignore = "needs models that have no licence to be kept here"]
fn small_networks_do_what_is_true_of_them_once_it_is_said() {
    for (model, truth) in json("small/truth.json").as_object().unwrap() {
        let told = tempfile::NamedTempFile::new().unwrap();
        fs::write(told.path(), truth["facts"].to_string()).unwrap();
        let of_file = Facts::read(told.path()).unwrap();
        let modulus = (model == "vocab_pad").then_some(23);
        let summary = analyse_as(&format!("small/{model}.pt"), Facts { modulus, ..of_file }).summary;
        assert_eq!((summary.p, summary.accuracy), (23, 1.0), "{model}");
        let loss = truth["loss"].as_f64().unwrap();
        assert!((summary.original_loss - loss).abs() < 1e-6 * loss, "{model}: {}", summary.original_loss);
    }
}

/// What Zhong et al. publish of their models A and B: gradient symmetricity, distance irrelevance, and which is which.
#[test]
#[ignore = "needs models that have no licence to be kept here"]
fn a_published_clock_and_a_published_pizza_have_the_figures_that_were_published() {
    for (model, symmetricity, irrelevance, algorithm) in
        [("pizza-a", 0.9937, 0.17, AlgorithmKind::Pizza), ("pizza-b", 0.3336, 0.85, AlgorithmKind::Clock)]
    {
        let findings = analyse_as(&format!("{model}.pt"), configured(model));
        let (measures, of) = (findings.measures.unwrap(), findings.algorithm.unwrap());
        let found = measures.gradient_symmetricity.unwrap();
        assert!((found - symmetricity).abs() < 5e-5, "{model}: {found}");
        let reference = json(&format!("{model}-measures.json"))["gradient_symmetricity"].as_f64().unwrap();
        assert!((found - reference).abs() < 1e-9, "{model}: {found} is not {reference}");
        assert!((measures.distance_irrelevance - irrelevance).abs() < 5e-3, "{model}: {measures:?}");
        assert_eq!(of.verdict, algorithm, "{model}");
    }
}

/// What Chughtai et al. publish of their networks modulo 113: losses, key frequencies, restricted losses (3D, all inputs) and the
/// share of the logits that is explained.
#[test]
#[ignore = "needs models that have no licence to be kept here"]
fn published_networks_modulo_113_have_the_figures_that_were_published() {
    for (model, loss, key_freqs, restricted, explained) in [
        ("c113-seed1.pt", 1.585_16e-7, vec![16, 30, 56], 4.126_21e-8, 0.968_542),
        ("c113-seed2.pt", 2.991_33e-7, vec![43, 49, 52, 53], 1.860_45e-8, 0.966_958),
    ] {
        let measures = analyse(model).measures.unwrap();
        // They were computed in 32 bits.
        let is_near = |found: f64, published: f64| (found / published - 1.0).abs() < 1e-4;
        assert!(is_near(measures.all.loss, loss), "{model}: {}", measures.all.loss);
        assert_eq!(measures.key_freqs, key_freqs, "{model}");
        let found = measures.all.restricted_loss_3d;
        assert!(is_near(found, restricted), "{model}: {found}");
        assert!(is_near(measures.frac_logits_explained_3d, explained), "{model}: {measures:?}");
    }
    for (model, loss) in [("c113-mlp-seed1.pt", 2.052_62e-5), ("c113-mlp-seed2.pt", 4.587_19e-6)] {
        let found = analyse(model).measures.unwrap().all.loss;
        assert!((found / loss - 1.0).abs() < 1e-5, "{model}: {found}");
    }
}

/// The hundred triples, as the notebook's authors drew them.
#[test]
#[ignore = "needs models that have no licence to be kept here"]
fn triples_are_those_that_were_listed() {
    for (model, file) in [("c113-seed1", 113), ("c113-seed2", 113), ("p23-mlp", 23), ("pizza-b", 59)] {
        let triples: Vec<[usize; 3]> =
            serde_json::from_value(json(&format!("symmetricity-triples-{file}.json"))).unwrap();
        let (path, facts) = match model {
            "p23-mlp" => ("p23-mlp.pth".to_owned(), Facts::default()),
            "pizza-b" => ("pizza-b.pt".to_owned(), configured(model)),
            _ => (format!("{model}.pt"), Facts::default()),
        };
        let checkpoint = open(&path, facts).checkpoint;
        let network = network_of(&checkpoint);
        let gradients = network.gradients();
        let cosine = |&[x, y, z]: &[usize; 3]| {
            let [a, b] = gradients.of((x, y), &[z]);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
        };
        let mean = triples.iter().map(cosine).sum::<f64>() / triples.len() as f64;
        let reference = json(&format!("{model}-measures.json"))["gradient_symmetricity"].as_f64().unwrap();
        assert!((mean - reference).abs() < 1e-5, "{model}: {mean} is not {reference}");
    }
}

/// What the field found of these networks, by other tests than those that the verdict is told by.
#[test]
#[ignore = "needs models that have no licence to be kept here"]
fn other_tests_say_the_same_of_published_networks() {
    let pizzas = ["pizza-a", "pizza-own-vocabulary"]
        .map(|model| analyse_as(&format!("{model}.pt"), configured(model)));
    for findings in pizzas {
        let of = findings.algorithm.unwrap();
        assert!(of.against().next().is_none(), "{:#?}", of.beside);
        for (k, fit) in &of.formulas {
            assert!(fit.pizza > 0.98 && fit.clock < 0.8, "{k}: {fit:?}");
        }
        let disc = of.tests.inputs_disc_fitted.or(of.tests.inputs_disc).unwrap();
        assert!(disc > 0.99 && of.tests.inputs_circle.unwrap() < 0.01, "{:?}", of.tests);
        // Phases are spaced well enough for the quadrature, and what neurons get beside is too much for bounds.
        let certificate = of.neuron_certificate.unwrap();
        assert!(certificate.quadratures.values().all(|of| of.error < 0.05 && of.error_bound < 2.0 / 3.0));
        assert_eq!(certificate.certified_by_spacing, 0);
    }
    for model in CLEAN {
        let of = analyse(model).algorithm.unwrap();
        assert_eq!(of.verdict, AlgorithmKind::Clock, "{model}");
        assert_eq!(of.sufficiency.without_others.unwrap().least_accuracy, 1.0, "{model}");
        assert!(of.sufficiency.keeps_99_percent.unwrap().accuracy > 0.99, "{model}");
        assert!(of.sufficiency.without_key_freqs.accuracy < 0.05, "{model}");
    }
    assert_eq!(analyse(UNCLEAN).algorithm.unwrap().verdict, AlgorithmKind::Neither);
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
