//! Which algorithm a network follows, and how much of what it does that proves, in words.

use clockwork_analysis::{Algorithm, AlgorithmKind, Check, Kept, NeuronCertificate, Sufficiency, short};

use super::{and, list};

/// The verdict in a sentence, with what it is told by and what speaks against it.
#[must_use]
pub fn algorithm(of: &Algorithm) -> String {
    let kept = |check: &Check| {
        let (value, bound) = check.value_and_bound();
        format!("{} {value} {} {bound}", check.quantity, check.relation)
    };
    let joined = |words: &mut dyn Iterator<Item = String>| words.collect::<Vec<String>>().join(", ");
    let told =
        match of.verdict {
            AlgorithmKind::Neither => {
                joined(&mut of.told_by.iter().filter(|check| !check.holds()).map(Check::broken))
            }
            AlgorithmKind::Between => {
                let whose = |check: &Check| if check.holds() { "as a clock's" } else { "as a pizza's" };
                joined(&mut of.told_by.iter().map(|check| {
                    format!("{} {} is {}", check.quantity, check.value_and_bound().0, whose(check))
                }))
            }
            AlgorithmKind::Clock | AlgorithmKind::Pizza => joined(&mut of.told_by.iter().map(kept)),
        };
    let against = joined(&mut of.against().map(Check::broken));
    let against = if against.is_empty() { String::new() } else { format!("; against it: {against}") };
    format!("{}: {told}{against}", of.verdict)
}

/// What the certificates prove in a sentence.
#[must_use]
pub fn certificates(of: &Algorithm) -> String {
    let waves = &of.wave_certificate;
    let up_to = match waves.logit_error {
        Some(_) => "",
        None => ", up to rounding",
    };
    let by_waves = format!(
        "the waves' margin of {} outweighs all else in the logits on {} % of all inputs{up_to}",
        short(waves.margin),
        percent(waves.certified, waves.inputs)
    );
    let by_neurons = match &of.neuron_certificate {
        Some(certificate) => {
            let cost = of.cost.neurons.map_or(0.0, |products| products as f64 / of.cost.all_inputs as f64);
            let share = percent(certificate.certified_by_spacing, certificate.inputs);
            let cost = format!("for {} % of the products of running it", short(100.0 * cost));
            format!("bounds on its weights prove {share} % {cost}{}", vacuous(certificate))
        }
        None => "bounds on its weights do not apply".to_owned(),
    };
    format!("{by_waves}; {by_neurons}")
}

/// How few of the key frequencies suffice.
#[must_use]
pub fn sufficiency(of: &Sufficiency) -> String {
    let smallest = |kept: &Option<Kept>| kept.as_ref().map(|kept| list(&kept.freqs));
    let keeps = match (smallest(&of.keeps_99_percent), smallest(&of.keeps_all)) {
        (Some(most), Some(all)) if most == all => {
            format!("Of the embedding, waves of {all} alone keep all of the accuracy")
        }
        (Some(most), Some(all)) => {
            format!(
                "Of the embedding, waves of {most} alone keep 99 % of the accuracy, and of {all} all of it"
            )
        }
        (Some(most), None) => format!(
            "Of the embedding, waves of {most} alone keep 99 % of the accuracy, and all key frequencies not all of it"
        ),
        (None, _) => "The key frequencies alone do not keep 99 % of the accuracy".to_owned(),
    };
    let without = format!("without the key frequencies it is {:.1} %", 100.0 * of.without_key_freqs.accuracy);
    match &of.without_others {
        Some(others) => format!(
            "{keeps}; {without}, and without as many others {:.1} % at the least in {} draws, on {} inputs.",
            100.0 * others.least_accuracy,
            others.draws,
            others.inputs
        ),
        None => format!("{keeps}; {without}."),
    }
}

/// Why bounds on the weights prove nothing, where they do not.
#[must_use]
pub fn vacuous(of: &NeuronCertificate) -> String {
    if of.certified_by_spacing > 0 {
        return String::new();
    }
    let wide: Vec<String> = of
        .quadratures
        .iter()
        .filter(|(_, of)| of.error_bound >= 2.0 / 3.0)
        .map(|(k, _)| k.to_string())
        .collect();
    match of.least_slack_by_margin {
        None => ": they are vacuous, as its frequencies alone tell no input from all others".to_owned(),
        Some(slack) if slack < 1.0 && !wide.is_empty() => {
            format!(": they are vacuous, as phases are spaced too widely for {}", and(&wide))
        }
        Some(slack) => format!(
            ": they are vacuous, as those on what neurons get and write beside come to {} × the margin and more",
            short(slack)
        ),
    }
}

/// A count's share in percent, which is 100 for all and 0 for none alone.
fn percent(count: usize, of: usize) -> String {
    match (count, of - count) {
        (0, _) => "0".to_owned(),
        (_, 0) => "100".to_owned(),
        _ => format!("{:.2}", 100.0 * count as f64 / of as f64),
    }
}

#[cfg(test)]
mod tests {
    use clockwork_analysis::AnalysisFiles;
    use clockwork_model::{Checkpoint, CheckpointFile, ModelConfig, clock, initial_weights, pizza};

    use super::*;

    fn told(network: (ModelConfig, clockwork_model::Weights)) -> [String; 2] {
        let (config, weights) = network;
        let checkpoint = Checkpoint::of_weights(config, weights);
        let file = CheckpointFile { path: "file".into(), sha256: String::new(), checkpoint };
        let of = AnalysisFiles::of(&file, &mut ()).unwrap().findings.algorithm.unwrap();
        [algorithm(&of), certificates(&of)]
    }

    #[test]
    fn verdicts_and_certificates_are_told_with_their_figures() {
        let [verdict, certificate] = told(clock(23, &[2, 7, 9], 16));
        assert!(verdict.starts_with("clock: gradient symmetricity "), "{verdict}");
        assert!(
            verdict.contains(" < 0.98, distance irrelevance ") && verdict.contains("against it: "),
            "{verdict}"
        );
        assert!(
            certificate.contains(" outweighs all else in the logits on 99.05 % of all inputs; "),
            "{certificate}"
        );
        assert!(
            certificate.contains("prove 0 %") && certificate.contains("they are vacuous"),
            "{certificate}"
        );

        let [verdict, certificate] = told(pizza(17, &[1, 3, 4, 7], 96));
        assert!(verdict.starts_with("pizza: gradient symmetricity 1 > 0.98"), "{verdict}");
        assert!(certificate.contains("bounds on its weights prove 100 %"), "{certificate}");

        let config = ModelConfig { modulus: 11, d_model: 4, n_heads: 1, d_mlp: 8 };
        let [verdict, certificate] = told((config, initial_weights(&config, 0)));
        assert!(verdict.starts_with("neither clock nor pizza: accuracy is "), "{verdict}");
        assert!(certificate.contains(" on 0 % of all inputs"), "{certificate}");
        assert!(certificate.ends_with("bounds on its weights do not apply"), "{certificate}");
    }
}
