//! A clock set by hand in every architecture and for every operation is recognised with exactly the frequencies put in,
//! and random weights fail.

use std::{collections::BTreeMap, f64::consts::PI};

use clockwork_analysis::{Analysis, Claim, SampledScores, Summary, claims};
use clockwork_model::{
    Activation, Architecture, Checkpoint, MlpArchitecture, MlpInput, NAMES, Norm, Norms, Operation,
    OtherNetwork, Task, TransformerArchitecture, names,
};

/// Angles per frequency.
const ANGLES: usize = 16;

/// The least factor from neurons' inputs at which a smooth activation is as good as a ReLU.
const STEEP: f64 = 60.0;

/// What the last token has in two directions, up to its sign.
const CONSTANT: f64 = 30.0;

/// A clock that is to be built.
struct Clock<'a> {
    task: Task,
    freqs: &'a [usize],
}

/// One neuron: a frequency, an angle, the sign of y, and the weights with which its two numbers' cosine and sine enter.
struct Neuron {
    freq: usize,
    angle: f64,
    sign: f64,
}

impl Clock<'_> {
    /// The n of Z_n.
    fn n(&self) -> usize {
        self.task.coordinates().n()
    }

    fn waves(&self) -> usize {
        2 * self.freqs.len()
    }

    /// The cosines and sines of a coordinate.
    fn embedding(&self, coordinate: usize) -> Vec<f64> {
        let angle = |k: &usize| 2.0 * PI * ((k * coordinate) % self.n()) as f64 / self.n() as f64;
        self.freqs.iter().flat_map(|k| [angle(k).cos(), angle(k).sin()]).collect()
    }

    fn neurons(&self) -> Vec<Neuron> {
        let of = |(&freq, i): (&usize, usize)| Neuron {
            freq,
            angle: 2.0 * PI * ((i / 2) as f64 + 0.5) / ANGLES as f64,
            sign: if i.is_multiple_of(2) { 1.0 } else { -1.0 },
        };
        self.freqs.iter().flat_map(|freq| (0..2 * ANGLES).map(move |i| (freq, i))).map(of).collect()
    }

    /// From the cosines and sines of x, or of y, into a neuron.
    fn weights_of(&self, neuron: &Neuron, of_y: bool) -> Vec<f64> {
        let sign = if of_y { neuron.sign } else { 1.0 };
        let of = |k: &usize| match *k == neuron.freq {
            true => [sign * neuron.angle.cos(), -sign * neuron.angle.sin()],
            false => [0.0; 2],
        };
        self.freqs.iter().flat_map(of).collect()
    }

    /// From a neuron to the answer of a coordinate.
    fn out_of_neuron(&self, neuron: &Neuron, coordinate: usize) -> f64 {
        let angle = 2.0 * PI * ((neuron.freq * coordinate) % self.n()) as f64 / self.n() as f64;
        neuron.sign * (angle + 2.0 * neuron.angle).cos() / ANGLES as f64
    }

    /// How steep the way into the neurons is, for the activation to be as good as a ReLU.
    fn steepness(activation: Activation) -> f64 {
        match activation {
            Activation::Relu | Activation::Square => 1.0,
            _ => STEEP,
        }
    }

    /// An MLP that is this clock.
    fn mlp(&self, input: MlpInput, activation: Activation) -> Checkpoint {
        let (p, d_mlp, waves) = (self.task.modulus, 2 * ANGLES * self.freqs.len(), self.waves());
        let input = match input {
            MlpInput::Embedded { .. } => MlpInput::Embedded { d_embed: waves },
            other => other,
        };
        let architecture = Architecture::TwoInputMlp(MlpArchitecture { input, d_mlp, activation });
        let mut tensors = Tensors::new(&architecture, p);
        let (coordinates, steep) = (self.task.coordinates(), Self::steepness(activation));
        for (n, neuron) in self.neurons().iter().enumerate() {
            for (of_y, numbers) in [&coordinates.x, &coordinates.y].into_iter().enumerate() {
                let weights = self.weights_of(neuron, of_y == 1);
                for (c, &number) in numbers.iter().enumerate() {
                    let embedding = self.embedding(c);
                    let adds: f64 = weights.iter().zip(&embedding).map(|(w, e)| steep * w * e).sum();
                    match input {
                        MlpInput::Embedded { .. } => {
                            let name = if of_y == 1 { names::W_Y } else { names::W_X };
                            for d in 0..waves {
                                tensors.set(name, &[number, d], embedding[d]);
                                tensors.set(names::W, &[of_y * waves + d, n], steep * weights[d]);
                            }
                        }
                        MlpInput::OneHot => tensors.set(names::ONE_HOT_W_IN, &[number, n], adds),
                        MlpInput::TwoOneHots => {
                            tensors.set(names::ONE_HOT_W_IN, &[of_y * p + number, n], adds);
                        }
                    }
                }
            }
            for (c, &answer) in coordinates.answer.iter().enumerate() {
                let out = 400.0 * self.out_of_neuron(neuron, c) / steep;
                let is_embedded = matches!(input, MlpInput::Embedded { .. });
                tensors.set(if is_embedded { names::W_U } else { names::ONE_HOT_W_OUT }, &[n, answer], out);
            }
        }
        Checkpoint::of_network(self.task, OtherNetwork { architecture, tensors: tensors.0 })
    }

    /// A transformer that is this clock, with the choices of an architecture whose sizes do not matter. Two heads copy the
    /// numbers to the last token.
    fn transformer(&self, choices: &TransformerArchitecture) -> Checkpoint {
        let (p, n, waves) = (self.task.modulus, self.n(), self.waves());
        let (position, last, zero, answers) = (3 * waves, 3 * waves + 2, 3 * waves + 3, 3 * waves + 5);
        let (balance, d_model) = (answers + n, answers + n + 1);
        let d_mlp = 2 * ANGLES * self.freqs.len();
        let of = TransformerArchitecture { d_model, n_heads: 2, d_head: waves + 2, d_mlp, ..choices.clone() };
        let architecture = Architecture::Transformer(of.clone());
        let mut tensors = Tensors::new(&architecture, p);
        let coordinates = self.task.coordinates();
        for c in 0..n {
            for (d, wave) in self.embedding(c).into_iter().enumerate() {
                tensors.set(NAMES.w_e, &[coordinates.x[c], d], wave);
                if of.own_vocabularies {
                    tensors.set(NAMES.w_e, &[p + coordinates.y[c], d], wave);
                }
            }
        }
        let tokens = of.tokens.names();
        let at = |name: &str| tokens.iter().position(|of| of == name).unwrap();
        tensors.set(NAMES.w_pos, &[at("x"), position], 1.0);
        tensors.set(NAMES.w_pos, &[at("y"), position + 1], 1.0);
        // So large a constant leaves a norm next to nothing to divide by that depends on the input.
        tensors.set(NAMES.w_pos, &[tokens.len() - 1, last], CONSTANT);
        tensors.set(NAMES.w_pos, &[tokens.len() - 1, balance], -CONSTANT);
        // What other tokens than the one that a head looks at get of its weight.
        let others = 1.0 - of.attention_coefficient;
        for head in 0..2 {
            // The query is a bias, so that it needs no direction of its own.
            tensors.set(names::B_Q, &[head, waves], 60.0 * of.attention_divisor);
            tensors.set(NAMES.w_k, &[head, position + head, waves], 1.0);
            for d in 0..waves {
                tensors.set(NAMES.w_v, &[head, d, d], 1.0);
                tensors.set(NAMES.w_o, &[head, d, (1 + head) * waves + d], 1.0);
            }
            // 0 has no logarithm: it says so, and the answer is 0.
            tensors.set(NAMES.w_v, &[head, zero, waves + 1], 1.0);
            tensors.set(NAMES.w_o, &[head, waves + 1, zero + 1], 1.0);
            // Biases that take each other back.
            tensors.set(names::B_V, &[head, 0], 0.5);
            let sum = of.attention_coefficient + others * tokens.len() as f64;
            tensors.set(names::B_O, &[(1 + head) * waves], -0.5 * sum);
            tensors.set(names::B_K, &[head, waves], 0.25);
        }
        if self.task.operation != Operation::Multiply {
            // What a norm takes off all directions is added to no answer.
            (0..p).for_each(|z| tensors.set(NAMES.w_u, &[zero, z], -400.0));
        }
        if self.task.operation == Operation::Multiply {
            tensors.set(NAMES.w_e, &[0, zero], 1.0);
            tensors.set(NAMES.w_u, &[zero + 1, 0], 1e4);
        }
        let steep = Self::steepness(of.activation);
        for (neuron, made_of) in self.neurons().iter().enumerate() {
            for of_y in [false, true] {
                for (d, weight) in self.weights_of(made_of, of_y).into_iter().enumerate() {
                    // Where one vocabulary serves both, the sines of −y have the other sign.
                    let is_turned =
                        of_y && !of.own_vocabularies && self.task.operation == Operation::Subtract;
                    let weight = if is_turned && d % 2 == 1 { -weight } else { weight };
                    // Each head's copy has a share of the other number too, which is taken off.
                    let scale = steep * weight / (1.0 - others * others);
                    let own = usize::from(of_y);
                    tensors.add(NAMES.w_in, &[(1 + own) * waves + d, neuron], scale);
                    tensors.add(NAMES.w_in, &[(2 - own) * waves + d, neuron], -others * scale);
                }
            }
            for c in 0..n {
                tensors.set(NAMES.w_out, &[neuron, answers + c], self.out_of_neuron(made_of, c) / steep);
            }
        }
        for c in 0..n {
            tensors.set(NAMES.w_u, &[answers + c, coordinates.answer[c]], 400.0);
        }
        for z in 0..p {
            tensors.set(names::B_U, &[z], 3.0);
        }
        for [weights, _] in names::NORMS {
            tensors.fill(weights, 1.0);
        }
        Checkpoint::of_network(self.task, OtherNetwork { architecture, tensors: tensors.0 })
    }
}

