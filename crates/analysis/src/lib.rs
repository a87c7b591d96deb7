//! Reverse-engineers a network trained on modular addition, following "Progress measures for grokking
//! via mechanistic interpretability" (Nanda et al. 2023): which few frequencies it uses, which neurons
//! serve which, what the loss becomes without them, and how `W_logit` turns them into
//! cos ω_k(x + y − z).
//!
//! Everything is computed on all inputs in 64 bits, for any modulus, and in the coordinates in which the
//! network's operation is addition.
//!
//! ```
//! use clockwork_analysis::{Analysis, Summary, claims};
//! use clockwork_model::{Checkpoint, clock};
//!
//! let (config, weights) = clock(17, &[3, 5], 16);
//! let analysis = Analysis::new(&Checkpoint::of_weights(config, weights), &mut ())?;
//! let summary = Summary::new(&analysis);
//! assert_eq!(summary.key_freqs, [3, 5]);
//! assert!(claims(&summary)[0].holds(), "it generalises");
//! # Ok::<(), clockwork_analysis::Error>(())
//! ```

mod ablation;
mod accuracy_by_answer;
mod additive;
mod algorithm;
mod algorithm_tests;
mod alignment;
mod all_pairs;
mod analysed_network;
mod analysis;
mod analysis_files;
mod applicability;
mod arrays;
mod attention;
mod bases;
mod bounds;
mod circularity;
mod claim;
mod claim_figures;
mod claims;
mod cleanliness;
mod cluster;
mod comparison;
mod control;
mod course_claims;
mod course_findings;
mod course_maps;
mod course_phases;
mod curve;
mod direction;
mod distance_irrelevance;
mod drawn;
mod effective_weights;
mod embedding;
mod error;
mod formula_fit;
mod fourier_basis;
mod gini;
mod key_freqs;
mod keyed_by_freq;
mod leads;
mod logit_fit;
mod logits;
mod logits_by_sum;
mod losses;
mod mean_squared;
mod measures;
mod named_freq;
mod network;
mod neuron_certificate;
mod neuron_clusters;
mod number;
mod participation;
#[cfg(test)]
mod perturbed;
mod phases;
mod principal_components;
mod product;
mod progress;
mod progress_files;
mod progress_losses;
mod published_triples;
mod quadrature;
mod reason;
mod relu_fit;
mod resonance;
mod sampled_scores;
mod served_freq;
mod share;
mod singular_values;
mod sufficiency;
mod summary;
mod symmetricity;
mod term_shares;
mod w_logit;
mod wave;
mod wave_certificate;

pub use ablation::Ablation;
pub use accuracy_by_answer::AccuracyByAnswer;
pub use algorithm::{Algorithm, AlgorithmKind, Cost};
pub use algorithm_tests::AlgorithmTests;
pub use alignment::Alignment;
pub use analysed_network::AnalysedNetwork;
pub use analysis::{Analysis, Observer, STAGES};
pub use analysis_files::{AnalysisFiles, Findings, Provenance};
pub use arrays::Arrays;
pub use attention::Attention;
pub use bases::{Bases, Basis};
pub use claim::{Check, Claim, FailureKind, Relation, Verdict};
pub use claims::claims;
pub use cleanliness::Cleanliness;
pub use cluster::Cluster;
pub use comparison::{
    Across, AlgorithmAcross, ByOperation, CheckAcross, ClaimAcross, ComparedRun, Comparison, CourseAcross,
    HarmfulAblation, HoldAtLoss, LeadAcross, MeanOverlap, OperationAcross, Overlap, Pair, RunFindings,
    Spread, common_task, grouped_by_operation,
};
pub use control::Control;
pub use course_claims::course_claims;
pub use course_findings::CourseFindings;
pub use course_maps::{CheckpointMaps, CourseMaps};
pub use course_phases::CoursePhases;
pub use direction::Direction;
pub use effective_weights::EffectiveWeights;
pub use embedding::Embedding;
pub use error::{Error, Result};
pub use formula_fit::FormulaFit;
pub use fourier_basis::FourierBasis;
pub use leads::{
    CourseCurves, EXCLUDED_LOSS, GENERALISED, Lead, MEMORISED, MeasureCurve, RESTRICTED_LOSS, TEST_ACCURACY,
    TEST_LOSS, leads,
};
pub use logit_fit::LogitFit;
pub use logits::{ExcludedLoss, Logits};
pub use measures::{LossMeasures, Measures};
pub use named_freq::{NamedFreq, Role};
pub use network::{
    Activations, Embeddings, LinearHeads, LogitGradients, Network, Reads, Tables, TokenTable, network_of,
};
pub use neuron_certificate::NeuronCertificate;
pub use neuron_clusters::{CLUSTER_FRAC_EXPLAINED, NeuronClusters};
pub use number::short;
pub use progress::{KeyFreqsRule, Progress, ProgressRow, RowArrays};
pub use quadrature::Quadrature;
pub use relu_fit::ReluFit;
pub use sampled_scores::SampledScores;
pub use sufficiency::{Kept, Sufficiency, WithoutOthers};
pub use summary::{KeyFreqsByRule, OtherSum, Summary};
pub use symmetricity::Symmetricity;
pub use w_logit::WLogit;
pub use wave_certificate::WaveCertificate;
