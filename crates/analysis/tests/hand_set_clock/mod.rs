//! A clock set by hand, in any architecture and for any operation that has coordinates.

use std::{collections::BTreeMap, f64::consts::PI};

use clockwork_analysis::{Analysis, Claim, SampledScores, Summary, claims};
use clockwork_model::{
    Activation, Architecture, Checkpoint, MlpArchitecture, MlpInput, NAMES, Norm, Norms, Operation,
    OtherNetwork, Task, TransformerArchitecture, names,
};

/// Angles per frequency.
pub const ANGLES: usize = 16;

/// The least factor from neurons' inputs at which a smooth activation is as good as a ReLU.
const STEEP: f64 = 60.0;

/// What the last token has in two directions, up to its sign.
const CONSTANT: f64 = 30.0;

/// A clock that is to be built.
pub struct Clock<'a> {
    pub task: Task,
    pub freqs: &'a [usize],
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
    pub fn mlp(&self, input: MlpInput, activation: Activation) -> Checkpoint {
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
    pub fn transformer(&self, choices: &TransformerArchitecture) -> Checkpoint {
        let (p, n, waves) = (self.task.modulus, self.n(), self.waves());
        let coordinates = self.task.coordinates();
        // Where one vocabulary serves x and y in different coordinates, each number has the waves of both.
        let is_twofold = !choices.own_vocabularies && !coordinates.are_alike();
        let copies = if is_twofold { 2 * waves } else { waves };
        let position = copies + 2 * waves;
        let (last, zero, answers) = (position + 2, position + 3, position + 5);
        let has_zero = self.task.operation == Operation::Multiply && self.task.zero;
        let (balance, d_model) = (answers + n, answers + n + 1);
        let d_mlp = 2 * ANGLES * self.freqs.len();
        let of = TransformerArchitecture { d_model, n_heads: 2, d_head: waves + 2, d_mlp, ..choices.clone() };
        let architecture = Architecture::Transformer(of.clone());
        let mut tensors = Tensors::new(&architecture, p);
        for c in 0..n {
            for (d, wave) in self.embedding(c).into_iter().enumerate() {
                tensors.set(NAMES.w_e, &[coordinates.x[c], d], wave);
                if of.own_vocabularies {
                    tensors.set(NAMES.w_e, &[p + coordinates.y[c], d], wave);
                }
                if is_twofold {
                    tensors.set(NAMES.w_e, &[coordinates.y[c], waves + d], wave);
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
            let from = if is_twofold { head * waves } else { 0 };
            for d in 0..waves {
                tensors.set(NAMES.w_v, &[head, from + d, d], 1.0);
                tensors.set(NAMES.w_o, &[head, d, copies + head * waves + d], 1.0);
            }
            // 0 has no logarithm: it says so, and the answer is 0.
            tensors.set(NAMES.w_v, &[head, zero, waves + 1], 1.0);
            tensors.set(NAMES.w_o, &[head, waves + 1, zero + 1], 1.0);
            // Biases that take each other back.
            tensors.set(names::B_V, &[head, 0], 0.5);
            let sum = of.attention_coefficient + others * tokens.len() as f64;
            tensors.set(names::B_O, &[copies + head * waves], -0.5 * sum);
            tensors.set(names::B_K, &[head, waves], 0.25);
        }
        if !has_zero {
            // What a norm takes off all directions is added to no answer.
            (0..p).for_each(|z| tensors.set(NAMES.w_u, &[zero, z], -400.0));
        }
        if has_zero {
            tensors.set(NAMES.w_e, &[0, zero], 1.0);
            tensors.set(NAMES.w_u, &[zero + 1, 0], 1e4);
        }
        let steep = Self::steepness(of.activation);
        for (neuron, made_of) in self.neurons().iter().enumerate() {
            for of_y in [false, true] {
                for (d, weight) in self.weights_of(made_of, of_y).into_iter().enumerate() {
                    // Each head's copy has a share of the other number too, which is taken off.
                    let scale = steep * weight / (1.0 - others * others);
                    let own = usize::from(of_y);
                    tensors.add(NAMES.w_in, &[copies + own * waves + d, neuron], scale);
                    tensors.add(NAMES.w_in, &[copies + (1 - own) * waves + d, neuron], -others * scale);
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

pub fn plain(tokens: &str) -> TransformerArchitecture {
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

pub fn analyse(checkpoint: &Checkpoint) -> (Summary, Vec<Claim>) {
    let summary = Summary::new(&Analysis::new(checkpoint, &mut ()).unwrap());
    let claims = claims(&summary);
    let json = serde_json::to_string(&(&summary, &claims)).unwrap();
    assert_eq!(
        serde_json::from_str::<(Summary, Vec<Claim>)>(&json).unwrap(),
        (summary.clone(), claims.clone())
    );
    (summary, claims)
}

/// Asserts that a clock is found with its frequencies, by every rule, and that no claim about it fails.
pub fn assert_clock(checkpoint: &Checkpoint, freqs: &[usize], words: &str) {
    let claims = assert_frequencies(checkpoint, freqs, words);
    let failing: Vec<&Claim> = claims.iter().filter(|claim| claim.fails()).collect();
    assert!(failing.is_empty(), "{words}: {failing:#?}");
}

/// Asserts that a network that answers all right is found to use some frequencies, by every rule.
pub fn assert_frequencies(checkpoint: &Checkpoint, freqs: &[usize], words: &str) -> Vec<Claim> {
    let (summary, claims) = analyse(checkpoint);
    let rules = &summary.key_freqs_by_rule;
    assert_eq!(
        (&rules.embedding[..], &rules.neurons[..], &rules.w_logit[..]),
        (freqs, freqs, freqs),
        "{words}"
    );
    assert_eq!(summary.accuracy, 1.0, "{words}");
    let scores = SampledScores::new(checkpoint, usize::MAX).unwrap();
    assert!((scores.loss - summary.original_loss).abs() <= 1e-9 * summary.original_loss, "{words}");
    claims
}
