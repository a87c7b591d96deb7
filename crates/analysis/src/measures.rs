use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Alignment, AnalysedNetwork, Analysis, Cluster, FourierBasis, NeuronClusters, Symmetricity, WLogit,
    alignment::alignments,
    all_pairs::SplitInputs,
    circularity::circularity,
    distance_irrelevance::distance_irrelevance,
    keyed_by_freq,
    logits_by_sum::{BySum, Dimensions},
    participation::{InputWaves, mean_of_live, output_participation},
    phases::phase_misalignment,
    progress_losses::{LogitsToExclude, LossOver},
    published_triples::published_triples,
    share::share,
};

/// Progress measures of a network (Nanda et al. 2023, section 5; Chughtai et al. 2023), each variant by its name. Losses
/// are in nats. In JSON, frequencies are keys as text.
///
/// The literature calls several things restricted and excluded loss. `2d` keeps or leaves out the components of each
/// answer's logit along unit cos ω_k(x + y) and sin ω_k(x + y) over the inputs, and `3d` those of all logits along unit
/// cos ω_k(x + y − z) over inputs and answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// The modulus.
    pub p: usize,
    /// Fraction of all pairs that are answered right.
    pub accuracy: f64,
    /// The frequencies that the measures are about: in an analysis the key ones, by the neurons' rule.
    pub key_freqs: Vec<usize>,
    /// C_k, the amplitudes of the waves cos ω_k(x + y − z).
    #[serde(deserialize_with = "keyed_by_freq::deserialize")]
    pub logit_coefficients: BTreeMap<usize, f64>,
    /// The share of the logits, centred over answers, that these waves explain: the sum of squared cosine similarities.
    pub frac_logits_explained_3d: f64,
    /// The losses over all inputs.
    #[serde(flatten)]
    pub all: LossMeasures,
    /// Those over the inputs trained on, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<LossMeasures>,
    /// Those over the inputs held out, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<LossMeasures>,
    /// M, by how much the waves Σ C_k cos ω_k(x + y − z) put the right answer before any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave_margin: Option<f64>,
    /// The share of the inputs on which what is left of the logits favours no wrong answer by as much: these are answered right
    /// because of the waves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified_accuracy: Option<f64>,
    /// Mean inverse participation ratio over frequencies of the linear terms of the neurons' inputs, of those that are not
    /// dead.
    pub ipr_input: Option<f64>,
    /// The same of the neurons' rows of `W_logit`.
    pub ipr_output: Option<f64>,
    /// Mean |sin(φ_x + φ_y − ψ)| of each cluster: the phases of a neuron's input waves against its output wave's.
    #[serde(deserialize_with = "keyed_by_freq::deserialize")]
    pub phase_misalignment: BTreeMap<usize, f64>,
    /// How little the right answer's logit depends on the distance x − y, between 0 and about 1 ("The Clock and the Pizza",
    /// Zhong et al. 2023, section 4.2); 0 where it is the same on all inputs.
    pub distance_irrelevance: f64,
    /// Gradient symmetricity (the same), over the hundred triples of its authors' notebook: the mean cosine between the gradients
    /// of a logit with respect to the embeddings of x and of y.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_symmetricity: Option<f64>,
    /// How many triples these are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_symmetricity_triples: Option<usize>,
    /// The same over all n³ triples, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_symmetricity_all: Option<f64>,
    /// How far the embedding's first principal components are circles of one frequency each, between 0 and 1 (the same);
    /// nothing where they do not converge, and along a run's course, where it is not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circularity: Option<f64>,
    /// What the inputs of each cluster's neurons and the logits of its frequency look like; not measured along a run's
    /// course.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "keyed_by_freq::deserialize_option"
    )]
    pub cka: Option<BTreeMap<usize, Alignment>>,
}

/// The losses of a network and of parts of its logits, over some inputs, in nats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossMeasures {
    /// The network's own.
    pub loss: f64,
    /// Of the waves Σ C_k cos ω_k(x + y − z) alone.
    pub restricted_loss_3d: f64,
    /// Without these waves.
    pub excluded_loss_3d: f64,
    /// Without the wave of each key frequency in turn.
    #[serde(deserialize_with = "keyed_by_freq::deserialize")]
    pub excluded_loss_3d_by_freq: BTreeMap<usize, f64>,
    /// Of the waves of x + y of key frequencies alone, with the mean over inputs of what is left out added back.
    pub restricted_loss_2d: f64,
    /// Without these waves.
    pub excluded_loss_2d: f64,
    /// Without those of each key frequency in turn.
    #[serde(deserialize_with = "keyed_by_freq::deserialize")]
    pub excluded_loss_2d_by_freq: BTreeMap<usize, f64>,
    /// Without those of each frequency in turn, 1 … ⌊n/2⌋, key or not.
    pub excluded_loss_2d_of_any: Vec<f64>,
    /// The same of the waves of x + y − z.
    pub excluded_loss_3d_of_any: Vec<f64>,
    /// Of the neurons projected on cos and sin ω_k(x + y) of their cluster's frequency, through `W_logit`, with the mean
    /// over inputs of the logits added back. Behind a layer norm, which scales each input's logits otherwise, there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restricted_loss_hidden: Option<f64>,
}

