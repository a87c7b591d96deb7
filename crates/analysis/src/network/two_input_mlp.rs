use std::{borrow::Cow, collections::BTreeMap};

use clockwork_model::{
    Activation, MlpArchitecture, MlpInput,
    names::{ONE_HOT_B_IN, ONE_HOT_B_OUT, ONE_HOT_W_IN, ONE_HOT_W_OUT, W, W_U, W_X, W_Y},
};

use super::{
    Activations, Embeddings, LinearHeads, LogitGradients, Network, Reads, Tables, TokenTable, add_to_rows,
    rounding::{Bounded, largest_norm, norm},
    transposed, wide,
};
use crate::{
    Result,
    product::{product, rows_of},
};

/// Neurons that see two numbers at once: logits = act(A[x] + B[y] + b_in) W_logit + b_out, with A and B what each number
/// adds to the neurons.
#[derive(Debug, Clone)]
pub(super) struct TwoInputMlp {
    p: usize,
    d_mlp: usize,
    activation: Activation,
    /// How numbers enter: their embeddings and the weights from these into the neurons, for x and for y.
    inputs: [Input; 2],
    /// Whether x and y enter alike.
    is_shared: bool,
    b_in: Vec<f64>,
    w_logit: Vec<f64>,
    b_out: Vec<f64>,
}

/// How one of the two numbers enters.
#[derive(Debug, Clone)]
struct Input {
    /// The number's embedding, [p, d_embed]; none where it is a one-hot vector.
    embedding: Option<Vec<f64>>,
    /// From it into the neurons, [d_embed, d_mlp], or [p, d_mlp].
    weights: Vec<f64>,
    /// What each number adds to the neurons, [p, d_mlp].
    adds: Vec<f64>,
}

impl Input {
    fn embedded(embedding: Vec<f64>, weights: &[f64], d_embed: usize, d_mlp: usize) -> Self {
        let adds = product(rows_of(&embedding, d_embed), rows_of(weights, d_mlp));
        Self { embedding: Some(embedding), weights: weights.to_vec(), adds }
    }

    fn one_hot(weights: &[f64]) -> Self {
        Self { embedding: None, weights: weights.to_vec(), adds: weights.to_vec() }
    }
}

impl TwoInputMlp {
    /// An MLP of these tensors.
    pub fn new(of: &MlpArchitecture, p: usize, tensors: &BTreeMap<&'static str, Vec<f32>>) -> Self {
        let &MlpArchitecture { input, d_mlp, activation } = of;
        let of_name = |name: &str| wide(&tensors[name]);
        let (inputs, is_shared, others) = match input {
            MlpInput::Embedded { d_embed } => {
                let w = of_name(W);
                let (of_x, of_y) = w.split_at(d_embed * d_mlp);
                let x = Input::embedded(of_name(W_X), of_x, d_embed, d_mlp);
                let y = Input::embedded(of_name(W_Y), of_y, d_embed, d_mlp);
                ([x, y], false, [vec![0.0; d_mlp], of_name(W_U), vec![0.0; p]])
            }
            MlpInput::OneHot | MlpInput::TwoOneHots => {
                let w_in = of_name(ONE_HOT_W_IN);
                let is_shared = input == MlpInput::OneHot;
                let of_y = if is_shared { &w_in[..] } else { &w_in[p * d_mlp..] };
                let inputs = [Input::one_hot(&w_in[..p * d_mlp]), Input::one_hot(of_y)];
                (inputs, is_shared, [ONE_HOT_B_IN, ONE_HOT_W_OUT, ONE_HOT_B_OUT].map(of_name))
            }
        };
        let [b_in, w_logit, b_out] = others;
        Self { p, d_mlp, activation, inputs, is_shared, b_in, w_logit, b_out }
    }

    /// What goes into the neurons on some pairs, [n, d_mlp].
    fn neuron_acts_pre(&self, pairs: &[(usize, usize)]) -> Vec<f64> {
        let d_mlp = self.d_mlp;
        let of_pair = |&(x, y): &(usize, usize)| {
            let [of_x, of_y] = &self.inputs;
            let (x, y) = (&of_x.adds[x * d_mlp..][..d_mlp], &of_y.adds[y * d_mlp..][..d_mlp]);
            x.iter().zip(y).zip(&self.b_in).map(|((x, y), b)| x + y + b)
        };
        pairs.iter().flat_map(of_pair).collect()
    }
}

impl Network for TwoInputMlp {
    fn activation(&self) -> Activation {
        self.activation
    }

