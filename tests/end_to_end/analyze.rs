use clockwork_model::{Checkpoint, NAMES, clock, pizza};
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
    assert_eq!(imported.network, Checkpoint::read(&sandbox.path(checkpoint)).unwrap().network);

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
fn the_algorithm_is_told_with_what_is_proven_compared_and_left_out_where_it_is_to_be_quick() {
    let sandbox = Sandbox::new();
    for (name, (config, weights)) in
        [("clock", clock(17, &[3, 5, 8], 16)), ("pizza", pizza(17, &[1, 3, 4, 7], 96))]
    {
        let file = format!("{name}.safetensors");
        Checkpoint::of_weights(config, weights).write(&sandbox.path(&file)).unwrap();
        // As someone else would keep them.
        let bytes = sandbox.read(&file);
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let foreign = safetensors::serialize(tensors.iter().collect::<Vec<(&str, TensorView)>>(), None);
        std::fs::write(sandbox.path(&file), foreign.unwrap()).unwrap();
        sandbox.succeed(&["import", &file, "--name", name]);
        let said = sandbox.succeed(&["analyze", &format!("runs/{name}")]);
        assert!(said.contains(&format!("  {name}: gradient symmetricity ")), "{said}");
        assert!(said.contains("  the waves' margin of "), "{said}");
    }
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&sandbox.succeed(arguments)).unwrap()
    };
    let whole = json(&["analyze", "pizza.safetensors", "--json"]);
    assert_eq!(whole["algorithm"]["verdict"], "pizza");
    assert_eq!(whole["algorithm"]["neuron_certificate"]["certified_by_spacing"], 289);
    assert_eq!(whole["algorithm"]["symmetricity"]["mean"], whole["measures"]["gradient_symmetricity_all"]);
    let quick = json(&["analyze", "pizza.safetensors", "--json", "--quick"]);
    assert!(quick.get("algorithm").is_none() && quick["measures"]["gradient_symmetricity"].is_f64());
    // Of a run that was analysed quickly, the verdict is looked for before it is compared.
    let said = sandbox.succeed(&["analyze", "runs/clock", "--quick"]);
    assert!(!said.contains("symmetricity"), "{said}");
    let compared = json(&["compare", "runs/clock", "runs/pizza", "--json"]);
    let verdicts: Vec<&str> =
        compared["runs"].as_array().unwrap().iter().map(|run| run["algorithm"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["clock", "pizza"]);
    let counted = &compared["across"]["algorithms"][0];
    assert_eq!(
        (&counted["algorithm"], &counted["runs"], &counted["of"]),
        (&"clock".into(), &1.into(), &2.into())
    );
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

/// A file with the tensors of a clock modulo 11 and, behind its numbers and `=`, tokens and logits that nothing uses.
fn write_padded_clock(sandbox: &Sandbox, name: &str) {
    const PADDED: usize = 16;
    let (config, weights) = clock(11, &[2, 5], 8);
    let mut tensors: Vec<(&str, Vec<usize>, Vec<f32>)> = NAMES
        .zip(config.shapes().zip(weights))
        .into_array()
        .map(|(name, (shape, w))| (name, shape, w))
        .to_vec();
    for (name, shape, values) in &mut tensors {
        if *name == NAMES.w_e {
            shape[0] = PADDED;
            values.resize(PADDED * config.d_model, 0.0);
        } else if *name == NAMES.w_u {
            let rows = values.chunks_exact(11).flat_map(|row| row.iter().copied().chain([-9.0; PADDED - 11]));
            (shape[1], *values) = (PADDED, rows.collect());
        }
    }
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (*name, TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).unwrap())
    });
    std::fs::write(sandbox.path(name), safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn what_is_assumed_of_a_network_is_told_and_tried_otherwise() {
    let sandbox = Sandbox::new();
    write_padded_clock(&sandbox, "padded.safetensors");
    let output = sandbox.run(&["analyze", "padded.safetensors"]);
    let (said, warned) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(said.contains("assumed, as the file does not say it: activation = relu"), "{said}");
    assert!(said.contains("modulus = 15") && said.contains("tokens = x y ="), "{said}");
    assert!(said.contains("so low an accuracy may mean that what was assumed is wrong"), "{said}");
    assert!(warned.contains("with --modulus 11 it would be 1.0000"), "{warned}");
    let output = sandbox.run(&["analyze", "padded.safetensors", "--modulus=11"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.stderr.is_empty() && said.contains("key frequencies [2, 5] of 1 to 5"), "{said}");
    // Programs read the figures, and people the rest.
    let output = sandbox.run(&["analyze", "padded.safetensors", "--modulus=11", "--json"]);
    assert!(serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok());
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("assumed, as the file does not say it"));
    // A run that was imported from it says so for as long as it is kept.
    sandbox.succeed(&["import", "padded.safetensors", "--name=padded"]);
    let doubt = &sandbox.json("runs/padded/run.json")["imported"]["doubt"];
    assert!(doubt.as_str().unwrap().contains("with --modulus 11"), "{doubt}");
    let said = sandbox.succeed(&["analyze", "runs/padded"]);
    assert!(said.contains("with --modulus 11 it would be 1.0000"), "{said}");
}

/// A clock in the neurons of an MLP over the one-hot vectors of two numbers beside each other.
fn write_mlp(sandbox: &Sandbox, name: &str) {
    let (p, freq, angles) = (11_usize, 3_usize, 8_usize);
    let wave =
        |number: usize, phase: f64| (std::f64::consts::TAU * (freq * number) as f64 / p as f64 + phase).cos();
    let phase = |neuron: usize| std::f64::consts::TAU * ((neuron / 2) as f64 + 0.5) / angles as f64;
    let sign = |neuron: usize| if neuron.is_multiple_of(2) { 1.0 } else { -1.0 };
    let neurons = 2 * angles;
    let of_input = |neuron: usize, input: usize| match input < p {
        true => wave(input, phase(neuron)),
        false => sign(neuron) * wave(input - p, phase(neuron)),
    };
    let w_in = (0..neurons).flat_map(|n| (0..2 * p).map(move |i| of_input(n, i) as f32));
    let out = |z: usize, neuron: usize| (40.0 * sign(neuron) * wave(z, 2.0 * phase(neuron))) as f32;
    let w_out = (0..p).flat_map(|z| (0..neurons).map(move |n| out(z, n)));
    let bytes = |values: Vec<f32>| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let (w_in, w_out) = (bytes(w_in.collect()), bytes(w_out.collect()));
    let view =
        |shape: [usize; 2], bytes| TensorView::new(safetensors::Dtype::F32, shape.to_vec(), bytes).unwrap();
    let tensors = [("fc1.weight", view([neurons, 2 * p], &w_in)), ("fc2.weight", view([p, neurons], &w_out))];
    std::fs::write(sandbox.path(name), safetensors::serialize(tensors, None).unwrap()).unwrap();
}

#[test]
fn a_network_without_attention_is_imported_analysed_reported_and_compared() {
    let sandbox = Sandbox::new();
    write_mlp(&sandbox, "mlp.safetensors");
    let said = sandbox.succeed(&["import", "mlp.safetensors", "--name=mlp", "--act=relu"]);
    assert!(said.contains("sums modulo 11, d_model 16, no attention, d_mlp 16"), "{said}");
    let record = sandbox.json("runs/mlp/run.json");
    assert_eq!(record["architecture"]["kind"], "two-input-mlp");
    assert_eq!(record["task"]["operation"], "add");
    let said = sandbox.succeed(&["analyze", "runs/mlp", "--report"]);
    assert!(said.contains("it has no attention: what is about attention does not apply"), "{said}");
    let page = String::from_utf8(sandbox.read("runs/mlp/report/report.html")).unwrap();
    assert!(page.contains("it has no attention") && !page.contains("id=\"attention\""));
    write_mlp(&sandbox, "again.safetensors");
    sandbox.succeed(&["import", "again.safetensors", "--name=again", "--act=gelu"]);
    let said = sandbox.succeed(&["compare", "runs/mlp", "runs/again"]);
    assert!(said.contains("mlp") && said.contains("again"), "{said}");
    for (args, words) in [
        (&["analyze", "runs/mlp", "--act=gelu"][..], "which says itself how it is read"),
        (&["analyze", "mlp.safetensors", "--tokens=x y ="], "is an MLP, with no attention, tokens or norms"),
        (&["resume", "runs/mlp"], "was imported"),
    ] {
        let output = sandbox.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(words), "{said:?} lacks {words:?}");
    }
}

