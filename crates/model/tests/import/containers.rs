//! Files that hold networks beside dictionaries of tensors: NumPy's archives, shards, lists, and what is kept beside.

use std::io::{Cursor, Write};

use clockwork_model::{Checkpoint, ReadAs};
use proptest::prelude::*;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    Files,
    archive::Archive,
    at, open,
    pickle::Pickle,
    read_harmlessly,
    tensors::{Tensor, bytes_of, notebook_2022, safetensors, storages, transformer_lens, weights},
    weights_in,
};

/// What `numpy.savez` or `numpy.savez_compressed` writes of arrays.
pub fn npz(tensors: &[Tensor], is_compressed: bool) -> Vec<u8> {
    let method = if is_compressed { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, shape, values) in tensors {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(&npy("<f4", shape, &bytes_of(values))).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An array as `numpy.save` writes it.
fn npy(descr: &str, shape: &[usize], elements: &[u8]) -> Vec<u8> {
    let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({},), }}", shape.join(", "));
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(elements);
    bytes
}

#[test]
fn numpys_archives_are_read_compressed_or_not() {
    let files = Files::new();
    for is_compressed in [false, true] {
        for tensors in [transformer_lens(), notebook_2022()] {
            assert_eq!(weights_in(&files.write("a.npz", &npz(&tensors, is_compressed))), weights());
        }
    }
}

#[test]
fn an_archive_of_numpys_that_unpacks_to_much_is_refused() {
    let files = Files::new();
    let mut tensors = transformer_lens();
    tensors.push(("zeros".to_owned(), vec![1 << 18], vec![0.0; 1 << 18]));
    let bytes = npz(&tensors, true);
    assert!(bytes.len() < 1 << 13, "it is compressed");
    let problem = read_harmlessly("a.npz", &bytes).unwrap_err().to_string();
    assert!(problem.contains("unpacks to more than 64 times its size"), "{problem}");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("embed.W_E.npy", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"no array").unwrap();
    let path = files.write("b.npz", &zip.finish().unwrap().into_inner());
    let error = Checkpoint::open(&path, &ReadAs::default()).unwrap_err().to_string();
    assert!(error.ends_with("cannot read embed.W_E: it is no whole array of NumPy"), "{error}");
}

#[test]
fn shards_are_read_through_their_index() {
    let files = Files::new();
    let (first, second) = (&transformer_lens()[..5], &transformer_lens()[5..]);
    files.write("model-1.safetensors", &safetensors(first));
    files.write("model-2.safetensors", &safetensors(second));
    let entry = |file: &str, (name, ..): &Tensor| format!("\"{name}\": \"{file}\"");
    let index = |second_file: &str| {
        let of_first = first.iter().map(|tensor| entry("model-1.safetensors", tensor));
        let of_second = second.iter().map(|tensor| entry(second_file, tensor));
        let map: Vec<String> = of_first.chain(of_second).collect();
        format!("{{\"metadata\": {{}}, \"weight_map\": {{{}}}}}", map.join(", "))
    };
    let path = files.write("model.safetensors.index.json", index("model-2.safetensors").as_bytes());
    assert_eq!(weights_in(&path), weights());
    let with_one_less = files.write("b.index.json", index("model-1.safetensors").as_bytes());
    let error = Checkpoint::open(&with_one_less, &ReadAs::default()).unwrap_err().to_string();
    assert!(error.contains("has no tensor that is known to be"), "{error}");
    for (index, words) in [
        (index("../model-2.safetensors"), "which is no safetensors file beside it"),
        (index("/etc/passwd"), "which is no safetensors file beside it"),
        ("{}".to_owned(), "it has no weight_map"),
        ("{\"weight_map\": {}}".to_owned(), "an index of no files"),
        ("{".to_owned(), "no index of safetensors files"),
    ] {
        let problem = files.problem("a.index.json", index.as_bytes());
        assert!(problem.contains(words), "{problem:?} lacks {words:?}");
    }
    let missing = files.write("c.index.json", index("model-3.safetensors").as_bytes());
    let error = Checkpoint::open(&missing, &ReadAs::default()).unwrap_err().to_string();
    assert!(error.starts_with("cannot read") && error.ends_with("model-3.safetensors"), "{error}");
}

/// Instructions that push a dictionary of tensors, the storages numbered from `first`.
fn dictionary(pickle: &mut Pickle, tensors: &[Tensor], first: usize) {
    pickle.add(b"}(");
    for (storage, (name, shape, values)) in (first..).zip(tensors) {
        let strides: Vec<usize> = (1..=shape.len()).map(|axis| shape[axis..].iter().product()).collect();
        pickle.text(name);
        pickle.tensor(shape, &strides, (storage, values.len()));
    }
    pickle.add(b"u");
}

#[test]
fn a_network_in_a_list_is_known_by_its_number_and_the_others_are_told() {
    let files = Files::new();
    let doubled: Vec<Tensor> = transformer_lens()
        .into_iter()
        .map(|(name, shape, values)| (name, shape, values.iter().map(|v| 2.0 * v).collect()))
        .collect();
    // [a, {'model': b}]
    let mut pickle = Pickle::new();
    pickle.add(b"](");
    dictionary(&mut pickle, &transformer_lens(), 0);
    pickle.add(b"}");
    pickle.text("model");
    dictionary(&mut pickle, &doubled, 11);
    pickle.add(b"se");
    let bytes =
        Archive::default().of(&pickle.end(), &[storages(&transformer_lens()), storages(&doubled)].concat());
    let path = files.write("a.pt", &bytes);
    let error = Checkpoint::open(&path, &ReadAs::default()).unwrap_err().to_string();
    assert!(error.ends_with("holds 2 networks, under 0, 1.model"), "{error}");
    for (key, by, other) in [("0", 1.0, "1.model"), ("1", 2.0, "0"), ("1.model", 2.0, "0")] {
        let checkpoint = Checkpoint::open(&path, &at(key)).unwrap().checkpoint;
        assert_eq!(checkpoint.weights().unwrap().w_e[0], by * weights().w_e[0], "{key}");
        assert_eq!(checkpoint.metadata.imported.unwrap().beside, [other]);
    }
}

