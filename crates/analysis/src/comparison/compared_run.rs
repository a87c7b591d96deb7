use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RunFindings;
use crate::{KeyFreqsByRule, UNCLUSTERED};

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
    /// The key frequencies, by the neurons' rule.
    pub key_freqs: Vec<usize>,
    /// The key frequencies by each of the three rules.
    pub key_freqs_by_rule: KeyFreqsByRule,
    /// Whether the three rules agree.
    pub rules_agree: bool,
    /// Neurons in each cluster, and in none.
    pub cluster_sizes: BTreeMap<String, usize>,
    /// The cluster without which the loss is largest, if there is any.
    pub most_harmful_ablation: Option<HarmfulAblation>,
    /// How many claims hold.
    pub claims_held: usize,
    /// The claims that do not.
    pub claims_failed: Vec<String>,
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
        let setting = |path: &str| {
            let (section, key) = path.split_once('.')?;
            provenance.config.get(section)?.get(key).cloned()
        };
        let rules = &summary.key_freqs_by_rule;
        let without = summary.loss_excluding_cluster.iter().filter(|(cluster, _)| *cluster != UNCLUSTERED);
        let without = without
            .filter_map(|(cluster, &loss)| Some(HarmfulAblation { freq: cluster.parse().ok()?, loss }));
        let claims = &of.findings.claims;
        let failed = claims.iter().filter(|claim| !claim.holds);
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
            key_freqs: summary.key_freqs.clone(),
            rules_agree: rules.embedding == rules.neurons && rules.neurons == rules.w_logit,
            key_freqs_by_rule: rules.clone(),
            cluster_sizes: summary.cluster_sizes.clone(),
            most_harmful_ablation: without.max_by(|a, b| a.loss.total_cmp(&b.loss)),
            claims_held: claims.iter().filter(|claim| claim.holds).count(),
            claims_failed: failed.map(|claim| claim.claim.clone()).collect(),
            embedding_norm_by_freq: summary.embedding_norm_by_freq.clone(),
        }
    }

    /// What any of the rules calls key.
    pub(super) fn all_key_freqs(&self) -> impl Iterator<Item = usize> {
        let rules = &self.key_freqs_by_rule;
        [&self.key_freqs, &rules.embedding, &rules.neurons, &rules.w_logit].into_iter().flatten().copied()
    }
}
