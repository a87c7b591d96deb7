//! Other people's files: every format and orientation gives the same network, what is another kind of
//! network is refused by name, and broken or hostile files do no harm.

mod architectures;
mod archive;
mod containers;
mod foreign;
mod pickle;
mod pickles;
mod tensors;

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use clockwork_model::{
    Checkpoint, CheckpointFile, Error, ModelConfig, Orientation, ReadAs, StoredNetwork, Weights,
};
use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    archive::Archive,
    containers::npz,
    foreign::linear,
    pickle::Pickle,
    tensors::{Tensor, notebook_2022, pytorch, safetensors, storages, transformer_lens, weights},
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What reading a file of some kilobytes may take, in megabytes, whatever the file says.
const MAX_MEGABYTES: f32 = 16.0;

const MODEL: ModelConfig = ModelConfig { modulus: 5, d_model: 4, n_heads: 2, d_mlp: 6 };

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// What is wrong with a file.
    fn problem(&self, name: &str, bytes: &[u8]) -> String {
        match Checkpoint::open(&self.write(name, bytes), &ReadAs::default()) {
            Err(Error::Checkpoint { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }
}

/// The weights of the paper's network in a file.
fn weights_in(path: &Path) -> Weights {
    open(path).weights().expect("it is the paper's").clone()
}

/// How the network under a key is read.
fn at(key: &str) -> ReadAs {
    ReadAs { key: Some(key.to_owned()), ..ReadAs::default() }
}

fn open(path: &Path) -> Checkpoint {
    Checkpoint::open(path, &ReadAs::default()).unwrap().checkpoint
}

#[test]
fn every_format_and_orientation_gives_the_same_network() {
    let files = Files::new();
    for (name, bytes, orientation) in [
        ("a.safetensors", safetensors(&transformer_lens()), Orientation::TransformerLens),
        ("b.safetensors", safetensors(&notebook_2022()), Orientation::Notebook2022),
        ("c.pt", pytorch(&transformer_lens(), "", &[]), Orientation::TransformerLens),
        ("d.pth", pytorch(&notebook_2022(), "model", &[]), Orientation::Notebook2022),
        ("e.anything", pytorch(&transformer_lens(), "elsewhere", &[]), Orientation::TransformerLens),
    ] {
        let checkpoint = open(&files.write(name, &bytes));
        assert_eq!(*checkpoint.weights().unwrap(), weights(), "{name}");
        assert_eq!(checkpoint.metadata.model, MODEL);
        let imported = checkpoint.metadata.imported.unwrap();
        assert_eq!((imported.file.as_str(), imported.orientation), (name, orientation));
    }
}

#[test]
fn an_imported_network_is_kept_as_a_checkpoint_of_ours_with_its_split() {
    let files = Files::new();
    let path = files.write("a.pt", &pytorch(&transformer_lens(), "model", &[7, 0, 24]));
    let imported = open(&path);
    let split = imported.split().unwrap();
    assert_eq!((split.train, split.test.len()), (vec![0, 7, 24], 22));
    let kept = files.0.path().join("kept.safetensors");
    imported.write(&kept).unwrap();
    assert_eq!(open(&kept), imported);
    assert_eq!(Checkpoint::read(&kept).unwrap(), imported);
}

#[test]
fn one_of_several_networks_is_chosen_by_its_key() {
    let files = Files::new();
    let named = |prefix: &str, scale: f32| {
        let scaled = move |(name, shape, values): Tensor| {
            (format!("{prefix}{name}"), shape, values.iter().map(|v| scale * v).collect())
        };
        transformer_lens().into_iter().map(scaled).collect::<Vec<Tensor>>()
    };
    let two = [named("states.0.", 1.0), named("states.1.", 2.0)].concat();
    let path = files.write("two.safetensors", &safetensors(&two));
    let error = Checkpoint::open(&path, &ReadAs::default()).unwrap_err().to_string();
    assert!(error.ends_with("holds 2 networks, under states.0, states.1"), "{error}");
    let chosen = Checkpoint::open(&path, &at("states.1")).unwrap().checkpoint;
    let chosen = chosen.weights().unwrap();
    assert_eq!(chosen.b_in, weights().b_in);
    assert_eq!(chosen.w_e[0], 2.0 * weights().w_e[0]);
    let error = Checkpoint::open(&path, &at("states.2")).unwrap_err().to_string();
    assert!(error.ends_with("has no network under states.2; it has states.0, states.1"), "{error}");
}

#[test]
fn biases_that_are_missing_are_zero_and_any_other_makes_another_network() {
    let files = Files::new();
    let mut tensors = transformer_lens();
    tensors.retain(|(name, ..)| !name.ends_with("b_out") && !name.ends_with("b_in"));
    tensors.push(("unembed.b_U".to_owned(), vec![5], vec![0.0; 5]));
    assert_eq!(weights_in(&files.write("a.pt", &pytorch(&tensors, "", &[]))), weights());
    tensors.push(("blocks.0.attn.b_K".to_owned(), vec![2, 2], vec![0.0, 0.0, 1e-30, 0.0]));
    for (name, bytes) in [("b.pt", pytorch(&tensors, "", &[])), ("b.safetensors", safetensors(&tensors))] {
        let StoredNetwork::Other(network) = open(&files.write(name, &bytes)).network else {
            panic!("{name}")
        };
        assert_eq!(network.tensors["blocks.0.attn.b_K"], [0.0, 0.0, 1e-30, 0.0]);
        assert_eq!(network.tensors["blocks.0.attn.W_O"], weights().w_o);
        assert_eq!(network.tensors["blocks.0.attn.b_Q"], [0.0; 4]);
    }
}

#[test]
fn other_kinds_of_networks_are_refused_by_name() {
    let files = Files::new();
    let with = |name: &str, shape: Vec<usize>| {
        let values = vec![1.0; shape.iter().product()];
        let mut tensors = transformer_lens();
        tensors.retain(|(other, ..)| other != name);
        tensors.push((name.to_owned(), shape, values));
        files.problem("a.safetensors", &safetensors(&tensors))
    };
    for (problem, words) in [
        (with("blocks.1.attn.W_Q", vec![2, 4, 2]), "blocks.1.attn.W_Q means more than one layer"),
        (with("blocks.0.mlp.W_gate", vec![4, 6]), "blocks.0.mlp.W_gate means gated neurons"),
        (with("blocks.0.attn.rotary_sin.inv_freq", vec![2]), "means rotary attention"),
        (with("blocks.0.attn.W_K", vec![1, 4, 2]), "its heads share their keys"),
        (with("blocks.0.ln1.w", vec![4]), "blocks.0.ln1.w has no biases beside it: an RMS norm"),
        (with("unembed.b_U", vec![4]), "unembed.b_U is [4] where its other tensors call for [5]"),
        (with("embed.W_E", vec![2, 4]), "its tensors give modulus = 1: must be at least 3"),
        (with("embed.W_E", vec![6, 4, 1]), "embed.W_E is [6, 4, 1] where a matrix is expected"),
        (with("pos_embed.W_pos", vec![1, 4]), "has 1 positions, too few for the tokens x y ="),
        (
            with("pos_embed.W_pos", vec![3, 5]),
            "pos_embed.W_pos is [3, 5] where its other tensors call for [3, 4]",
        ),
        (with("unembed.W_U", vec![3, 5]), "unembed.W_U is [3, 5] where its other tensors call for [4, 5]"),
        (with("blocks.0.attn.W_Q", vec![0, 4, 2]), "blocks.0.attn.W_Q is [0, 4, 2], and holds nothing"),
        (with("train_indices", vec![2]), "train_indices holds F32 where whole numbers are expected"),
    ] {
        assert!(problem.contains(words), "{problem:?} lacks {words:?}");
    }
    let indices = |indices: &[i32]| files.problem("a.pt", &pytorch(&transformer_lens(), "", indices));
    assert_eq!(indices(&[1, 25]), "train_indices has 25, which is none of the 25 pairs");
    assert_eq!(indices(&[-1]), "train_indices has -1, which is none of the 25 pairs");
    assert_eq!(indices(&[1, 2, 1]), "train_indices has 1 a second time");
}

#[test]
fn nothing_in_a_pickle_is_executed() {
    let files = Files::new();
    let (trace, module) = (files.0.path().join("trace"), if cfg!(windows) { "nt" } else { "posix" });
    let mut pickle = Pickle::new();
    pickle.global(module, "system");
    pickle.add(b"(");
    pickle.text(&format!("touch '{}'", trace.display()));
    pickle.add(b"tR");
    let pickle = pickle.end();
    for bytes in [Archive::default().of(&pickle, &[]), pickle] {
        let problem = files.problem("a.pt", &bytes);
        assert!(problem.starts_with("neither a safetensors file nor a PyTorch state dict"), "{problem}");
    }
    assert!(!trace.exists());
}

#[test]
fn a_small_archive_that_unpacks_to_much_is_refused() {
    let files = Files::new();
    let mut pickle = Pickle::new();
    pickle.add(b"}");
    pickle.text("long");
    pickle.add(b"](");
    pickle.add(&vec![b'N'; 4 << 20]);
    pickle.add(b"es");
    let path = files.0.path().join("bomb.pt");
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    zip.start_file("archive/data.pkl", SimpleFileOptions::default()).unwrap();
    zip.write_all(&pickle.end()).unwrap();
    zip.finish().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 1 << 16, "it is compressed");
    let error = Checkpoint::open(&path, &ReadAs::default()).unwrap_err().to_string();
    assert!(error.contains("a compressed archive"), "{error}");
}

/// Reads a file of these bytes; whatever comes of it, it does not panic nor take much memory.
fn read_harmlessly(name: &str, bytes: &[u8]) -> Result<CheckpointFile, Error> {
    let files = Files::new();
    let path = files.write(name, bytes);
    let before = MEMORY.current_usage_as_mb();
    MEMORY.reset_peak_usage();
    let result = Checkpoint::open(&path, &ReadAs::default());
    let taken = MEMORY.peak_usage_as_mb() - before;
    assert!(taken < MAX_MEGABYTES, "{taken} MB for {} bytes", bytes.len());
    result
}

fn file(kind: usize) -> (&'static str, Vec<u8>) {
    match kind {
        0 => ("a.safetensors", safetensors(&transformer_lens())),
        1 => ("a.pt", pytorch(&notebook_2022(), "model", &[1, 2])),
        2 => ("a.pth", pytorch(&transformer_lens(), "", &[])),
        3 => ("a.npz", npz(&transformer_lens(), false)),
        4 => ("a.npz", npz(&notebook_2022(), true)),
        _ => ("a.pt", pytorch(&linear(), "", &[])),
    }
}

proptest! {
    #[test]
    fn truncated_files_are_refused(kind in 0_usize..6, share in 0.0..1.0) {
        let (name, bytes) = file(kind);
        let kept = (share * bytes.len() as f64) as usize;
        prop_assert!(read_harmlessly(name, &bytes[..kept]).is_err());
    }

    #[test]
    fn changed_bytes_do_no_harm(
        kind in 0_usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (name, mut bytes) = file(kind);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(checkpoint) = read_harmlessly(name, &bytes) {
            prop_assert!(checkpoint.checkpoint.network.sum_squared_weights().is_finite());
        }
    }

    #[test]
    fn changed_pickles_do_no_harm(at: prop::sample::Index, byte: u8, protocol in 0_u8..6) {
        // Past the archive's checksums, which catch most of what changes in a file.
        let whole = pytorch(&transformer_lens(), "model", &[1]);
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&whole)).unwrap();
        let mut pickle = Vec::new();
        std::io::copy(&mut zip.by_name("archive/data.pkl").unwrap(), &mut pickle).unwrap();
        let at = at.index(pickle.len());
        pickle[at] = byte;
        pickle[1] = protocol;
        let storages = storages(&transformer_lens());
        let _ = read_harmlessly("a.pt", &Archive::default().of(&pickle, &storages));
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_harmlessly("a.pt", &bytes).is_err());
    }
}
