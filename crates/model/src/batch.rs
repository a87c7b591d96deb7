use burn::prelude::*;

use crate::Rows;

/// Pairs on a device, ready for the network: what it is asked and what it should answer.
#[derive(Debug, Clone)]
pub struct Batch {
    /// First number of each pair.
    pub x: Rows,
    /// Second number of each pair.
    pub y: Rows,
    /// The answer (x + y) mod p, [n, 1].
    pub answer: Tensor<2, Int>,
    /// True where a logit belongs to the answer, [n, p].
    pub is_answer: Tensor<2, Bool>,
}

impl Batch {
    /// The pairs of the given indices, `x · p + y`, on a device.
    #[must_use]
    pub fn new(modulus: usize, pairs: &[usize], device: &Device) -> Self {
        Self::of_replicas(modulus, &[pairs], device)
    }

    /// The pairs of r networks on a device, n / r of each, those of the first network first.
    #[must_use]
    pub fn of_replicas(modulus: usize, pairs: &[&[usize]], device: &Device) -> Self {
        let column = |f: &dyn Fn(usize, usize) -> usize| {
            let of_replica = |(i, of): (usize, &&[usize])| of.iter().map(|&pair| f(i, pair) as i64).collect();
            let values: Vec<Vec<i64>> = pairs.iter().enumerate().map(of_replica).collect();
            Tensor::<1, Int>::from_data(values.concat().as_slice(), device)
        };
        let (r, p) = (pairs.len(), modulus);
        let rows = |numbers: Tensor<1, Int>| {
            let n = numbers.dims()[0];
            Rows::new(numbers.reshape([r, n / r]))
        };
        let answer = column(&|_, pair| (pair / p + pair % p) % p).unsqueeze_dim(1); // [n, 1]
        let z = Tensor::<1, Int>::arange(0..p as i64, device).unsqueeze_dim(0); // [1, p]
        Self {
            x: rows(column(&|i, pair| i * p + pair / p)),
            y: rows(column(&|i, pair| i * p + pair % p)),
            is_answer: answer.clone().equal(z), // [n, p]
            answer,
        }
    }

    /// The same pairs, which look up rows of tables by products with matrices of ones and zeros.
    ///
    /// Choosing rows costs less, but its gradient adds up the pairs' gradients row by row. Processors do that
    /// well; burn's kernel for GPUs goes through the pairs of all networks one after another. The
    /// gradient of a product is a product.
    #[must_use]
    pub fn by_product(self) -> Self {
        let p = self.is_answer.dims()[1];
        Self { x: self.x.by_product(p), y: self.y.by_product(p), ..self }
    }

    /// All p² pairs, x first.
    #[must_use]
    pub fn all(modulus: usize, device: &Device) -> Self {
        Self::new(modulus, &(0..modulus * modulus).collect::<Vec<_>>(), device)
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
