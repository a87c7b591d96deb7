use clockwork_model::{Architecture, Checkpoint, ModelConfig, Task, TokenLayout};

use crate::{
    Ablation, AccuracyByAnswer, AnalysedNetwork, Arrays, Attention, Bases, EffectiveWeights, Embedding,
    Error, FourierBasis, KeyFreqsByRule, Logits, NeuronClusters, ReluFit, Result, WLogit,
    all_pairs::SplitInputs, served_freq::served_freq, share::share,
};

/// What an analysis may take, in bytes. A checkpoint of some megabytes can name a modulus whose p³ logits
/// no machine holds; it is refused before anything of that size is asked for.
const MAX_BYTES: u64 = 1 << 34;

/// Everything that is found in one network.
#[derive(Debug)]
pub struct Analysis {
    /// What the network learned.
    pub task: Task,
    /// The network and what it does on all inputs, in the task's coordinates.
    pub network: AnalysedNetwork,
    /// The basis that everything is seen in.
    pub basis: FourierBasis,
    /// Mean loss over all pairs, in nats.
    pub original_loss: f64,
    /// The same over the inputs and the answers that have coordinates. Losses without a part of the network are compared
    /// with it. It differs from the loss over all pairs for products and quotients, as 0 has no coordinate.
    pub loss_in_coordinates: f64,
    /// Mean loss over the pairs trained on and those held out, where they are known.
    pub train_and_test_loss: Option<[f64; 2]>,
    /// Fraction of all pairs that are answered right.
    pub accuracy: f64,
    /// How often each answer is right.
    pub accuracy_by_answer: AccuracyByAnswer,
    /// The embedding.
    pub embedding: Embedding,
    /// The same in each basis that the modulus offers.
    pub bases: Bases,
    /// Where the last token looks, if there is attention.
    pub attention: Option<Attention>,
    /// From tokens straight to neurons and attention scores, where that is one linear map.
    pub effective_weights: Option<EffectiveWeights>,
    /// The neurons and their clusters.
    pub clusters: NeuronClusters,
    /// From neurons to logits.
    pub w_logit: WLogit,
    /// The frequency that each neuron serves, [d_mlp], if it serves one: that of its cluster or, outside all clusters,
    /// one that explains most of it and has next to all that it writes, or that resonates with two others.
    pub served_freq: Vec<Option<usize>>,
    /// What restricting and leaving out neurons does.
    pub ablation: Ablation,
    /// The logits.
    pub logits: Logits,
    /// How a ReLU multiplies.
    pub relu_fit: ReluFit,
    /// Sum of the squares of all weights.
    pub sum_squared_weights: f64,
    /// Which inputs were trained on and which held out, where they are known.
    pub(crate) split_inputs: Option<SplitInputs>,
}

/// The stages of an analysis, in their order.
pub const STAGES: [&str; 7] = [
    "running the network",
    "embedding and attention",
    "neurons",
    "W_logit",
    "ablations",
    "logits",
    STAGE_OF_ALGORITHM,
];

/// The last of them, which comes when all else is known of a network.
pub(crate) const STAGE_OF_ALGORITHM: &str = "algorithm";

/// Receives the progress of an analysis.
pub trait Observer {
    /// A stage begins; `_name` is one of the [`STAGES`].
    fn stage(&mut self, _name: &str) {}
}

/// The observer that does nothing.
impl Observer for () {}

