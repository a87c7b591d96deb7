//! Reverse-engineers a network trained on modular addition, following "Progress measures for grokking
//! via mechanistic interpretability" (Nanda et al. 2023): which few frequencies it uses, which neurons
//! serve which, what the loss becomes without them, and how `W_logit` turns them into
//! cos ω_k(x + y − z).
//!
//! Everything is computed on all p² inputs in 64 bits, for any modulus.
//!
//! ```
//! use clockwork_analysis::{Analysis, Summary};
//! use clockwork_model::{ModelConfig, initial_weights};
//!
//! let config = ModelConfig { modulus: 7, d_model: 8, n_heads: 2, d_mlp: 16 };
//! let analysis = Analysis::new(&initial_weights(&config, 0), &config, None, &mut ())?;
//! assert!(Summary::new(&analysis).accuracy < 0.5); // nothing was learned yet
//! # Ok::<(), clockwork_analysis::Error>(())
//! ```

mod ablation;
mod activations;
mod analysis;
mod analysis_files;
mod arrays;
mod attention;
mod claims;
mod comparison;
mod effective_weights;
mod embedding;
mod error;
mod figure_arrays;
mod fourier_basis;
mod gini;
mod key_freqs;
mod logit_fit;
mod logits;
mod losses;
mod mean_squared;
mod neuron_clusters;
mod projection;
mod relu_fit;
mod share;
mod singular_values;
mod summary;
mod w_logit;

pub use ablation::Ablation;
pub use activations::Activations;
pub use analysis::{Analysis, MAX_BYTES, Observer, STAGES};
pub use analysis_files::{AnalysisFiles, Findings, Provenance};
pub use arrays::Arrays;
pub use attention::Attention;
pub use claims::*;
pub use comparison::{
    Across, ClaimAcross, ComparedRun, Comparison, HarmfulAblation, MeanOverlap, Overlap, Pair, RunFindings,
    Spread, common_modulus, few_in_words,
};
pub use effective_weights::EffectiveWeights;
pub use embedding::Embedding;
pub use error::{Error, Result};
pub use figure_arrays::{NO_CLUSTER, SAMPLED_PER_CLUSTER};
pub use fourier_basis::FourierBasis;
pub use gini::gini;
pub use key_freqs::{KEY_FREQ_RELATIVE_NORM, by_norm};
pub use logit_fit::LogitFit;
pub use logits::{ExcludedLoss, Logits, quadratic_and_linear_shares};
pub use losses::Losses;
pub use mean_squared::mean_squared;
pub use neuron_clusters::{CLUSTER_FRAC_EXPLAINED, DEAD_VARIANCE, MIN_CLUSTER_SHARE, NeuronClusters};
pub use projection::Direction;
pub use relu_fit::ReluFit;
pub use singular_values::singular_values;
pub use summary::{KeyFreqsByRule, Summary, UNCLUSTERED};
pub use w_logit::{RANK_TOLERANCE, WLogit, frac_along};