/// The tensors of a network, zero at first.
struct Tensors(BTreeMap<&'static str, Vec<f32>>, BTreeMap<&'static str, Vec<usize>>);

impl Tensors {
    fn new(of: &Architecture, p: usize) -> Self {
        let shapes = of.shapes(p);
        Self(shapes.iter().map(|(name, shape)| (*name, vec![0.0; shape.iter().product()])).collect(), shapes)
    }

    fn at(&mut self, name: &'static str, index: &[usize]) -> &mut f32 {
        let place = index.iter().zip(&self.1[name]).fold(0, |place, (i, length)| place * length + i);
        &mut self.0.get_mut(name).unwrap()[place]
    }

    fn set(&mut self, name: &'static str, index: &[usize], value: f64) {
        *self.at(name, index) = value as f32;
    }

    fn add(&mut self, name: &'static str, index: &[usize], value: f64) {
        *self.at(name, index) += value as f32;
    }

    fn fill(&mut self, name: &str, value: f32) {
        self.0.get_mut(name).into_iter().for_each(|values| values.fill(value));
    }
}

fn plain(tokens: &str) -> TransformerArchitecture {
    TransformerArchitecture {
        d_model: 0,
        n_heads: 0,
        d_head: 0,
        d_mlp: 0,
        tokens: tokens.parse().unwrap(),
        own_vocabularies: false,
        activation: Activation::Relu,
        norms: Norms::all(Norm::None),
        attention_divisor: 3.0,
        attention_coefficient: 1.0,
        parallel: false,
    }
}

