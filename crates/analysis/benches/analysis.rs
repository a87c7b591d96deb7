//! How long the analysis of one checkpoint of the paper's sizes takes, and its parts, and what it holds in
//! memory at most. The network is the clock set by hand, with five frequencies as a trained one has.

#[path = "../tests/clock/network.rs"]
mod network;

use clockwork_analysis::{
    Activations, Analysis, AnalysisFiles, Findings, FourierBasis, Provenance, Summary, claims,
};
use clockwork_model::{ModelConfig, Weights};
use divan::{Bencher, black_box, counter::ItemsCount};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const P: usize = 113;

/// Five frequencies of 51 angles have 510 neurons.
fn network() -> (ModelConfig, Weights) {
    network::clock(P, &[14, 35, 41, 42, 52], 51)
}

fn main() {
    divan::main();
    // The most that was held in any of them; the files are written from the analysis while it is there.
    println!("peak memory {:.0} MB", MEMORY.peak_usage_as_mb());
}

/// Everything that `clockwork analyze` does with a checkpoint once it is read.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn whole(bencher: Bencher) {
    let (config, weights) = network();
    let directory = tempfile::tempdir().expect("there is room for an analysis");
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        let analysis = Analysis::new(&weights, &config, None, &mut ()).expect("the network is whole");
        let summary = Summary::new(&analysis);
        let provenance = Provenance {
            checkpoint: "clock".into(),
            sha256: String::new(),
            step: 0,
            model: config,
            config: serde_json::Value::Null,
            imported: None,
            clockwork: String::new(),
        };
        let findings = Findings { claims: claims(&summary), summary, provenance };
        let files = AnalysisFiles { findings, arrays: analysis.arrays() };
        files.write(directory.path()).expect("the directory can be written to");
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn forward_pass(bencher: Bencher) {
    let (config, weights) = network();
    bencher.bench_local(|| Activations::new(black_box(&weights), &config));
}

/// The neurons' activations over (x, y).
#[divan::bench(sample_count = 20, sample_size = 1)]
fn transform_2d(bencher: Bencher) {
    let (config, weights) = network();
    let activations = Activations::new(&weights, &config).expect("the network is whole");
    let basis = FourierBasis::new(P);
    bencher.bench_local(|| basis.transform_2d(black_box(&activations.neuron_acts), config.d_mlp));
}
