use crate::sandbox::{Sandbox, train_small};

const LAST: &str = "checkpoints/step-0000150.safetensors";
const LAST_OPTIMIZER: &str = "checkpoints/step-0000150.optimizer.safetensors";

#[test]
fn a_run_gives_the_same_bytes_with_any_number_of_threads() {
    let sandbox = Sandbox::new();
    // Large enough for several tiles of pairs, so that threads have something to share.
    let larger = ["--set=task.modulus=53", "--set=task.train_fraction=0.8", "--seed=3"];
    let runs = [("one", "1"), ("two", "2"), ("three", "3"), ("two-again", "2")].map(|(name, threads)| {
        let arguments = [&larger[..], &["--threads", threads]].concat();
        sandbox.succeed(&train_small(name, 150, &arguments));
        name
    });
    for name in &runs[1..] {
        for file in [LAST, LAST_OPTIMIZER] {
            let of = |name: &str| sandbox.read(&format!("runs/{name}/{file}"));
            assert!(of(name) == of(runs[0]), "{file} of {name} differs");
        }
        assert_eq!(sandbox.metrics(name), sandbox.metrics(runs[0]));
    }
}

#[test]
fn autodiff_gives_the_same_bytes_with_the_same_threads() {
    let sandbox = Sandbox::new();
    let autodiff = ["--set=training.gradient=autodiff", "--threads=2"];
    for name in ["a", "b"] {
        sandbox.succeed(&train_small(name, 150, &autodiff));
    }
    for file in [LAST, LAST_OPTIMIZER] {
        assert_eq!(sandbox.read(&format!("runs/a/{file}")), sandbox.read(&format!("runs/b/{file}")));
    }
}

#[test]
fn both_ways_to_the_gradient_follow_the_same_curve() {
    let sandbox = Sandbox::new();
    for gradient in ["closed-form", "autodiff"] {
        sandbox.succeed(&train_small(gradient, 150, &[&format!("--set=training.gradient={gradient}")]));
    }
    for (a, b) in sandbox.metrics("closed-form").iter().zip(sandbox.metrics("autodiff")) {
        for key in ["train_loss", "test_loss", "sum_squared_weights"] {
            let (a, b) = (a[key].as_f64().unwrap(), b[key].as_f64().unwrap());
            assert!((a - b).abs() <= 0.01 * b, "{key}: {a} and {b}");
        }
    }
}

#[test]
fn another_seed_is_another_run() {
    let sandbox = Sandbox::new();
    for seed in ["0", "1"] {
        sandbox.succeed(&train_small(seed, 150, &["--seed", seed]));
    }
    assert_ne!(sandbox.read(&format!("runs/0/{LAST}")), sandbox.read(&format!("runs/1/{LAST}")));
}
