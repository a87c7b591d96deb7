use serde::{Deserialize, Serialize};

use crate::{Error, Parameters, Result, SizeBound};

/// The smallest modulus: the first with a frequency that has both a cosine and a sine.
const MIN_MODULUS: usize = 3;

/// The sizes of a network. In the paper's, `d_head` is `d_model / n_heads`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// The modulus `p` of the task: tokens `0 … p−1` are numbers, token `p` is `=`.
    pub modulus: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Number of attention heads; 0 in a network without attention.
    pub n_heads: usize,
    /// Number of neurons.
    pub d_mlp: usize,
}

impl ModelConfig {
    /// This configuration if the paper's network can be made of it.
    ///
    /// # Errors
    ///
    /// [`Error::Size`] names the first size that is impossible.
    pub fn validated(self) -> Result<Self> {
        let Self { d_model, n_heads, .. } = self.within_limits()?;
        if n_heads == 0 {
            return Err(Error::Size { name: "n_heads", value: 0, bound: SizeBound::AtLeast(1) });
        }
        if !d_model.is_multiple_of(n_heads) {
            let bound = SizeBound::MultipleOf("n_heads", n_heads);
            return Err(Error::Size { name: "d_model", value: d_model, bound });
        }
        Ok(self)
    }

    /// This configuration if a network of any architecture may have its sizes.
    ///
    /// # Errors
    ///
    /// [`Error::Size`] names the first size that is too small or too large.
    pub fn within_limits(self) -> Result<Self> {
        let Self { modulus, d_model, n_heads, d_mlp } = self;
        for (name, value, least) in
            [("modulus", modulus, MIN_MODULUS), ("d_model", d_model, 1), ("d_mlp", d_mlp, 1)]
        {
            if value < least {
                return Err(Error::Size { name, value, bound: SizeBound::AtLeast(least) });
            }
        }
        // Squares and products of sizes are taken everywhere; none of them may overflow, and no
        // file or flag may make us allocate more than a machine has.
        for (name, value, most) in [
            ("modulus", modulus, 1 << 12),
            ("d_model", d_model, 1 << 14),
            ("n_heads", n_heads, 1 << 14),
            ("d_mlp", d_mlp, 1 << 16),
        ] {
            if value > most {
                return Err(Error::Size { name, value, bound: SizeBound::AtMost(most) });
            }
        }
        Ok(self)
    }

    /// Width of one attention head.
    #[must_use]
    pub fn d_head(&self) -> usize {
        self.d_model / self.n_heads
    }

    /// The shape of every parameter.
    #[must_use]
    pub fn shapes(&self) -> Parameters<Vec<usize>> {
        let &Self { modulus: p, d_model, n_heads, d_mlp } = self;
        let d_head = self.d_head();
        Parameters {
            w_e: vec![p + 1, d_model],
            w_pos: vec![3, d_model],
            w_q: vec![n_heads, d_model, d_head],
            w_k: vec![n_heads, d_model, d_head],
            w_v: vec![n_heads, d_model, d_head],
            w_o: vec![n_heads, d_head, d_model],
            w_in: vec![d_model, d_mlp],
            b_in: vec![d_mlp],
            w_out: vec![d_mlp, d_model],
            b_out: vec![d_model],
            w_u: vec![d_model, p],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: ModelConfig = ModelConfig { modulus: 7, d_model: 8, n_heads: 2, d_mlp: 16 };

    #[test]
    fn impossible_sizes_are_refused_by_name() {
        for (config, words) in [
            (ModelConfig { modulus: 2, ..SMALL }, "modulus = 2"),
            (ModelConfig { modulus: 1 << 40, ..SMALL }, "modulus = 1099511627776"),
            (ModelConfig { d_model: 0, ..SMALL }, "d_model = 0"),
            (ModelConfig { n_heads: 3, ..SMALL }, "d_model = 8: must be a multiple of n_heads = 3"),
            (ModelConfig { n_heads: 0, ..SMALL }, "n_heads = 0"),
            (ModelConfig { d_mlp: 0, ..SMALL }, "d_mlp = 0"),
        ] {
            let message = config.validated().unwrap_err().to_string();
            assert!(message.starts_with(words), "{message}");
        }
    }

    #[test]
    fn heads_share_the_residual_stream() {
        assert_eq!(SMALL.d_head(), 4);
        assert_eq!(SMALL.shapes().w_o, [2, 4, 8]);
        assert_eq!(SMALL.shapes().w_e, [8, 8]);
    }
}
