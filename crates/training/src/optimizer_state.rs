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
use clockwork_model::{ModelConfig, NAMES, sealed, unsealed};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

/// The two moving averages of `AdamW`, as burn names them.
const MOMENTS: [&str; 2] = ["moment_1", "moment_2"];

/// How many steps they have seen, as burn names it.
const TIME: &str = "momentum.time";

/// A tensor of a record: its name in a file, shape and bytes.
type Named = (String, Vec<usize>, Vec<u8>);

/// What a file says of its moments. Files of version 0.1 say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Metadata {
    /// The step that the network is at.
    step: Option<u64>,
    /// How many steps the moments have seen: fewer where they began anew on the way.
    steps_seen: Option<u64>,
    /// The hash of the settings that are fixed at the run's start, once the file is a run's.
    #[serde(skip_serializing_if = "Option::is_none")]
    settings_sha256: Option<String>,
}

impl Metadata {
    fn of(bytes: &[u8]) -> Result<Self, String> {
        let metadata = unsealed(bytes)?.map(serde_json::from_value).transpose();
        Ok(metadata.map_err(|e| format!("cannot read its metadata: {e}"))?.unwrap_or_default())
    }
}

/// The bytes of each of r networks' part of a record after `step` steps; the ids of parameters are their places in
/// [`NAMES`], from 1.
pub(crate) fn to_bytes(record: OptimizerRecord, r: usize, step: u64) -> Result<Vec<Vec<u8>>, String> {
    let (tensors, age) = tensors(record)?;
    let metadata = Metadata { step: Some(step), steps_seen: Some(age), settings_sha256: None };
    let of_network = |i: usize| {
        let part = |(name, shape, bytes): &Named| {
            let length = bytes.len() / r;
            (name.clone(), shape[1..].to_vec(), bytes[i * length..][..length].to_vec())
        };
        serialise(&tensors.iter().map(part).collect::<Vec<_>>(), &metadata)
    };
    (0..r).map(of_network).collect()
}

fn words(e: &dyn std::fmt::Display) -> String {
    format!("cannot serialise the optimiser's state: {e}")
}

/// The moments, and how many steps they have seen.
fn tensors(record: OptimizerRecord) -> Result<(Vec<Named>, u64), String> {
    let pack = record.into_bytes().map_err(|e| words(&e))?;
    let reader = Reader::from_bytes(pack).map_err(|e| words(&e))?;
    let time = reader.scalars().iter().find(|(name, _)| name.ends_with(TIME)).map(|(_, time)| *time);
    let age = time.and_then(|time| u64::try_from(time).ok());
    let age = age.ok_or_else(|| words(&"it does not say how many steps it has seen"))?;
    let mut tensors = Vec::new();
    for tensor in reader.into_tensors().map_err(|e| words(&e))? {
        let (name, dtype, shape, id, bytes) = tensor.into_parts().map_err(|e| words(&e))?;
        let moment = MOMENTS.iter().find(|moment| name.ends_with(*moment));
        let parameter = id.and_then(|id| NAMES.into_array().get(id as usize - 1).copied());
        match (moment, parameter, dtype) {
            (Some(moment), Some(parameter), DType::F32) => {
                tensors.push((format!("{moment}.{parameter}"), shape.to_vec(), bytes.to_vec()));
            }
            _ => return Err(words(&format!("unexpected tensor {name} of {dtype:?}"))),
        }
    }
    Ok((tensors, age))
}

/// Moments of a step that begin anew: all zero, and have seen no step.
pub(crate) fn zero(config: &ModelConfig, step: u64) -> Result<Vec<u8>, String> {
    let metadata = Metadata { step: Some(step), steps_seen: Some(0), settings_sha256: None };
    let mut tensors = Vec::new();
    for (name, shape) in NAMES.zip(config.shapes()).into_array() {
        let zeros = vec![0; size_of::<f32>() * shape.iter().product::<usize>()];
        tensors.extend(MOMENTS.map(|moment| (format!("{moment}.{name}"), shape.clone(), zeros.clone())));
    }
    serialise(&tensors, &metadata)
}

/// The same bytes, as the file of a run of these settings.
pub(crate) fn of_run(bytes: &[u8], settings_sha256: String) -> Result<Vec<u8>, String> {
    let metadata = Metadata { settings_sha256: Some(settings_sha256), ..Metadata::of(bytes)? };
    let file = SafeTensors::deserialize(bytes).map_err(|e| words(&e))?;
    sealed(&metadata, file.tensors()).map_err(|e| words(&e))
}

/// Refuses a file that says that it is of a run of other settings than these, where both are known.
pub(crate) fn must_be_of(bytes: &[u8], settings_sha256: Option<&str>) -> Result<(), String> {
    let of = Metadata::of(bytes)?.settings_sha256;
    match of.as_deref().zip(settings_sha256).is_some_and(|(of, settings)| of != settings) {
        true => Err("is of another run".to_owned()),
        false => Ok(()),
    }
}

fn serialise(tensors: &[Named], metadata: &Metadata) -> Result<Vec<u8>, String> {
    let mut views = Vec::new();
    for (name, shape, bytes) in tensors {
        views.push((name, TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(|e| words(&e))?));
    }
    sealed(metadata, views).map_err(|e| words(&e))
}

/// How many steps the moments of a file of a step have seen.
pub(crate) fn age(bytes: &[u8], step: u64) -> u64 {
    Metadata::of(bytes).ok().and_then(|metadata| metadata.steps_seen).unwrap_or(step)
}

/// The inverse of [`to_bytes`]: the record after `step` steps, from one file per network of these sizes.
pub(crate) fn from_bytes(
    networks: &[&[u8]],
    config: &ModelConfig,
    step: u64,
) -> Result<OptimizerRecord, String> {
    let broken = |e| format!("not a whole safetensors file ({e})");
    let files = networks.iter().map(|bytes| SafeTensors::deserialize(bytes).map_err(broken));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let metadata = networks.iter().map(|bytes| Metadata::of(bytes)).collect::<Result<Vec<_>, _>>()?;
    if let Some(other) = metadata.iter().filter_map(|of| of.step).find(|of| *of != step) {
        return Err(format!("is of step {other}"));
    }
    let mut ages = metadata.iter().map(|of| of.steps_seen.unwrap_or(step));
    let age = ages.next().unwrap_or(step);
    if ages.any(|other| other != age) {
        return Err("moments that have seen another number of steps".to_owned());
    }
    let mut packed = Vec::new();
    let mut scalars = Vec::new();
    for (id, (name, shape)) in (1_u64..).zip(NAMES.zip(config.shapes()).into_array()) {
        for moment in MOMENTS {
            let mut bytes = Vec::new();
            for file in &files {
                let tensor = file
                    .tensor(&format!("{moment}.{name}"))
                    .map_err(|_| format!("has no tensor {moment}.{name}"))?;
                if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
                    return Err(format!("{moment}.{name} is not F32 {shape:?}"));
                }
                bytes.extend_from_slice(tensor.data());
            }
            packed.push(Tensor::new(
                format!("{id}.momentum.{moment}"),
                DType::F32,
                [&[networks.len()], &shape[..]].concat(),
                Some(id),
                Bytes::from_bytes_vec(bytes),
            ));
        }
        scalars.push((format!("{id}.{TIME}"), Scalar::from(age)));
    }
    let writer =
        scalars.iter().fold(Writer::new(packed), |writer, (key, value)| writer.with_scalar(key, *value));
    let pack = writer.into_bytes().map_err(|e| e.to_string())?;
    OptimizerRecord::from_bytes(pack).map_err(|e| e.to_string())
}
