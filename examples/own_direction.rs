//! A wave direction of one's own: how much of a network's neurons and logits lies along cos ω(x − y), beside
//! cos ω(x + y). `cargo run --release --example own_direction`.

use clockwork_analysis::{Analysis, Direction, FourierBasis};
use clockwork_model::{Checkpoint, clock};

/// The unit vector along cos ω_k(x − y) = cos ω_k x cos ω_k y + sin ω_k x sin ω_k y.
fn cos_of_difference(basis: &FourierBasis, k: usize) -> Direction {
    // A frequency's rows are its cosine's and its sine's; n/2 has no sine.
    Direction::new(basis.rows_of(k).into_iter().map(|row| ((row, row), 1.0)).collect())
}

/// The share of squared 2D coefficients [n, n, batch], the constant's apart, along a direction.
fn share(coefficients: &[f64], n: usize, batch: usize, direction: &Direction) -> f64 {
    let squares = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>();
    squares(&direction.component_of(coefficients, n, batch)) / squares(&coefficients[batch..])
}

/// For a frequency, the shares along cos ω(x + y) and cos ω(x − y): of the neurons, and of the logits.
fn shares(of: &Analysis, k: usize) -> [[f64; 2]; 2] {
    let (basis, n) = (&of.basis, of.network.n());
    let directions = [basis.sum_directions(k).swap_remove(0), cos_of_difference(basis, k)];
    let data = [(&of.clusters.coefficients, of.network.d_mlp), (&of.logits.coefficients, n)];
    data.map(|(coefficients, batch)| directions.each_ref().map(|along| share(coefficients, n, batch, along)))
}

fn main() -> anyhow::Result<()> {
    let (config, weights) = clock(29, &[4, 11], 32);
    let analysis = Analysis::new(&Checkpoint::of_weights(config, weights), &mut ())?;
    for &k in &analysis.clusters.key_freqs {
        let [neurons, logits] = shares(&analysis, k);
        println!("frequency {k}: cos ω(x + y), cos ω(x − y)");
        println!(
            "  neurons {:.4} {:.4}\n  logits  {:.4} {:.4}",
            neurons[0], neurons[1], logits[0], logits[1]
        );
    }
    Ok(())
}

#[test]
fn logits_have_the_sum_and_not_the_difference() {
    main().unwrap();
    let (config, weights) = clock(29, &[4, 11], 32);
    let analysis = Analysis::new(&Checkpoint::of_weights(config, weights), &mut ()).unwrap();
    let [neurons, logits] = shares(&analysis, 4);
    assert!(neurons[1] > 0.01, "neurons have both: {neurons:?}");
    assert!(logits[0] > 0.2 && logits[1] < 1e-4, "{logits:?}");
}