impl LossMeasures {
    fn is_finite(&self) -> bool {
        let few = [
            self.loss,
            self.restricted_loss_3d,
            self.excluded_loss_3d,
            self.restricted_loss_2d,
            self.excluded_loss_2d,
        ];
        let many = self.excluded_loss_2d_of_any.iter().chain(&self.excluded_loss_3d_of_any);
        few.iter().chain(many).chain(&self.restricted_loss_hidden).all(|loss| loss.is_finite())
    }
}

/// The losses over all inputs and over either side of the split, on their way into [`LossMeasures`].
struct Losses {
    own: LossOver,
    /// Alone, without all, and without each key frequency.
    of_three: Variant,
    of_two: Variant,
    hidden: Option<LossOver>,
}

struct Variant {
    restricted: LossOver,
    excluded: LossOver,
    /// Without each frequency in turn, 1 … ⌊n/2⌋.
    without: Vec<LossOver>,
}

/// What is measured.
pub(crate) struct Measured<'a> {
    pub p: usize,
    pub accuracy: f64,
    pub basis: &'a FourierBasis,
    pub network: &'a AnalysedNetwork,
    pub clusters: &'a NeuronClusters,
    pub w_logit: &'a WLogit,
    pub split: Option<&'a SplitInputs>,
    /// The frequencies that the measures are about.
    pub key_freqs: &'a [usize],
}

impl Measures {
    /// Measures an analysed network, by its own key frequencies.
    #[must_use]
    pub fn new(of: &Analysis) -> Self {
        let measures = Self::of(&Measured {
            p: of.task.modulus,
            accuracy: of.accuracy,
            basis: &of.basis,
            network: &of.network,
            clusters: &of.clusters,
            w_logit: &of.w_logit,
            split: of.split_inputs.as_ref(),
            key_freqs: &of.clusters.key_freqs,
        });
        Self {
            circularity: circularity(&of.basis, &of.network).ok(),
            cka: Some(alignments(&of.basis, &of.clusters, &of.network)),
            ..measures
        }
    }

    /// Whether every loss is a finite number.
    pub(crate) fn is_finite(&self) -> bool {
        let sides = [Some(&self.all), self.train.as_ref(), self.test.as_ref()];
        sides.into_iter().flatten().all(LossMeasures::is_finite)
    }

    /// Measures a network by some frequencies.
    pub(crate) fn of(of: &Measured) -> Self {
        let &Measured { basis, clusters, network, w_logit, key_freqs, .. } = of;
        let n = basis.modulus();
        let by_sum = BySum::of_logits(n, &network.logits);
        let losses = losses(of, &by_sum);
        let inputs = InputWaves::new(basis, network);
        let measured = |which: fn(&LossOver) -> Option<f64>| losses.measures(key_freqs, which);
        let logit_coefficients = by_sum.amplitudes(key_freqs);
        let certificate = network.wave_certificate(&logit_coefficients);
        let symmetricity = Symmetricity::over(network, &published_triples(n));
        Self {
            p: of.p,
            accuracy: of.accuracy,
            key_freqs: key_freqs.to_vec(),
            frac_logits_explained_3d: frac_explained(n, &network.logits, &logit_coefficients),
            wave_margin: Some(certificate.margin),
            certified_accuracy: Some(certificate.accuracy()),
            logit_coefficients,
            all: measured(|loss| Some(loss.all)).expect("there is a loss over all inputs"),
            train: measured(|loss| loss.train_and_test.map(|[train, _]| train)),
            test: measured(|loss| loss.train_and_test.map(|[_, test]| test)),
            ipr_input: mean_of_live(clusters, &inputs.participation(basis)),
            ipr_output: mean_of_live(clusters, &output_participation(basis, w_logit)),
            phase_misalignment: phase_misalignment(basis, clusters, &inputs, &w_logit.coefficients),
            distance_irrelevance: distance_irrelevance(n, &network.logits).unwrap_or(0.0),
            gradient_symmetricity: Some(symmetricity.mean),
            gradient_symmetricity_triples: Some(symmetricity.triples),
            gradient_symmetricity_all: None,
            circularity: None,
            cka: None,
        }
    }
}

