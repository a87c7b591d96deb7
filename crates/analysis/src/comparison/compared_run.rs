use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AlgorithmKind, Basis, Claim, Cleanliness, Cluster, CourseFindings, Findings, KeyFreqsByRule};

/// A network that is to be compared.
#[derive(Debug, Clone)]
pub struct RunFindings {
    /// What to call it; no two alike.
    pub name: String,
    /// Where it is kept.
    pub path: String,
    /// Whether its training is finished, where that is known.
    pub state: Option<String>,
    /// The step at which its test accuracy passed 99 %, if it did and it is known.
    pub generalised: Option<u64>,
    /// What was found in it.
    pub findings: Findings,
    /// What its course tells, where its checkpoints were measured.
    pub course: Option<CourseFindings>,
}

/// A network among others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedRun {
    /// What it is called.
    pub name: String,
    /// Where it is kept.
    pub path: String,
    /// Chose the split and the initial weights, where that is known.
    pub seed: Option<u64>,
    /// The settings in which the runs differ, as `section.key`, where they are known.
    pub settings: BTreeMap<String, Value>,
    /// Whether its training is finished, where that is known.
    pub state: Option<String>,
    /// The step that its weights are of.
    pub step: u64,
    /// The SHA-256 of the checkpoint.
    pub sha256: String,
    /// The step at which its test accuracy passed 99 %, if it did and it is known.
    pub generalised: Option<u64>,
    /// Fraction of all inputs that are answered right.
    pub accuracy: f64,
    /// Mean loss over all inputs, in nats.
    pub original_loss: f64,
    /// Mean loss over the inputs trained on, where they are known.
    pub train_loss: Option<f64>,
    /// Mean loss over the inputs held out, where they are known.
    pub test_loss: Option<f64>,
    /// How far the cleanup has come.
    pub cleanliness: Cleanliness,
    /// The key frequencies, by the neurons' rule.
    pub key_freqs: Vec<usize>,
    /// The key frequencies by each of the three rules.
    pub key_freqs_by_rule: KeyFreqsByRule,
    /// Whether the three rules name the same key frequencies, and any.
    pub rules_name_the_same: bool,
    /// Neurons in each cluster, and in none.
    pub cluster_sizes: BTreeMap<Cluster, usize>,
    /// The cluster without which the loss is largest, if there is any.
    pub most_harmful_ablation: Option<HarmfulAblation>,
    /// Which algorithm it follows, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<AlgorithmKind>,
    /// Its gradient symmetricity, over all triples where that was asked, else over the published ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_symmetricity: Option<f64>,
    /// Its distance irrelevance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_irrelevance: Option<f64>,
    /// The share of all inputs that its waves answer right by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified_accuracy: Option<f64>,
    /// Gini coefficient of the embedding in each basis that the modulus offers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gini_by_basis: BTreeMap<Basis, f64>,
    /// The claims, checked.
    pub claims: Vec<Claim>,
    /// What its course tells, where its checkpoints were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<CourseFindings>,
    /// The embedding's squared norms by frequency.
    pub embedding_norm_by_freq: Vec<f64>,
}

/// The ablation of a cluster that hurts most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HarmfulAblation {
    /// The cluster's frequency.
    pub freq: usize,
    /// Mean loss over all inputs without it, in nats.
    pub loss: f64,
}

impl ComparedRun {
    pub(super) fn new(of: &RunFindings, differing: &[String]) -> Self {
        let (summary, provenance) = (&of.findings.summary, &of.findings.provenance);
        let measures = of.findings.measures.as_ref();
        let setting = |path: &str| {
            let (section, key) = path.split_once('.')?;
            provenance.config.get(section)?.get(key).cloned()
        };
        let without = summary.losses_without_a_cluster().map(|(freq, loss)| HarmfulAblation { freq, loss });
        Self {
            name: of.name.clone(),
            path: of.path.clone(),
            seed: setting("training.seed").and_then(|seed| seed.as_u64()),
            settings: differing.iter().filter_map(|path| Some((path.clone(), setting(path)?))).collect(),
            state: of.state.clone(),
            step: provenance.step,
            sha256: provenance.sha256.clone(),
            generalised: of.generalised,
            accuracy: summary.accuracy,
            original_loss: summary.original_loss,
            train_loss: summary.train_loss,
            test_loss: summary.test_loss,
            cleanliness: summary.cleanliness,
            key_freqs: summary.key_freqs.clone(),
            rules_name_the_same: summary.key_freqs_by_rule.agree(),
            key_freqs_by_rule: summary.key_freqs_by_rule.clone(),
            cluster_sizes: summary.cluster_sizes.clone(),
            most_harmful_ablation: without.max_by(|a, b| a.loss.total_cmp(&b.loss)),
            algorithm: of.findings.algorithm.as_ref().map(|of| of.verdict),
            gradient_symmetricity: measures
                .and_then(|of| of.gradient_symmetricity_all.or(of.gradient_symmetricity)),
            distance_irrelevance: measures.map(|of| of.distance_irrelevance),
            certified_accuracy: measures.and_then(|of| of.certified_accuracy),
            gini_by_basis: summary.gini_by_basis.clone(),
            claims: of.findings.claims.clone(),
            course: of.course.clone(),
            embedding_norm_by_freq: summary.embedding_norm_by_freq.clone(),
        }
    }

    /// How many claims hold.
    #[must_use]
    pub fn claims_held(&self) -> usize {
        self.claims.iter().filter(|claim| claim.holds()).count()
    }

    /// How many claims apply.
    #[must_use]
    pub fn claims_that_apply(&self) -> usize {
        self.claims.iter().filter(|claim| claim.holds() || claim.fails()).count()
    }

    /// Whether every claim holds that applies.
    #[must_use]
    pub fn holds_all(&self) -> bool {
        !self.claims.iter().any(Claim::fails)
    }

    /// A setting's value, without quotes, if it is known.
    #[must_use]
    pub fn setting(&self, path: &str) -> Option<String> {
        let value = self.settings.get(path)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// How many neurons are in a key frequency's cluster.
    #[must_use]
    pub fn cluster_size(&self, freq: usize) -> usize {
        self.cluster_sizes.get(&Cluster::Frequency(freq)).copied().unwrap_or(0)
    }

    /// What any of the rules calls key.
    pub(super) fn all_key_freqs(&self) -> impl Iterator<Item = usize> {
        self.key_freqs_by_rule.named_by_any().into_iter().chain(self.key_freqs.iter().copied())
    }
}
