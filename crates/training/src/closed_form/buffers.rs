use super::{pairs::Pairs, tables::Sizes};

/// The step's memory, kept from one step to the next.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// [n, n_heads, 3]
    pub(super) pattern: Vec<f32>,
    pub(super) d_pattern: Vec<f32>,
    /// [n, neurons]
    pub(super) neuron_acts: Vec<f32>,
    pub(super) d_neurons: Vec<f32>,
    /// Logits, and then the gradient with respect to them, [n, logits].
    pub(super) logits: Vec<f32>,
    /// [2p + 1, n_heads, wide]
    pub(super) d_wide: Vec<f32>,
    /// [tiles, neurons, logits]
    pub(super) d_w_logit_of_tile: Vec<f32>,
}

impl Buffers {
    pub(super) fn fit(&mut self, sizes: &Sizes, pairs: &Pairs) {
        let (n, n_heads) = (pairs.len(), sizes.config.n_heads);
        self.pattern.resize(n * n_heads * 3, 0.0);
        self.d_pattern.resize(n * n_heads * 3, 0.0);
        self.neuron_acts.resize(n * sizes.neurons, 0.0);
        self.d_neurons.resize(n * sizes.neurons, 0.0);
        self.logits.resize(n * sizes.logits, 0.0);
        self.d_wide.resize(sizes.tokens * n_heads * sizes.wide, 0.0);
        self.d_w_logit_of_tile.resize(pairs.tiles.len() * sizes.neurons * sizes.logits, 0.0);
    }
}
