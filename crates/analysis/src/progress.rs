use std::collections::BTreeMap;

use clockwork_model::{Checkpoint, CheckpointFile};
use serde::{Deserialize, Serialize};

use crate::{
    AnalysedNetwork, Bases, Basis, Cluster, CourseMaps, Embedding, Error, FourierBasis, Measures,
    NeuronClusters, Result, WLogit,
    analysis_files::{SOURCES, VERSION},
    measures::Measured,
    term_shares::TermShares,
};

/// What is measured of a run's checkpoints, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The frequencies that all measures are about.
    pub key_freqs: Vec<usize>,
    /// By which rule they are key.
    pub key_freqs_rule: KeyFreqsRule,
    /// The step whose network has them as its key frequencies; nothing where they were chosen.
    pub key_freqs_of_step: Option<u64>,
    /// The version of Clockwork that measured.
    pub clockwork: String,
    /// A hash of the sources that measures come from.
    pub sources: String,
    /// A row per checkpoint, steps ascending.
    pub rows: Vec<ProgressRow>,
    /// Maps of some of the checkpoints, where they are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maps: Option<CourseMaps>,
}

/// By which rule the frequencies are key that a course is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyFreqsRule {
    /// They have a cluster of neurons.
    Neurons,
    /// No frequency has one, as none has until late: they have more than a quarter of the largest squared norm of `W_logit`.
    WLogit,
    /// None: they were chosen.
    Chosen,
}

/// What is measured of one checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgressRow {
    /// The step.
    pub step: u64,
    /// The SHA-256 of the checkpoint, in hexadecimal digits.
    pub sha256: String,
    /// The fractions of the pairs trained on and held out that are answered right, where they are known.
    pub train_accuracy: Option<f64>,
    /// The same of those held out.
    pub test_accuracy: Option<f64>,
    /// Progress measures, by the key frequencies of all rows.
    pub measures: Measures,
    /// The sum of the squares of all weights.
    pub sum_squared_weights: f64,
    /// The same per parameter, by its name.
    pub sum_squared_by_parameter: BTreeMap<String, f64>,
    /// Gini coefficient of the embedding's squared norms by frequency.
    pub gini_embedding: f64,
    /// The same in each basis that the modulus offers.
    pub gini_by_basis: BTreeMap<Basis, f64>,
    /// Gini coefficient of `W_logit`'s squared norms by frequency.
    pub gini_w_logit: f64,
    /// Neurons in each cluster of this checkpoint, and in none.
    pub cluster_sizes: BTreeMap<Cluster, usize>,
    /// Median fraction explained of the neurons that are in a cluster.
    pub median_frac_explained: Option<f64>,
    /// How many neurons are in another cluster than in the row before; nothing in the first row.
    pub neurons_changed: Option<usize>,
    /// Share of the neurons' activations, their means over inputs apart, that is quadratic terms of key frequencies.
    pub neurons_frac_quadratic: f64,
    /// Share of the same that is linear terms of key frequencies.
    pub neurons_frac_linear: f64,
    /// Share of the activations that is their means over inputs.
    pub neurons_frac_constant: f64,
    /// Share of the neurons' inputs, their means over inputs apart, that is quadratic terms of key frequencies.
    pub neuron_inputs_frac_quadratic: f64,
    /// Share of the same that is linear terms of key frequencies.
    pub neuron_inputs_frac_linear: f64,
    /// Share of the neurons' inputs that is their means over inputs.
    pub neuron_inputs_frac_constant: f64,
    /// Mean attention from the last token to each, per head.
    pub mean_attention: Vec<Vec<f64>>,
    /// What has an element per frequency or per neuron, which a file of its own keeps.
    #[serde(skip)]
    pub arrays: RowArrays,
}

/// What is measured of one checkpoint per frequency and per neuron.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowArrays {
    /// The cluster of each neuron, [d_mlp].
    pub cluster: Vec<Cluster>,
    /// The frequency that explains most of each neuron's variance, [d_mlp].
    pub best_freq: Vec<usize>,
    /// The fraction of the variance that it explains, [d_mlp]; 0 for a dead neuron.
    pub frac_explained: Vec<f64>,
    /// The embedding's squared norms by frequency, [⌊n/2⌋].
    pub embedding_norm_by_freq: Vec<f64>,
    /// The embedding's singular values, descending.
    pub embedding_singular_values: Vec<f64>,
    /// The squared norms of `W_logit Fᵀ` by frequency, [⌊n/2⌋].
    pub w_logit_norm_by_freq: Vec<f64>,
}

impl Progress {
    /// The progress of no checkpoint yet, by frequencies that were chosen.
    #[must_use]
    pub fn by_chosen(key_freqs: Vec<usize>) -> Self {
        Self::new(key_freqs, KeyFreqsRule::Chosen, None)
    }

    /// The progress of no checkpoint yet, by the key frequencies of one: by the neurons' rule, or where that names none by
    /// that of `W_logit`.
    ///
    /// # Errors
    ///
    /// Those of [`ProgressRow::of`].
    pub fn by_key_freqs_of(checkpoint: &Checkpoint) -> Result<Self> {
        let network = measurable(checkpoint)?;
        let basis = FourierBasis::new(network.n());
        let of_neurons = NeuronClusters::new(&basis, &network).key_freqs;
        let (key_freqs, rule) = match of_neurons.is_empty() {
            false => (of_neurons, KeyFreqsRule::Neurons),
            true => (WLogit::new(&basis, &network)?.key_freqs, KeyFreqsRule::WLogit),
        };
        Ok(Self::new(key_freqs, rule, Some(checkpoint.metadata.step)))
    }

