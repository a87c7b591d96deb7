//! Networks whose weights are set by hand, compared: what is the same and what differs is known.

use std::path::PathBuf;

use clockwork_analysis::{AnalysisFiles, Claim, Cluster, Comparison, Error, FailureKind, RunFindings};
use clockwork_model::{Checkpoint, CheckpointFile, ModelConfig, Weights, initial_weights};
use serde_json::{Value, json};

const P: usize = 17;

fn findings(name: &str, (model, weights): (ModelConfig, Weights), config: Value) -> RunFindings {
    let mut checkpoint = Checkpoint::of_weights(model, weights);
    (checkpoint.metadata.step, checkpoint.metadata.config) = (7, config);
    let file = CheckpointFile { path: PathBuf::from(name), sha256: name.to_owned(), checkpoint };
    RunFindings {
        name: name.to_owned(),
        path: format!("runs/{name}"),
        state: Some("finished".to_owned()),
        generalised: None,
        findings: AnalysisFiles::of(&file, &mut ()).unwrap().findings,
        course: None,
    }
}

fn clock(name: &str, freqs: &[usize], config: Value) -> RunFindings {
    findings(name, clockwork_model::clock(P, freqs, 16), config)
}

fn seed(seed: u64) -> Value {
    json!({"training": {"seed": seed}, "optimizer": {"weight_decay": 1.0}})
}

