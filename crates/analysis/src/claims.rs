use clockwork_model::Activation;

use crate::{
    Check, Claim, FailureKind, NamedFreq, Role, Summary,
    applicability::why_not,
    bounds::{
        ABLATION_GROWTH, ACCURACY, COMPONENT, DISPUTED_FREQS, EFFECT_SERVING_NONE, EXCLUSION_GROWTH,
        FROM_OWN_NEURONS, GINI, LOGIT_COEFFICIENT, LOGITS_EXPLAINED, LOGITS_LINEAR, LOGITS_QUADRATIC, LOSS,
        MEDIAN_FRAC_EXPLAINED, PROJECTION_GROWTH, RELU_GAIN, RELU_PRODUCT, RELU_R2, TRIG_ONLY_LOSS,
        UNCLUSTERED_LOSS, W_LOGIT_KEY,
    },
    claim_figures::{
        cost_of_least, grown_from, least, share_along_sum, share_from_own_neurons, strongest_but,
    },
    number::percent,
    reason::Reasons,
};

/// Why claims about key frequencies do not apply where there is none.
const NO_KEY_FREQ: &str = "no neuron is in a frequency's cluster";

/// All claims, checked, in the order of the analysis. One that fails says why.
#[must_use]
pub fn claims(of: &Summary) -> Vec<Claim> {
    let reasons = Reasons::of(of);
    let relu = &of.relu_fit;
    let checks = vec![ACCURACY.check("accuracy", of.accuracy), LOSS.check("loss", of.original_loss)];
    let generalises = Claim::new("generalises", "it generalises", checks);
    let checks = vec![GINI.check("Gini coefficient", of.gini_embedding)];
    let sparse = Claim::new("embedding-sparse", "the embedding is sparse", checks);
    let (generalises, sparse) = (reasons.explain(generalises, &[]), reasons.explain_by_training(sparse));
    let mut claims = vec![generalises, rules_agree(of, &reasons), sparse];
    claims.extend(about_key_freqs(of, &reasons));
    let (id, statement) = ("relu-product", "ReLU makes a product");
    claims.push(match of.activation {
        Activation::Relu => Claim::new(
            id,
            statement,
            vec![
                RELU_PRODUCT.check("γ", relu.coefficients[3]),
                RELU_R2.check("r²", relu.r2),
                RELU_GAIN.check("gain", relu.r2 - relu.r2_without_quadratic),
            ],
        ),
        other => Claim::does_not_apply(id, statement, format!("its neurons compute {other}")),
    });
    let if_it_applies = |claim: Claim| match why_not(of.coordinates, &claim.id) {
        Some(reason) => Claim::does_not_apply(claim.id, claim.statement, reason),
        None => claim,
    };
    claims.into_iter().map(if_it_applies).collect()
}

fn rules_agree(of: &Summary, reasons: &Reasons) -> Claim {
    let (id, statement) = ("rules-agree", "the three rules do not contradict each other");
    if of.key_freqs_by_rule.named_by_any().is_empty() {
        return Claim::does_not_apply(id, statement, "no rule names a key frequency");
    }
    let disputed: Vec<usize> =
        of.named_freqs().iter().filter(|named| named.is_disputed()).map(|named| named.freq).collect();
    let check = DISPUTED_FREQS.check("frequencies in dispute", disputed.len() as f64);
    reasons.explain(Claim::new(id, statement, vec![check]), &disputed)
}

