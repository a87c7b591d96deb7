use clockwork_analysis::{Basis, ByOperation, Claim, ComparedRun, Comparison, Spread};
use clockwork_report::words;

use crate::comparison_table::clusters;

/// A comparison as CSV, a line per run. Lists are separated by spaces, claims, which go by their ids, by semicolons,
/// reasons by bars; what is not known is empty.
pub fn runs_csv(of: &Comparison) -> anyhow::Result<String> {
    let settings = of.differing_settings();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = [
        "step",
        "state",
        "generalised",
        "accuracy",
        "original_loss",
        "train_loss",
        "test_loss",
        "serving_share_of_effect",
        "share_of_loss_kept",
        "unnamed_share_of_embedding",
        "unread_neurons",
        "key_freqs",
        "key_freqs_embedding",
        "key_freqs_w_logit",
        "rules_name_the_same",
        "cluster_sizes",
        "most_harmful_ablation",
        "loss_without_it",
        "algorithm",
        "gradient_symmetricity",
        "distance_irrelevance",
        "certified_accuracy",
        "claims_held",
        "claims_failed",
        "reasons",
        "circuit_formation",
        "cleanup",
        "settled",
        "course_claims_held",
        "course_claims_failed",
        "sha256",
    ];
    let settings_too = settings.iter().map(String::as_str);
    writer.write_record(["name", "path", "seed"].into_iter().chain(settings_too).chain(columns))?;
    for run in &of.runs {
        writer.write_record(record(run, &settings))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// Operations as CSV, a line each. Key frequencies are separated by spaces, each with the number of runs that have it.
pub fn operations_csv(of: &ByOperation) -> anyhow::Result<String> {
    let bases = [Basis::Additive, Basis::Multiplicative];
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "operation",
        "coordinates",
        "runs",
        "generalised",
        "first_generalised",
        "last_generalised",
        "mean_accuracy",
        "frequencies",
        "key_freqs",
        "gini_additive",
        "gini_multiplicative",
        "all_claims_hold",
        "claims_that_apply",
    ])?;
    for row in &of.operations {
        let step =
            |which: fn(&Spread) -> f64| row.steps.as_ref().map_or(String::new(), |of| which(of).to_string());
        let freqs: Vec<String> = row.key_freqs.iter().map(|(k, count)| format!("{k}:{count}")).collect();
        let gini = |basis| row.gini_by_basis.get(basis).map_or(String::new(), f64::to_string);
        let [additive, multiplicative] = bases.each_ref().map(gini);
        writer.write_record([
            row.operation.clone(),
            serde_json::to_value(row.coordinates)?.as_str().unwrap_or_default().to_owned(),
            row.runs.to_string(),
            row.generalised.to_string(),
            step(|of| of.min),
            step(|of| of.max),
            row.accuracy.mean.to_string(),
            row.frequencies.to_string(),
            freqs.join(" "),
            additive,
            multiplicative,
            row.all_claims_hold.to_string(),
            row.claims_that_apply.to_string(),
        ])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// The figures that claims stand on as CSV, a line per run and figure, with its bound.
pub fn checks_csv(of: &Comparison) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(["name", "step", "claim", "quantity", "freq", "value", "relation", "bound", "holds"])?;
    let claims = |run: &'_ ComparedRun| -> Vec<Claim> {
        run.claims.iter().chain(run.course.iter().flat_map(|course| &course.claims)).cloned().collect()
    };
    for (run, claim) in of.runs.iter().flat_map(|run| claims(run).into_iter().map(move |claim| (run, claim)))
    {
        for check in &claim.checks {
            writer.write_record([
                run.name.clone(),
                run.step.to_string(),
                claim.id.clone(),
                check.quantity.clone(),
                check.freq.map_or(String::new(), |k| k.to_string()),
                check.value.to_string(),
                check.relation.to_string(),
                check.bound.to_string(),
                check.holds().to_string(),
            ])?;
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn record(run: &ComparedRun, settings: &[String]) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let whole = |value: Option<u64>| value.map_or(String::new(), |value| value.to_string());
    let list = |freqs: &[usize]| freqs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let harmful = run.most_harmful_ablation;
    let failure = |claim: &Claim| Some(format!("{}: {}", claim.id, claim.failure()?.0));
    let failed: Vec<String> = run.claims.iter().filter_map(failure).collect();
    let phases = run.course.as_ref().and_then(|course| course.phases);
    let held = run.course.as_ref().map_or(String::new(), |course| {
        course.claims.iter().filter(|claim| claim.holds()).count().to_string()
    });
    let of_course = run.course.iter().flat_map(|course| &course.claims);
    let mut record = vec![run.name.clone(), run.path.clone(), whole(run.seed)];
    record.extend(settings.iter().map(|path| run.setting(path).unwrap_or_default()));
    record.extend([
        run.step.to_string(),
        run.state.clone().unwrap_or_default(),
        whole(run.generalised),
        run.accuracy.to_string(),
        run.original_loss.to_string(),
        number(run.train_loss),
        number(run.test_loss),
        run.cleanliness.serving_share_of_effect.to_string(),
        run.cleanliness.share_of_loss_kept.to_string(),
        run.cleanliness.unnamed_share_of_embedding.to_string(),
        run.cleanliness.unread_neurons.to_string(),
        list(&run.key_freqs),
        list(&run.key_freqs_by_rule.embedding),
        list(&run.key_freqs_by_rule.w_logit),
        run.rules_name_the_same.to_string(),
        clusters(run, true).replace(", ", " "),
        harmful.map_or(String::new(), |ablation| ablation.freq.to_string()),
        number(harmful.map(|ablation| ablation.loss)),
        run.algorithm.map_or(String::new(), |algorithm| algorithm.to_string()),
        number(run.gradient_symmetricity),
        number(run.distance_irrelevance),
        number(run.certified_accuracy),
        run.claims_held().to_string(),
        failed.join("; "),
        words::reasons(&run.claims).join(" | "),
        whole(phases.and_then(|phases| phases.circuit_formation)),
        whole(phases.and_then(|phases| phases.cleanup)),
        whole(phases.and_then(|phases| phases.settled)),
        held,
        of_course.filter(|claim| claim.fails()).map(|claim| claim.id.as_str()).collect::<Vec<_>>().join("; "),
        run.sha256.clone(),
    ]);
    record
}
