use clockwork_model::{ModelConfig, Split, Weights, sum_squared_weights};

use crate::{
    Ablation, Activations, Attention, EffectiveWeights, Embedding, Error, FourierBasis, Logits, Losses,
    NeuronClusters, ReluFit, Result, WLogit,
};

/// What an analysis may take, in bytes. A checkpoint of some megabytes can name a modulus whose p³ logits
/// no machine holds; it is refused before anything of that size is asked for.
pub const MAX_BYTES: u64 = 1 << 34;

/// Everything that is found in one network.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// The network's sizes.
    pub config: ModelConfig,
    /// The basis that everything is seen in.
    pub basis: FourierBasis,
    /// What the network does on all inputs.
    pub activations: Activations,
    /// Mean loss over all inputs, in nats.
    pub original_loss: f64,
    /// Mean loss over the inputs trained on and those held out, where they are known.
    pub train_and_test_loss: Option<[f64; 2]>,
    /// Fraction of all inputs that are answered right.
    pub accuracy: f64,
    /// The embedding.
    pub embedding: Embedding,
    /// Where `=` looks.
    pub attention: Attention,
    /// From tokens straight to neurons and attention scores.
    pub effective_weights: EffectiveWeights,
    /// The neurons and their clusters.
    pub clusters: NeuronClusters,
    /// From neurons to logits.
    pub w_logit: WLogit,
    /// What restricting and leaving out neurons does.
    pub ablation: Ablation,
    /// The logits.
    pub logits: Logits,
    /// How a ReLU multiplies.
    pub relu_fit: ReluFit,
    /// Sum of the squares of all weights.
    pub sum_squared_weights: f64,
}

/// The stages of an analysis, in their order.
pub const STAGES: [&str; 6] =
    ["running the network", "embedding and attention", "neurons", "W_logit", "ablations", "logits"];

/// Is told which of the [`STAGES`] begins.
pub trait Observer {
    /// A stage begins.
    fn stage(&mut self, _name: &str) {}
}

/// The observer that does nothing.
impl Observer for () {}

impl Analysis {
    /// Analyses a network on all p² inputs; `split` are the pairs that it was trained on, if known.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] where it would take more than [`MAX_BYTES`]; [`Error::NotFinite`] where the
    /// network computes no numbers; [`Error::Device`] where they cannot be read back.
    pub fn new(
        weights: &Weights,
        config: &ModelConfig,
        split: Option<&Split>,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let bytes = bytes_needed(config);
        if bytes > MAX_BYTES {
            return Err(Error::TooLarge {
                modulus: config.modulus,
                gib: bytes >> 30,
                max_gib: MAX_BYTES >> 30,
            });
        }
        let mut stages = STAGES.iter();
        let mut next = || stages.next().into_iter().for_each(|name| observer.stage(name));
        next();
        let basis = FourierBasis::new(config.modulus);
        let activations = Activations::new(weights, config)?;
        if !activations.logits.iter().all(|logit| logit.is_finite()) {
            return Err(Error::NotFinite);
        }
        let losses = Losses { p: config.modulus, original: &activations.logits };
        let original_loss = losses.of(losses.original);
        let of_split =
            |split: &Split| [&split.train, &split.test].map(|of| losses.of_inputs(losses.original, of));
        let (train_and_test_loss, accuracy) = (split.map(of_split), losses.accuracy(losses.original));
        next();
        let embedding = Embedding::new(&basis, weights, config);
        let attention = Attention::new(&basis, &activations);
        let effective_weights = EffectiveWeights::new(&basis, weights, config);
        next();
        let clusters = NeuronClusters::new(&basis, &activations);
        next();
        let w_logit = WLogit::new(&basis, weights, config);
        next();
        let ablation = Ablation::new(&basis, &activations, &clusters, &w_logit, &losses);
        next();
        let logits = Logits::new(&basis, &clusters.key_freqs, &losses, split);
        let relu_fit = ReluFit::new(&basis, ReluFit::default_freq(config.modulus));
        Ok(Self {
            config: *config,
            original_loss,
            train_and_test_loss,
            accuracy,
            embedding,
            attention,
            effective_weights,
            clusters,
            w_logit,
            ablation,
            logits,
            relu_fit,
            sum_squared_weights: sum_squared_weights(weights),
            basis,
            activations,
        })
    }

    /// Each neuron's effect: its variance over inputs times the squared norm of its row of `W_logit`.
    #[must_use]
    pub fn neuron_effects(&self) -> Vec<f64> {
        let norms = self.w_logit.row_norms(self.config.modulus);
        self.clusters.variance.iter().zip(norms).map(|(variance, norm)| variance * norm).collect()
    }
}

/// About what an analysis holds at its peak: copies of the logits, of the neurons and of the effective
/// weights, in bytes.
fn bytes_needed(config: &ModelConfig) -> u64 {
    let &ModelConfig { modulus: p, n_heads, d_mlp, .. } = config;
    let [p, n_heads, d_mlp] = [p, n_heads, d_mlp].map(|size| size as u64);
    8 * (p * p * (LOGITS_HELD * p + NEURONS_HELD * d_mlp) + 2 * n_heads * p * d_mlp)
}

/// How many arrays of the logits' size there are at a time.
const LOGITS_HELD: u64 = 8;

/// How many arrays of the neurons' size there are at a time.
const NEURONS_HELD: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_holds_is_refused_before_it_is_asked_for() {
        let config = ModelConfig { modulus: 4096, d_model: 2, n_heads: 1, d_mlp: 1 };
        let weights = config.shapes().map(|shape| vec![0.0; shape.iter().product()]);
        let error = Analysis::new(&weights, &config, None, &mut ()).unwrap_err();
        assert!(matches!(error, Error::TooLarge { modulus: 4096, .. }), "{error}");
        let paper = ModelConfig { modulus: 113, d_model: 128, n_heads: 4, d_mlp: 512 };
        assert!(bytes_needed(&paper) < 600_000_000);
    }
}