    fn new(key_freqs: Vec<usize>, key_freqs_rule: KeyFreqsRule, key_freqs_of_step: Option<u64>) -> Self {
        let (clockwork, sources) = (VERSION.to_owned(), SOURCES.to_owned());
        let (rows, maps) = (Vec::new(), None);
        Self { key_freqs, key_freqs_rule, key_freqs_of_step, clockwork, sources, rows, maps }
    }

    /// Whether this version of Clockwork measured it.
    #[must_use]
    pub fn is_of_this_version(&self) -> bool {
        (&self.clockwork[..], &self.sources[..]) == (VERSION, SOURCES)
    }

    /// Whether rows of another measurement can be taken into this one.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.key_freqs, &self.clockwork, &self.sources)
            == (&other.key_freqs, &other.clockwork, &other.sources)
    }

    /// Leaves out the rows behind a step.
    pub fn cut_behind(&mut self, step: u64) {
        self.rows.retain(|row| row.step <= step);
    }

    /// Takes rows in place of those that there are, steps ascending, and counts the neurons that change their cluster from
    /// one to the next.
    pub fn take_rows(&mut self, mut rows: Vec<ProgressRow>) {
        rows.sort_by_key(|row| row.step);
        if let Some(first) = rows.first_mut() {
            first.neurons_changed = None;
        }
        for at in 1..rows.len() {
            let pairs = rows[at - 1].arrays.cluster.iter().zip(&rows[at].arrays.cluster);
            rows[at].neurons_changed = Some(pairs.filter(|(before, after)| before != after).count());
        }
        self.rows = rows;
    }
}

/// A network whose progress can be measured: its answers have coordinates, and its logits are finite.
pub(crate) fn measurable(checkpoint: &Checkpoint) -> Result<AnalysedNetwork> {
    let network = AnalysedNetwork::of(checkpoint)?;
    if !network.coordinates_of().has_answers() {
        return Err(Error::NoCoordinates { task: checkpoint.metadata.task.to_string() });
    }
    match network.logits.iter().all(|logit| logit.is_finite()) {
        true => Ok(network),
        false => Err(Error::NotFinite),
    }
}

impl ProgressRow {
    /// The share of the neurons that are in a frequency's cluster.
    #[must_use]
    pub fn share_in_clusters(&self) -> f64 {
        let all: usize = self.cluster_sizes.values().sum();
        let unclustered = self.cluster_sizes.get(&Cluster::Unclustered).copied().unwrap_or(0);
        (all - unclustered) as f64 / all.max(1) as f64
    }

    /// Measures a checkpoint by some frequencies.
    ///
    /// # Errors
    ///
    /// [`Error::NotFinite`] where a logit is not finite, [`Error::SingularValues`] where those of a matrix do not
    /// converge, [`Error::Device`] where activations cannot be read back.
    pub fn of(file: &CheckpointFile, key_freqs: &[usize]) -> Result<Self> {
        let checkpoint = &file.checkpoint;
        let network = measurable(checkpoint)?;
        let basis = FourierBasis::new(network.n());
        let split = checkpoint.split();
        let pairs = network.over_all_pairs(split.as_ref())?;
        let (accuracy, train_and_test_accuracy) = (pairs.accuracy(), pairs.train_and_test_accuracy());
        let split = split.map(|split| network.inputs_of(&split));
        let embedding = Embedding::new(&basis, &network)?;
        let clusters = NeuronClusters::new(&basis, &network);
        let w_logit = WLogit::new(&basis, &network)?;
        let measures = Measures::of(&Measured {
            p: checkpoint.metadata.task.modulus,
            accuracy,
            basis: &basis,
            network: &network,
            clusters: &clusters,
            w_logit: &w_logit,
            split: split.as_ref(),
            key_freqs,
        });
        if !measures.is_finite() {
            return Err(Error::NotFinite);
        }
        let neurons = TermShares::of_coefficients(&basis, key_freqs, &clusters.coefficients, network.d_mlp);
        let inputs = TermShares::of_values(&basis, key_freqs, &network.neuron_acts_pre, network.d_mlp);
        Ok(Self {
            step: checkpoint.metadata.step,
            sha256: file.sha256.clone(),
            train_accuracy: train_and_test_accuracy.map(|[train, _]| train),
            test_accuracy: train_and_test_accuracy.map(|[_, test]| test),
            measures,
            sum_squared_weights: checkpoint.network.sum_squared_weights(),
            sum_squared_by_parameter: checkpoint.network.sum_squared_by_parameter(),
            gini_embedding: embedding.gini,
            gini_by_basis: Bases::new(checkpoint.metadata.task, &network).gini(),
            gini_w_logit: w_logit.gini,
            cluster_sizes: clusters.clusters().map(|of| (of, clusters.members(of).len())).collect(),
            median_frac_explained: clusters.median_frac_explained(),
            neurons_changed: None,
            neurons_frac_quadratic: neurons.quadratic,
            neurons_frac_linear: neurons.linear,
            neurons_frac_constant: neurons.constant,
            neuron_inputs_frac_quadratic: inputs.quadratic,
            neuron_inputs_frac_linear: inputs.linear,
            neuron_inputs_frac_constant: inputs.constant,
            mean_attention: network.mean_attention(),
            arrays: RowArrays {
                cluster: clusters.cluster,
                best_freq: clusters.best_freq,
                frac_explained: clusters.frac_explained,
                embedding_norm_by_freq: embedding.norm_by_freq,
                embedding_singular_values: embedding.singular_values,
                w_logit_norm_by_freq: w_logit.norm_by_freq,
            },
        })
    }
}
