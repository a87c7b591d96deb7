use serde::{Deserialize, Serialize};

use crate::{Error, Parameters, Result};

/// The smallest modulus with a frequency: ⌊p/2⌋ ≥ 1 and three answers to choose from.
pub const MIN_MODULUS: usize = 3;

/// The sizes of a network. `d_head` is `d_model / n_heads`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// The modulus `p` of the addition: tokens `0 … p−1` are numbers, token `p` is `=`.
    pub modulus: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Number of attention heads.
    pub n_heads: usize,
    /// Number of neurons.
    pub d_mlp: usize,
}

impl ModelConfig {
    /// This configuration if a network can be made of it.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] names the first key whose value is impossible.
    pub fn validated(self) -> Result<Self> {
        let setting = |key, value: usize, problem: String| {
            Err(Error::Setting { key, value: value.to_string(), problem })
        };
        if self.modulus < MIN_MODULUS {
            return setting("task.modulus", self.modulus, format!("must be at least {MIN_MODULUS}"));
        }
        for (key, value) in
            [("model.d_model", self.d_model), ("model.n_heads", self.n_heads), ("model.d_mlp", self.d_mlp)]
        {
            if value == 0 {
                return setting(key, value, "must be at least 1".to_owned());
            }
        }
        // Squares and products of sizes are taken everywhere; none of them may overflow, and no
        // file or flag may make us allocate more than a machine has.
        for (key, value, max) in [
            ("task.modulus", self.modulus, 1 << 12),
            ("model.d_model", self.d_model, 1 << 14),
            ("model.d_mlp", self.d_mlp, 1 << 16),
        ] {
            if value > max {
                return setting(key, value, format!("must be at most {max}"));
            }
        }
        if !self.d_model.is_multiple_of(self.n_heads) {
            let problem = format!("must be a multiple of model.n_heads = {}", self.n_heads);
            return setting("model.d_model", self.d_model, problem);
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
    fn impossible_sizes_are_refused_by_key() {
        for (config, key) in [
            (ModelConfig { modulus: 2, ..SMALL }, "task.modulus = 2"),
            (ModelConfig { modulus: 1 << 40, ..SMALL }, "task.modulus = 1099511627776"),
            (ModelConfig { d_model: 0, ..SMALL }, "model.d_model = 0"),
            (
                ModelConfig { n_heads: 3, ..SMALL },
                "model.d_model = 8: must be a multiple of model.n_heads = 3",
            ),
            (ModelConfig { n_heads: 0, ..SMALL }, "model.n_heads = 0"),
            (ModelConfig { d_mlp: 0, ..SMALL }, "model.d_mlp = 0"),
        ] {
            let message = config.validated().unwrap_err().to_string();
            assert!(message.starts_with(key), "{message}");
        }
    }

    #[test]
    fn heads_share_the_residual_stream() {
        assert_eq!(SMALL.d_head(), 4);
        assert_eq!(SMALL.shapes().w_o, [2, 4, 8]);
        assert_eq!(SMALL.shapes().w_e, [8, 8]);
    }
}
