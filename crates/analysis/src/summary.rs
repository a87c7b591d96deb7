use std::collections::{BTreeMap, BTreeSet};

use clockwork_model::{Activation, CoordinatesOf, TokenLayout};
use serde::{Deserialize, Serialize};

use crate::{
    Analysis, Basis, Cleanliness, Cluster, ReluFit,
    term_shares::TermShares,
    w_logit::{frac_along, strongest_sum_but},
};

/// The tokens of the paper's network, which is the only one that earlier versions analysed.
fn tokens_of_paper() -> Vec<String> {
    TokenLayout::paper().names()
}

/// How many of the embedding's singular values the summary names.
const SINGULAR_VALUES: usize = 12;

/// The figures of an analysis, by name. Losses are in nats. In JSON, frequencies are keys as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The modulus.
    pub p: usize,
    /// The n of Z_n, in whose coordinates the operation is addition.
    pub n: usize,
    /// What has coordinates in which the operation is addition. Where answers have none, what is about waves of them is left
    /// out below; where inputs have none either, no frequency is key.
    #[serde(default)]
    pub coordinates: CoordinatesOf,
    /// Fraction of all inputs that are answered right.
    pub accuracy: f64,
    /// What the neurons compute.
    #[serde(default)]
    pub activation: Activation,
    /// Mean loss over all inputs.
    pub original_loss: f64,
    /// The same over the inputs and answers that have coordinates, where some have none: what the losses below that leave
    /// out a part of the network are compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_in_coordinates: Option<f64>,
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
    /// Neurons in each cluster, and in none.
    pub cluster_sizes: BTreeMap<Cluster, usize>,
    /// Neurons that do nothing.
    pub dead_neurons: usize,
    /// Median fraction explained of the neurons that are in a cluster.
    pub median_frac_explained: Option<f64>,
    /// Median fraction of variance symmetric in x and y, of the neurons that are in a cluster.
    pub median_frac_symmetric: Option<f64>,
    /// Mean fraction of inputs on which the unclustered neurons fire.
    pub unclustered_frac_active: Option<f64>,
    /// The unclustered neurons' share of all neurons' effect.
    pub unclustered_share_of_effect: f64,
    /// The share of all neurons' effect that is of those that serve no one frequency: the unclustered, but for those
    /// that serve one all the same (`docs/usage.md`).
    pub share_of_effect_serving_none: f64,
    /// Loss with clusters projected onto their frequency.
    pub loss_neurons_in_key_freqs: f64,
    /// The same without the unclustered neurons.
    pub loss_neurons_in_key_freqs_without_unclustered: f64,
    /// Loss without each cluster in turn.
    pub loss_excluding_cluster: BTreeMap<Cluster, f64>,
    /// Loss without the neurons that serve each key frequency in turn: its cluster, and the neurons outside it that
    /// serve it all the same.
    pub loss_excluding_own_neurons: BTreeMap<usize, f64>,
    /// Loss without the neurons that serve no one frequency.
    pub loss_excluding_serving_none: f64,
    /// Loss with only the components along cos ω_k(x + y) and sin ω_k(x + y).
    pub loss_trig_only: f64,
    /// Loss without a frequency's two components, over all inputs.
    pub excluded_loss: BTreeMap<usize, f64>,
    /// The same over the inputs trained on, where they are known.
    pub excluded_train_loss: Option<BTreeMap<usize, f64>>,
    /// The same over the inputs held out, where they are known.
    pub excluded_test_loss: Option<BTreeMap<usize, f64>>,
    /// Share of the logits that is quadratic terms of key frequencies.
    pub logits_frac_quadratic: f64,
    /// Share of the logits that is linear terms of key frequencies.
    pub logits_frac_linear: f64,
    /// Share of the neurons that is quadratic terms of key frequencies.
    pub neurons_frac_quadratic: f64,
    /// Share of the neurons that is linear terms of key frequencies.
    pub neurons_frac_linear: f64,
    /// Share of `W_logit` that is in the key frequencies' columns.
    pub w_logit_frac_key_freqs: f64,
    /// Share of a frequency's columns that comes from its own cluster.
    pub w_logit_frac_from_own_cluster: BTreeMap<usize, f64>,
    /// The same of the neurons that serve it, in its cluster or not.
    pub w_logit_frac_from_own_neurons: BTreeMap<usize, f64>,
    /// Share of what neurons put into a frequency's cosine that lies along cos ω_k(x + y).
    pub cos_component_frac: BTreeMap<usize, f64>,
    /// Share of what neurons put into a frequency's sine that lies along sin ω_k(x + y).
    pub sin_component_frac: BTreeMap<usize, f64>,
    /// The waves of the sum of another frequency that have the largest share of what neurons put into a frequency's
    /// cosine or sine: into that of both of which less lies along its own.
    pub strongest_other_sum: BTreeMap<usize, OtherSum>,
    /// C_k.
    pub logit_coefficients: BTreeMap<usize, f64>,
    /// Share of the logits' variance that Σ C_k cos ω_k(x + y − z) explains.
    pub logit_frac_variance_explained: f64,
    /// Loss of these waves alone.
    pub loss_waves: f64,
    /// The same without each frequency's wave in turn.
    pub loss_waves_excluding: BTreeMap<usize, f64>,
    /// Gini coefficient of the embedding's squared norms by frequency.
    pub gini_embedding: f64,
    /// The same in each basis that the modulus offers; nothing in files of earlier versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gini_by_basis: BTreeMap<Basis, f64>,
    /// Gini coefficient of `W_logit`'s squared norms by frequency.
    pub gini_w_logit: f64,
    /// The embedding's squared norms by frequency.
    pub embedding_norm_by_freq: Vec<f64>,
    /// The squared norms of `W_logit Fᵀ` by frequency.
    pub w_logit_norm_by_freq: Vec<f64>,
    /// The embedding's largest singular values.
    pub embedding_singular_values: Vec<f64>,
    /// Rank of `W_logit`.
    pub w_logit_rank: usize,
    /// Mean attention from the last token to each, per head; in the paper's network from `=` to `x`, `y` and `=`.
    pub mean_attention: Vec<Vec<f64>>,
    /// What these tokens are called.
    #[serde(default = "tokens_of_paper")]
    pub attended: Vec<String>,
    /// Sum of the squares of all weights.
    pub sum_squared_weights: f64,
    /// How a ReLU multiplies.
    pub relu_fit: ReluFit,
}