#[test]
fn clocks_by_hand() {
    // Of 8 frequencies: {2, 5, 8} and {5, 7} share one of four, {3} none with either.
    let runs = [clock("a", &[2, 5, 8], seed(0)), clock("b", &[5, 7], seed(1)), clock("c", &[3], seed(2))];
    let Comparison { p, runs, across, .. } = Comparison::new(&runs).unwrap();
    assert_eq!((p, across.runs, across.frequencies), (P, 3, 8));
    assert_eq!(runs[0].key_freqs, [2, 5, 8]);
    assert_eq!((runs[2].seed, runs[2].step, runs[2].rules_name_the_same), (Some(2), 7, true));
    assert!(runs.iter().all(|run| run.settings.is_empty()));
    // One cluster of 32 neurons each; without its only one a clock knows nothing.
    assert_eq!(runs[2].cluster_sizes[&Cluster::Frequency(3)], 32);
    assert_eq!(runs[2].most_harmful_ablation.unwrap().freq, 3);

    let key: Vec<(usize, usize)> = across.key_freq_counts.iter().map(|(&k, &n)| (k, n)).collect();
    let expected = [0, 1, 1, 0, 2, 0, 1, 1];
    assert_eq!(key, (1..).zip(expected).collect::<Vec<_>>());
    assert!((across.expected_key_freq_count - 6.0 / 8.0).abs() < 1e-15);
    let numbers = across.key_freqs_per_run;
    assert_eq!((numbers.count, numbers.mean, numbers.standard_deviation), (3, 2.0, Some(1.0)));
    assert_eq!((numbers.min, numbers.max, across.rules_name_the_same), (1.0, 3.0, 3));

    let pairs: Vec<_> = across
        .pairs
        .iter()
        .map(|pair| (pair.a.as_str(), pair.b.as_str(), pair.overlap.shared, pair.overlap.jaccard.unwrap()))
        .collect();
    assert_eq!(pairs, [("a", "b", 1, 0.25), ("a", "c", 0, 0.0), ("b", "c", 0, 0.0)]);
    // Of the 28 pairs that b could be, 10 share none with a, 15 one (J = 1/4), 3 two (J = 2/3); c is in a
    // with probability 3/8 (J = 1/3), and in b with 2/8 (J = 1/2).
    let jaccard = across.jaccard.unwrap();
    let means = [(15.0 / 4.0 + 3.0 * 2.0 / 3.0) / 28.0, 1.0 / 8.0, 1.0 / 8.0];
    let squares = [(15.0 / 16.0 + 3.0 * 4.0 / 9.0) / 28.0, 3.0 / 8.0 / 9.0, 2.0 / 8.0 / 4.0];
    let variance: f64 = means.iter().zip(squares).map(|(mean, square)| square - mean * mean).sum();
    for (found, by_hand) in [
        (jaccard.mean, 0.25 / 3.0),
        (jaccard.expected, means.iter().sum::<f64>() / 3.0),
        (jaccard.standard_deviation, variance.sqrt() / 3.0),
        (across.pairs[0].overlap.p_value, 18.0 / 28.0),
    ] {
        assert!((found - by_hand).abs() < 1e-12, "{found} is not {by_hand}");
    }
    assert_eq!(across.most_alike(), Some(&across.pairs[0]));
    let claim = |id: &str| across.claims.iter().find(|claim| claim.id == id).unwrap();
    assert_eq!(across.claims.len(), runs[0].claims.len());
    // Where networks have bounds of their own, a figure is told as a multiple of its bound.
    let mut multiples = runs
        .iter()
        .map(|run| {
            let of = &run.claims.iter().find(|claim| claim.id == "clusters-matter").unwrap().checks[0];
            of.value / of.bound
        })
        .collect::<Vec<_>>();
    multiples.sort_by(f64::total_cmp);
    let clusters = &claim("clusters-matter").checks[0];
    assert_eq!((clusters.bound, clusters.networks, clusters.holds_in), (None, 3, 3));
    assert_eq!(clusters.quantiles.unwrap()[1], multiples[1]);
    assert_eq!((claim("rules-agree").holds_in, claim("rules-agree").fails_in.len()), (3, 0));
    // Two or three of so few frequencies are not sparse.
    let sparse = claim("embedding-sparse");
    assert_eq!((sparse.holds_in, sparse.fails_in.concat()), (1, "ab".to_owned()));
    // One of three is 33 %; Wilson's interval is wide.
    let [low, high] = sparse.interval.unwrap();
    assert!((low - 0.0615).abs() < 1e-4 && (high - 0.7923).abs() < 1e-4, "{low} to {high}");
    // A clock that is so sure is wrong by nothing but its neurons' harmonics, which projecting removes.
    assert_eq!(sparse.reasons[&FailureKind::NotClean].concat(), "ab");
    // One frequency is not sure enough of its answers.
    assert_eq!((claim("generalises").holds_in, across.all_claims_hold), (2, 0));
    assert!((across.all_claims_hold_interval.unwrap()[1] - 0.5615).abs() < 1e-4);
    assert!(across.same_weights.is_empty() && across.generalised.is_none());
}

#[test]
fn one_run_only_has_no_pairs_and_no_spread() {
    let Comparison { runs, across, .. } = Comparison::new(&[clock("a", &[3, 4], seed(0))]).unwrap();
    assert_eq!((runs.len(), across.pairs.len(), across.jaccard), (1, 0, None));
    assert_eq!(across.most_alike(), None);
    assert_eq!((across.key_freqs_per_run.mean, across.key_freqs_per_run.standard_deviation), (2.0, None));
}

