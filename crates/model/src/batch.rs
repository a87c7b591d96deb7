use burn::prelude::*;

/// Pairs on a device, ready for the network: what it is asked and what it should answer.
#[derive(Debug, Clone)]
pub struct Batch {
    /// First number of each pair, [n].
    pub x: Tensor<1, Int>,
    /// Second number of each pair, [n].
    pub y: Tensor<1, Int>,
    /// The answer (x + y) mod p, [n, 1].
    pub answer: Tensor<2, Int>,
    /// True where a logit belongs to the answer, [n, p].
    pub is_answer: Tensor<2, Bool>,
}

impl Batch {
    /// The pairs of the given indices, `x · p + y`, on a device.
    #[must_use]
    pub fn new(modulus: usize, pairs: &[usize], device: &Device) -> Self {
        let column = |f: &dyn Fn(usize) -> usize| {
            let values: Vec<i64> = pairs.iter().map(|&pair| f(pair) as i64).collect();
            Tensor::<1, Int>::from_data(values.as_slice(), device)
        };
        let answer = column(&|pair| (pair / modulus + pair % modulus) % modulus).unsqueeze_dim(1); // [n, 1]
        let z = Tensor::<1, Int>::arange(0..modulus as i64, device).unsqueeze_dim(0); // [1, p]
        Self {
            x: column(&|pair| pair / modulus),
            y: column(&|pair| pair % modulus),
            is_answer: answer.clone().equal(z), // [n, p]
            answer,
        }
    }

    /// All p² pairs, x first.
    #[must_use]
    pub fn all(modulus: usize, device: &Device) -> Self {
        Self::new(modulus, &(0..modulus * modulus).collect::<Vec<_>>(), device)
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.x.dims()[0]
    }

    /// Whether there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
