use std::{collections::BTreeMap, fmt};

use clockwork_model::{Task, powers_of_primitive_root};
use serde::{Deserialize, Serialize};

use crate::{
    AnalysedNetwork, Arrays, FourierBasis,
    embedding::{norms_by_freq, squared_norms},
    gini::gini,
};

/// A Fourier basis of functions on the numbers modulo p, whatever the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Waves over the numbers, by which sums are simple.
    Additive,
    /// Waves over the discrete logarithms of the numbers but 0, by which products are: for a prime p.
    Multiplicative,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Additive => "additive",
            Self::Multiplicative => "multiplicative",
        })
    }
}

/// The embedding of the numbers in each basis that the modulus offers: in which it is sparse tells which the network uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Bases {
    /// Squared norm of every frequency by basis: 1 … ⌊p/2⌋ in the additive one, 1 … (p − 1)/2 in the multiplicative.
    pub norm_by_freq: BTreeMap<Basis, Vec<f64>>,
}

impl Bases {
    /// Looks at a network's embedding in every basis.
    pub(crate) fn new(task: Task, network: &AnalysedNetwork) -> Self {
        let additive = (Basis::Additive, (0..task.modulus).collect());
        let powers = powers_of_primitive_root(task.modulus);
        let orders = [additive].into_iter().chain(powers.map(|powers| (Basis::Multiplicative, powers)));
        let norms = |numbers: &Vec<usize>| {
            let (n, rows) = (numbers.len(), network.embedding_of_numbers(numbers));
            let (basis, width) = (FourierBasis::new(n), rows.len() / n);
            norms_by_freq(&basis, &squared_norms(&basis.transform(&rows, &[n, width], 0), width))
        };
        Self { norm_by_freq: orders.map(|(basis, numbers)| (basis, norms(&numbers))).collect() }
    }

    /// The Gini coefficient of the squared norms in each basis: 0 for all alike, near 1 for a few.
    #[must_use]
    pub fn gini(&self) -> BTreeMap<Basis, f64> {
        self.norm_by_freq.iter().map(|(&basis, norms)| (basis, gini(norms))).collect()
    }

    /// Adds the arrays behind its figure.
    pub(crate) fn insert_into(&self, arrays: &mut Arrays) {
        for (basis, norms) in &self.norm_by_freq {
            arrays.insert(format!("embedding.{basis}_norm_by_freq"), &[norms.len()], norms.clone());
        }
    }
}