impl Analysis {
    /// Analyses a checkpoint's network on all inputs.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] where it would take more than 16 GiB of memory; [`Error::NotFinite`] where a logit
    /// is not finite; [`Error::SingularValues`] where those of a matrix do
    /// not converge; [`Error::Device`] where the activations cannot be read back.
    pub fn new(of: &Checkpoint, observer: &mut dyn Observer) -> Result<Self> {
        let task = of.metadata.task;
        require(&of.metadata.model, of.network.architecture())?;
        let mut stages = STAGES.iter();
        let mut next = || stages.next().into_iter().for_each(|name| observer.stage(name));
        next();
        let network = AnalysedNetwork::of(of)?;
        if !network.logits.iter().all(|logit| logit.is_finite()) {
            return Err(Error::NotFinite);
        }
        let basis = FourierBasis::new(network.n());
        let losses = network.losses();
        let split = of.split();
        let pairs = network.over_all_pairs(split.as_ref())?;
        let (original_loss, accuracy) = (pairs.loss(), pairs.accuracy());
        let accuracy_by_answer = pairs.accuracy_by_answer();
        let train_and_test_loss = pairs.train_and_test_loss();
        let split = split.map(|split| network.inputs_of(&split));
        next();
        let embedding = Embedding::new(&basis, &network)?;
        let bases = Bases::new(task, &network);
        let attention = Attention::new(&basis, &network);
        let effective_weights = EffectiveWeights::new(&basis, &network);
        next();
        let clusters = NeuronClusters::new(&basis, &network);
        next();
        let w_logit = WLogit::new(&basis, &network)?;
        next();
        let served_freq = served_freq(&basis, &clusters, &w_logit);
        let ablation = Ablation::new(&basis, &network, (&clusters, &served_freq), &losses);
        next();
        // Answers without coordinates are no waves of them.
        let waves = if network.coordinates_of().has_answers() { &clusters.key_freqs[..] } else { &[] };
        let logits = Logits::new(&basis, (&clusters.key_freqs, waves), &losses, split.as_ref());
        let relu_fit = ReluFit::new(&basis, ReluFit::default_freq(basis.modulus()));
        Ok(Self {
            task,
            original_loss,
            loss_in_coordinates: losses.of(&network.logits),
            train_and_test_loss,
            accuracy,
            accuracy_by_answer,
            embedding,
            bases,
            attention,
            effective_weights,
            clusters,
            w_logit,
            served_freq,
            ablation,
            logits,
            relu_fit,
            sum_squared_weights: of.network.sum_squared_weights(),
            split_inputs: split,
            network,
            basis,
        })
    }

    /// Refuses a network of the paper's architecture of which an analysis would take too much memory.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] where it would take more than 16 GiB.
    pub fn require_memory(of: &ModelConfig) -> Result<()> {
        require(of, None)
    }

    /// The key frequencies by each of the three rules.
    pub(crate) fn key_freqs_by_rule(&self) -> KeyFreqsByRule {
        KeyFreqsByRule {
            embedding: self.embedding.key_freqs.clone(),
            neurons: self.clusters.key_freqs.clone(),
            w_logit: self.w_logit.key_freqs.clone(),
        }
    }

    /// Each neuron's effect, [d_mlp]: its summed squared deviation from its mean over inputs, times the
    /// squared norm of its row of `W_logit`.
    pub(crate) fn neuron_effects(&self) -> Vec<f64> {
        let norms = self.w_logit.row_norms(self.basis.modulus());
        self.clusters.variance.iter().zip(norms).map(|(variance, norm)| variance * norm).collect()
    }

    /// The share of all neurons' effect that is of some of them.
    pub(crate) fn share_of_effect(&self, is_meant: impl Fn(usize) -> bool) -> f64 {
        let effects = self.neuron_effects();
        let meant = (0..effects.len()).filter(|&n| is_meant(n)).map(|n| effects[n]);
        share(meant.sum(), effects.iter().sum())
    }

    /// The arrays behind the figures, by name. `docs/analysis-files.md` lists them.
    #[must_use]
    pub fn arrays(&self) -> Arrays {
        let (basis, p) = (&self.basis, self.basis.modulus());
        let mut arrays = Arrays::default();
        self.accuracy_by_answer.insert_into(&mut arrays);
        self.embedding.insert_into(&mut arrays);
        self.bases.insert_into(&mut arrays);
        self.attention.iter().for_each(|of| of.insert_into(&mut arrays, p));
        self.effective_weights.iter().for_each(|of| of.insert_into(&mut arrays, &self.network));
        self.clusters.insert_into(&mut arrays, p, &self.network.neuron_acts);
        arrays.insert("neurons.effect", &[self.network.d_mlp], self.neuron_effects());
        self.logits.insert_into(&mut arrays, p);
        self.w_logit.insert_into(&mut arrays, basis, &self.clusters);
        self.relu_fit.insert_into(&mut arrays, basis);
        arrays
    }
}

