//! What a pickle can hold, and how it can be laid out: references, arrays of NumPy, whole modules, views, and the
//! formats that PyTorch had.

use clockwork_model::{Checkpoint, ReadAs};
use proptest::prelude::*;

use crate::{
    Files, MODEL,
    archive::Archive,
    at,
    pickle::Pickle,
    read_harmlessly,
    tensors::{Tensor, storages, transformer_lens, transpose, weights},
    weights_in,
};

/// Instructions that push a state dict of these tensors, the storages numbered from `first`.
fn state_dict(pickle: &mut Pickle, tensors: &[Tensor], first: usize) {
    pickle.global("collections", "OrderedDict");
    pickle.add(b")R(");
    for (storage, (name, shape, values)) in (first..).zip(tensors) {
        pickle.text(name);
        pickle.tensor(shape, &by_rows(shape), (storage, values.len()));
    }
    pickle.add(b"u");
}

fn by_rows(shape: &[usize]) -> Vec<usize> {
    (1..=shape.len()).map(|axis| shape[axis..].iter().product()).collect()
}

fn scaled(by: f32) -> Vec<Tensor> {
    let mut tensors = transformer_lens();
    tensors.iter_mut().flat_map(|(_, _, values)| values).for_each(|value| *value *= by);
    tensors
}

