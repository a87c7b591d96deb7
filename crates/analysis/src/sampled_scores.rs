use clockwork_model::{Checkpoint, Task, loss};

use crate::{Result, network_of};

/// How well a network does on some pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampledScores {
    /// Mean loss in nats.
    pub loss: f64,
    /// The fraction of answers that are right.
    pub accuracy: f64,
    /// The standard deviation of the margins by which right answers' logits are above all others, as a share of their
    /// mean. It does not depend on the logits' scale.
    pub margin_spread: f64,
}

impl SampledScores {
    /// How well the network of a checkpoint does on a sample of its task's pairs, or on all where there are no more than
    /// `most`. The same pairs are drawn every time.
    ///
    /// # Errors
    ///
    /// [`Error::Device`](crate::Error::Device) where a result cannot be read back.
    pub fn new(checkpoint: &Checkpoint, most: usize) -> Result<Self> {
        let task = checkpoint.metadata.task;
        let pairs = sample(task, most);
        let logits = network_of(checkpoint).run(&pairs)?.logits;
        let (n, mut loss, mut margins) = (pairs.len() as f64, 0.0, Vec::new());
        for (&pair, row) in pairs.iter().zip(logits.chunks_exact(task.modulus)) {
            let answer = task.answer(pair);
            loss += loss::of_row(row, answer);
            let others = row.iter().enumerate().filter(|(z, _)| *z != answer);
            margins.push(row[answer] - others.map(|(_, logit)| *logit).fold(f64::NEG_INFINITY, f64::max));
        }
        let mean = margins.iter().sum::<f64>() / n;
        let variance = margins.iter().map(|margin| (margin - mean).powi(2)).sum::<f64>() / n;
        Ok(Self {
            loss: loss / n,
            accuracy: margins.iter().filter(|margin| **margin > 0.0).count() as f64 / n,
            margin_spread: variance.sqrt() / mean,
        })
    }
}

/// Pairs that lie evenly, and in no row or column more than in others: each step goes on by the golden section of all.
fn sample(task: Task, most: usize) -> Vec<(usize, usize)> {
    let n = task.n_pairs();
    let golden = (n as f64 * 0.618_034) as usize;
    let step = (1..=golden).rev().find(|step| greatest_common_divisor(*step, n) == 1).unwrap_or(1);
    let pairs: Vec<(usize, usize)> = task.pairs().collect();
    (0..n.min(most)).map(|i| pairs[i * step % n]).collect()
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clockwork_model::clock;

    use super::*;
    use crate::{Analysis, Summary};

    #[test]
    fn a_sample_of_all_pairs_has_each_once_and_gives_the_figures_of_an_analysis() {
        for p in [3, 7, 12] {
            let task = Task::addition(p);
            assert_eq!(sample(task, usize::MAX).into_iter().collect::<BTreeSet<_>>().len(), p * p);
            assert_eq!(sample(task, 5), sample(task, usize::MAX)[..5]);
        }
        let (config, mut weights) = clock(11, &[2, 5], 8);
        weights.w_u.iter_mut().for_each(|w| *w *= 0.01);
        let checkpoint = Checkpoint::of_weights(config, weights);
        let summary = Summary::new(&Analysis::new(&checkpoint, &mut ()).unwrap());
        let scores = SampledScores::new(&checkpoint, usize::MAX).unwrap();
        assert!((scores.loss - summary.original_loss).abs() < 1e-12);
        assert_eq!(scores.accuracy, summary.accuracy);
    }
}