fn require(sizes: &ModelConfig, architecture: Option<&Architecture>) -> Result<()> {
    let bytes = bytes_needed(sizes, architecture);
    match bytes > MAX_BYTES {
        true => Err(Error::TooLarge { modulus: sizes.modulus, gib: bytes >> 30, max_gib: MAX_BYTES >> 30 }),
        false => Ok(()),
    }
}

/// About what an analysis holds at its peak: copies of the logits, of the neurons, of the attention pattern, of the
/// residual streams, and of the effective weights, in bytes.
fn bytes_needed(sizes: &ModelConfig, architecture: Option<&Architecture>) -> u64 {
    let (tokens, width) = match architecture {
        None => (TokenLayout::paper().len(), sizes.d_model),
        Some(Architecture::Transformer(of)) => (of.tokens.len(), of.d_model.max(of.n_heads * of.d_head)),
        Some(Architecture::TwoInputMlp(_)) => (0, 0),
    };
    let &ModelConfig { modulus: p, n_heads, d_mlp, .. } = sizes;
    let [p, n_heads, d_mlp, tokens, width] = [p, n_heads, d_mlp, tokens, width].map(|size| size as u64);
    let per_input = LOGITS_HELD * p + NEURONS_HELD * d_mlp + PATTERNS_HELD * n_heads * tokens + width;
    8 * (p * p * per_input + 2 * n_heads * p * d_mlp)
}

/// How many arrays of the logits' size there are at a time.
const LOGITS_HELD: u64 = 8;

/// How many arrays of the neurons' size there are at a time: most while the network's controls are measured beside it.
const NEURONS_HELD: u64 = 10;

/// How many arrays of the attention pattern's size there are at a time.
const PATTERNS_HELD: u64 = 4;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clockwork_model::initial_weights;

    use super::*;

    #[test]
    fn what_no_machine_holds_is_refused_before_it_is_asked_for() {
        let config = ModelConfig { modulus: 4096, d_model: 2, n_heads: 1, d_mlp: 1 };
        let weights = config.shapes().map(|shape| vec![0.0; shape.iter().product()]);
        let error = Analysis::new(&Checkpoint::of_weights(config, weights), &mut ()).unwrap_err();
        assert!(matches!(error, Error::TooLarge { modulus: 4096, .. }), "{error}");
        let paper = ModelConfig { modulus: 113, d_model: 128, n_heads: 4, d_mlp: 512 };
        assert!(bytes_needed(&paper, None) < 650_000_000);
        // Many narrow heads make a large pattern.
        let heads = ModelConfig { modulus: 256, d_model: 1, n_heads: 1 << 14, d_mlp: 1 };
        assert!(bytes_needed(&heads, None) > MAX_BYTES);
    }

    #[test]
    fn the_documentation_lists_every_array_and_no_other() {
        let documentation = include_str!("../../../docs/analysis-files.md");
        // A row of the table of arrays starts with names in backticks; a shape follows.
        let cells = documentation.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let names = cells.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`'));
        let listed: BTreeSet<String> = names.map(str::to_owned).collect();
        let config = ModelConfig { modulus: 7, d_model: 4, n_heads: 2, d_mlp: 8 };
        let checkpoint = Checkpoint::of_weights(config, initial_weights(&config, 0));
        let mut analysis = Analysis::new(&checkpoint, &mut ()).unwrap();
        analysis.clusters.key_freqs = vec![2];
        let arrays = analysis.arrays();
        let written: BTreeSet<String> = arrays.names().map(|name| name.replace(".2", ".k")).collect();
        assert_eq!(listed, written);
    }
}