fn analyse(checkpoint: &Checkpoint) -> (Summary, Vec<Claim>) {
    let summary = Summary::new(&Analysis::new(checkpoint, &mut ()).unwrap());
    let claims = claims(&summary);
    let json = serde_json::to_string(&(&summary, &claims)).unwrap();
    assert_eq!(
        serde_json::from_str::<(Summary, Vec<Claim>)>(&json).unwrap(),
        (summary.clone(), claims.clone())
    );
    (summary, claims)
}

const ADD: Task = Task::addition(41);
const FREQS: [usize; 3] = [3, 8, 20];

/// Asserts that a clock is found with its frequencies, by every rule, and that no claim about it fails.
fn assert_clock(checkpoint: &Checkpoint, freqs: &[usize], words: &str) {
    let (summary, claims) = analyse(checkpoint);
    let rules = &summary.key_freqs_by_rule;
    assert_eq!(
        (&rules.embedding[..], &rules.neurons[..], &rules.w_logit[..]),
        (freqs, freqs, freqs),
        "{words}"
    );
    assert_eq!(summary.accuracy, 1.0, "{words}");
    let failing: Vec<&Claim> = claims.iter().filter(|claim| claim.fails()).collect();
    assert!(failing.is_empty(), "{words}: {failing:#?}");
    let scores = SampledScores::new(checkpoint, usize::MAX).unwrap();
    assert!((scores.loss - summary.original_loss).abs() <= 1e-9 * summary.original_loss, "{words}");
}