fn losses(of: &Measured, by_sum: &BySum) -> Losses {
    let &Measured { basis, network, split, key_freqs: freqs, .. } = of;
    let n = basis.modulus();
    let logits = LogitsToExclude::new(n, &network.logits, split);
    let mean = by_sum.mean_by_answer();
    let variant = |dimensions| {
        let alone = by_sum.part(basis, freqs, dimensions);
        let singly = basis.frequencies().map(|k| by_sum.part(basis, &[k], dimensions));
        let parts: Vec<BySum> = std::iter::once(alone.clone()).chain(singly).collect();
        let mut without = logits.losses_without(&parts);
        let excluded = without.remove(0);
        let alone = match dimensions {
            Dimensions::Two => alone.plus_mean(&mean),
            Dimensions::Three => alone,
        };
        Variant { restricted: logits.loss_of(&alone), excluded, without }
    };
    let hidden = network.logit_scale.is_none().then(|| {
        let hidden = projected_neurons(of);
        logits.loss_of(&hidden.plus_mean(&mean))
    });
    Losses {
        own: logits.losses_without(&[BySum::zero(n)])[0],
        of_three: variant(Dimensions::Three),
        of_two: variant(Dimensions::Two),
        hidden,
    }
}

/// What the neurons add to the logits once each is projected on cos and sin ω_k(x + y) of its cluster's frequency.
fn projected_neurons(of: &Measured) -> BySum {
    let &Measured { basis, clusters, network, key_freqs, .. } = of;
    let (n, d_mlp) = (basis.modulus(), network.d_mlp);
    let acts = BySum::means(n, &network.neuron_acts); // [n, d_mlp]
    let mut logits = BySum::zero(n);
    for &k in key_freqs {
        let members = clusters.members(Cluster::Frequency(k));
        for row in basis.rows_of(k) {
            let along = basis.component(row, &acts, d_mlp);
            let mut component = vec![0.0; n];
            for &neuron in &members {
                let weights = &network.w_logit[neuron * n..][..n];
                component.iter_mut().zip(weights).for_each(|(sum, w)| *sum += along[neuron] * w);
            }
            logits.add_wave(basis, row, &component);
        }
    }
    logits
}

/// The share of logits [n², n], centred over answers, that the waves Σ C_k cos ω_k(x + y − z) explain.
pub(crate) fn frac_explained(n: usize, logits: &[f64], coefficients: &BTreeMap<usize, f64>) -> f64 {
    let centred: f64 = logits
        .chunks_exact(n)
        .map(|row| {
            let mean = row.iter().sum::<f64>() / n as f64;
            row.iter().map(|logit| (logit - mean).powi(2)).sum::<f64>()
        })
        .sum();
    // A cosine over the differences x + y − z has n² entries of each, and a mean square of 1/2, or 1 for n/2.
    let mean_square = |k: usize| if 2 * k == n { 1.0 } else { 0.5 };
    let explained: f64 = coefficients.iter().map(|(k, c)| c * c * mean_square(*k) * (n * n * n) as f64).sum();
    share(explained, centred)
}

impl Losses {
    /// Those over all inputs, or over one side of the split where there is one.
    fn measures(&self, freqs: &[usize], which: fn(&LossOver) -> Option<f64>) -> Option<LossMeasures> {
        let of_any = |variant: &Variant| variant.without.iter().filter_map(which).collect::<Vec<f64>>();
        let by_freq = |variant: &Variant| {
            freqs
                .iter()
                .filter_map(|&k| Some((k, which(&variant.without[k - 1])?)))
                .collect::<BTreeMap<_, _>>()
        };
        Some(LossMeasures {
            loss: which(&self.own)?,
            restricted_loss_3d: which(&self.of_three.restricted)?,
            excluded_loss_3d: which(&self.of_three.excluded)?,
            excluded_loss_3d_by_freq: by_freq(&self.of_three),
            restricted_loss_2d: which(&self.of_two.restricted)?,
            excluded_loss_2d: which(&self.of_two.excluded)?,
            excluded_loss_2d_by_freq: by_freq(&self.of_two),
            excluded_loss_2d_of_any: of_any(&self.of_two),
            excluded_loss_3d_of_any: of_any(&self.of_three),
            restricted_loss_hidden: self.hidden.as_ref().and_then(which),
        })
    }
}
