use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Alignment, AnalysedNetwork, FormulaFit, FourierBasis, Measures, NeuronClusters, Result, Symmetricity,
    WaveCertificate,
    alignment::{alignments, logit_alignment},
    circularity::circularity,
    distance_irrelevance::distance_irrelevance,
    drawn::draw,
    formula_fit::formula_fits,
    logits_by_sum::BySum,
    measures::frac_explained,
    participation::InputWaves,
    phases::phase_misalignment,
    published_triples::published_triples,
};

/// What each test of the algorithm says, the mean over key frequencies where it is about one at a time. A test that needs weights
/// says nothing of logits alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct AlgorithmTests {
    /// Gradient symmetricity over the published triples.
    pub gradient_symmetricity: Option<f64>,
    /// Distance irrelevance; nothing where the right answer's logit is the same on all inputs, as in waves alone.
    pub distance_irrelevance: Option<f64>,
    /// Circularity of the embedding.
    pub circularity: Option<f64>,
    /// How the inputs of a cluster's neurons align with the disc.
    pub inputs_disc: Option<f64>,
    /// The same with the disc whose waves of y are turned, where x and y have embeddings of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs_disc_fitted: Option<f64>,
    /// How they align with the torus.
    pub inputs_torus: Option<f64>,
    /// How they align with the circle.
    pub inputs_circle: Option<f64>,
    /// How the logits of a frequency align with the circle.
    pub logits_circle: Option<f64>,
    /// How they align with the disc.
    pub logits_disc: Option<f64>,
    /// What the formulas explain of the logits of an isolated frequency.
    pub formulas: Option<FormulaFit>,
    /// By how much the phases of a neuron's inputs miss that of its output.
    pub phase_misalignment: Option<f64>,
    /// The share of the logits that the waves of x + y − z explain.
    pub frac_logits_explained: f64,
    /// The share of the inputs that the waves certify.
    pub certified_accuracy: f64,
}

/// On how many inputs, drawn or all, the formulas are fitted to the logits of a control.
const INPUTS_OF_CONTROLS: usize = 1024;

/// The mean of what is of each key frequency; none where there is none.
fn mean<T: Copy>(of: &BTreeMap<usize, T>, value: impl Fn(T) -> f64) -> Option<f64> {
    let sum: f64 = of.values().map(|&of| value(of)).sum();
    (!of.is_empty()).then(|| sum / of.len() as f64)
}

/// The mean of each formula's share.
fn mean_fit(of: &BTreeMap<usize, FormulaFit>) -> Option<FormulaFit> {
    Some(FormulaFit {
        clock: mean(of, |fit| fit.clock)?,
        pizza: mean(of, |fit| fit.pizza)?,
        pizza_of_absolute_values: mean(of, |fit| fit.pizza_of_absolute_values)?,
    })
}

impl AlgorithmTests {
    /// What they say of a network that was measured.
    pub(crate) fn of_measures(
        network: &AnalysedNetwork,
        measures: &Measures,
        formulas: &BTreeMap<usize, FormulaFit>,
    ) -> Self {
        let logits = Self {
            distance_irrelevance: distance_irrelevance(network.n(), &network.logits),
            frac_logits_explained: measures.frac_logits_explained_3d,
            certified_accuracy: measures.certified_accuracy.unwrap_or(0.0),
            ..Self::default()
        };
        let symmetricity = measures.gradient_symmetricity;
        let cka = measures.cka.clone().unwrap_or_default();
        logits.with_weights(
            (symmetricity, measures.circularity),
            &cka,
            formulas,
            &measures.phase_misalignment,
        )
    }

    /// What they say of another network by the clusters of the one that is analysed: of the same frequencies, and of the
    /// neurons that serve them there.
    ///
    /// # Errors
    ///
    /// Those of [`Network::run`](crate::Network::run).
    pub(crate) fn of_network(
        basis: &FourierBasis,
        network: &AnalysedNetwork,
        clusters: &NeuronClusters,
    ) -> Result<Self> {
        let n = basis.modulus();
        let cka = alignments(basis, clusters, network);
        let formulas = formula_fits(basis, network, &cka, &draw(n * n, INPUTS_OF_CONTROLS))?;
        let w_logit = basis.transform(&network.w_logit, &[network.d_mlp, n], 1);
        let misalignment = phase_misalignment(basis, clusters, &InputWaves::new(basis, network), &w_logit);
        let symmetricity = Some(Symmetricity::over(network, &published_triples(n)).mean);
        let logits = Self::of_logits(basis, &network.logits, &clusters.key_freqs, network.logit_error());
        let of_network = (symmetricity, circularity(basis, network).ok());
        Ok(logits.with_weights(of_network, &cka, &formulas, &misalignment))
    }

    /// What those say beside that need weights: symmetricity and circularity, and what is of each key frequency.
    fn with_weights(
        self,
        (gradient_symmetricity, circularity): (Option<f64>, Option<f64>),
        cka: &BTreeMap<usize, Alignment>,
        formulas: &BTreeMap<usize, FormulaFit>,
        phase_misalignment: &BTreeMap<usize, f64>,
    ) -> Self {
        let is_fitted = cka.values().all(|of| of.disc_fitted.is_some());
        Self {
            gradient_symmetricity,
            circularity,
            inputs_disc: mean(cka, |of| of.disc),
            inputs_disc_fitted: mean(cka, |of| of.disc_fitted.unwrap_or(0.0)).filter(|_| is_fitted),
            inputs_torus: mean(cka, |of| of.torus),
            inputs_circle: mean(cka, |of| of.circle),
            logits_circle: mean(cka, |of| of.logits_circle),
            logits_disc: mean(cka, |of| of.logits_disc),
            formulas: mean_fit(formulas),
            phase_misalignment: mean(phase_misalignment, |of| of),
            ..self
        }
    }

    /// What those say that need no weights, of logits [n², n] that may be off by an error.
    pub(crate) fn of_logits(
        basis: &FourierBasis,
        logits: &[f64],
        key_freqs: &[usize],
        error: Option<f64>,
    ) -> Self {
        let n = basis.modulus();
        let amplitudes = BySum::of_logits(n, logits).amplitudes(key_freqs);
        let aligned: BTreeMap<usize, _> =
            key_freqs.iter().map(|&k| (k, logit_alignment(basis, logits, k))).collect();
        Self {
            distance_irrelevance: distance_irrelevance(n, logits),
            logits_circle: mean(&aligned, |of| of.circle),
            logits_disc: mean(&aligned, |of| of.disc),
            frac_logits_explained: frac_explained(n, logits, &amplitudes),
            certified_accuracy: WaveCertificate::new(n, logits, &amplitudes, error, None).accuracy(),
            ..Self::default()
        }
    }
}
