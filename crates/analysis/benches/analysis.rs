//! How long the analysis of one checkpoint of the paper's sizes takes, and its parts, and what it holds in
//! memory at most. The network is the clock set by hand, with five frequencies as a trained one has.

use clockwork_analysis::{
    AnalysedNetwork, AnalysisFiles, Error, FourierBasis, Observer, ProgressRow, Symmetricity,
};
use clockwork_model::{Checkpoint, CheckpointFile, clock};
use divan::{Bencher, black_box, counter::ItemsCount};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const P: usize = 113;

const FREQS: [usize; 5] = [14, 35, 41, 42, 52];

/// Five frequencies of 51 angles have 510 neurons. The network is about as sure as a trained one: the odds of a clock as it is
/// are too small for the processor's usual numbers.
fn checkpoint() -> CheckpointFile {
    let (config, mut weights) = clock(P, &FREQS, 51);
    weights.w_u.iter_mut().for_each(|w| *w *= 0.05);
    let checkpoint = Checkpoint::of_weights(config, weights);
    CheckpointFile { path: "clock".into(), sha256: String::new(), checkpoint }
}

fn run_network(of: &Checkpoint) -> AnalysedNetwork {
    AnalysedNetwork::of(of).expect("the processor hands back what it computed")
}

fn main() {
    divan::main();
    // The most that was held in any of them; the files are written from the analysis while it is there.
    println!("peak memory {:.0} MB", MEMORY.peak_usage_as_mb());
}

/// Analyses a checkpoint and writes what is found.
fn analyse(bencher: Bencher, by: fn(&CheckpointFile, &mut dyn Observer) -> Result<AnalysisFiles, Error>) {
    let checkpoint = checkpoint();
    let directory = tempfile::tempdir().expect("there is room for an analysis");
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        let files = by(&checkpoint, &mut ()).expect("the network is whole");
        files.write(directory.path()).expect("the directory can be written to");
    });
}

/// Everything that `clockwork analyze` does with a checkpoint once it is read.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn whole(bencher: Bencher) {
    analyse(bencher, AnalysisFiles::of);
}

/// The same without the algorithm, as with `--quick`.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn quick(bencher: Bencher) {
    analyse(bencher, AnalysisFiles::quick);
}

/// Everything that `clockwork progress` measures of a checkpoint once it is read; it measures two at once.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn progress_row(bencher: Bencher) {
    let checkpoint = checkpoint();
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| ProgressRow::of(black_box(&checkpoint), &FREQS).expect("the network is whole"));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn forward_pass(bencher: Bencher) {
    let checkpoint = checkpoint().checkpoint;
    bencher.bench_local(|| run_network(black_box(&checkpoint)));
}

/// The neurons' activations over (x, y).
#[divan::bench(sample_count = 20, sample_size = 1)]
fn transform_2d(bencher: Bencher) {
    let network = run_network(&checkpoint().checkpoint);
    let basis = FourierBasis::new(P);
    bencher.bench_local(|| basis.transform_2d(black_box(&network.neuron_acts), network.d_mlp));
}

/// Gradient symmetricity over all n³ triples.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn symmetricity_of_all_triples(bencher: Bencher) {
    let network = run_network(&checkpoint().checkpoint);
    bencher.bench_local(|| Symmetricity::over_all(black_box(&network)));
}
