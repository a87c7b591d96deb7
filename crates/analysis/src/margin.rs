use crate::{Arrays, Network};

/// By how much the right answer's logit is above every other.
#[derive(Debug, Clone, PartialEq)]
pub struct Margin {
    /// The right answer's logit minus the largest other of every input, [p²], x first.
    pub of_inputs: Vec<f64>,
    /// The smallest of them.
    pub least: f64,
}

impl Margin {
    /// The margins of a network's logits.
    pub(crate) fn new(network: &Network) -> Self {
        let addition = network.addition();
        let margin = |(pair, row): ((usize, usize), &[f64])| {
            let answer = addition.answer(pair);
            let others = (0..row.len()).filter(|&z| z != answer).map(|z| row[z]);
            row[answer] - others.fold(f64::NEG_INFINITY, f64::max)
        };
        let rows = network.logits.chunks_exact(network.n());
        let of_inputs: Vec<f64> = addition.pairs().zip(rows).map(margin).collect();
        Self { least: of_inputs.iter().copied().fold(f64::INFINITY, f64::min), of_inputs }
    }

    /// Adds the array behind its figure.
    pub(crate) fn insert_into(&self, arrays: &mut Arrays, p: usize) {
        arrays.insert("logits.margin", &[p, p], self.of_inputs.clone());
    }
}

#[cfg(test)]
mod tests {
    use clockwork_model::{Task, clock};

    use super::*;

    #[test]
    fn a_network_that_answers_everything_right_has_positive_margins() {
        let (config, weights) = clock(11, &[2, 5], 8);
        let network = Network::new(Task::addition(11), &weights, &config).unwrap();
        let margin = Margin::new(&network);
        assert_eq!(margin.of_inputs.len(), 121);
        assert!(margin.least > 0.0 && margin.of_inputs.contains(&margin.least));
    }
}
