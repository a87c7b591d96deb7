use serde::{Deserialize, Serialize};

use crate::Summary;

/// A network that generalises answers everything right, with at most this loss in nats. Published
/// models have 1e-7 to 3e-7; one that memorised has more than 1.
pub const MAX_LOSS: f64 = 1e-5;

/// The Gini coefficient of an embedding that keeps a handful of frequencies. A random one has about 0.1.
pub const MIN_GINI: f64 = 0.8;

/// What unclustered neurons may do. Right after grokking half of the neurons can be unclustered and yet
/// have next to no effect, so their effect counts, not their number.
pub const MAX_UNCLUSTERED_EFFECT: f64 = 0.02;

/// The median fraction of variance that a clustered neuron's own frequency explains; the clusters'
/// threshold is 0.85.
pub const MIN_MEDIAN_FRAC_EXPLAINED: f64 = 0.9;

/// How many times the loss may grow when neurons are projected onto their own frequency.
pub const MAX_PROJECTION_GROWTH: f64 = 10.0;

/// How many times the loss must grow without a cluster that matters.
pub const MIN_ABLATION_GROWTH: f64 = 100.0;

/// How many times the loss must grow without a frequency that is used.
pub const MIN_EXCLUSION_GROWTH: f64 = 10.0;

/// The share of the logits in quadratic terms of key frequencies.
pub const MIN_LOGITS_QUADRATIC: f64 = 0.9;

/// The share of the logits in linear terms; in neurons it is about three quarters.
pub const MAX_LOGITS_LINEAR: f64 = 0.01;

/// The share of `W_logit` in the key frequencies' columns.
pub const MIN_W_LOGIT_KEY: f64 = 0.95;

/// The share of a frequency's columns of `W_logit` from its own cluster, at the least.
pub const MIN_FROM_OWN_CLUSTER: f64 = 0.8;

/// The share, at the least, of what neurons supply that lies along cos or sin of ω_k(x + y).
pub const MIN_COMPONENT: f64 = 0.85;

/// The share of the logits' variance that Σ C_k cos ω_k(x + y − z) explains.
pub const MIN_LOGITS_EXPLAINED: f64 = 0.9;

/// The share of a ReLU's variance that linear terms and the product explain.
pub const MIN_RELU_R2: f64 = 0.95;

/// How much of it the product must add to the linear terms.
pub const MIN_RELU_GAIN: f64 = 0.1;

/// A claim of the published analysis, checked on one network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// What is claimed.
    pub claim: String,
    /// What was found.
    pub value: String,
    /// What it takes.
    pub bound: String,
    /// Whether it holds.
    pub holds: bool,
}

