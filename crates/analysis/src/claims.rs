use crate::{Check, Claim, Relation, Summary};

/// A bound that a figure must keep.
struct Bound {
    relation: Relation,
    value: f64,
    /// Where it comes from.
    source: &'static str,
}

/// The accuracy of a network that generalises.
const ACCURACY: Bound = Bound {
    relation: Relation::AtLeast,
    value: 1.0,
    source: "a network that has found the rule answers every input right",
};

/// The mean loss of a network that generalises, in nats.
const LOSS: Bound = Bound {
    relation: Relation::Below,
    value: 1e-5,
    source: "published networks have 1e-7 to 3e-7, one that memorised has more than 1",
};

/// How many frequencies are key by one rule and not by another.
const DISPUTED_FREQS: Bound = Bound {
    relation: Relation::Equal,
    value: 0.0,
    source: "the three rules look at different weights, and name the same frequencies in published networks",
};

/// The Gini coefficient of the embedding's squared norms by frequency.
const GINI: Bound = Bound {
    relation: Relation::Above,
    value: 0.8,
    source: "an embedding that keeps a handful of frequencies is above it, a random one has about 0.1",
};

/// What unclustered neurons may do. Right after grokking half of the neurons can be unclustered and yet
/// have next to no effect, so their effect counts, not their number.
const UNCLUSTERED_EFFECT: Bound = Bound {
    relation: Relation::Below,
    value: 0.02,
    source: "right after grokking half of the neurons can be unclustered with next to no effect",
};

/// The median fraction of variance that a clustered neuron's own frequency explains.
const MEDIAN_FRAC_EXPLAINED: Bound = Bound {
    relation: Relation::Above,
    value: 0.9,
    source: "a neuron joins a cluster at 0.85, and the median must clear that",
};

/// How many times the loss may grow when neurons are projected onto their own frequency.
const PROJECTION_GROWTH: Bound = Bound {
    relation: Relation::Below,
    value: 10.0,
    source: "10 × the original loss; in the published network it grows 1.03 times",
};

/// The loss without the unclustered neurons, relative to the least loss without a cluster.
const UNCLUSTERED_LOSS: Bound = Bound {
    relation: Relation::Below,
    value: 1.0,
    source: "the least loss without a cluster: what serves no frequency matters less than what does",
};

/// How many times the loss must grow without a cluster.
const ABLATION_GROWTH: Bound = Bound {
    relation: Relation::Above,
    value: 100.0,
    source: "100 × the original loss; without the unclustered neurons the published network's grows 5 times",
};

/// How the loss of the terms of x + y must lie to the original.
const TRIG_ONLY_LOSS: Bound = Bound {
    relation: Relation::Below,
    value: 1.0,
    source: "the original loss; in the published network it falls to 0.23 of it",
};

/// How many times the loss must grow without a frequency that is used.
const EXCLUSION_GROWTH: Bound = Bound {
    relation: Relation::Above,
    value: 10.0,
    source: "10 × the original loss, as much as a projection may cost",
};

/// The share of the logits in quadratic terms of key frequencies.
const LOGITS_QUADRATIC: Bound = Bound {
    relation: Relation::Above,
    value: 0.9,
    source: "cos ω(x + y − z) is quadratic in the waves of x and y, so almost all of the logits must be",
};

/// The share of the logits in linear terms.
const LOGITS_LINEAR: Bound =
    Bound { relation: Relation::Below, value: 0.01, source: "in neurons it is about three quarters" };

/// The share of `W_logit` in the key frequencies' columns.
const W_LOGIT_KEY: Bound = Bound {
    relation: Relation::Above,
    value: 0.95,
    source: "all others together must be as little as noise",
};

/// The share of a frequency's columns of `W_logit` from its own cluster, at the least.
const FROM_OWN_CLUSTER: Bound = Bound {
    relation: Relation::Above,
    value: 0.8,
    source: "a frequency that others read as well has much less from its own cluster",
};

/// The share, at the least, of what neurons supply that lies along cos or sin of ω_k(x + y).
const COMPONENT: Bound = Bound {
    relation: Relation::Above,
    value: 0.85,
    source: "the share at which a neuron joins a frequency's cluster",
};