    /// The rows of `W_in` where numbers enter as one-hot vectors: the embedding that its first layer learned.
    fn embeddings(&self) -> Embeddings<'_> {
        let of =
            |input: &'_ Input| Cow::from(input.embedding.clone().unwrap_or_else(|| input.weights.clone()));
        let x = of(&self.inputs[0]);
        Embeddings { width: x.len() / self.p, x, y: (!self.is_shared).then(|| of(&self.inputs[1])) }
    }

    fn w_logit(&self) -> Vec<f64> {
        self.w_logit.clone()
    }

    fn attended(&self) -> Vec<String> {
        Vec::new()
    }

    fn linear_heads(&self) -> Option<LinearHeads<'_>> {
        None
    }

    fn run(&self, pairs: &[(usize, usize)]) -> Result<Activations> {
        let neuron_acts_pre = self.neuron_acts_pre(pairs);
        let neuron_acts: Vec<f64> = neuron_acts_pre.iter().map(|&v| self.activation.of(v)).collect();
        let mut logits = product(rows_of(&neuron_acts, self.d_mlp), rows_of(&self.w_logit, self.p)); // [n, p]
        add_to_rows(&mut logits, &self.b_out);
        Ok(Activations { pattern: Vec::new(), neuron_acts_pre, neuron_acts, logits, logit_scale: None })
    }

    fn with_embeddings(&self, embeddings: &Embeddings) -> Box<dyn Network> {
        let mut network = self.clone();
        let d_mlp = self.d_mlp;
        let of_y = embeddings.y.as_ref().unwrap_or(&embeddings.x);
        network.inputs = [(&self.inputs[0], &embeddings.x), (&self.inputs[1], of_y)].map(|(input, with)| {
            match &input.embedding {
                Some(_) => Input::embedded(with.to_vec(), &input.weights, embeddings.width, d_mlp),
                None => Input::one_hot(with),
            }
        });
        Box::new(network)
    }

    fn logit_error(&self) -> Option<f64> {
        let number = |input: &Input| match &input.embedding {
            Some(embedding) => {
                let width = embedding.len() / self.p;
                Bounded::exact(largest_norm(embedding, width)).times(norm(&input.weights), width)
            }
            None => Bounded::exact(largest_norm(&input.weights, self.d_mlp)),
        };
        let [x, y] = self.inputs.each_ref().map(number);
        let pre = x.plus(y).plus(Bounded::exact(norm(&self.b_in)));
        let logits = pre.through(self.activation).times(norm(&self.w_logit), self.d_mlp);
        Some(logits.plus(Bounded::exact(norm(&self.b_out))).error.0)
    }

    fn tables(&self) -> Option<Tables<'_>> {
        let (p, d_mlp) = (self.p, self.d_mlp);
        let past = vec![0.0; p];
        let table = |(input, reads): (&Input, Reads)| TokenTable {
            reads,
            rows: p,
            values: input.adds.chunks_exact(d_mlp).flat_map(|adds| [adds, &past].concat()).collect(),
        };
        let products = self.inputs.iter().filter_map(|input| {
            let width = input.embedding.as_ref()?.len() / p;
            Some((p * width * d_mlp) as u64)
        });
        Some(Tables {
            p,
            d_mlp,
            activation: self.activation,
            w_logit: &self.w_logit,
            tokens: self.inputs.iter().zip([Reads::X, Reads::Y]).map(table).collect(),
            beside: TokenTable {
                reads: Reads::Nothing,
                rows: 1,
                values: [&self.b_in[..], &self.b_out].concat(),
            },
            pattern: Box::new(|_| vec![1.0; 2]),
            pattern_ranges: Box::new(|| vec![vec![[1.0; 2]]; 2]),
            products: products.sum(),
        })
    }

    fn products(&self) -> u64 {
        let of_number =
            |input: &Input| input.embedding.as_ref().map_or(0, |of| of.len() / self.p * self.d_mlp);
        (self.inputs.iter().map(of_number).sum::<usize>() + self.d_mlp * self.p) as u64
    }

    fn gradients(&self) -> Box<dyn LogitGradients + '_> {
        Box::new(MlpGradients {
            network: self,
            weights: self.inputs.each_ref().map(|input| transposed(&input.weights, self.d_mlp)),
        })
    }
}

/// An MLP and what its gradients take beside it.
struct MlpGradients<'a> {
    network: &'a TwoInputMlp,
    /// From what enters for x, and for y, into the neurons, [d_mlp, width].
    weights: [Vec<f64>; 2],
}

impl LogitGradients for MlpGradients<'_> {
    /// With respect to the one-hot vectors, where numbers enter as these.
    fn of(&self, pair: (usize, usize), answers: &[usize]) -> [Vec<f64>; 2] {
        let &TwoInputMlp { p, d_mlp, activation, ref w_logit, .. } = self.network;
        let slopes = self.network.neuron_acts_pre(&[pair]).into_iter().map(|pre| activation.derivative(pre));
        // Neurons whose activation is flat pass nothing on.
        let steep: Vec<(usize, f64)> = slopes.enumerate().filter(|&(_, slope)| slope != 0.0).collect();
        let of_neuron = |&(neuron, slope): &(usize, f64)| {
            let row = &w_logit[neuron * p..][..p];
            answers.iter().map(move |&z| slope * row[z])
        };
        let to_pre: Vec<f64> = steep.iter().flat_map(of_neuron).collect(); // [steep, answers]
        self.weights.each_ref().map(|weights| {
            let width = weights.len() / d_mlp;
            if steep.is_empty() {
                return vec![0.0; width * answers.len()];
            }
            let of_neuron = |(neuron, _): &(usize, f64)| &weights[neuron * width..][..width];
            let weights: Vec<f64> = steep.iter().flat_map(of_neuron).copied().collect(); // [steep, width]
            product(rows_of(&weights, width).transpose(), rows_of(&to_pre, answers.len()))
        })
    }
}