/// The claims that stand on key frequencies, which do not apply where there is none. They are about those that are
/// read: one that is not is the rules' to tell.
fn about_key_freqs(of: &Summary, reasons: &Reasons) -> Vec<Claim> {
    let named = of.named_freqs();
    let is_read = |k: &usize| named.iter().any(|named| named.freq == *k && named.role != Role::Unread);
    let read: Vec<usize> = of.key_freqs.iter().copied().filter(is_read).collect();
    let freqs = if read.is_empty() { &of.key_freqs } else { &read };
    let original = of.compared_loss();
    let least_without = least(freqs, |k| of.loss_excluding_own_neurons.get(&k).copied());
    let cost = |quantity, losses, bound| cost_of_least(of, freqs, quantity, losses, bound);
    let cluster =
        cost("loss without a frequency's neurons", &of.loss_excluding_own_neurons, &ABLATION_GROWTH);
    let excluded = cost("loss without a frequency", &of.excluded_loss, &EXCLUSION_GROWTH);
    let from_own = least(freqs, |k| share_from_own_neurons(of, freqs, k));
    let component = least(freqs, |k| share_along_sum(of, freqs, k));
    let coefficient = least(freqs, |k| of.logit_coefficients.get(&k).copied());
    // `also` are frequencies that the figures are about beside those that the checks name.
    let claim = |id: &str, statement: &str, checks: Vec<Check>, also: &[usize]| {
        if freqs.is_empty() {
            return Claim::does_not_apply(id, statement, NO_KEY_FREQ);
        }
        let at: Vec<usize> =
            checks.iter().filter_map(|check| check.freq).chain(also.iter().copied()).collect();
        reasons.explain(Claim::new(id, statement, checks), &at)
    };
    vec![
        claim(
            "neurons-specialise",
            "the neurons that matter specialise",
            vec![
                EFFECT_SERVING_NONE
                    .check("share of effect that serves none", of.share_of_effect_serving_none),
                MEDIAN_FRAC_EXPLAINED
                    .check("median fraction explained", of.median_frac_explained.unwrap_or(0.0)),
            ],
            &[],
        ),
        claim(
            "own-frequency-suffices",
            "a neuron's own frequency suffices",
            vec![grown_from(original, &PROJECTION_GROWTH, of.loss_neurons_in_key_freqs)],
            &[],
        )
        .or_because(FailureKind::Mixed, |_| supplied_from_outside(&named)),
        claim(
            "unclustered-matter-least",
            "neurons that serve no frequency matter least",
            vec![UNCLUSTERED_LOSS.times(
                least_without.1,
                "loss without them",
                of.loss_excluding_serving_none,
            )],
            &[least_without.0],
        ),
        claim("clusters-matter", "every cluster matters", vec![cluster], &[]),
        claim(
            "sum-terms-suffice",
            "x + y terms alone suffice",
            vec![grown_from(original, &TRIG_ONLY_LOSS, of.loss_trig_only)],
            &[],
        ),
        claim("frequencies-used", "every key frequency is used", vec![excluded], &[]),
        claim(
            "linear-terms-cancel",
            "linear terms cancel in the logits",
            vec![
                LOGITS_QUADRATIC.check("quadratic share", of.logits_frac_quadratic),
                LOGITS_LINEAR.check("linear share", of.logits_frac_linear),
            ],
            &[],
        ),
        claim(
            "w-logit-reads-key",
            "W_logit reads key frequencies only",
            vec![W_LOGIT_KEY.check("share", of.w_logit_frac_key_freqs)],
            strongest_but(of, freqs).as_slice(),
        ),
        claim(
            "w-logit-own-cluster",
            "each frequency comes from its own neurons",
            vec![FROM_OWN_NEURONS.worst("smallest share", from_own)],
            &[],
        ),
        claim(
            "neurons-supply-sum",
            "neurons supply cos and sin of ω_k(x + y)",
            vec![COMPONENT.worst("smallest share", component)],
            &[],
        )
        .or_because(FailureKind::Mixed, |claim| other_sum(of, claim)),
        claim(
            "logits-are-waves",
            "logits are Σ C_k cos ω_k(x + y − z)",
            vec![
                LOGIT_COEFFICIENT.worst("smallest C_k", coefficient),
                LOGITS_EXPLAINED.check("share explained", of.logit_frac_variance_explained),
            ],
            &[],
        ),
    ]
}

/// Why less than it should be lies along cos or sin of ω_k(x + y), if the waves of one other frequency are: enough would
/// but for these.
fn other_sum(of: &Summary, claim: &Claim) -> Option<String> {
    let check = claim.checks.first()?;
    let k = check.freq?;
    let other = of.strongest_other_sum.get(&k)?;
    let without = Check { value: check.value / (1.0 - other.share), ..check.clone() };
    let words = || {
        let share = percent(other.share);
        format!("{share} of what neurons supply for {k} is cos and sin of ω_{}(x + y)", other.freq)
    };
    without.holds().then(words)
}