#[test]
fn an_archive_may_have_a_name_of_any_length() {
    let files = Files::new();
    for d_mlp in [6, 7, 16, 33, 100] {
        let model = clockwork_model::ModelConfig { d_mlp, ..MODEL };
        let weights = clockwork_model::initial_weights(&model, 3);
        let tensors = clockwork_model::NAMES.zip(model.shapes()).zip(weights.clone()).into_array();
        let tensors = tensors.map(|((name, shape), values)| (name.to_owned(), shape, values));
        let mut pickle = Pickle::new();
        state_dict(&mut pickle, &tensors, 0);
        let pickle = pickle.end();
        for length in 1..=60 {
            let archive = Archive { folder: "n".repeat(length), ..Archive::default() };
            let path = files.write("a.pt", &archive.of(&pickle, &storages(&tensors)));
            assert_eq!(weights_in(&path), weights, "{length} letters, {d_mlp} neurons");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn an_archive_is_read_however_it_is_laid_out(
        folder in "[a-z0-9_/. -]{1,80}",
        alignment in prop::sample::select(vec![1_usize, 4, 64, 4096]),
        [has_sizes_behind, has_records_of_64_bits, has_checksums, is_described]: [bool; 4],
    ) {
        let archive = Archive { folder, alignment, has_sizes_behind, has_records_of_64_bits, has_checksums, is_described };
        let mut pickle = Pickle::new();
        state_dict(&mut pickle, &transformer_lens(), 0);
        let bytes = archive.of(&pickle.end(), &storages(&transformer_lens()));
        let read = read_harmlessly("a.pt", &bytes).unwrap().checkpoint;
        prop_assert_eq!(read.weights(), Some(&weights()));
    }
}

#[test]
fn what_is_damaged_is_refused_where_there_are_checksums() {
    let files = Files::new();
    let mut pickle = Pickle::new();
    state_dict(&mut pickle, &transformer_lens(), 0);
    let mut bytes = Archive::default().of(&pickle.end(), &storages(&transformer_lens()));
    let first = weights().w_e[0].to_le_bytes();
    let at = bytes.windows(4).position(|of| of == first).unwrap();
    bytes[at] ^= 1;
    let problem = files.problem("a.pt", &bytes);
    assert!(problem.contains("the checksum of archive/data/0 is wrong"), "{problem}");
}

#[test]
fn one_network_under_several_keys_is_there_under_each() {
    let files = Files::new();
    // {'best': a, 'model': a, 'state_dict': b, 'history': [b, a]}
    let (a, b) = (transformer_lens(), scaled(2.0));
    let mut pickle = Pickle::new();
    pickle.add(b"}(");
    pickle.text("best");
    state_dict(&mut pickle, &a, 0);
    pickle.add(b"q\x05");
    pickle.text("model");
    pickle.add(b"h\x05");
    pickle.text("state_dict");
    state_dict(&mut pickle, &b, a.len());
    pickle.add(b"q\x06");
    pickle.text("history");
    pickle.add(b"](h\x06h\x05eu");
    let bytes = Archive::default().of(&pickle.end(), &[storages(&a), storages(&b)].concat());
    let path = files.write("a.pt", &bytes);
    for (key, by) in [
        (None, 1.0),
        (Some("best"), 1.0),
        (Some("model"), 1.0),
        (Some("state_dict"), 2.0),
        (Some("history.0"), 2.0),
        (Some("history.1"), 1.0),
    ] {
        let read_as = key.map_or_else(ReadAs::default, at);
        let found = Checkpoint::open(&path, &read_as).unwrap().checkpoint;
        assert_eq!(found.weights().unwrap().w_e[0], by * weights().w_e[0], "{key:?}");
    }
}

#[test]
fn a_dictionary_that_is_filled_later_is_filled_everywhere() {
    // {'model': d} with an empty d, and then d gets its tensors through a reference.
    let mut pickle = Pickle::new();
    pickle.add(b"}");
    pickle.text("model");
    pickle.add(b"}q\x00sh\x00(");
    for (storage, (name, shape, values)) in transformer_lens().iter().enumerate() {
        pickle.text(name);
        pickle.tensor(shape, &by_rows(shape), (storage, values.len()));
    }
    pickle.add(b"u0");
    let bytes = Archive::default().of(&pickle.end(), &storages(&transformer_lens()));
    assert_eq!(weights_in(&Files::new().write("a.pt", &bytes)), weights());
}

#[test]
fn views_are_read_as_they_are_seen() {
    // Each tensor with two axes and more is the transpose of what is stored.
    let mut stored = transformer_lens();
    let mut pickle = Pickle::new();
    pickle.add(b"}(");
    for (storage, (name, shape, values)) in stored.iter_mut().enumerate() {
        let seen = shape.clone();
        let axes = seen.len();
        if axes >= 2 {
            transpose(shape, values);
        }
        let mut strides = by_rows(shape);
        if axes >= 2 {
            strides.swap(axes - 2, axes - 1);
        }
        pickle.text(name);
        pickle.tensor(&seen, &strides, (storage, values.len()));
    }
    pickle.add(b"u");
    let bytes = Archive::default().of(&pickle.end(), &storages(&stored));
    assert_eq!(weights_in(&Files::new().write("a.pt", &bytes)), weights());
}

#[test]
fn a_view_may_repeat_an_element() {
    // Biases of zeros that were expanded from one.
    let mut stored = transformer_lens();
    let mut pickle = Pickle::new();
    pickle.add(b"}(");
    for (storage, (name, shape, values)) in stored.iter_mut().enumerate() {
        let is_expanded = name.ends_with("b_in");
        values.truncate(if is_expanded { 1 } else { values.len() });
        pickle.text(name);
        let strides = if is_expanded { vec![0] } else { by_rows(shape) };
        pickle.tensor(shape, &strides, (storage, values.len()));
    }
    pickle.add(b"u");
    let bytes = Archive::default().of(&pickle.end(), &storages(&stored));
    assert_eq!(weights_in(&Files::new().write("a.pt", &bytes)), weights());
}

#[test]
fn networks_in_a_list_of_any_class_are_found() {
    let files = Files::new();
    let (a, b) = (transformer_lens(), scaled(2.0));
    for begin in [&b"]("[..], b"ccollections\ndeque\n)R("] {
        let mut pickle = Pickle::new();
        pickle.add(begin);
        state_dict(&mut pickle, &a, 0);
        state_dict(&mut pickle, &b, a.len());
        pickle.add(b"e");
        let bytes = Archive::default().of(&pickle.end(), &[storages(&a), storages(&b)].concat());
        let found = Checkpoint::open(&files.write("a.pt", &bytes), &at("1")).unwrap().checkpoint;
        let found = found.weights().unwrap();
        assert_eq!(found.w_e[0], 2.0 * weights().w_e[0]);
    }
}

#[test]
fn the_format_before_pytorch_1_6_is_read() {
    let tensors = transformer_lens();
    let mut bytes = vec![0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];
    bytes.extend(b"\x80\x02M\xe9\x03.");
    let of_a_machine = |is_little: u8| {
        let mut pickle = Pickle::new();
        pickle.add(b"}(");
        pickle.text("protocol_version");
        pickle.number(1001);
        pickle.text("little_endian");
        pickle.add(&[is_little, b'u']);
        pickle.end()
    };
    let mut rest = Pickle::new();
    state_dict(&mut rest, &tensors, 0);
    let mut rest = rest.end();
    let mut keys = Pickle::new();
    keys.add(b"](");
    // In another order than in the pickle.
    let order: Vec<usize> = (0..tensors.len()).rev().collect();
    order.iter().for_each(|storage| keys.text(&storage.to_string()));
    keys.add(b"e");
    rest.extend(keys.end());
    for &storage in &order {
        rest.extend((tensors[storage].2.len() as u64).to_le_bytes());
        rest.extend(&storages(&tensors)[storage]);
    }
    let files = Files::new();
    let whole = [&bytes[..], &of_a_machine(0x88), &rest].concat();
    assert_eq!(weights_in(&files.write("a.pt", &whole)), weights());
    let problem = files.problem("b.pt", &[&bytes[..], &of_a_machine(0x89), &rest].concat());
    assert!(problem.contains("big-endian"), "{problem}");
    let problem = files.problem("c.pt", &whole[..whole.len() - 1]);
    assert!(problem.contains("breaks off"), "{problem}");
}

#[test]
fn arrays_of_numpy_are_read_in_every_protocol_and_order() {
    let files = Files::new();
    // How an array is pickled since protocol 3, before it, and in protocol 5.
    for kind in 0..3 {
        for by_columns in [false, true] {
            let mut pickle = Pickle::new();
            pickle.add(b"}(");
            for (name, mut shape, mut values) in transformer_lens() {
                let seen = shape.clone();
                if by_columns && shape.len() == 2 {
                    transpose(&mut shape, &mut values);
                }
                let by_columns = by_columns && shape.len() == 2;
                let elements: Vec<u8> =
                    values.iter().flat_map(|&value| f64::from(value).to_le_bytes()).collect();
                pickle.text(&name);
                array(&mut pickle, kind, &seen, by_columns, &elements);
            }
            pickle.add(b"u");
            let path = files.write("a.pkl", &pickle.end());
            assert_eq!(weights_in(&path), weights(), "kind {kind}, by columns: {by_columns}");
        }
    }
}

/// Instructions that push an array of NumPy.
fn array(pickle: &mut Pickle, kind: usize, shape: &[usize], by_columns: bool, elements: &[u8]) {
    let dtype = |pickle: &mut Pickle| {
        pickle.global("numpy", "dtype");
        pickle.text("f8");
        pickle.add(b"\x89\x88\x87R(K\x03");
        pickle.text("<");
        pickle.add(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb");
    };
    let data = |pickle: &mut Pickle| match kind {
        1 => {
            pickle.global("_codecs", "encode");
            pickle.text(&elements.iter().copied().map(char::from).collect::<String>());
            pickle.text("latin1");
            pickle.add(b"\x86R");
        }
        _ => pickle.bytes(elements),
    };
    if kind == 2 {
        pickle.global("numpy._core.numeric", "_frombuffer");
        pickle.add(b"(");
        data(pickle);
        dtype(pickle);
        pickle.tuple(shape);
        pickle.text(if by_columns { "F" } else { "C" });
        pickle.add(b"tR");
        return;
    }
    pickle.global("numpy.core.multiarray", "_reconstruct");
    pickle.global("numpy", "ndarray");
    pickle.add(b"K\x00\x85C\x01b\x87R(K\x01");
    pickle.tuple(shape);
    dtype(pickle);
    pickle.add(&[if by_columns { 0x88 } else { 0x89 }]);
    data(pickle);
    pickle.add(b"tb");
}

#[test]
fn a_module_that_was_saved_whole_is_read() {
    // An object of a class nobody knows, with `embed`, `blocks` and so on among its modules.
    let tensors = transformer_lens();
    let mut pickle = Pickle::new();
    module(&mut pickle, &tensors, "");
    let bytes = Archive::default().of(&pickle.end(), &storages(&tensors));
    assert_eq!(weights_in(&Files::new().write("a.pt", &bytes)), weights());
}

/// Instructions that push a module with the tensors whose names start so.
fn module(pickle: &mut Pickle, tensors: &[Tensor], start: &str) {
    let below = tensors.iter().enumerate().filter_map(|(i, of)| Some((i, of, of.0.strip_prefix(start)?)));
    let (modules, parameters): (Vec<_>, Vec<_>) = below.partition(|(_, _, name)| name.contains('.'));
    let mut names: Vec<&str> = modules.iter().map(|(_, _, name)| name.split('.').next().unwrap()).collect();
    names.dedup();
    pickle.global("__main__", "Module");
    pickle.add(b")\x81}(");
    pickle.text("_parameters");
    pickle.add(b"}(");
    for (storage, (_, shape, values), name) in parameters {
        pickle.text(name);
        pickle.global("torch._utils", "_rebuild_parameter");
        pickle.add(b"(");
        pickle.tensor(shape, &by_rows(shape), (storage, values.len()));
        pickle.add(b"\x88");
        pickle.global("collections", "OrderedDict");
        pickle.add(b")RtR");
    }
    pickle.add(b"u");
    pickle.text("_modules");
    pickle.add(b"}(");
    for name in names {
        pickle.text(name);
        module(pickle, tensors, &format!("{start}{name}."));
    }
    pickle.add(b"uub");
}

#[test]
fn what_refers_to_itself_and_what_is_without_end_do_no_harm() {
    // A dictionary in itself, beside a network.
    let mut pickle = Pickle::new();
    pickle.add(b"}q\x00(");
    pickle.text("itself");
    pickle.add(b"h\x00");
    pickle.text("model");
    state_dict(&mut pickle, &transformer_lens(), 0);
    pickle.add(b"u");
    let bytes = Archive::default().of(&pickle.end(), &storages(&transformer_lens()));
    assert_eq!(read_harmlessly("a.pt", &bytes).unwrap().checkpoint.weights(), Some(&weights()));

    // Lists in lists, and lists of which each has the one before it a hundred times.
    let deep = [&b"\x80\x02"[..], &[b']'; 1000], &[b'a'; 999], b"."].concat();
    let wide = |innermost: &[u8]| {
        let mut wide = [b"\x80\x02", innermost, b"q\x00"].concat();
        for i in 0..20_u8 {
            wide.extend([b']', b'q', i + 1, b'(']);
            wide.extend([b'h', i].repeat(100));
            wide.push(b'e');
        }
        wide.push(b'.');
        wide
    };
    // A parameter whose tensor is the parameter.
    let mut endless = Pickle::new();
    endless.global("torch._utils", "_rebuild_parameter");
    endless.add(b"]q\x00Rq\x01h\x00h\x01a0");
    for (bytes, words) in [
        (deep, "too deep"),
        (wide(b"N"), "too deep"),
        (wide(b"]K\x01a"), "more than 65536 tensors and lists"),
        (endless.end(), "it holds no tensors"),
    ] {
        let error = read_harmlessly("a.pt", &bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