#[cfg(test)]
mod tests {
    use clockwork_model::Architecture;

    use super::*;

    #[test]
    fn gradients_and_logits_are_those_of_the_definitions() {
        let p = 5;
        for input in [MlpInput::Embedded { d_embed: 3 }, MlpInput::OneHot, MlpInput::TwoOneHots] {
            let of = MlpArchitecture { input, d_mlp: 6, activation: Activation::Silu };
            let shapes = Architecture::TwoInputMlp(of.clone()).shapes(p).into_iter();
            let noise = |name: &str, i: usize| ((name.len() * 31 + i) as f64 * 12.9898).sin() as f32;
            let tensors: BTreeMap<&str, Vec<f32>> = shapes
                .map(|(name, shape)| (name, (0..shape.iter().product()).map(|i| noise(name, i)).collect()))
                .collect();
            let network = TwoInputMlp::new(&of, p, &tensors);
            let w = |name: &str, i: usize| f64::from(tensors[name][i]);
            // What enters for a number, and its weight into a neuron.
            let enters = |number: usize, which: usize| -> Vec<f64> {
                match input {
                    MlpInput::Embedded { d_embed } => {
                        (0..d_embed).map(|d| w([W_X, W_Y][which], number * d_embed + d)).collect()
                    }
                    _ => (0..p).map(|x| f64::from(u8::from(x == number))).collect(),
                }
            };
            let weight = |which: usize, d: usize, n: usize| match input {
                MlpInput::Embedded { d_embed } => w(W, (which * d_embed + d) * 6 + n),
                MlpInput::OneHot => w(ONE_HOT_W_IN, d * 6 + n),
                MlpInput::TwoOneHots => w(ONE_HOT_W_IN, (which * p + d) * 6 + n),
            };
            let is_embedded = matches!(input, MlpInput::Embedded { .. });
            let logit = |inputs: [&[f64]; 2], z: usize| -> f64 {
                let act = |n: usize| {
                    let of_input = |which: usize| {
                        inputs[which].iter().enumerate().map(|(d, v)| v * weight(which, d, n)).sum::<f64>()
                    };
                    let bias = if is_embedded { 0.0 } else { w(ONE_HOT_B_IN, n) };
                    Activation::Silu.of(of_input(0) + of_input(1) + bias)
                };
                let (out, bias) = if is_embedded { (W_U, 0.0) } else { (ONE_HOT_W_OUT, w(ONE_HOT_B_OUT, z)) };
                (0..6).map(|n| act(n) * w(out, n * p + z)).sum::<f64>() + bias
            };
            let (x, y) = (enters(3, 0), enters(1, 1));
            let found = network.run(&[(3, 1)]).unwrap().logits;
            let by_tables = network.tables().unwrap().logits(&[(3, 1)]);
            assert!(
                found
                    .iter()
                    .zip(&by_tables)
                    .all(|(a, b)| (a - b).abs() <= 2.0 * network.logit_error().unwrap())
            );
            // The same embeddings make the same network, and none that is there makes one of biases.
            let embeddings = network.embeddings();
            assert_eq!(network.with_embeddings(&embeddings).run(&[(3, 1)]).unwrap().logits, found);
            let none = |of: &[f64]| vec![0.0; of.len()].into();
            let none = Embeddings {
                width: embeddings.width,
                x: none(&embeddings.x),
                y: embeddings.y.as_ref().map(|y| none(y)),
            };
            let without = network.with_embeddings(&none).run(&[(3, 1), (0, 4)]).unwrap().logits;
            assert_eq!(without[..p], without[p..]);
            let gradients = network.gradients().of((3, 1), &[4, 2]);
            for (z, found) in found.iter().enumerate() {
                assert!((found - logit([&x, &y], z)).abs() < 1e-12, "{input:?}");
            }
            // Those of the second answer that was asked for.
            for (d, gradient) in gradients[1].iter().skip(1).step_by(2).enumerate() {
                let moved = |by: f64| {
                    let mut y = y.clone();
                    y[d] += by;
                    logit([&x, &y], 2)
                };
                assert!(((moved(1e-5) - moved(-1e-5)) / 2e-5 - gradient).abs() < 1e-8, "{input:?} {d}");
            }
        }
    }
}