/// C_k.
const LOGIT_COEFFICIENT: Bound =
    Bound { relation: Relation::Above, value: 0.0, source: "waves must add up at the right answer" };

/// The share of the logits' variance that Σ C_k cos ω_k(x + y − z) explains.
const LOGITS_EXPLAINED: Bound =
    Bound { relation: Relation::Above, value: 0.9, source: "little may be left for another algorithm" };

/// The coefficient of the product in the fit of a ReLU.
const RELU_PRODUCT: Bound =
    Bound { relation: Relation::Above, value: 0.0, source: "a ReLU of a sum has a part along the product" };

/// The share of a ReLU's variance that linear terms and the product explain.
const RELU_R2: Bound =
    Bound { relation: Relation::Above, value: 0.95, source: "0.966 for p = 113 and frequency 42, published" };

/// How much of it the product adds to the linear terms.
const RELU_GAIN: Bound = Bound {
    relation: Relation::AtLeast,
    value: 0.1,
    source: "0.966 − 0.849 for p = 113 and frequency 42, published",
};

/// Why claims about key frequencies do not apply where there is none.
const NO_KEY_FREQ: &str = "no neuron is in a frequency's cluster";

impl Bound {
    fn check(&self, quantity: &str, value: f64) -> Check {
        self.times(1.0, quantity, value)
    }

    /// A check against the bound times something that was measured.
    fn times(&self, measured: f64, quantity: &str, value: f64) -> Check {
        Check {
            quantity: quantity.to_owned(),
            value,
            relation: self.relation,
            bound: self.value * measured,
            source: self.source.to_owned(),
        }
    }
}

/// All claims, checked, in the order of the analysis.
#[must_use]
pub fn claims(of: &Summary) -> Vec<Claim> {
    let original = of.original_loss;
    let relu = &of.relu_fit;
    let mut claims = vec![
        Claim::new(
            "generalises",
            "it generalises",
            vec![ACCURACY.check("accuracy", of.accuracy), LOSS.check("loss", original)],
        ),
        rules_agree(of),
        Claim::new(
            "embedding-sparse",
            "the embedding is sparse",
            vec![GINI.check("Gini coefficient", of.gini_embedding)],
        ),
    ];
    claims.extend(about_key_freqs(of));
    claims.push(Claim::new(
        "relu-product",
        "ReLU makes a product",
        vec![
            RELU_PRODUCT.check("γ", relu.coefficients[3]),
            RELU_R2.check("r²", relu.r2),
            RELU_GAIN.check("gain", relu.r2 - relu.r2_without_quadratic),
        ],
    ));
    claims
}

fn rules_agree(of: &Summary) -> Claim {
    let (id, statement) = ("rules-agree", "the three rules name the same key frequencies");
    let rules = &of.key_freqs_by_rule;
    if rules.named_by_any().is_empty() {
        return Claim::does_not_apply(id, statement, "no rule names a key frequency");
    }
    let disputed = rules.disputed().len() as f64;
    Claim::new(id, statement, vec![DISPUTED_FREQS.check("frequencies that some rules miss", disputed)])
}

