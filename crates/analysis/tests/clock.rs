//! A network whose weights are set by hand to the clock algorithm is recognised with exactly the
//! frequencies put in; one that learned nothing fails the checks.

use clockwork_analysis::{Analysis, Claim, Cluster, FailureKind, Role, Summary, claims};
use clockwork_model::{Checkpoint, ModelConfig, Weights, clock, initial_weights};

/// Angles per frequency.
const ANGLES: usize = 16;

fn analyse((config, weights): (ModelConfig, Weights)) -> (Summary, Vec<Claim>) {
    let checkpoint = Checkpoint::of_weights(config, weights);
    let summary = Summary::new(&Analysis::new(&checkpoint, &mut ()).unwrap());
    let claims = claims(&summary);
    (summary, claims)
}

#[test]
fn the_clock_is_recognised_with_the_frequencies_put_in() {
    for (modulus, freqs) in [(41, vec![3, 8, 20]), (37, vec![2, 18]), (40, vec![4, 7, 20]), (12, vec![5])] {
        let (summary, claims) = analyse(clock(modulus, &freqs, ANGLES));
        assert_eq!(summary.key_freqs_by_rule.embedding, freqs);
        assert_eq!(summary.key_freqs_by_rule.neurons, freqs);
        assert_eq!(summary.key_freqs_by_rule.w_logit, freqs);
        let size = |&k: &usize| summary.cluster_sizes[&Cluster::Frequency(k)];
        assert!(freqs.iter().all(|k| size(k) == 2 * ANGLES), "{summary:?}");
        let others: Vec<_> = claims.iter().filter(|claim| !claim.holds()).collect();
        assert!(others.is_empty(), "{modulus} {freqs:?} {others:#?}");
    }
}

#[test]
fn random_weights_fail() {
    let config = ModelConfig { modulus: 29, d_model: 16, n_heads: 2, d_mlp: 64 };
    let (summary, claims) = analyse((config, initial_weights(&config, 0)));
    assert!(summary.accuracy < 0.2 && summary.key_freqs.is_empty());
    let of = |id: &str| claims.iter().find(|claim| claim.id == id).unwrap();
    for id in ["generalises", "rules-agree", "embedding-sparse"] {
        assert!(of(id).fails(), "{:?}", of(id));
    }
    let specialise = of("neurons-specialise");
    assert!(
        !specialise.holds() && !specialise.fails(),
        "{specialise:?} is about clusters, and there is none"
    );
}

#[test]
fn weights_that_have_all_decayed_give_figures_that_are_numbers() {
    let config = ModelConfig { modulus: 8, d_model: 4, n_heads: 1, d_mlp: 5 };
    let weights = initial_weights(&config, 0).map(|w| vec![0.0; w.len()]);
    let (summary, claims) = analyse((config, weights));
    assert_eq!((summary.dead_neurons, summary.key_freqs.len()), (5, 0));
    assert!(!summary.cleanliness.is_clean(), "there is no circuit");
    let hold: Vec<&str> =
        claims.iter().filter(|claim| claim.holds()).map(|claim| claim.id.as_str()).collect();
    assert_eq!(hold, ["relu-product"], "it is about no weight");
    let json = serde_json::to_string(&(&summary, &claims)).unwrap();
    assert_eq!(serde_json::from_str::<(Summary, Vec<Claim>)>(&json).unwrap(), (summary, claims));
}

/// The clock modulo 61 with five frequencies, about as sure as a trained network, with one thing wrong.
fn planted(wrong: impl Fn(&ModelConfig, &mut Weights)) -> (Summary, Vec<Claim>) {
    planted_in(&[3, 8, 14, 17, 29], wrong)
}

fn planted_in(freqs: &[usize], wrong: impl Fn(&ModelConfig, &mut Weights)) -> (Summary, Vec<Claim>) {
    let (config, mut weights) = clock(61, freqs, ANGLES);
    weights.w_u.iter_mut().for_each(|w| *w *= 0.06);
    wrong(&config, &mut weights);
    analyse((config, weights))
}

/// The neurons of the second frequency, 8.
const OF_8: std::ops::Range<usize> = 2 * ANGLES..4 * ANGLES;

/// The claims that fail, which must all do so for reasons of one kind, and the first reason.
fn failing(claims: &[Claim], kind: FailureKind) -> (Vec<&str>, String) {
    let failing: Vec<&Claim> = claims.iter().filter(|claim| claim.fails()).collect();
    for claim in &failing {
        assert_eq!(claim.failure().unwrap().0, kind, "{claim:#?}");
    }
    let reason = failing.first().map_or(String::new(), |claim| claim.failure().unwrap().1.to_owned());
    (failing.iter().map(|claim| claim.id.as_str()).collect(), reason)
}

#[test]
fn nothing_wrong_fails_nothing() {
    let (summary, claims) = planted(|_, _| {});
    assert!(summary.original_loss > 1e-7, "{} is not as of a trained network", summary.original_loss);
    assert!(claims.iter().all(Claim::holds), "{claims:#?}");
    assert!(summary.named_freqs().iter().all(|named| named.role == Role::Used));
    assert!(summary.cleanliness.is_clean());
}

#[test]
fn a_frequency_whose_read_out_is_removed_is_named_and_fails_no_claim_about_the_others() {
    for left in [0.0, 0.05] {
        let (_, claims) = planted(|config, weights| {
            let rows = weights.w_out.chunks_exact_mut(config.d_model).skip(OF_8.start).take(OF_8.len());
            rows.flatten().for_each(|w| *w *= left);
        });
        let (ids, reason) = failing(&claims, FailureKind::Unread);
        // Four frequencies cannot be as sure as five.
        assert_eq!(ids, ["generalises", "rules-agree"]);
        assert!(reason.starts_with("8 is kept by 32 neurons and hardly read: "), "{reason}");
    }
}