#[test]
fn what_failed_and_what_differs_is_named() {
    let random = ModelConfig { modulus: P, d_model: 8, n_heads: 2, d_mlp: 16 };
    let other = json!({"training": {"seed": 1}, "optimizer": {"weight_decay": 0.5}});
    let mut generalised = clock("a", &[3], seed(0));
    generalised.generalised = Some(500);
    generalised.findings.claims.retain(Claim::holds);
    let runs = [
        generalised,
        clock("again", &[3], other),
        findings("random", (random, initial_weights(&random, 0)), Value::Null),
    ];
    let comparison = Comparison::new(&runs).unwrap();
    assert_eq!(comparison.differing_settings(), ["optimizer.weight_decay"]);
    let Comparison { runs, across, .. } = comparison;
    let weight_decays: Vec<_> = runs.iter().map(|run| run.settings.get("optimizer.weight_decay")).collect();
    assert_eq!(weight_decays, [Some(&json!(1.0)), Some(&json!(0.5)), None]);
    assert_eq!(runs[2].seed, None);
    let claim = |id: &str| across.claims.iter().find(|claim| claim.id == id).unwrap();
    let agree = claim("rules-agree");
    assert_eq!(agree.claim, "the three rules do not contradict each other");
    assert_eq!((agree.holds_in, &agree.fails_in[..]), (2, &["random".to_owned()][..]));
    // The claim that fails is kept of one clock only, beside that of the random network.
    let [accuracy, loss] = &claim("generalises").checks[..] else { panic!() };
    assert_eq!((accuracy.quantity.as_str(), accuracy.bound, accuracy.networks), ("accuracy", Some(1.0), 2));
    assert_eq!((accuracy.holds_in, loss.holds_in), (1, 0));
    let of_random = runs[2].accuracy;
    for (found, share) in accuracy.quantiles.unwrap().into_iter().zip([0.05, 0.5, 0.95]) {
        assert!((found - (of_random + share * (1.0 - of_random))).abs() < 1e-12, "{found} at {share}");
    }
    // Each clock has a bound of its own for what its frequency is worth, and both the same.
    let [without] = &claim("clusters-matter").checks[..] else { panic!() };
    assert_eq!((without.quantity.as_str(), without.networks), ("loss without a frequency's neurons", 2));
    let cluster = &runs[1].claims.iter().find(|claim| claim.id == "clusters-matter").unwrap().checks[0];
    assert_eq!((cluster.freq, without.bound), (Some(3), Some(cluster.bound)));
    assert_eq!(without.quantiles, Some([cluster.value; 3]));
    // It has no cluster, and so nothing that one could be said of.
    let clusters = claim("clusters-matter");
    assert_eq!((clusters.holds_in, clusters.fails_in.len()), (2, 0));
    assert_eq!(clusters.does_not_apply_in, ["random"]);
    let of_random = |id: &str| runs[2].claims.iter().find(|claim| claim.id == id).unwrap();
    assert!(of_random("relu-product").holds(), "it is about no weight");
    for id in ["generalises", "rules-agree", "embedding-sparse"] {
        assert!(of_random(id).fails(), "{id}");
    }
    assert_eq!(runs[2].claims_held(), 1);
    let by_loss: Vec<_> =
        across.all_claims_hold_by_loss.iter().map(|at| (at.below, at.all_claims_hold, at.runs)).collect();
    for (run, (below, ..)) in [&runs[0], &runs[2]].into_iter().zip(&by_loss) {
        assert!((10_f64.powi(below - 1)..10_f64.powi(*below)).contains(&run.original_loss), "{by_loss:?}");
    }
    assert_eq!(by_loss.iter().map(|&(_, hold, of)| (hold, of)).collect::<Vec<_>>(), [(1, 2), (0, 1)]);
    assert_eq!(across.same_weights, [["a", "again"]]);
    assert_eq!(across.pairs[0].overlap.jaccard, Some(1.0));
    let generalised = across.generalised.unwrap();
    assert_eq!((generalised.count, generalised.mean), (1, 500.0));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    assert!(matches!(Comparison::new(&[]), Err(Error::NothingToCompare)));
    let small = ModelConfig { modulus: 7, d_model: 8, n_heads: 2, d_mlp: 16 };
    let random = || findings("random", (small, initial_weights(&small, 0)), Value::Null);
    let error = Comparison::new(&[clock("a", &[3], seed(0)), random(), random()]).unwrap_err();
    assert_eq!(error.to_string(), "these runs have different moduli, 7 (2 runs), 17 (1 run)");
    let mut broken = random();
    broken.findings.summary.key_freqs = vec![4];
    let error = Comparison::new(&[broken]).unwrap_err().to_string();
    assert!(error.contains("4 is no frequency modulo 7"), "{error}");
}