/// The frequencies of which neurons outside the cluster supply a good part, in words. Projecting the cluster alone
/// takes away what balances what those carry of other frequencies.
fn supplied_from_outside(named: &[NamedFreq]) -> Option<String> {
    let partly = named.iter().filter(|named| named.role == Role::PartlyMixed);
    let words: Vec<String> = partly.map(ToString::to_string).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clockwork_model::{Checkpoint, clock};

    use super::*;
    use crate::{Analysis, KeyFreqsByRule, Verdict};

    /// A network of which every claim holds, about as sure as a trained one.
    fn summary() -> Summary {
        let (config, mut weights) = clock(41, &[3, 8, 20], 16);
        weights.w_u.iter_mut().for_each(|w| *w *= 0.08);
        Summary::new(&Analysis::new(&Checkpoint::of_weights(config, weights), &mut ()).unwrap())
    }

    /// Sets the figure that a claim's check of this number is about.
    fn set(of: &mut Summary, id: &str, check: usize, value: f64) {
        let original = of.original_loss;
        match (id, check) {
            ("generalises", 0) => of.accuracy = value,
            ("generalises", 1) => of.original_loss = value,
            ("embedding-sparse", 0) => of.gini_embedding = value,
            ("neurons-specialise", 0) => of.share_of_effect_serving_none = value,
            ("neurons-specialise", 1) => of.median_frac_explained = Some(value),
            ("own-frequency-suffices", 0) => of.loss_neurons_in_key_freqs = value * original,
            ("unclustered-matter-least", 0) => {
                let least = of.loss_excluding_own_neurons.values().copied().fold(f64::INFINITY, f64::min);
                of.loss_excluding_serving_none = value * least;
            }
            ("clusters-matter", 0) => {
                of.loss_excluding_own_neurons.insert(8, value * original);
            }
            ("sum-terms-suffice", 0) => of.loss_trig_only = value,
            ("frequencies-used", 0) => {
                of.excluded_loss.insert(8, value * original);
            }
            ("linear-terms-cancel", 0) => of.logits_frac_quadratic = value,
            ("linear-terms-cancel", 1) => of.logits_frac_linear = value,
            ("w-logit-reads-key", 0) => of.w_logit_frac_key_freqs = value,
            ("w-logit-own-cluster", 0) => {
                of.w_logit_frac_from_own_neurons.insert(8, value);
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
        ("generalises", 1, 0.99e-4, 1.01e-4),
        ("embedding-sparse", 0, 0.81, 0.79),
        ("neurons-specialise", 0, 0.049, 0.051),
        ("neurons-specialise", 1, 0.91, 0.89),
        ("own-frequency-suffices", 0, 9.9, 10.1),
        ("unclustered-matter-least", 0, 0.99, 1.01),
        ("clusters-matter", 0, 101.0, 99.0),
        ("sum-terms-suffice", 0, 0.99e-4, 1.01e-4),
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
    fn a_weak_frequency_is_held_to_what_its_wave_is_worth() {
        let original = summary().original_loss;
        assert!((1.1e-5..9e-5).contains(&original), "{original} is not as of a trained network");
        let verdict = |of: &Summary, id: &str| claims(of).into_iter().find(|of| of.id == id).unwrap().holds();
        for (worth, least) in [(20.0, 10.0), (1.0, 1.0), (1e4, 100.0)] {
            for (cost, expected) in [(least * 1.01, true), (least * 0.99, false)] {
                let mut of = summary();
                of.loss_waves_excluding.insert(8, worth * original);
                of.loss_excluding_own_neurons.insert(8, cost * original);
                assert_eq!(verdict(&of, "clusters-matter"), expected, "{cost} where it is worth {worth}");
                // Leaving out a frequency need cost no more than ten times the loss.
                let least = f64::min(least, 10.0);
                let cost = if expected { least * 1.01 } else { least * 0.99 };
                of.excluded_loss.insert(8, cost * original);
                assert_eq!(verdict(&of, "frequencies-used"), expected, "{cost} where it is worth {worth}");
            }
        }

        // What others write into a weak frequency's columns is measured against the mean frequency's.
        let mut of = summary();
        of.w_logit_frac_from_own_neurons.insert(8, 0.7);
        of.sin_component_frac.insert(8, 0.7);
        assert!(!verdict(&of, "w-logit-own-cluster") && !verdict(&of, "neurons-supply-sum"));
        of.w_logit_norm_by_freq[7] /= 4.0;
        *of.logit_coefficients.get_mut(&8).unwrap() /= 2.0;
        assert!(verdict(&of, "w-logit-own-cluster") && verdict(&of, "neurons-supply-sum"));
    }

    #[test]
    fn x_plus_y_terms_must_do_better_where_there_is_anything_to_gain() {
        let verdict = |original: f64, trig_only: f64| {
            let mut of = summary();
            (of.original_loss, of.loss_trig_only) = (original, trig_only);
            claims(&of).into_iter().find(|of| of.id == "sum-terms-suffice").unwrap().holds()
        };
        assert!(verdict(1e-2, 0.99e-2) && !verdict(1e-2, 1.01e-2));
        assert!(verdict(1e-7, 0.99e-4) && !verdict(1e-7, 1.01e-4));
    }

    #[test]
    fn a_frequency_at_fault_is_told_before_what_was_memorised() {
        let mut of = summary();
        of.cleanliness.share_of_loss_kept = 0.09;
        of.original_loss = 1e-3;
        let kind = |of: &Summary, id: &str| {
            let claims = claims(of);
            claims.iter().find(|claim| claim.id == id).unwrap().failure().map(|(kind, _)| kind)
        };
        assert_eq!((kind(&of, "generalises"), kind(&of, "rules-agree")), (Some(FailureKind::NotClean), None));
        of.w_logit_norm_by_freq[7] *= 0.1;
        of.key_freqs_by_rule.w_logit.retain(|&k| k != 8);
        assert_eq!(kind(&of, "generalises"), Some(FailureKind::NotClean));
        assert_eq!(kind(&of, "rules-agree"), Some(FailureKind::Unread));
        // What a clean network has still memorised is told last.
        of.cleanliness.share_of_loss_kept = 0.11;
        assert_eq!(kind(&of, "generalises"), Some(FailureKind::Unread));
        let mut of = Summary { original_loss: 1e-3, ..summary() };
        for (kept, expected) in [(0.49, FailureKind::NotClean), (0.51, FailureKind::Unexplained)] {
            of.cleanliness.share_of_loss_kept = kept;
            assert_eq!(kind(&of, "generalises"), Some(expected));
        }
    }

    #[test]
    fn a_cluster_that_others_complete_cannot_be_projected_alone() {
        let mut of = summary();
        of.loss_neurons_in_key_freqs = 1e-3;
        let failure = |of: &Summary| {
            let claims = claims(of);
            let claim = claims.iter().find(|claim| claim.id == "own-frequency-suffices").unwrap();
            claim.failure().map(|(kind, reason)| (kind, reason.to_owned())).unwrap()
        };
        assert_eq!(failure(&of).0, FailureKind::Unexplained);
        of.w_logit_frac_from_own_cluster.insert(8, 0.7);
        let (kind, reason) = failure(&of);
        assert_eq!(kind, FailureKind::Mixed);
        assert!(reason.starts_with("8 is supplied in part by neurons outside its cluster: 30 %"), "{reason}");
    }

    #[test]
    fn rules_agree_where_each_names_the_same_and_some() {
        let claim = |of: &Summary| rules_agree(of, &Reasons::of(of));
        let verdict = |of: &Summary| claim(of).verdict;
        let mut of = summary();
        assert_eq!((verdict(&of), of.key_freqs_by_rule.agree()), (Verdict::Holds, true));
        of.key_freqs_by_rule.w_logit.push(9);
        assert_eq!((claim(&of).fails(), of.key_freqs_by_rule.agree()), (true, false));
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