#[test]
fn a_clock_is_recognised_in_every_transformer() {
    let clock = Clock { task: ADD, freqs: &FREQS };
    for choices in [
        plain("x y ="),
        plain("x + y ="),
        plain("= x y"),
        plain("x y"),
        TransformerArchitecture { own_vocabularies: true, ..plain("x y") },
        TransformerArchitecture { attention_coefficient: 0.5, ..plain("x y") },
        TransformerArchitecture { activation: Activation::Gelu, ..plain("x y =") },
        TransformerArchitecture { activation: Activation::GeluTanh, ..plain("x y =") },
        TransformerArchitecture { activation: Activation::Silu, ..plain("x y =") },
        TransformerArchitecture { activation: Activation::Square, ..plain("x y =") },
    ] {
        assert_clock(&clock.transformer(&choices), &FREQS, &format!("{choices:?}"));
    }
}

#[test]
fn a_clock_is_recognised_behind_layer_norms() {
    let clock = Clock { task: ADD, freqs: &FREQS };
    let last = |norm| Norms { before_unembedding: norm, ..Norms::all(Norm::None) };
    for norms in
        [last(Norm::Folded), last(Norm::Weighted), Norms::all(Norm::Folded), Norms::all(Norm::Weighted)]
    {
        let checkpoint = clock.transformer(&TransformerArchitecture { norms, ..plain("x y =") });
        assert_clock(&checkpoint, &FREQS, &format!("{norms:?}"));
    }
}

#[test]
fn a_clock_is_recognised_in_every_mlp() {
    let clock = Clock { task: ADD, freqs: &FREQS };
    for activation in Activation::ALL {
        for input in [MlpInput::Embedded { d_embed: 0 }, MlpInput::TwoOneHots] {
            assert_clock(&clock.mlp(input, activation), &FREQS, &format!("{input:?} {activation}"));
        }
    }
}

