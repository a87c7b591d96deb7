//! What a reader must know of a network that somebody else trained, or that is another than the paper's.

use clockwork_analysis::{Provenance, Summary};
use clockwork_model::{Architecture, ImportedFrom, Norm};

use super::{coordinates, some};

/// How a file of someone else's was read: what was assumed of its network, and what else is in it.
#[must_use]
pub fn reading(of: &ImportedFrom) -> Vec<String> {
    let assumed: Vec<String> = of.assumed.iter().map(|(fact, value)| format!("{fact} = {value}")).collect();
    let mut sentences = Vec::new();
    if !assumed.is_empty() {
        sentences.push(format!("assumed, as the file does not say it: {}", assumed.join(", ")));
    }
    sentences.extend(of.doubt.clone());
    if !of.beside.is_empty() {
        sentences.push(format!("the file has other networks too, under {}", some(&of.beside)));
    }
    if !of.left_aside.is_empty() {
        sentences.push(format!("not used of the file: {}", some(&of.left_aside)));
    }
    sentences
}

/// What a reader of the figures must know beside them: how the network was read, and what does not apply to it.
#[must_use]
pub fn conditions(provenance: &Provenance, summary: &Summary) -> Vec<String> {
    let mut sentences = provenance.imported.as_ref().map_or_else(Vec::new, reading);
    match &provenance.architecture {
        Some(Architecture::TwoInputMlp(_)) => {
            sentences.push("it has no attention: what is about attention does not apply".to_owned());
        }
        Some(Architecture::Transformer(of)) => {
            if of.norms.before_unembedding != Norm::None {
                sentences.push(
                    "a layer norm stands before the unembedding: W_logit is the folded, centred one, and holds up to a \
                     factor per input, which stays as it is where neurons are left out"
                        .to_owned(),
                );
            }
            if !of.has_linear_heads() {
                sentences.push(
                    "W_neur and W_attn, from numbers straight to neurons and attention scores, do not apply to its \
                     architecture"
                        .to_owned(),
                );
            }
        }
        None => {}
    }
    sentences.extend(coordinates(&provenance.task));
    let is_assumed = provenance.imported.as_ref().is_some_and(|of| !of.assumed.is_empty());
    if is_assumed && summary.accuracy < DOUBTFUL_ACCURACY {
        sentences.push("so low an accuracy may mean that what was assumed is wrong".to_owned());
    }
    sentences
}

/// Below this accuracy a network of somebody else's may have been read as another than it is.
pub const DOUBTFUL_ACCURACY: f64 = 0.99;

#[cfg(test)]
mod tests {
    use clockwork_analysis::AnalysisFiles;
    use clockwork_model::{
        Activation, Checkpoint, CheckpointFile, MlpArchitecture, MlpInput, Norms, Operation, Orientation,
        OtherNetwork, Task, TransformerArchitecture,
    };

    use super::*;

    #[test]
    fn what_a_reader_must_know_of_another_network_is_told() {
        let told = |task: Task, architecture: Architecture, imported: Option<ImportedFrom>| {
            let shapes = architecture.shapes(task.modulus).into_iter();
            let tensors = shapes.map(|(name, shape)| (name, vec![0.0; shape.iter().product()])).collect();
            let mut checkpoint = Checkpoint::of_network(task, OtherNetwork { architecture, tensors });
            checkpoint.metadata.imported = imported;
            let file = CheckpointFile { path: "theirs.pt".into(), sha256: String::new(), checkpoint };
            let findings = AnalysisFiles::of(&file, &mut ()).unwrap().findings;
            conditions(&findings.provenance, &findings.summary).join("\n")
        };
        let mlp = || {
            Architecture::TwoInputMlp(MlpArchitecture {
                input: MlpInput::OneHot,
                d_mlp: 2,
                activation: Activation::Square,
            })
        };
        let transformer = |tokens: &str, norm| {
            Architecture::Transformer(TransformerArchitecture {
                d_model: 4,
                n_heads: 1,
                d_head: 4,
                d_mlp: 3,
                tokens: tokens.parse().unwrap(),
                own_vocabularies: false,
                activation: Activation::Gelu,
                norms: Norms { before_unembedding: norm, ..Norms::all(Norm::None) },
                attention_divisor: 2.0,
                attention_coefficient: 1.0,
                parallel: false,
            })
        };
        let sum = Task::addition(5);
        assert_eq!(told(sum, mlp(), None), "it has no attention: what is about attention does not apply");
        assert_eq!(told(sum, transformer("x y =", Norm::None), None), "");
        assert!(
            told(sum, transformer("x y =", Norm::Folded), None).starts_with("a layer norm stands before")
        );
        assert!(told(sum, transformer("= x y", Norm::None), None).starts_with("W_neur and W_attn"));
        let difference = Task::new(5, Operation::Subtract);
        assert!(told(difference, mlp(), None).ends_with("y stands for −y, and sums are differences"));

        let imported = ImportedFrom {
            file: "theirs.pt".to_owned(),
            key: None,
            sha256: String::new(),
            orientation: Orientation::Linear,
            assumed: [("activation".to_owned(), "relu".to_owned())].into(),
            doubt: Some("what was assumed does not fit".to_owned()),
            beside: vec!["ema".to_owned()],
            left_aside: (0..12).map(|i| format!("a{i}")).collect(),
        };
        let words = told(sum, mlp(), Some(imported));
        for part in [
            "assumed, as the file does not say it: activation = relu",
            "what was assumed does not fit",
            "other networks too, under ema",
            "not used of the file: a0, a1, a2, a3, a4, a5, a6, a7 and 4 others",
            "so low an accuracy may mean",
        ] {
            assert!(words.contains(part), "{words:?} lacks {part:?}");
        }
    }
}
