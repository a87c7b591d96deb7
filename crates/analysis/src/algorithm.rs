use std::{collections::BTreeMap, fmt};

use clockwork_model::Checkpoint;
use serde::{Deserialize, Serialize};

use crate::{
    AlgorithmTests, Analysis, Check, Control, FormulaFit, Measures, NeuronCertificate, Result, Sufficiency,
    Symmetricity, WaveCertificate,
    bounds::{
        ACCURACY_OF_ALGORITHM, Bound, CERTIFIED, CIRCULARITY, FREQS_OF_ALGORITHM, IRRELEVANCE_OF_CLOCK,
        IRRELEVANCE_OF_PIZZA, MISALIGNMENT, SYMMETRICITY_OF_CLOCK, SYMMETRICITY_OF_PIZZA, WAVES_OF_ALGORITHM,
        more_than,
    },
    control::controls,
    drawn::draw,
    formula_fit::formula_fits,
    keyed_by_freq,
};

/// On how many inputs, drawn or all, the formulas are fitted.
const INPUTS_OF_FORMULAS: usize = 8192;

/// Which algorithm a network follows, by every published test, with controls, and how much of what it does that explains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Algorithm {
    /// The algorithm.
    pub verdict: AlgorithmKind,
    /// What it was told by: of a network that is neither what it would need to be one, of one that is between what a clock
    /// would keep.
    pub told_by: Vec<Check>,
    /// What else speaks for the verdict or, where it does not hold, against it.
    pub beside: Vec<Check>,
    /// Gradient symmetricity over all triples.
    pub symmetricity: Symmetricity,
    /// What each test says of the network.
    pub tests: AlgorithmTests,
    /// What it says where the answer is known.
    pub controls: BTreeMap<Control, AlgorithmTests>,
    /// What the formulas explain of the logits of each key frequency alone.
    #[serde(deserialize_with = "keyed_by_freq::deserialize")]
    pub formulas: BTreeMap<usize, FormulaFit>,
    /// How few of the key frequencies suffice.
    pub sufficiency: Sufficiency,
    /// On which inputs the waves outweigh everything else.
    pub wave_certificate: WaveCertificate,
    /// Which inputs are answered right by bounds on the weights alone; none of a network whose neurons are no ReLUs, that has a
    /// layer norm, or that has no key frequency, and of products, whose answer 0 has no wave.
    pub neuron_certificate: Option<NeuronCertificate>,
    /// How many multiplications the certificates took.
    pub cost: Cost,
}

/// How many multiplications certificates take: the figure by which compact proofs are compared (Gross et al. 2024).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Of running the network on all inputs, which proves its accuracy without any theory.
    pub all_inputs: u64,
    /// Of the certificate from the waves, which runs it on all inputs too.
    pub waves: u64,
    /// Of the certificate from the neurons, which does not.
    pub neurons: Option<u64>,
}

/// An algorithm for modular addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlgorithmKind {
    /// Angles are added: a product of waves of x and of y (Nanda et al. 2023).
    Clock,
    /// Embeddings are averaged, and what the mean's length tells of x − y is lost (Zhong et al. 2023).
    Pizza,
    /// By one of the two figures it is a clock, and by the other a pizza.
    Between,
    /// None of the two: it has no key frequencies, or they explain too little, or it answers too much wrong.
    Neither,
}

impl fmt::Display for AlgorithmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clock => "clock",
            Self::Pizza => "pizza",
            Self::Between => "between clock and pizza",
            Self::Neither => "neither clock nor pizza",
        })
    }
}

