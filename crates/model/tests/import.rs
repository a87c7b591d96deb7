//! Other people's files: every format and orientation gives the same network, what is another kind of
//! network is refused by name, and broken or hostile files do no harm.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use clockwork_model::{
    Checkpoint, CheckpointFile, Error, ModelConfig, NAMES, Orientation, Weights, initial_weights,
};
use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use safetensors::{Dtype, tensor::TensorView};
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What reading a file of some kilobytes may take, in megabytes, whatever the file says.
const MAX_MEGABYTES: f32 = 16.0;

const MODEL: ModelConfig = ModelConfig { modulus: 5, d_model: 4, n_heads: 2, d_mlp: 6 };

/// A tensor in a file: name, shape, elements.
type Tensor = (String, Vec<usize>, Vec<f32>);

fn weights() -> Weights {
    initial_weights(&MODEL, 3)
}

fn transformer_lens() -> Vec<Tensor> {
    let tensors = NAMES.zip(MODEL.shapes()).zip(weights());
    tensors.into_array().map(|((name, shape), values)| (name.to_owned(), shape, values)).to_vec()
}

/// As the 2022 notebook has it, with its mask and a logit for `=`.
fn notebook_2022() -> Vec<Tensor> {
    let mut tensors = transformer_lens();
    for (name, shape, values) in &mut tensors {
        match name.rsplit('.').next().unwrap() {
            "W_E" | "W_in" | "W_out" | "W_Q" | "W_K" | "W_V" => transpose(shape, values),
            "W_O" => {
                *shape = vec![shape[0] * shape[1], shape[2]];
                transpose(shape, values);
            }
            "W_U" => {
                let rows = values.chunks_exact(shape[1]);
                *values = rows.flat_map(|row| row.iter().copied().chain([9.0])).collect();
                shape[1] += 1;
            }
            _ => {}
        }
    }
    tensors.push(("blocks.0.attn.mask".to_owned(), vec![3, 3], vec![1.0; 9]));
    tensors
}