/// The claims that stand on key frequencies, which do not apply where there is none.
fn about_key_freqs(of: &Summary) -> Vec<Claim> {
    let original = of.original_loss;
    let least = |values: &mut dyn Iterator<Item = &f64>| values.copied().fold(f64::INFINITY, f64::min);
    let without_a_cluster = of.least_loss_without_a_cluster().unwrap_or(f64::INFINITY);
    let unclustered = of.loss_neurons_in_key_freqs_without_unclustered;
    let from_own = least(&mut of.w_logit_frac_from_own_cluster.values());
    let component = least(&mut of.cos_component_frac.values().chain(of.sin_component_frac.values()));
    let median = of.median_frac_explained.unwrap_or(0.0);
    let table = [
        (
            "neurons-specialise",
            "the neurons that matter specialise",
            vec![
                UNCLUSTERED_EFFECT
                    .check("share of effect of the unclustered", of.unclustered_share_of_effect),
                MEDIAN_FRAC_EXPLAINED.check("median fraction explained", median),
            ],
        ),
        (
            "own-frequency-suffices",
            "a neuron's own frequency suffices",
            vec![PROJECTION_GROWTH.times(original, "loss", of.loss_neurons_in_key_freqs)],
        ),
        (
            "unclustered-matter-least",
            "the unclustered matter least",
            vec![UNCLUSTERED_LOSS.times(without_a_cluster, "loss without them", unclustered)],
        ),
        (
            "clusters-matter",
            "every cluster matters",
            vec![ABLATION_GROWTH.times(original, "least loss without one", without_a_cluster)],
        ),
        (
            "sum-terms-suffice",
            "x + y terms alone do better",
            vec![TRIG_ONLY_LOSS.times(original, "loss", of.loss_trig_only)],
        ),
        (
            "frequencies-used",
            "every key frequency is used",
            vec![EXCLUSION_GROWTH.times(
                original,
                "least loss without one",
                least(&mut of.excluded_loss.values()),
            )],
        ),
        (
            "linear-terms-cancel",
            "linear terms cancel in the logits",
            vec![
                LOGITS_QUADRATIC.check("quadratic share", of.logits_frac_quadratic),
                LOGITS_LINEAR.check("linear share", of.logits_frac_linear),
            ],
        ),
        (
            "w-logit-reads-key",
            "W_logit reads key frequencies only",
            vec![W_LOGIT_KEY.check("share", of.w_logit_frac_key_freqs)],
        ),
        (
            "w-logit-own-cluster",
            "and each from its own cluster",
            vec![FROM_OWN_CLUSTER.check("smallest share", from_own)],
        ),
        (
            "neurons-supply-sum",
            "neurons supply cos and sin of ω_k(x + y)",
            vec![COMPONENT.check("smallest share", component)],
        ),
        (
            "logits-are-waves",
            "logits are Σ C_k cos ω_k(x + y − z)",
            vec![
                LOGIT_COEFFICIENT.check("smallest C_k", least(&mut of.logit_coefficients.values())),
                LOGITS_EXPLAINED.check("share explained", of.logit_frac_variance_explained),
            ],
        ),
    ];
    let claim = |(id, statement, checks)| match of.key_freqs.is_empty() {
        true => Claim::does_not_apply(id, statement, NO_KEY_FREQ),
        false => Claim::new(id, statement, checks),
    };
    table.into_iter().map(claim).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clockwork_model::{Checkpoint, clock};

    use super::*;
    use crate::{Analysis, Cluster, KeyFreqsByRule, Verdict};

    /// A network of which every claim holds.
    fn summary() -> Summary {
        let (config, weights) = clock(41, &[3, 8, 20], 16);
        Summary::new(&Analysis::new(&Checkpoint::of_weights(config, weights), &mut ()).unwrap())
    }

    /// Sets the figure that a claim's check of this number is about.
    fn set(of: &mut Summary, id: &str, check: usize, value: f64) {
        let original = of.original_loss;
        match (id, check) {
            ("generalises", 0) => of.accuracy = value,
            ("generalises", 1) => of.original_loss = value,
            ("embedding-sparse", 0) => of.gini_embedding = value,
            ("neurons-specialise", 0) => of.unclustered_share_of_effect = value,
            ("neurons-specialise", 1) => of.median_frac_explained = Some(value),
            ("own-frequency-suffices", 0) => of.loss_neurons_in_key_freqs = value * original,
            ("unclustered-matter-least", 0) => {
                let least = of.least_loss_without_a_cluster().unwrap();
                of.loss_neurons_in_key_freqs_without_unclustered = value * least;
            }
            ("clusters-matter", 0) => {
                of.loss_excluding_cluster.insert(Cluster::Frequency(8), value * original);
            }
            ("sum-terms-suffice", 0) => of.loss_trig_only = value * original,
            ("frequencies-used", 0) => {
                of.excluded_loss.insert(8, value * original);
            }
            ("linear-terms-cancel", 0) => of.logits_frac_quadratic = value,
            ("linear-terms-cancel", 1) => of.logits_frac_linear = value,
            ("w-logit-reads-key", 0) => of.w_logit_frac_key_freqs = value,
            ("w-logit-own-cluster", 0) => {
                of.w_logit_frac_from_own_cluster.insert(8, value);
            }
            ("neurons-supply-sum", 0) => {
                of.sin_component_frac.insert(8, value);
            }
            ("logits-are-waves", 0) => {
                of.logit_coefficients.insert(8, value);
            }
            ("logits-are-waves", 1) => of.logit_frac_variance_explained = value,
            ("relu-product", 0) => of.relu_fit.coefficients[3] = value,
            ("relu-product", 1) => of.relu_fit.r2 = value,
            ("relu-product", 2) => of.relu_fit.r2_without_quadratic = of.relu_fit.r2 - value,
            _ => panic!("no figure of {id} {check}"),
        }
    }

    /// A value on either side of every bound: the first keeps it.
    const SIDES: [(&str, usize, f64, f64); 20] = [
        ("generalises", 0, 1.0, 0.999_99),
        ("generalises", 1, 0.99e-5, 1.01e-5),
        ("embedding-sparse", 0, 0.81, 0.79),
        ("neurons-specialise", 0, 0.019, 0.021),
        ("neurons-specialise", 1, 0.91, 0.89),
        ("own-frequency-suffices", 0, 9.9, 10.1),
        ("unclustered-matter-least", 0, 0.99, 1.01),
        ("clusters-matter", 0, 101.0, 99.0),
        ("sum-terms-suffice", 0, 0.99, 1.01),
        ("frequencies-used", 0, 10.1, 9.9),
        ("linear-terms-cancel", 0, 0.91, 0.89),
        ("linear-terms-cancel", 1, 0.009, 0.011),
        ("w-logit-reads-key", 0, 0.96, 0.94),
        ("w-logit-own-cluster", 0, 0.81, 0.79),
        ("neurons-supply-sum", 0, 0.86, 0.84),
        ("logits-are-waves", 0, 0.01, -0.01),
        ("logits-are-waves", 1, 0.91, 0.89),
        ("relu-product", 0, 0.01, -0.01),
        ("relu-product", 1, 0.96, 0.94),
        ("relu-product", 2, 0.101, 0.099),
    ];

    #[test]
    fn every_bound_holds_on_its_one_side_and_fails_on_the_other() {
        for (id, check, within, beyond) in SIDES {
            for (value, expected) in [(within, true), (beyond, false)] {
                let mut of = summary();
                if id == "relu-product" && check == 1 {
                    // What the product adds stays as it is.
                    of.relu_fit.r2_without_quadratic = 0.5;
                }
                set(&mut of, id, check, value);
                let claim = claims(&of).into_iter().find(|claim| claim.id == id).unwrap();
                assert_eq!(claim.checks[check].holds(), expected, "{claim:?}");
                assert_eq!(claim.holds(), expected, "{claim:?}");
            }
        }
        let numbers =
            |claim: &Claim| (0..claim.checks.len()).map(|i| (claim.id.clone(), i)).collect::<Vec<_>>();
        let mut all: BTreeSet<(String, usize)> = claims(&summary()).iter().flat_map(numbers).collect();
        all.remove(&("rules-agree".to_owned(), 0));
        let tested = SIDES.map(|(id, check, ..)| (id.to_owned(), check));
        assert_eq!(all, BTreeSet::from(tested), "every bound is tested");
    }

    #[test]
    fn rules_agree_where_each_names_the_same_and_some() {
        let verdict = |of: &Summary| rules_agree(of).verdict;
        let mut of = summary();
        assert_eq!((verdict(&of), of.key_freqs_by_rule.agree()), (Verdict::Holds, true));
        of.key_freqs_by_rule.w_logit.push(9);
        assert_eq!((verdict(&of), of.key_freqs_by_rule.agree()), (Verdict::Fails, false));
        of.key_freqs_by_rule = KeyFreqsByRule { embedding: vec![], neurons: vec![], w_logit: vec![] };
        assert!(matches!(verdict(&of), Verdict::DoesNotApply { .. }) && !of.key_freqs_by_rule.agree());
    }

    #[test]
    fn ids_name_one_claim_each() {
        let claims = claims(&summary());
        assert!(claims.iter().all(Claim::holds), "{claims:#?}");
        let ids: BTreeSet<&str> = claims.iter().map(|claim| claim.id.as_str()).collect();
        assert_eq!(ids.len(), claims.len());
        assert!(claims.iter().flat_map(|of| &of.checks).all(|check| !check.source.is_empty()));
    }
}