/// A file with a network under `model`, and beside it what the instructions push under a key.
fn with_beside(key: &str, push: impl Fn(&mut Pickle)) -> Vec<u8> {
    let mut pickle = Pickle::new();
    pickle.add(b"}");
    pickle.text("model");
    dictionary(&mut pickle, &transformer_lens(), 0);
    pickle.add(b"s");
    pickle.text(key);
    push(&mut pickle);
    pickle.add(b"s");
    Archive::default().of(&pickle.end(), &storages(&transformer_lens()))
}

#[test]
fn pairs_are_listed_by_their_numbers_or_as_they_are() {
    let files = Files::new();
    // [(1, 2), [0, 3]] modulo 5.
    let as_pairs = with_beside("train_indices", |pickle| {
        pickle.add(b"](K\x01K\x02\x86](K\x00K\x03ee");
    });
    let split = open(&files.write("a.pt", &as_pairs)).listed_split.unwrap();
    assert_eq!((split.train, split.test.len()), (vec![3, 7], 23));
    let beyond = with_beside("train_indices", |pickle| pickle.add(b"](K\x01K\x05\x86e"));
    assert_eq!(
        files.problem("a.pt", &beyond),
        "train_indices has (1, 5), which is no pair of numbers modulo 5"
    );

    let mut tensors = transformer_lens();
    tensors.retain(|(name, ..)| name != "train_indices");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, shape, values) in &tensors {
        zip.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        zip.write_all(&npy("<f4", shape, &bytes_of(values))).unwrap();
    }
    zip.start_file("train_indices.npy", SimpleFileOptions::default()).unwrap();
    let numbers: Vec<u8> = [1_i64, 2, 0, 3].iter().flat_map(|number| number.to_le_bytes()).collect();
    zip.write_all(&npy("<i8", &[2, 2], &numbers)).unwrap();
    let checkpoint = open(&files.write("a.npz", &zip.finish().unwrap().into_inner()));
    assert_eq!(checkpoint.listed_split.unwrap().train, [3, 7]);
    assert!(checkpoint.metadata.imported.unwrap().left_aside.is_empty());
}

/// Instructions that push the settings of a configuration as a dictionary.
fn settings(pickle: &mut Pickle) {
    pickle.add(b"}(");
    pickle.text("act_fn");
    pickle.text("gelu");
    pickle.text("n_layers");
    pickle.number(1);
    pickle.text("fn_name");
    pickle.text("subtract");
    pickle.text("lr");
    pickle.add(b"G?P\x62\x4d\xd2\xf1\xa9\xfcu");
}

#[test]
fn a_configuration_beside_the_weights_is_believed() {
    let files = Files::new();
    let dictionary = with_beside("config", settings);
    // An object of TransformerLens, with its attributes for its state.
    let object = with_beside("cfg", |pickle| {
        pickle.global("transformer_lens.HookedTransformerConfig", "HookedTransformerConfig");
        pickle.add(b")\x81");
        settings(pickle);
        pickle.add(b"b");
    });
    for bytes in [dictionary, object] {
        let checkpoint = open(&files.write("a.pt", &bytes));
        let architecture = checkpoint.network.architecture().unwrap();
        assert_eq!(architecture.activation().to_string(), "gelu");
        assert_eq!(checkpoint.metadata.task.operation.to_string(), "subtract");
        let assumed = checkpoint.metadata.imported.unwrap().assumed;
        assert!(!assumed.contains_key("activation") && !assumed.contains_key("operation"), "{assumed:?}");
    }
    let of_two_layers = with_beside("config", |pickle| {
        pickle.add(b"}");
        pickle.text("n_layers");
        pickle.add(b"K\x02s");
    });
    let problem = files.problem("a.pt", &of_two_layers);
    assert_eq!(problem, "config: n_layers = 2 means another number of layers than one");
}

proptest! {
    #[test]
    fn changed_arrays_do_no_harm(at: prop::sample::Index, byte: u8) {
        // Past the checksums of the archive: a header of an array with one byte changed.
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (i, (name, shape, values)) in transformer_lens().iter().enumerate() {
            let mut array = npy("<f4", shape, &bytes_of(values));
            if i == 0 {
                let at = at.index(array.len());
                array[at] = byte;
            }
            zip.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
            zip.write_all(&array).unwrap();
        }
        let _ = read_harmlessly("a.npz", &zip.finish().unwrap().into_inner());
    }

    #[test]
    fn changed_configurations_do_no_harm(at: prop::sample::Index, byte: u8) {
        let mut pickle = Pickle::new();
        pickle.add(b"}");
        pickle.text("config");
        settings(&mut pickle);
        pickle.add(b"s");
        pickle.text("model");
        dictionary(&mut pickle, &transformer_lens(), 0);
        pickle.add(b"s");
        let mut pickle = pickle.end();
        let at = at.index(pickle.len());
        pickle[at] = byte;
        let _ = read_harmlessly("a.pt", &Archive::default().of(&pickle, &storages(&transformer_lens())));
    }
}
