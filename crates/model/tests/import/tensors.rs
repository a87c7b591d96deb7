//! The weights of a small network as tensors with names, and files of them.

use clockwork_model::{NAMES, Weights, initial_weights};
use safetensors::{Dtype, tensor::TensorView};

use crate::{MODEL, archive::Archive, pickle::Pickle};

/// A tensor in a file: name, shape, elements.
pub type Tensor = (String, Vec<usize>, Vec<f32>);

pub fn weights() -> Weights {
    initial_weights(&MODEL, 3)
}

pub fn transformer_lens() -> Vec<Tensor> {
    let tensors = NAMES.zip(MODEL.shapes()).zip(weights());
    tensors.into_array().map(|((name, shape), values)| (name.to_owned(), shape, values)).to_vec()
}

/// As the 2022 notebook has it, with its mask and a logit for `=`.
pub fn notebook_2022() -> Vec<Tensor> {
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

pub fn transpose(shape: &mut [usize], values: &mut [f32]) {
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

pub fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn safetensors(tensors: &[Tensor]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|(_, _, values)| bytes_of(values)).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

/// What `torch.save` writes of a dictionary of tensors, below `under` if that is not empty, with a list
/// of whole numbers beside it.
pub fn pytorch(tensors: &[Tensor], under: &str, indices: &[i32]) -> Vec<u8> {
    let mut pickle = Pickle::new();
    pickle.add(b"}");
    if !under.is_empty() {
        pickle.text(under);
        pickle.add(b"}");
    }
    for (storage, (name, shape, values)) in tensors.iter().enumerate() {
        let strides: Vec<usize> = (1..=shape.len()).map(|axis| shape[axis..].iter().product()).collect();
        pickle.text(name);
        pickle.tensor(shape, &strides, (storage, values.len()));
        pickle.add(b"s");
    }
    if !under.is_empty() {
        pickle.add(b"s");
    }
    if !indices.is_empty() {
        pickle.text("train_indices");
        pickle.add(b"](");
        indices.iter().for_each(|&index| pickle.number(index));
        pickle.add(b"es");
    }
    Archive::default().of(&pickle.end(), &storages(tensors))
}

/// The elements of each tensor as `torch.save` stores them.
pub fn storages(tensors: &[Tensor]) -> Vec<Vec<u8>> {
    tensors.iter().map(|(_, _, values)| bytes_of(values)).collect()
}
