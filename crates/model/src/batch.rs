use burn::prelude::*;

use crate::{Rows, Task};

/// Pairs and their answers on a device, for one network or several. n counts the pairs of all networks.
#[derive(Debug, Clone)]
pub struct Batch {
    /// First number of each pair.
    pub x: Rows,
    /// Second number of each pair.
    pub y: Rows,
    /// The answer to each pair, [n, 1].
    pub answer: Tensor<2, Int>,
    /// True where a logit belongs to the answer, [n, p].
    pub is_answer: Tensor<2, Bool>,
}

impl Batch {
    /// The pairs of the given indices on a device, for one network.
    #[must_use]
    pub fn new(task: Task, pairs: &[usize], device: &Device) -> Self {
        Self::of_replicas(&[task], &[pairs], device)
    }

    /// The pairs of r networks on a device, by their [index](Task::index), those of the first network
    /// first. All networks must have the same number of pairs, n / r, and the same modulus; what they learn may differ, as
    /// random answers do.
    ///
    /// # Panics
    ///
    /// Where there is no network.
    #[must_use]
    pub fn of_replicas(tasks: &[Task], pairs: &[&[usize]], device: &Device) -> Self {
        let (r, p) = (tasks.len(), tasks[0].modulus);
        let column = |of_pair: &dyn Fn(usize, (usize, usize)) -> usize| {
            let of_replica = |(i, indices): (usize, &&[usize])| {
                indices.iter().map(|&index| of_pair(i, tasks[i].pair(index)) as i64).collect()
            };
            let values: Vec<Vec<i64>> = pairs.iter().enumerate().map(of_replica).collect();
            Tensor::<1, Int>::from_data(values.concat().as_slice(), device)
        };
        let rows = |numbers: Tensor<1, Int>| {
            let n = numbers.dims()[0];
            Rows::new(numbers.reshape([r, n / r]))
        };
        let answer = column(&|i, pair| tasks[i].answer(pair)).unsqueeze_dim(1); // [n, 1]
        let z = Tensor::<1, Int>::arange(0..p as i64, device).unsqueeze_dim(0); // [1, p]
        Self {
            x: rows(column(&|i, (x, _)| i * p + x)),
            y: rows(column(&|i, (_, y)| i * p + y)),
            is_answer: answer.clone().equal(z), // [n, p]
            answer,
        }
    }

    /// The same pairs, whose rows of tables are looked up by a product with a one-hot matrix.
    ///
    /// Selecting rows by index costs less, but its gradient adds the pairs' gradients to their rows.
    /// Processors do that well; burn's kernel for GPUs goes through the pairs of all networks one after
    /// another. The gradient of a product is a product.
    #[must_use]
    pub fn by_product(self) -> Self {
        let p = self.is_answer.dims()[1];
        Self { x: self.x.by_product(p), y: self.y.by_product(p), ..self }
    }

    /// All pairs, in the order of their indices.
    #[must_use]
    pub fn all(task: Task, device: &Device) -> Self {
        Self::new(task, &task.indices().collect::<Vec<_>>(), device)
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.answer.dims()[0]
    }

    /// Whether there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