#[test]
fn a_cluster_whose_neurons_are_mixed_is_named() {
    let (_, claims) = planted(|config, weights| {
        for row in weights.w_in.chunks_exact_mut(config.d_mlp) {
            // The neurons of 8 get what those of 3 get as well.
            for n in OF_8 {
                row[n] += 0.6 * row[n - 2 * ANGLES];
            }
        }
    });
    let (ids, reason) = failing(&claims, FailureKind::Mixed);
    assert!(ids.contains(&"rules-agree") && ids.contains(&"neurons-specialise"), "{ids:?}");
    assert!(reason.starts_with("8 is read, 20 % of W_logit, but has no cluster"), "{reason}");
}

#[test]
fn waves_of_another_frequency_in_what_neurons_supply_are_named() {
    let (_, claims) = planted(|config, weights| {
        let of_14 = OF_8.end..OF_8.end + OF_8.len();
        for n in of_14 {
            // The neurons of 14 write what those of 8 write as well.
            let of_8 = (n - OF_8.len()) * config.d_model;
            for d in 0..config.d_model {
                weights.w_out[n * config.d_model + d] += 0.45 * weights.w_out[of_8 + d];
            }
        }
    });
    let (ids, reason) = failing(&claims, FailureKind::Mixed);
    assert_eq!(ids, ["neurons-supply-sum"]);
    assert!(reason.ends_with(" of what neurons supply for 8 is cos and sin of ω_14(x + y)"), "{reason}");
}

#[test]
fn neurons_may_carry_two_frequencies_that_their_own_resonates_with() {
    // 2 · 8 = 3 + 13, and no such thing of 3 and 14.
    for (third, resonates) in [(13, true), (14, false)] {
        let (summary, claims) = planted_in(&[3, 8, third, 22, 29], |config, weights| {
            for row in weights.w_in.chunks_exact_mut(config.d_mlp) {
                // Half of the neurons of 8 get half of what those of 3 and of the third frequency get.
                for n in OF_8.step_by(2) {
                    row[n] += 0.45 * (row[n - 2 * ANGLES] + row[n + 2 * ANGLES]);
                }
            }
        });
        let named = summary.named_freqs().into_iter().find(|named| named.freq == 8).unwrap();
        assert_eq!((named.role, named.neurons), (Role::PartlyMixed, ANGLES));
        assert_eq!(named.resonates_with, resonates.then_some([3, third]));
        let failing = |id: &str| claims.iter().find(|claim| claim.id == id).unwrap().failure();
        for id in ["w-logit-own-cluster", "neurons-specialise"] {
            assert_eq!(failing(id).is_none(), resonates, "{id}");
        }
        assert_eq!(summary.cleanliness.is_clean(), resonates, "{:?}", summary.cleanliness);
        // The neurons that carry all three are left out with those of 8 then, not with those that serve none.
        let of_cluster = summary.loss_excluding_cluster[&Cluster::Frequency(8)];
        assert_eq!(summary.loss_excluding_own_neurons[&8] != of_cluster, resonates);
        let without_none = summary.loss_excluding_serving_none / summary.loss_neurons_in_key_freqs;
        assert_eq!((without_none - 1.0).abs() < 1e-6, resonates, "{without_none}");
    }
}

#[test]
fn neurons_that_write_to_their_frequency_alone_serve_it() {
    for also_write in [false, true] {
        let (summary, claims) = planted(|config, weights| {
            for n in OF_8.step_by(2) {
                // Half of the neurons of 8 get a third of what those of 3 and of 14 get, and may write for 3 as well.
                for row in weights.w_in.chunks_exact_mut(config.d_mlp) {
                    row[n] += 0.33 * (row[n - 2 * ANGLES] + row[n + 2 * ANGLES]);
                }
                let [of_3, of_8] = [n - 2 * ANGLES, n].map(|n| n * config.d_model);
                for d in (0..config.d_model).filter(|_| also_write) {
                    weights.w_out[of_8 + d] += 0.4 * weights.w_out[of_3 + d];
                }
            }
        });
        let named = summary.named_freqs().into_iter().find(|named| named.freq == 8).unwrap();
        assert_eq!((named.role, named.neurons), (Role::PartlyMixed, ANGLES));
        let words = named.to_string();
        assert_eq!(words.ends_with("; next to all that these write is for it"), !also_write, "{words}");
        let own = claims.iter().find(|claim| claim.id == "w-logit-own-cluster").unwrap();
        assert_eq!(own.fails(), also_write, "{own:?}");
        assert_eq!(summary.cleanliness.is_clean(), !also_write, "{:?}", summary.cleanliness);
    }
}

#[test]
fn memorised_noise_is_not_clean() {
    let (summary, claims) = planted(|config, weights| {
        let numbers = &mut weights.w_e[..config.modulus * config.d_model];
        // Numbers without a pattern, in the directions that are looked at.
        for (i, w) in numbers.iter_mut().enumerate() {
            if i % config.d_model < 6 {
                *w += 0.25 * (i as f32 * 12.9898).sin();
            }
        }
        // So sure that next to all of the loss is of the noise.
        weights.w_u.iter_mut().for_each(|w| *w /= 0.6);
    });
    assert!(
        !summary.cleanliness.is_clean() && summary.cleanliness.share_of_loss_kept < 0.1,
        "{:?}",
        summary.cleanliness
    );
    let (ids, reason) = failing(&claims, FailureKind::NotClean);
    assert!(!ids.is_empty());
    assert!(reason.starts_with("projecting neurons onto their own frequency removes"), "{reason}");
}
