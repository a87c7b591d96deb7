use crate::network::{Reads, Tables, TokenTable};

/// What x and y add to the inputs of the neurons and, past these, to the logits, by coordinates, with bounds on what attention
/// changes about it: all that a network without layer norms can do, known without running it on any pair.
///
/// Each sum is within its slack of what `x` and `y` and `constant` say.
pub(crate) struct Additive {
    pub n: usize,
    pub d_mlp: usize,
    /// What x, and what y, adds to the neurons' inputs, [n, d_mlp] each.
    pub to_neurons: [Vec<f64>; 2],
    /// By how much that may be off, [n, d_mlp] each.
    pub neuron_slack: [Vec<f64>; 2],
    /// What is added for every pair, [d_mlp].
    pub constant: Vec<f64>,
    /// By how much that may be off, [d_mlp].
    pub constant_slack: Vec<f64>,
    /// What x, and what y, adds to the logits past the neurons, [n, n] each.
    pub to_logits: [Vec<f64>; 2],
    /// What is added to them for every pair, [n].
    pub logit_constant: Vec<f64>,
    /// By how much a difference of two logits may be off for x, and for y, [n] each.
    pub logit_slack: [Vec<f64>; 2],
    /// The same for every pair.
    pub logit_constant_slack: f64,
}

/// The largest difference of two of some numbers.
pub(crate) fn range(of: impl Iterator<Item = f64> + Clone) -> f64 {
    let (low, high) = of.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if high >= low { high - low } else { 0.0 }
}

impl Additive {
    /// What tables say, with numbers and answers in the order of their coordinates.
    pub fn new(tables: &Tables, numbers: [&[usize]; 2], answers: &[usize]) -> Self {
        let (n, d_mlp) = (answers.len(), tables.d_mlp);
        let zeros = |width: usize| [vec![0.0; n * width], vec![0.0; n * width]];
        let mut all = Self {
            n,
            d_mlp,
            to_neurons: zeros(d_mlp),
            neuron_slack: zeros(d_mlp),
            constant: vec![0.0; d_mlp],
            constant_slack: vec![0.0; d_mlp],
            to_logits: zeros(n),
            logit_constant: vec![0.0; n],
            logit_slack: zeros(1),
            logit_constant_slack: 0.0,
        };
        let ranges = (tables.pattern_ranges)();
        let beside = (&tables.beside, vec![[1.0; 2]]);
        for (token, pattern) in tables.tokens.iter().zip(ranges).chain(std::iter::once(beside)) {
            let row = |number| Row { token, number, pattern: &pattern, answers };
            match token.reads {
                Reads::X => all.add_number(0, numbers[0], row),
                Reads::Y => all.add_number(1, numbers[1], row),
                Reads::Nothing => all.add_constant(&row(0)),
            }
        }
        all
    }

    fn add_number<'a>(&mut self, which: usize, numbers: &[usize], row: impl Fn(usize) -> Row<'a>) {
        let (n, d_mlp) = (self.n, self.d_mlp);
        for (coordinate, &number) in numbers.iter().enumerate() {
            let to_neurons = &mut self.to_neurons[which][coordinate * d_mlp..][..d_mlp];
            let slack = &mut self.neuron_slack[which][coordinate * d_mlp..][..d_mlp];
            let to_logits = &mut self.to_logits[which][coordinate * n..][..n];
            row(number).add((to_neurons, slack), (to_logits, &mut self.logit_slack[which][coordinate]));
        }
    }

    fn add_constant(&mut self, row: &Row) {
        let neurons = (&mut self.constant[..], &mut self.constant_slack[..]);
        row.add(neurons, (&mut self.logit_constant[..], &mut self.logit_constant_slack));
    }
}

/// What a token adds for one thing that it can be.
struct Row<'a> {
    token: &'a TokenTable,
    number: usize,
    /// The range of the pattern per head.
    pattern: &'a [[f64; 2]],
    /// The answers in the order of their coordinates.
    answers: &'a [usize],
}

impl Row<'_> {
    /// Adds it at the middle of the pattern's range, and how far either end is from it.
    fn add(
        &self,
        (to_neurons, slack): (&mut [f64], &mut [f64]),
        (to_logits, logit_slack): (&mut [f64], &mut f64),
    ) {
        let heads = self.pattern.len();
        let width = self.token.values.len() / self.token.rows / heads;
        let by_head = self.token.values.chunks_exact(width).skip(self.number * heads);
        for (values, &[low, high]) in by_head.zip(self.pattern) {
            let (pattern, half) = (f64::midpoint(low, high), (high - low) / 2.0);
            let (of_neurons, of_logits) = values.split_at(to_neurons.len());
            for ((sum, slack), value) in to_neurons.iter_mut().zip(slack.iter_mut()).zip(of_neurons) {
                *sum += pattern * value;
                *slack += half * value.abs();
            }
            let in_order = || self.answers.iter().map(|&z| of_logits[z]);
            to_logits.iter_mut().zip(in_order()).for_each(|(sum, value)| *sum += pattern * value);
            *logit_slack += half * range(in_order());
        }
    }
}
