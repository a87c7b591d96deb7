/// One value for every parameter of the network: its name, shape, weights, gradient, ….
///
/// Fields are the paper's names in lower case, in the order of the computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parameters<T> {
    /// `W_E` \[p + 1, d_model\], the embedding; row `p` is `=`.
    pub w_e: T,
    /// `W_pos` \[3, d_model\], the positional embedding.
    pub w_pos: T,
    /// `W_Q` \[n_heads, d_model, d_head\], queries.
    pub w_q: T,
    /// `W_K` \[n_heads, d_model, d_head\], keys.
    pub w_k: T,
    /// `W_V` \[n_heads, d_model, d_head\], values.
    pub w_v: T,
    /// `W_O` \[n_heads, d_head, d_model\], from heads back to the residual stream.
    pub w_o: T,
    /// `W_in` \[d_model, d_mlp\], into the neurons.
    pub w_in: T,
    /// `b_in` \[d_mlp\], the neurons' biases.
    pub b_in: T,
    /// `W_out` \[d_mlp, d_model\], out of the neurons.
    pub w_out: T,
    /// `b_out` \[d_model\], the bias of the neurons' output.
    pub b_out: T,
    /// `W_U` \[d_model, p\], the unembedding.
    pub w_u: T,
}

/// The weights of a network, each parameter row-major in the shape of
/// [`ModelConfig::shapes`](crate::ModelConfig::shapes).
pub type Weights = Parameters<Vec<f32>>;

/// `TransformerLens`' name of every parameter, as in checkpoints.
pub const NAMES: Parameters<&str> = Parameters {
    w_e: "embed.W_E",
    w_pos: "pos_embed.W_pos",
    w_q: "blocks.0.attn.W_Q",
    w_k: "blocks.0.attn.W_K",
    w_v: "blocks.0.attn.W_V",
    w_o: "blocks.0.attn.W_O",
    w_in: "blocks.0.mlp.W_in",
    b_in: "blocks.0.mlp.b_in",
    w_out: "blocks.0.mlp.W_out",
    b_out: "blocks.0.mlp.b_out",
    w_u: "unembed.W_U",
};

/// How many parameters there are.
const COUNT: usize = 11;

impl<T> Parameters<T> {
    /// How many parameters there are.
    pub(crate) const COUNT: usize = COUNT;

    /// The values in the order of the fields.
    #[must_use]
    pub fn into_array(self) -> [T; COUNT] {
        let Self { w_e, w_pos, w_q, w_k, w_v, w_o, w_in, b_in, w_out, b_out, w_u } = self;
        [w_e, w_pos, w_q, w_k, w_v, w_o, w_in, b_in, w_out, b_out, w_u]
    }

    /// The inverse of [`into_array`](Self::into_array).
    pub(crate) fn from_array(values: [T; COUNT]) -> Self {
        let [w_e, w_pos, w_q, w_k, w_v, w_o, w_in, b_in, w_out, b_out, w_u] = values;
        Self { w_e, w_pos, w_q, w_k, w_v, w_o, w_in, b_in, w_out, b_out, w_u }
    }

    /// The values in the order of the fields, borrowed.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        IntoIterator::into_iter(Parameters::<&T>::into_array(self.as_ref()))
    }

    /// A reference to every value.
    #[must_use]
    pub fn as_ref(&self) -> Parameters<&T> {
        let Self { w_e, w_pos, w_q, w_k, w_v, w_o, w_in, b_in, w_out, b_out, w_u } = self;
        Parameters { w_e, w_pos, w_q, w_k, w_v, w_o, w_in, b_in, w_out, b_out, w_u }
    }

    /// Applies `f` to every value.
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Parameters<U> {
        Parameters::from_array(self.into_array().map(f))
    }

    /// Applies `f` to every value, in order, until it fails.
    ///
    /// # Errors
    ///
    /// The first error that `f` returns.
    pub(crate) fn try_map<U, E>(
        self,
        mut f: impl FnMut(T) -> std::result::Result<U, E>,
    ) -> std::result::Result<Parameters<U>, E> {
        let mut failed = None;
        let values = self.into_array().map(|value| match &failed {
            None => f(value).map_err(|error| failed = Some(error)).ok(),
            Some(_) => None,
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(Parameters::from_array(values.map(|value| value.expect("nothing failed")))),
        }
    }

    /// Pairs every value with the other's value of the same parameter.
    #[must_use]
    pub fn zip<U>(self, other: Parameters<U>) -> Parameters<(T, U)> {
        let mut others = other.into_array().into_iter();
        self.map(|value| (value, others.next().expect("both have a value for every parameter")))
    }
}

/// The sum of the squares of all weights, biases included, in 64 bits: what weight decay shrinks.
#[must_use]
pub fn sum_squared_weights(weights: &Weights) -> f64 {
    weights.iter().flatten().map(|&w| f64::from(w).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_keep_the_order_of_the_fields() {
        assert_eq!(Parameters::from_array(NAMES.into_array()), NAMES);
        let zipped = NAMES.zip(NAMES.map(str::len));
        assert_eq!(zipped.b_out, ("blocks.0.mlp.b_out", 18));
    }

    #[test]
    fn squares_are_summed_over_every_parameter() {
        assert!((sum_squared_weights(&NAMES.map(|_| vec![1.0, -2.0])) - 55.0).abs() < 1e-12);
    }
}