/// All claims, checked, in the order of the analysis.
#[must_use]
#[expect(clippy::too_many_lines, reason = "it is a table, a row per claim")]
pub fn claims(of: &Summary) -> Vec<Claim> {
    let rules = &of.key_freqs_by_rule;
    let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
    let without_a_cluster = least(
        &mut of.loss_excluding_cluster.iter().filter(|(k, _)| *k != "unclustered").map(|(_, &loss)| loss),
    );
    let excluded = least(&mut of.excluded_loss.values().copied());
    let from_own = least(&mut of.w_logit_frac_from_own_cluster.values().copied());
    let component = least(&mut of.cos_component_frac.values().chain(of.sin_component_frac.values()).copied());
    let smallest_c = least(&mut of.logit_coefficients.values().copied());
    let has_keys = !of.key_freqs.is_empty();
    let original = of.original_loss;
    let relu = &of.relu_fit;
    let relu_gain = relu.r2 - relu.r2_without_quadratic;
    let claim = |claim: &str, value, bound, holds| Claim { claim: claim.to_owned(), value, bound, holds };
    vec![
        claim(
            "it generalises",
            format!("accuracy {:.6}, loss {original:.2e}", of.accuracy),
            format!("accuracy 1 and loss < {MAX_LOSS:.0e} on all inputs"),
            of.accuracy >= 1.0 && original < MAX_LOSS,
        ),
        claim(
            "the three rules name the same key frequencies",
            format!("{:?}, {:?}, {:?}", rules.embedding, rules.neurons, rules.w_logit),
            "equal sets, not empty".to_owned(),
            has_keys && rules.embedding == rules.neurons && rules.neurons == rules.w_logit,
        ),
        claim(
            "the embedding is sparse",
            format!("Gini {:.3}", of.gini_embedding),
            format!("> {MIN_GINI}"),
            of.gini_embedding > MIN_GINI,
        ),
        claim(
            "the neurons that matter specialise",
            format!(
                "effect of the {} unclustered {:.4}, median explained {:.3}",
                of.cluster_sizes["unclustered"],
                of.unclustered_share_of_effect,
                of.median_frac_explained.unwrap_or(0.0)
            ),
            format!("< {MAX_UNCLUSTERED_EFFECT}, > {MIN_MEDIAN_FRAC_EXPLAINED}"),
            of.unclustered_share_of_effect < MAX_UNCLUSTERED_EFFECT
                && of.median_frac_explained.is_some_and(|median| median > MIN_MEDIAN_FRAC_EXPLAINED),
        ),
        claim(
            "a neuron's own frequency suffices",
            format!("loss {:.2e}", of.loss_neurons_in_key_freqs),
            format!("< {MAX_PROJECTION_GROWTH} × original"),
            has_keys && of.loss_neurons_in_key_freqs < MAX_PROJECTION_GROWTH * original,
        ),
        claim(
            "the unclustered matter least",
            format!("loss without them {:.2e}", of.loss_neurons_in_key_freqs_without_unclustered),
            format!("< {without_a_cluster:.2e}, the least without a cluster"),
            has_keys && of.loss_neurons_in_key_freqs_without_unclustered < without_a_cluster,
        ),
        claim(
            "every cluster matters",
            format!("least loss without one {without_a_cluster:.2e}"),
            format!("> {MIN_ABLATION_GROWTH} × original"),
            has_keys && without_a_cluster > MIN_ABLATION_GROWTH * original,
        ),
        claim(
            "x + y terms alone do better",
            format!("loss {:.2e}", of.loss_trig_only),
            format!("< {original:.2e}, the original"),
            has_keys && of.loss_trig_only < original,
        ),
        claim(
            "every key frequency is used",
            format!("least loss without one {excluded:.2e}"),
            format!("> {MIN_EXCLUSION_GROWTH} × original"),
            has_keys && excluded > MIN_EXCLUSION_GROWTH * original,
        ),
        claim(
            "linear terms cancel in the logits",
            format!("quadratic {:.3}, linear {:.4}", of.logits_frac_quadratic, of.logits_frac_linear),
            format!("> {MIN_LOGITS_QUADRATIC}, < {MAX_LOGITS_LINEAR}"),
            of.logits_frac_quadratic > MIN_LOGITS_QUADRATIC && of.logits_frac_linear < MAX_LOGITS_LINEAR,
        ),
        claim(
            "W_logit reads key frequencies only",
            format!("share {:.3}", of.w_logit_frac_key_freqs),
            format!("> {MIN_W_LOGIT_KEY}"),
            of.w_logit_frac_key_freqs > MIN_W_LOGIT_KEY,
        ),
        claim(
            "and each from its own cluster",
            format!("smallest share {from_own:.3}"),
            format!("> {MIN_FROM_OWN_CLUSTER}"),
            has_keys && from_own > MIN_FROM_OWN_CLUSTER,
        ),
        claim(
            "neurons supply cos and sin of ω_k(x + y)",
            format!("smallest share {component:.3}"),
            format!("> {MIN_COMPONENT}"),
            has_keys && component > MIN_COMPONENT,
        ),
        claim(
            "logits are Σ C_k cos ω_k(x + y − z)",
            format!("smallest C_k {smallest_c:.2}, explained {:.3}", of.logit_frac_variance_explained),
            format!("> 0, > {MIN_LOGITS_EXPLAINED}"),
            has_keys && smallest_c > 0.0 && of.logit_frac_variance_explained > MIN_LOGITS_EXPLAINED,
        ),
        claim(
            "ReLU makes a product",
            format!("γ {:.2}, r² {:.3}, gain {relu_gain:.3}", relu.coefficients[3], relu.r2),
            format!("> 0, > {MIN_RELU_R2}, ≥ {MIN_RELU_GAIN}"),
            relu.coefficients[3] > 0.0 && relu.r2 > MIN_RELU_R2 && relu_gain >= MIN_RELU_GAIN,
        ),
    ]
}
