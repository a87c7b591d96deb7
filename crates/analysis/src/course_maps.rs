use clockwork_model::Checkpoint;
use serde::{Deserialize, Serialize};

use crate::{
    Cluster, Embedding, FourierBasis, Progress, Result, mean_squared::mean_squared, progress::measurable,
};

/// Of how many checkpoints maps are made at most.
const MOST_STEPS: usize = 16;

/// Maps of some checkpoints of a run: how the embedding, and the neurons of the cluster that is the largest in the end,
/// became what they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseMaps {
    /// The steps of the checkpoints, ascending.
    pub steps: Vec<u64>,
    /// The SHA-256 of each, in hexadecimal digits.
    pub sha256: Vec<String>,
    /// The frequency of the last row's largest cluster; nothing where it has no cluster.
    pub freq: Option<usize>,
    /// The neurons of that cluster.
    pub neurons: Vec<usize>,
    /// The maps of each checkpoint, once they are made, which a file of its own keeps.
    #[serde(skip)]
    pub maps: Vec<CheckpointMaps>,
}

/// The maps of one checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointMaps {
    /// The n of Z_n.
    pub n: usize,
    /// `F W_E`, the embedding in the Fourier basis, [n, width].
    pub embedding: Vec<f64>,
    /// The mean squared 2D coefficient of the neurons, but for the constant's, [n, n]; empty where there are none.
    pub mean_squared: Vec<f64>,
}

impl CourseMaps {
    /// What maps are to be made of a course, of which there is at least one row: of 16 checkpoints at most, evenly spaced
    /// by row, and of the last.
    #[must_use]
    pub fn wanted(of: &Progress) -> Self {
        let last = of.rows.len().saturating_sub(1);
        // A power of two keeps the checkpoints that were chosen as others are added.
        let every = last.div_ceil(MOST_STEPS - 1).next_power_of_two();
        let chosen = of.rows.iter().enumerate().filter(|(i, _)| i % every == 0 || *i == last);
        let (steps, sha256) = chosen.map(|(_, row)| (row.step, row.sha256.clone())).unzip();
        let clusters: &[Cluster] = of.rows.last().map_or(&[], |row| &row.arrays.cluster);
        let members = |k: usize| -> Vec<usize> {
            (0..clusters.len()).filter(|&neuron| clusters[neuron] == Cluster::Frequency(k)).collect()
        };
        let mut freqs: Vec<usize> = clusters.iter().filter_map(|cluster| cluster.frequency()).collect();
        freqs.sort_unstable();
        freqs.dedup();
        // Of those as large, the lowest.
        let freq = freqs.into_iter().rev().max_by_key(|&k| members(k).len());
        Self { steps, sha256, freq, neurons: freq.map_or_else(Vec::new, members), maps: Vec::new() }
    }

    /// Whether these are maps of the same checkpoints and neurons.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.steps, &self.sha256, &self.neurons) == (&other.steps, &other.sha256, &other.neurons)
    }
}

impl CheckpointMaps {
    /// Makes the maps of a checkpoint, of some of its neurons.
    ///
    /// # Errors
    ///
    /// Those of [`ProgressRow::of`](crate::ProgressRow::of).
    pub fn of(checkpoint: &Checkpoint, neurons: &[usize]) -> Result<Self> {
        let network = measurable(checkpoint)?;
        let n = network.n();
        let basis = FourierBasis::new(n);
        let embedding = Embedding::new(&basis, &network)?.coefficients;
        if neurons.is_empty() {
            return Ok(Self { n, embedding, mean_squared: Vec::new() });
        }
        let rows = network.neuron_acts.chunks_exact(network.d_mlp);
        let acts: Vec<f64> = rows.flat_map(|row| neurons.iter().map(|&neuron| row[neuron])).collect();
        let coefficients = basis.transform_2d(&acts, neurons.len());
        let all: Vec<usize> = (0..neurons.len()).collect();
        Ok(Self { n, embedding, mean_squared: mean_squared(&coefficients, neurons.len(), &all) })
    }
}
