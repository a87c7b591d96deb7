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
    /// Whether the three rules agree on key frequencies, of which there are any.
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

/// Frequencies that are named before the others are only counted.
const MOST_NAMED: usize = 8;

/// Frequencies in words, the first of them where there are many: `2, 5, 11`.
#[must_use]
pub fn few_in_words(freqs: &[usize]) -> String {
    let list = |freqs: &[usize]| freqs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match freqs.len() {
        0 => "none".to_owned(),
        n if n <= MOST_NAMED + 1 => list(freqs),
        n => format!("{} and {} others", list(&freqs[..MOST_NAMED]), n - MOST_NAMED),
    }
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
            rules_agree: !rules.neurons.is_empty()
                && rules.embedding == rules.neurons
                && rules.neurons == rules.w_logit,
            key_freqs_by_rule: rules.clone(),
            cluster_sizes: summary.cluster_sizes.clone(),
            most_harmful_ablation: without.max_by(|a, b| a.loss.total_cmp(&b.loss)),
            claims_held: claims.iter().filter(|claim| claim.holds).count(),
            claims_failed: failed.map(|claim| claim.claim.clone()).collect(),
            embedding_norm_by_freq: summary.embedding_norm_by_freq.clone(),
        }
    }

    /// Whether the three rules agree, and what those say that disagree with the neurons'.
    #[must_use]
    pub fn rules_in_words(&self) -> String {
        let rules = &self.key_freqs_by_rule;
        let others = [("embedding", &rules.embedding), ("W_logit", &rules.w_logit)];
        let others = others.into_iter().filter(|(_, freqs)| **freqs != rules.neurons);
        let others: Vec<String> =
            others.map(|(rule, freqs)| format!("{rule}: {}", few_in_words(freqs))).collect();
        match (self.rules_agree, others.is_empty()) {
            (true, _) => "agree".to_owned(),
            (false, true) => "find none".to_owned(),
            (false, false) => others.join("; "),
        }
    }

    /// The step, and what state the run is in where it could still go on.
    #[must_use]
    pub fn step_in_words(&self) -> String {
        match self.state.as_deref() {
            Some(state @ ("running" | "stopped")) => format!("{} ({state})", self.step),
            _ => self.step.to_string(),
        }
    }

    /// A setting's value, without quotes, if it is known.
    #[must_use]
    pub fn setting(&self, path: &str) -> Option<String> {
        let value = self.settings.get(path)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// How many neurons serve a key frequency.
    #[must_use]
    pub fn cluster_size(&self, freq: usize) -> usize {
        self.cluster_sizes.get(&freq.to_string()).copied().unwrap_or(0)
    }

    /// What any of the rules calls key.
    pub(super) fn all_key_freqs(&self) -> impl Iterator<Item = usize> {
        let rules = &self.key_freqs_by_rule;
        [&self.key_freqs, &rules.embedding, &rules.neurons, &rules.w_logit].into_iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_frequencies_are_counted() {
        assert_eq!(few_in_words(&[]), "none");
        assert_eq!(few_in_words(&[2, 5]), "2, 5");
        assert_eq!(few_in_words(&(1..=9).collect::<Vec<_>>()), "1, 2, 3, 4, 5, 6, 7, 8, 9");
        assert_eq!(few_in_words(&(1..=56).collect::<Vec<_>>()), "1, 2, 3, 4, 5, 6, 7, 8 and 48 others");
    }
}
