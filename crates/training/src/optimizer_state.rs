//! `AdamW`'s state as a safetensors file, beside the weights of the same step.
//!
//! burn keeps it as a record keyed by parameter ids in a format of its own. Here it becomes tensors
//! named `moment_1.embed.W_E` and so on: equal states are equal bytes, anyone can look into them,
//! and a file of another network is noticed before it is used.

use burn::{
    optim::OptimizerRecord,
    tensor::{Bytes, DType},
};
use burn_pack::{Reader, Scalar, Tensor, Writer};
use clockwork_model::{ModelConfig, NAMES};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// The two moving averages of `AdamW`, as burn names them.
const MOMENTS: [&str; 2] = ["moment_1", "moment_2"];

/// The bytes of a record; the ids of parameters are their places in [`NAMES`], from 1.
pub(crate) fn to_bytes(record: OptimizerRecord) -> Result<Vec<u8>, String> {
    let words = |e: &dyn std::fmt::Display| format!("cannot serialise the optimiser's state: {e}");
    let pack = record.into_bytes().map_err(|e| words(&e))?;
    let mut tensors = Vec::new();
    for tensor in Reader::from_bytes(pack).and_then(Reader::into_tensors).map_err(|e| words(&e))? {
        let (name, dtype, shape, id, bytes) = tensor.into_parts().map_err(|e| words(&e))?;
        let moment = MOMENTS.iter().find(|moment| name.ends_with(*moment));
        let parameter = id.and_then(|id| NAMES.into_array().get(id as usize - 1).copied());
        match (moment, parameter, dtype) {
            (Some(moment), Some(parameter), DType::F32) => {
                tensors.push((format!("{moment}.{parameter}"), shape.to_vec(), bytes));
            }
            _ => return Err(words(&format!("unexpected tensor {name} of {dtype:?}"))),
        }
    }
    let mut views = Vec::new();
    for (name, shape, bytes) in &tensors {
        views.push((name, TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(|e| words(&e))?));
    }
    safetensors::serialize(views, None).map_err(|e| words(&e))
}

/// The record whose bytes these are, for a network of these sizes after `step` steps.
pub(crate) fn from_bytes(bytes: &[u8], config: &ModelConfig, step: u64) -> Result<OptimizerRecord, String> {
    let tensors =
        SafeTensors::deserialize(bytes).map_err(|e| format!("not a whole safetensors file ({e})"))?;
    let mut packed = Vec::new();
    let mut scalars = Vec::new();
    for (id, (name, shape)) in (1_u64..).zip(NAMES.zip(config.shapes()).into_array()) {
        for moment in MOMENTS {
            let tensor = tensors
                .tensor(&format!("{moment}.{name}"))
                .map_err(|_| format!("has no tensor {moment}.{name}"))?;
            if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
                return Err(format!("{moment}.{name} is not F32 {shape:?}"));
            }
            let bytes = Bytes::from_bytes_vec(tensor.data().to_vec());
            packed.push(Tensor::new(
                format!("{id}.momentum.{moment}"),
                DType::F32,
                shape.clone(),
                Some(id),
                bytes,
            ));
        }
        scalars.push((format!("{id}.momentum.time"), Scalar::from(step)));
    }
    let writer =
        scalars.iter().fold(Writer::new(packed), |writer, (key, value)| writer.with_scalar(key, *value));
    let pack = writer.into_bytes().map_err(|e| e.to_string())?;
    OptimizerRecord::from_bytes(pack).map_err(|e| e.to_string())
}