impl Algorithm {
    /// Finds out which algorithm an analysed checkpoint follows.
    ///
    /// # Errors
    ///
    /// Those of [`Network::run`](crate::Network::run).
    pub fn new(checkpoint: &Checkpoint, of: &Analysis, measures: &Measures) -> Result<Self> {
        let Analysis { basis, network, clusters, .. } = of;
        let amplitudes = &measures.logit_coefficients;
        let discs = measures.cka.clone().unwrap_or_default();
        let inputs = draw(basis.modulus().pow(2), INPUTS_OF_FORMULAS);
        // Many parts keep one core busy, so they are computed beside each other.
        let (controls, (sufficiency, formulas)) = rayon::join(
            || controls(basis, checkpoint, clusters, amplitudes),
            || {
                rayon::join(
                    || Sufficiency::new(basis, network, amplitudes),
                    || formula_fits(basis, network, &discs, &inputs),
                )
            },
        );
        let formulas = formulas?;
        let tests = AlgorithmTests::of_measures(network, measures, &formulas);
        let symmetricity = Symmetricity::over_all(network);
        let n = basis.modulus() as u64;
        let neuron_certificate = NeuronCertificate::new(basis, network, clusters);
        // Where one embedding serves x and y in two ways, no algorithm treats both alike.
        let tells = (!network.shares_an_embedding_in_two_ways()).then_some(&symmetricity);
        let (verdict, told_by) = verdict(measures, tells, &tests);
        Ok(Self {
            verdict,
            told_by,
            beside: beside(verdict, &tests),
            symmetricity,
            tests,
            controls: controls?,
            sufficiency: sufficiency?,
            wave_certificate: network.wave_certificate(amplitudes),
            cost: Cost {
                all_inputs: network.products(),
                // The amplitudes take a product per logit, and two more per difference and frequency.
                waves: network.products() + n.pow(3) + 2 * n * formulas.len() as u64,
                neurons: neuron_certificate.as_ref().map(|of| of.products),
            },
            neuron_certificate,
            formulas,
        })
    }

    /// What speaks against the verdict.
    pub fn against(&self) -> impl Iterator<Item = &Check> {
        self.beside.iter().filter(|check| !check.holds())
    }
}

/// The algorithm by its figures, with the checks that tell it. Without symmetricity irrelevance alone tells.
fn verdict(
    measures: &Measures,
    symmetricity: Option<&Symmetricity>,
    tests: &AlgorithmTests,
) -> (AlgorithmKind, Vec<Check>) {
    let needed = vec![
        ACCURACY_OF_ALGORITHM.check("accuracy", measures.accuracy),
        FREQS_OF_ALGORITHM.check("key frequencies", measures.key_freqs.len() as f64),
        WAVES_OF_ALGORITHM.check("share of the logits that is waves", tests.frac_logits_explained),
    ];
    if !needed.iter().all(Check::holds) {
        return (AlgorithmKind::Neither, needed);
    }
    let told_by = |of_symmetricity: &Bound, of_irrelevance: &Bound| -> Vec<Check> {
        let symmetricity = symmetricity.map(|of| of_symmetricity.check("gradient symmetricity", of.mean));
        // A logit that does not vary has no irrelevance.
        let irrelevance =
            tests.distance_irrelevance.map(|value| of_irrelevance.check("distance irrelevance", value));
        symmetricity.into_iter().chain(irrelevance).collect()
    };
    let of_clock = told_by(&SYMMETRICITY_OF_CLOCK, &IRRELEVANCE_OF_CLOCK);
    let of_pizza = told_by(&SYMMETRICITY_OF_PIZZA, &IRRELEVANCE_OF_PIZZA);
    match (of_clock.iter().all(Check::holds), of_pizza.iter().all(Check::holds)) {
        (true, _) => (AlgorithmKind::Clock, of_clock),
        (_, true) => (AlgorithmKind::Pizza, of_pizza),
        _ => (AlgorithmKind::Between, of_clock),
    }
}

/// What other tests should say of a network that follows an algorithm.
fn beside(kind: AlgorithmKind, tests: &AlgorithmTests) -> Vec<Check> {
    let formulas = tests.formulas.and_then(|fit| {
        let (name, own, other) = match kind {
            AlgorithmKind::Clock => ("share that the clock's formula explains", fit.clock, fit.pizza),
            AlgorithmKind::Pizza => ("share that the pizza's formula explains", fit.pizza, fit.clock),
            AlgorithmKind::Between | AlgorithmKind::Neither => return None,
        };
        Some(more_than(name, own, other, "what the other's formula explains of an isolated frequency"))
    });
    let checks = [
        tests.circularity.map(|value| CIRCULARITY.check("circularity", value)),
        formulas,
        tests.phase_misalignment.map(|value| MISALIGNMENT.check("phase misalignment", value)),
        Some(CERTIFIED.check("share certified by the waves", tests.certified_accuracy)),
    ];
    // What a network should be that is neither is not known.
    checks.into_iter().flatten().filter(|_| kind != AlgorithmKind::Neither).collect()
}