/// Where x and y enter alike, no neuron can have the difference of their waves, and linear terms stay in the logits.
#[test]
fn neurons_that_only_add_waves_keep_linear_terms() {
    let clock = Clock { task: ADD, freqs: &FREQS };
    let mut checkpoint = clock.mlp(MlpInput::OneHot, Activation::Square);
    // The last weights that were set are those of y; the neurons of the other sign have those of x with it.
    if let clockwork_model::StoredNetwork::Other(of) = &mut checkpoint.network {
        let d_mlp = 2 * ANGLES * FREQS.len();
        let w_out = of.tensors.get_mut(names::ONE_HOT_W_OUT).unwrap();
        w_out.chunks_exact_mut(41).skip(1).step_by(2).flatten().for_each(|w| *w = 0.0);
        assert_eq!(w_out.len(), d_mlp * 41);
    }
    let (summary, claims) = analyse(&checkpoint);
    assert_eq!(summary.key_freqs, FREQS);
    let linear = claims.iter().find(|claim| claim.id == "linear-terms-cancel").unwrap();
    assert!(linear.fails(), "{linear:?}");
    assert!(summary.mean_attention.is_empty() && summary.attended.is_empty());
    let relu = claims.iter().find(|claim| claim.id == "relu-product").unwrap();
    assert!(!relu.holds() && !relu.fails(), "{relu:?}");
}

#[test]
fn a_clock_is_recognised_in_the_coordinates_of_every_operation() {
    for (operation, modulus, freqs) in
        [(Operation::Subtract, 41, [3, 8, 20]), (Operation::Multiply, 43, [5, 8, 19])]
    {
        let clock = Clock { task: Task { modulus, operation }, freqs: &freqs };
        for choices in [plain("x y ="), plain("x y")] {
            let checkpoint = clock.transformer(&choices);
            assert_clock(&checkpoint, &freqs, &format!("{operation} {choices:?}"));
            let (summary, _) = analyse(&checkpoint);
            assert_eq!(summary.loss_in_coordinates.is_some(), operation == Operation::Multiply);
        }
        let subtracts = operation == Operation::Subtract;
        let own = TransformerArchitecture { own_vocabularies: subtracts, ..plain("x y") };
        assert_clock(&clock.transformer(&own), &freqs, &format!("{operation} {own:?}"));
    }
}

#[test]
fn random_weights_fail_in_every_architecture() {
    let noise = |architecture: Architecture| {
        let p = 29;
        let mut seed = 0_u32;
        let mut next = || {
            seed += 1;
            let noise = (f64::from(seed) * 12.9898).sin() * 43_758.545_3;
            (noise - noise.floor() - 0.5) as f32
        };
        let shapes = architecture.shapes(p).into_iter();
        let tensors = shapes
            .map(|(name, shape)| (name, (0..shape.iter().product::<usize>()).map(|_| next()).collect()))
            .collect();
        Checkpoint::of_network(Task::addition(p), OtherNetwork { architecture, tensors })
    };
    let sized = |of: TransformerArchitecture| {
        Architecture::Transformer(TransformerArchitecture {
            d_model: 16,
            n_heads: 2,
            d_head: 8,
            d_mlp: 64,
            ..of
        })
    };
    let mlp = |input, activation| Architecture::TwoInputMlp(MlpArchitecture { input, d_mlp: 64, activation });
    for architecture in [
        sized(plain("x + y =")),
        sized(TransformerArchitecture { own_vocabularies: true, attention_coefficient: 0.2, ..plain("x y") }),
        sized(TransformerArchitecture { norms: Norms::all(Norm::Weighted), ..plain("x y =") }),
        sized(TransformerArchitecture { parallel: true, activation: Activation::Silu, ..plain("x y") }),
        mlp(MlpInput::Embedded { d_embed: 8 }, Activation::Relu),
        mlp(MlpInput::OneHot, Activation::Gelu),
        mlp(MlpInput::TwoOneHots, Activation::Relu),
    ] {
        let words = format!("{architecture:?}");
        let (summary, claims) = analyse(&noise(architecture));
        assert!(summary.accuracy < 0.2 && summary.key_freqs.is_empty(), "{words}: {:?}", summary.key_freqs);
        let fails = |id: &str| claims.iter().find(|claim| claim.id == id).unwrap().fails();
        assert!(fails("generalises") && fails("embedding-sparse"), "{words}");
    }
}