#[test]
fn names_that_are_not_known_are_told_with_a_draft_of_their_map() {
    let sandbox = Sandbox::new();
    let data = [0; 16];
    let odd = [("mine.table", TensorView::new(safetensors::Dtype::F32, vec![2, 2], &data).unwrap())];
    std::fs::write(sandbox.path("odd.safetensors"), safetensors::serialize(odd, None).unwrap()).unwrap();
    let output = sandbox.run(&["analyze", "odd.safetensors"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("has no tensor that is known to be embed.W_E"), "{said}");
    assert!(said.ends_with("\"mine.table\" = { is = \"\", transpose = false }  # [2, 2]\n"), "{said}");
    sandbox.write("names.toml", "\"mine.table\" = { is = \"W_Z\" }");
    sandbox.write("made-of.toml", "activaton = \"gelu\"");
    for (flag, words) in [
        ("--names=names.toml", "names.toml: there is no tensor W_Z"),
        ("--architecture=made-of.toml", "unknown field `activaton`"),
        ("--names=none.toml", "cannot read none.toml"),
        ("--act=solu", "no activation that is known: solu"),
        ("--tokens=x x", "no layout of tokens"),
        ("--operation=x^2 + z", "no operation that is known: x^2 + ›z: \"z\" stands where"),
    ] {
        let output = sandbox.run(&["analyze", "odd.safetensors", flag]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(words), "{said:?} lacks {words:?}");
    }
}