fn transpose(shape: &mut [usize], values: &mut [f32]) {
    let n = shape.len();
    let (rows, columns) = (shape[n - 2], shape[n - 1]);
    let old = values.to_vec();
    for (new, old) in values.chunks_exact_mut(rows * columns).zip(old.chunks_exact(rows * columns)) {
        for i in 0..rows {
            for j in 0..columns {
                new[j * rows + i] = old[i * columns + j];
            }
        }
    }
    shape.swap(n - 2, n - 1);
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn safetensors(tensors: &[Tensor]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|(_, _, values)| bytes_of(values)).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

/// What `torch.save` writes of a dictionary of tensors, below `under` if that is not empty, with a list
/// of whole numbers beside it.
fn pytorch(tensors: &[Tensor], under: &str, indices: &[i32]) -> Vec<u8> {
    let mut pickle = Pickle(vec![0x80, 2, b'}']);
    if !under.is_empty() {
        pickle.text(under);
        pickle.0.push(b'}');
    }
    for (storage, (name, shape, values)) in tensors.iter().enumerate() {
        pickle.text(name);
        pickle.global("torch._utils", "_rebuild_tensor_v2");
        pickle.0.extend(b"((");
        pickle.text("storage");
        pickle.global("torch", "FloatStorage");
        pickle.text(&storage.to_string());
        pickle.text("cpu");
        pickle.number(values.len() as i32);
        pickle.0.extend(b"tQ");
        pickle.number(0);
        pickle.tuple(shape);
        let strides: Vec<usize> = (1..=shape.len()).map(|axis| shape[axis..].iter().product()).collect();
        pickle.tuple(&strides);
        pickle.0.push(0x89);
        pickle.global("collections", "OrderedDict");
        pickle.0.extend(b")RtRs");
    }
    if !under.is_empty() {
        pickle.0.push(b's');
    }
    if !indices.is_empty() {
        pickle.text("train_indices");
        pickle.0.extend(b"](");
        indices.iter().for_each(|&index| pickle.number(index));
        pickle.0.extend(b"es");
    }
    pickle.0.push(b'.');
    let storages = tensors.iter().map(|(_, _, values)| bytes_of(values)).collect();
    archive(&pickle.0, storages)
}

fn archive(pickle: &[u8], storages: Vec<Vec<u8>>) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("archive/data.pkl", stored).unwrap();
    zip.write_all(pickle).unwrap();
    for (i, storage) in storages.into_iter().enumerate() {
        zip.start_file(format!("archive/data/{i}"), stored).unwrap();
        zip.write_all(&storage).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

struct Pickle(Vec<u8>);

impl Pickle {
    fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.bytes());
    }

    fn number(&mut self, number: i32) {
        self.0.push(b'J');
        self.0.extend(number.to_le_bytes());
    }

    fn global(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").bytes());
    }

    fn tuple(&mut self, numbers: &[usize]) {
        self.0.push(b'(');
        numbers.iter().for_each(|&number| self.number(number as i32));
        self.0.push(b't');
    }
}

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
        match Checkpoint::open(&self.write(name, bytes), None) {
            Err(Error::Checkpoint { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }
}

fn open(path: &Path) -> Checkpoint {
    Checkpoint::open(path, None).unwrap().checkpoint
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
        assert_eq!(checkpoint.weights, weights(), "{name}");
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
    let error = Checkpoint::open(&path, None).unwrap_err().to_string();
    assert!(error.ends_with("holds 2 networks, under states.0, states.1"), "{error}");
    let chosen = Checkpoint::open(&path, Some("states.1")).unwrap().checkpoint;
    assert_eq!(chosen.weights.b_in, weights().b_in);
    assert_eq!(chosen.weights.w_e[0], 2.0 * weights().w_e[0]);
    let error = Checkpoint::open(&path, Some("states.2")).unwrap_err().to_string();
    assert!(error.ends_with("has no network under states.2; it has states.0, states.1"), "{error}");
}

#[test]
fn biases_may_be_zero_or_missing_and_nothing_else() {
    let files = Files::new();
    let mut tensors = transformer_lens();
    tensors.retain(|(name, ..)| !name.ends_with("b_out") && !name.ends_with("b_in"));
    tensors.push(("unembed.b_U".to_owned(), vec![5], vec![0.0; 5]));
    assert_eq!(open(&files.write("a.pt", &pytorch(&tensors, "", &[]))).weights, weights());
    tensors.push(("blocks.0.attn.b_K".to_owned(), vec![2, 2], vec![0.0, 0.0, 1e-30, 0.0]));
    for problem in [
        files.problem("b.pt", &pytorch(&tensors, "", &[])),
        files.problem("b.safetensors", &safetensors(&tensors)),
    ] {
        assert_eq!(problem, "blocks.0.attn.b_K is not zero; this network has no such bias");
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
        (with("blocks.0.ln1.w", vec![4]), "blocks.0.ln1.w means layer norm"),
        (with("embed.W_E", vec![2, 4]), "its tensors give modulus = 1: must be at least 3"),
        (with("embed.W_E", vec![6, 4, 1]), "embed.W_E is [6, 4, 1] where a matrix is expected"),
        (
            with("pos_embed.W_pos", vec![8, 4]),
            "pos_embed.W_pos is [8, 4] where its other tensors call for [3, 4]",
        ),
        (with("unembed.W_U", vec![4, 7]), "unembed.W_U is [4, 7]"),
        (with("blocks.0.attn.W_Q", vec![4, 4]), "blocks.0.attn.W_Q is [4, 4] where three axes are expected"),
        (with("blocks.0.attn.W_Q", vec![0, 4, 2]), "its tensors give n_heads = 0"),
        (with("train_indices", vec![2]), "train_indices holds F32 where whole numbers are expected"),
    ] {
        assert!(problem.contains(words), "{problem:?} lacks {words:?}");
    }
    let indices = |indices: &[i32]| files.problem("a.pt", &pytorch(&transformer_lens(), "", indices));
    assert_eq!(indices(&[1, 25]), "train_indices has 25, beyond the 25 pairs");
    assert_eq!(indices(&[-1]), "train_indices has -1, beyond the 25 pairs");
    assert_eq!(indices(&[1, 2, 1]), "train_indices has 1 a second time");
}

#[test]
fn nothing_in_a_pickle_is_executed() {
    let files = Files::new();
    let (trace, module) = (files.0.path().join("trace"), if cfg!(windows) { "nt" } else { "posix" });
    let mut pickle = Pickle(vec![0x80, 2]);
    pickle.global(module, "system");
    pickle.0.push(b'(');
    pickle.text(&format!("touch '{}'", trace.display()));
    pickle.0.extend(b"tR.");
    for bytes in [archive(&pickle.0, vec![]), pickle.0.clone()] {
        let problem = files.problem("a.pt", &bytes);
        assert!(problem.starts_with("neither a safetensors file nor a PyTorch state dict"), "{problem}");
    }
    assert!(!trace.exists());
}

#[test]
fn a_small_archive_that_unpacks_to_much_is_refused() {
    let files = Files::new();
    let mut pickle = Pickle(vec![0x80, 2, b'}']);
    pickle.text("long");
    pickle.0.extend(b"](");
    pickle.0.extend(std::iter::repeat_n(b'N', 4 << 20));
    pickle.0.extend(b"es.");
    let path = files.0.path().join("bomb.pt");
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    zip.start_file("archive/data.pkl", SimpleFileOptions::default()).unwrap();
    zip.write_all(&pickle.0).unwrap();
    zip.finish().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 1 << 16, "it is compressed");
    let error = Checkpoint::open(&path, None).unwrap_err().to_string();
    assert!(error.contains("a compressed archive"), "{error}");
}

/// Reads a file of these bytes; whatever comes of it, it does not panic nor take much memory.
fn read_harmlessly(name: &str, bytes: &[u8]) -> Result<CheckpointFile, Error> {
    let files = Files::new();
    let path = files.write(name, bytes);
    let before = MEMORY.current_usage_as_mb();
    MEMORY.reset_peak_usage();
    let result = Checkpoint::open(&path, None);
    let taken = MEMORY.peak_usage_as_mb() - before;
    assert!(taken < MAX_MEGABYTES, "{taken} MB for {} bytes", bytes.len());
    result
}

fn file(kind: usize) -> (&'static str, Vec<u8>) {
    match kind {
        0 => ("a.safetensors", safetensors(&transformer_lens())),
        1 => ("a.pt", pytorch(&notebook_2022(), "model", &[1, 2])),
        _ => ("a.pth", pytorch(&transformer_lens(), "", &[])),
    }
}

proptest! {
    #[test]
    fn truncated_files_are_refused(kind in 0_usize..3, share in 0.0..1.0) {
        let (name, bytes) = file(kind);
        let kept = (share * bytes.len() as f64) as usize;
        prop_assert!(read_harmlessly(name, &bytes[..kept]).is_err());
    }

    #[test]
    fn changed_bytes_do_no_harm(
        kind in 0_usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (name, mut bytes) = file(kind);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(checkpoint) = read_harmlessly(name, &bytes) {
            prop_assert!(checkpoint.checkpoint.weights.iter().flatten().all(|w| w.is_finite()));
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
        let storages = transformer_lens().iter().map(|(_, _, values)| bytes_of(values)).collect();
        let _ = read_harmlessly("a.pt", &archive(&pickle, storages));
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_harmlessly("a.pt", &bytes).is_err());
    }
}