/// Waves cos ω_j(x + y) and sin ω_j(x + y) in what neurons put into another frequency's columns of `W_logit`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OtherSum {
    /// Their frequency, j.
    pub freq: usize,
    /// Their share of the squared norm, the constant apart.
    pub share: f64,
}

/// The key frequencies by three independent rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFreqsByRule {
    /// By the embedding's norms.
    pub embedding: Vec<usize>,
    /// By the neurons' clusters.
    pub neurons: Vec<usize>,
    /// By the norms of `W_logit Fᵀ`.
    pub w_logit: Vec<usize>,
}

impl KeyFreqsByRule {
    /// Whether the three rules name the same frequencies, and any.
    #[must_use]
    pub fn agree(&self) -> bool {
        let named: Vec<usize> = self.named_by_any().into_iter().collect();
        !named.is_empty() && self.sets().into_iter().all(|freqs| *freqs == named)
    }

    /// The frequencies that some rule names.
    #[must_use]
    pub fn named_by_any(&self) -> BTreeSet<usize> {
        self.sets().into_iter().flatten().copied().collect()
    }

    fn sets(&self) -> [&Vec<usize>; 3] {
        [&self.embedding, &self.neurons, &self.w_logit]
    }
}

impl Summary {
    /// The figures of an analysis.
    #[must_use]
    pub fn new(of: &Analysis) -> Self {
        let Analysis { basis, clusters, w_logit, logits, ablation, embedding, .. } = of;
        let (p, d_mlp) = (basis.modulus(), of.network.d_mlp);
        let key_freqs = &clusters.key_freqs;
        let coordinates = of.network.coordinates_of();
        // The frequencies whose waves the answers are.
        let waves = if coordinates.has_answers() { &key_freqs[..] } else { &[] };
        let served = &of.served_freq;
        let per_freq = |f: &dyn Fn(usize) -> f64| key_freqs.iter().map(|&k| (k, f(k))).collect();
        let unclustered = clusters.members(Cluster::Unclustered);
        let mean =
            |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        let of_logits = TermShares::of_coefficients(basis, key_freqs, &logits.coefficients, p);
        let of_neurons = TermShares::of_coefficients(basis, key_freqs, &clusters.coefficients, d_mlp);
        let components: BTreeMap<usize, Vec<Vec<f64>>> =
            waves.iter().map(|&k| (k, w_logit.components(basis, clusters, k))).collect();
        // For each key frequency that of the cosine and, unless it is p/2, that of the sine.
        let component_fracs = |k: usize| -> Vec<f64> {
            let along = basis.sum_directions(k).into_iter().zip(&components[&k]);
            along.map(|(direction, component)| frac_along(p, component, &[direction])).collect()
        };
        let component_frac =
            |which: usize| waves.iter().filter_map(|&k| Some((k, *component_fracs(k).get(which)?))).collect();
        let strongest_other_sum = |&k: &usize| {
            let by_frac = component_fracs(k).into_iter().zip(&components[&k]);
            let (_, worse) = by_frac.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
            Some((k, strongest_sum_but(basis, worse, k)?))
        };
        let excluded_of_split = |which: usize| {
            let of_freq = |(&k, loss): (&usize, &crate::ExcludedLoss)| Some((k, loss.train_and_test?[which]));
            of.train_and_test_loss.map(|_| logits.excluded_loss.iter().filter_map(of_freq).collect())
        };
        Self {
            p: of.task.modulus,
            n: basis.modulus(),
            coordinates,
            accuracy: of.accuracy,
            activation: of.network.activation,
            original_loss: of.original_loss,
            loss_in_coordinates: (of.task.modulus != basis.modulus()).then_some(of.loss_in_coordinates),
            cleanliness: Cleanliness::new(of),
            train_loss: of.train_and_test_loss.map(|[train, _]| train),
            test_loss: of.train_and_test_loss.map(|[_, test]| test),
            key_freqs: key_freqs.clone(),
            key_freqs_by_rule: of.key_freqs_by_rule(),
            cluster_sizes: clusters.clusters().map(|of| (of, clusters.members(of).len())).collect(),
            dead_neurons: clusters.dead(),
            median_frac_explained: clusters.median_frac_explained(),
            median_frac_symmetric: clusters.median_frac_symmetric(),
            unclustered_frac_active: mean(unclustered.iter().map(|&n| clusters.frac_active[n]).collect()),
            unclustered_share_of_effect: of.share_of_effect(|n| clusters.cluster[n] == Cluster::Unclustered),
            share_of_effect_serving_none: of.share_of_effect(|n| served[n].is_none()),
            loss_neurons_in_key_freqs: ablation.neurons_in_key_freqs,
            loss_neurons_in_key_freqs_without_unclustered: ablation.excluding_cluster[&Cluster::Unclustered],
            loss_excluding_cluster: ablation.excluding_cluster.clone(),
            loss_excluding_own_neurons: ablation.excluding_own_neurons.clone(),
            loss_excluding_serving_none: ablation.excluding_serving_none,
            loss_trig_only: logits.loss_trig_only,
            excluded_loss: per_freq(&|k| logits.excluded_loss[&k].all),
            excluded_train_loss: excluded_of_split(0),
            excluded_test_loss: excluded_of_split(1),
            logits_frac_quadratic: of_logits.quadratic,
            logits_frac_linear: of_logits.linear,
            neurons_frac_quadratic: of_neurons.quadratic,
            neurons_frac_linear: of_neurons.linear,
            w_logit_frac_key_freqs: w_logit.frac_in(key_freqs),
            w_logit_frac_from_own_cluster: per_freq(&|k| {
                w_logit.frac_from(basis, k, &|n| clusters.cluster[n] == Cluster::Frequency(k))
            }),
            w_logit_frac_from_own_neurons: per_freq(&|k| {
                w_logit.frac_from(basis, k, &|n| served[n] == Some(k))
            }),
            cos_component_frac: component_frac(0),
            sin_component_frac: component_frac(1),
            strongest_other_sum: waves.iter().filter_map(strongest_other_sum).collect(),
            logit_coefficients: logits.fit.coefficients.clone(),
            logit_frac_variance_explained: logits.fit.frac_variance_explained,
            loss_waves: logits.fit.loss_of_waves(None),
            loss_waves_excluding: waves.iter().map(|&k| (k, logits.fit.loss_of_waves(Some(k)))).collect(),
            gini_embedding: embedding.gini,
            gini_by_basis: of.bases.gini(),
            gini_w_logit: w_logit.gini,
            embedding_norm_by_freq: embedding.norm_by_freq.clone(),
            w_logit_norm_by_freq: w_logit.norm_by_freq.clone(),
            embedding_singular_values: embedding
                .singular_values
                .iter()
                .take(SINGULAR_VALUES)
                .copied()
                .collect(),
            w_logit_rank: w_logit.rank(),
            mean_attention: of.attention.as_ref().map_or_else(Vec::new, |attention| attention.mean.clone()),
            attended: of.network.attended.clone(),
            sum_squared_weights: of.sum_squared_weights,
            relu_fit: of.relu_fit.clone(),
        }
    }

    /// The loss that those without a part of the network are compared with: over the inputs that have coordinates.
    #[must_use]
    pub fn compared_loss(&self) -> f64 {
        self.loss_in_coordinates.unwrap_or(self.original_loss)
    }

    /// The loss without each key frequency's cluster in turn, by frequency.
    pub fn losses_without_a_cluster(&self) -> impl Iterator<Item = (usize, f64)> {
        self.loss_excluding_cluster.iter().filter_map(|(cluster, &loss)| Some((cluster.frequency()?, loss)))
    }

    /// The least loss without a key frequency's cluster, if there is one.
    #[must_use]
    pub fn least_loss_without_a_cluster(&self) -> Option<f64> {
        self.losses_without_a_cluster().map(|(_, loss)| loss).min_by(f64::total_cmp)
    }
}
