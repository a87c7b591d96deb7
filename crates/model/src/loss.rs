//! The cross-entropy of the answers, exact where the model is confident.
//!
//! `log_softmax` in 32 bits can only return multiples of 1.2e-7 near 0. The loss of an example is
//! therefore computed from the logits that are *not* the answer's: with
//! `t = logsumexp_{j≠c}(l_j) − l_c` it is `log(1 + e^t)`, exact down to underflow.

use burn::prelude::*;
use burn::tensor::TensorReadError;

use crate::Batch;

/// Masks the answer's logit: e to the power of it is 0. An infinity would do too, but graphics interfaces may
/// drop infinities.
const MASKED: f64 = -1e30;

/// The loss of every example in nats, [n], from logits [n, p].
#[must_use]
pub fn per_example(logits: Tensor<2>, batch: &Batch) -> Tensor<1> {
    let answer = logits.clone().gather(1, batch.answer.clone()); // [n, 1]
    let others = logits.mask_fill(batch.is_answer.clone(), MASKED); // [n, p]
    let largest = others.clone().detach().max_dim(1); // [n, 1]
    let logsumexp = (others - largest.clone()).exp().sum_dim(1).log() + largest; // [n, 1]
    softplus(logsumexp - answer).squeeze_dim(1)
}

/// `log(1 + e^t)` without overflow for large `t` and without cancellation for small.
fn softplus(t: Tensor<2>) -> Tensor<2> {
    t.clone().clamp_min(0.0) + t.abs().neg().exp().log1p()
}

/// The loss of one example in nats, in 64 bits, by the same formula.
#[must_use]
pub fn of_row(logits: &[f64], answer: usize) -> f64 {
    let others = || logits.iter().enumerate().filter(|&(z, _)| z != answer).map(|(_, &logit)| logit);
    let largest = others().fold(f64::NEG_INFINITY, f64::max);
    let t = others().map(|logit| (logit - largest).exp()).sum::<f64>().ln() + largest - logits[answer];
    t.max(0.0) + (-t.abs()).exp().ln_1p()
}

/// The mean loss of each of r networks, summed in 64 bits, from the losses of [`per_example`]; each network
/// has as many examples.
///
/// # Errors
///
/// What the device says where it cannot hand the losses back.
pub fn means(losses: Tensor<1>, r: usize) -> Result<Vec<f64>, TensorReadError> {
    let losses: Vec<f32> = losses.try_into_vec_as()?;
    let n = losses.len() / r;
    let mean = |of: &[f32]| of.iter().map(|&loss| f64::from(loss)).sum::<f64>() / n as f64;
    Ok(losses.chunks_exact(n).map(mean).collect())
}

/// The accuracy of each of r networks, which have as many examples each, from logits [n, p]: the fraction of
/// examples whose answer's logit is above every other.
///
/// # Errors
///
/// What the device says where it cannot hand the counts back.
pub fn accuracies(logits: Tensor<2>, batch: &Batch, r: usize) -> Result<Vec<f64>, TensorReadError> {
    let answer = logits.clone().gather(1, batch.answer.clone()); // [n, 1]
    let largest = logits.mask_fill(batch.is_answer.clone(), MASKED).max_dim(1); // [n, 1]
    let n = batch.len() / r;
    let correct = answer.greater(largest).int().reshape([r, n]).sum_dim(1); // [r, 1]
    let correct: Vec<i64> = correct.try_into_vec_as()?;
    Ok(correct.into_iter().map(|correct| correct as f64 / n as f64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Task;

    const TASK: Task = Task::addition(3);

    /// The loss in 64 bits by the definition, −log softmax, arranged so that it does not cancel.
    fn oracle(logits: &[f32], answer: usize) -> f64 {
        let others = logits.iter().enumerate().filter(|&(z, _)| z != answer);
        others.map(|(_, &l)| (f64::from(l) - f64::from(logits[answer])).exp()).sum::<f64>().ln_1p()
    }

    fn loss_of_first_pair(logits: [f32; 3]) -> f64 {
        let device = Device::flex();
        let batch = Batch::new(TASK, &[0], &device);
        f64::from(per_example(Tensor::from_floats([logits], &device), &batch).into_scalar::<f32>())
    }

    #[test]
    fn exact_from_certain_to_hopeless() {
        for margin in [80.0, 40.0, 20.0, 15.0, 5.0, 0.0, -5.0, -80.0, -1000.0] {
            let logits = [margin, 0.25, -0.5];
            let (loss, exact) = (loss_of_first_pair(logits), oracle(&logits, 0));
            assert!((loss - exact).abs() <= 1e-5 * exact, "{margin}: {loss} is not {exact}");
            let wide = of_row(&logits.map(f64::from), 0);
            assert!((wide - exact).abs() <= 1e-12 * exact, "{margin}: {wide} is not {exact}");
        }
    }

    #[test]
    fn an_answer_is_right_where_no_other_is_as_likely() {
        let device = Device::flex();
        let batch = Batch::new(TASK, &[0, 1, 2, 3], &device); // answers 0, 1, 2, 1
        let logits = [[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [0.0, 2.0, 2.0]];
        assert_eq!(accuracies(Tensor::from_floats(logits, &device), &batch, 1).unwrap(), [0.5]);
    }

    #[test]
    fn gradient_is_softmax_minus_answer_even_when_certain() {
        let device = Device::flex().autodiff();
        let batch = Batch::new(TASK, &[0], &device);
        for margin in [30.0_f32, 3.0, -3.0] {
            let logits = Tensor::<2>::from_floats([[margin, 0.0, 0.0]], &device).require_grad();
            let grads = per_example(logits.clone(), &batch).sum().backward();
            let grad: Vec<f32> = logits.grad(&grads).unwrap().try_into_vec_as().unwrap();
            let exact = 1.0 / (2.0 + f64::from(margin).exp());
            for (found, exact) in grad.iter().zip([-2.0 * exact, exact, exact]) {
                assert!(
                    (f64::from(*found) - exact).abs() < 1e-5 * exact.abs(),
                    "{margin}: {found} is not {exact}"
                );
            }
        }
    }
}
