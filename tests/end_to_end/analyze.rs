use clockwork_model::Checkpoint;
use safetensors::{SafeTensors, tensor::TensorView};

use crate::sandbox::{Sandbox, train_small};

#[test]
fn a_run_is_analysed_at_any_of_its_checkpoints() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 100, &[]));
    let said = sandbox.succeed(&["analyze", "runs/latest"]);
    let file = sandbox.json("runs/run/analysis/step-0000100/analysis.json");
    let claims = file["claims"].as_array().unwrap();
    let held = claims.iter().filter(|claim| claim["verdict"] == "holds").count();
    let count = format!("{held} of {} claims hold", claims.len());
    assert!(said.contains("key frequencies") && said.contains(&count), "{said}");
    assert_eq!(file["summary"]["p"], 11);
    assert_eq!(file["provenance"]["task"], serde_json::json!({"modulus": 11, "operation": "add"}));
    // Numbers are numbers, beside the sentence.
    assert!(claims[0]["checks"][0]["value"].is_f64() && claims[0]["claim"] == "it generalises", "{file}");
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
    let arrays = sandbox.read("runs/run/analysis/step-0000064/arrays.safetensors");
    let arrays = SafeTensors::deserialize(&arrays).unwrap();
    assert_eq!(arrays.tensor("embedding.W_E_fourier").unwrap().shape(), [11, 16]);
    assert_eq!(arrays.tensor("attention.pattern").unwrap().shape(), [2, 3, 11, 11]);
}

#[test]
fn an_imported_network_is_analysed_as_the_run_that_it_came_from() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 100, &[]));
    // The same weights without our metadata, as someone else would keep them.
    let checkpoint = "runs/run/checkpoints/step-0000100.safetensors";
    let bytes = sandbox.read(checkpoint);
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let foreign = safetensors::serialize(tensors.iter().collect::<Vec<(&str, TensorView)>>(), None).unwrap();
    std::fs::write(sandbox.path("theirs.safetensors"), foreign).unwrap();

    let said =
        sandbox.succeed(&["import", "theirs.safetensors", "--name=theirs", "--step=7", "--runs-dir=others"]);
    assert!(said.contains("imported theirs.safetensors") && said.contains("others/theirs"), "{said}");
    assert_eq!(sandbox.json("others/theirs/run.json")["state"], "imported");
    let imported =
        Checkpoint::read(&sandbox.path("others/theirs/checkpoints/step-0000007.safetensors")).unwrap();
    assert_eq!(imported.weights, Checkpoint::read(&sandbox.path(checkpoint)).unwrap().weights);

    let summary = |target: &str| -> serde_json::Value {
        serde_json::from_str(&sandbox.succeed(&["analyze", target, "--json"])).unwrap()
    };
    let (ours, from_file) = (summary("runs/run"), summary("theirs.safetensors"));
    assert_eq!(summary("others/latest"), from_file);
    assert!(sandbox.path("others/theirs/analysis/step-0000007/analysis.json").exists());
    for key in ["original_loss", "key_freqs", "embedding_norm_by_freq"] {
        assert_eq!(ours[key], from_file[key], "{key}");
    }
    // Which pairs it was trained on is not known of the file.
    assert!(ours["train_loss"].is_number() && from_file["train_loss"].is_null());

    let output = sandbox.run(&["resume", "others/theirs"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("was imported"), "{said}");
    let output = sandbox.run(&["import", "theirs.safetensors", "--name=theirs", "--runs-dir=others"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("choose another --name"), "{said}");
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
    sandbox.write("broken.pt", "no pickle");
    for (args, words) in [
        (&["analyze", "none"][..], "none does not exist"),
        (&["analyze", "."], "no run here"),
        (&["analyze", "runs/run", "--step=9"], "no checkpoint of step 9; the nearest is 8"),
        (&["analyze", "broken.safetensors"], "broken.safetensors: a text file; give a checkpoint"),
        (&["analyze", "broken.safetensors", "--step=9"], "--step goes with a run"),
        (&["analyze", "broken.pt"], "broken.pt: a text file; give a checkpoint"),
        (&["import", "broken.pt", "--name=a"], "broken.pt: a text file; give a checkpoint"),
        (&["import", "runs/run/checkpoints/step-0000010.safetensors", "--name=a"], "clockwork's own"),
    ] {
        let output = sandbox.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(words) && said.lines().count() == 1, "{said:?} lacks {words:?}");
        assert_eq!(output.status.code(), Some(2), "{said}");
    }
}

/// Linux allows any bytes in a name.
#[cfg(target_os = "linux")]
#[test]
fn a_run_whose_path_is_no_text_is_analysed_and_reported() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let sandbox = Sandbox::new();
    sandbox.succeed(&train_small("run", 10, &[]));
    let run = sandbox.path("runs").join(OsStr::from_bytes(b"r\xff"));
    std::fs::rename(sandbox.path("runs/run"), &run).unwrap();
    for command in ["analyze", "report"] {
        let output = sandbox.command(&[command]).arg(&run).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(run.join("report/report.html").exists());
}
