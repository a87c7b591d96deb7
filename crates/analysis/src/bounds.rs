//! The bounds of the claims, each with where it comes from.

use crate::{Check, Relation, cleanliness::SERVING_SHARE, named_freq::OWN_SHARE};

/// A bound that a figure must keep.
pub struct Bound {
    /// How a figure must lie to it.
    pub relation: Relation,
    /// The bound, or what something that was measured is multiplied with for it.
    pub value: f64,
    /// Where it comes from.
    pub source: &'static str,
}

/// The accuracy of a network that generalises.
pub const ACCURACY: Bound = Bound {
    relation: Relation::AtLeast,
    value: 1.0,
    source: "a network that has found the rule answers every input right",
};

/// The mean loss of a network that generalises, in nats. Of 135 networks of small moduli, trained 4,500 steps or more
/// with various widths and weight decays, 123 ended with a test loss below 3e-5 and 12 with one above 9e-4.
pub const LOSS: Bound = Bound {
    relation: Relation::Below,
    value: 1e-4,
    source: "of 135 networks 123 ended below 3e-5 and 12 above 9e-4; published ones have 1e-7 to 3e-7",
};

/// How many frequencies are key by one rule and not by another.
pub const DISPUTED_FREQS: Bound = Bound {
    relation: Relation::Equal,
    value: 0.0,
    source: "the three rules look at different weights, and name the same frequencies in published networks",
};

/// The Gini coefficient of the embedding's squared norms by frequency.
pub const GINI: Bound = Bound {
    relation: Relation::Above,
    value: 0.8,
    source: "an embedding that keeps a handful of frequencies is above it, a random one has about 0.1",
};

/// What neurons that serve no one frequency may do. Right after grokking half of the neurons can be unclustered and yet
/// have next to no effect, so their effect counts, not their number.
pub const EFFECT_SERVING_NONE: Bound = Bound {
    relation: Relation::Below,
    value: 1.0 - SERVING_SHARE,
    source: "as much as W_logit may have in columns of no key frequency; published networks have up to 1 %",
};

/// The median fraction of variance that a clustered neuron's own frequency explains.
pub const MEDIAN_FRAC_EXPLAINED: Bound = Bound {
    relation: Relation::Above,
    value: 0.9,
    source: "a neuron joins a cluster at 0.85, and the median must clear that",
};

/// How many times the loss may grow when neurons are projected onto their own frequency. Where that is next to
/// nothing, it may grow to the loss of a network that generalises.
pub const PROJECTION_GROWTH: Bound = Bound {
    relation: Relation::Below,
    value: 10.0,
    source: "10 × the original loss (in the published network it grows 1.03 times), or 1e-4 if that is more",
};

/// The loss without the neurons that serve no frequency, relative to the least loss without those of a frequency.
pub const UNCLUSTERED_LOSS: Bound = Bound {
    relation: Relation::Below,
    value: 1.0,
    source: "the least loss without those of a frequency: what serves none matters less than what does",
};

/// The share of what its wave is worth that the loss without a frequency must have at the least. Where logits are
/// waves, trained networks have 0.9 and more.
pub const WORTH_OF_WAVE: f64 = 0.5;

/// How many times the loss must grow without a cluster.
pub const ABLATION_GROWTH: Bound = Bound {
    relation: Relation::Above,
    value: 100.0,
    source: "100 × the original loss, or half of what the waves lose without it if that is less",
};

/// How the loss of the terms of x + y must lie to the original. Where weight decay has left nothing else to remove, it
/// may rise to the loss of a network that generalises: of 91 networks with a loss below 1e-4 six had between 0.9 and
/// 2.3 of it, all others less than 0.6.
pub const TRIG_ONLY_LOSS: Bound = Bound {
    relation: Relation::Below,
    value: 1.0,
    source: "the original loss (in the published network it falls to 0.23 of it), or 1e-4 if that is more",
};

/// How many times the loss must grow without a frequency that is used.
pub const EXCLUSION_GROWTH: Bound = Bound {
    relation: Relation::Above,
    value: 10.0,
    source: "10 × the original loss, or half of what the waves lose without it if that is less",
};

/// The share of the logits in quadratic terms of key frequencies.
pub const LOGITS_QUADRATIC: Bound = Bound {
    relation: Relation::Above,
    value: 0.9,
    source: "cos ω(x + y − z) is quadratic in the waves of x and y, so almost all of the logits must be",
};

/// The share of the logits in linear terms.
pub const LOGITS_LINEAR: Bound =
    Bound { relation: Relation::Below, value: 0.01, source: "in neurons it is about three quarters" };

/// The share of `W_logit` in the key frequencies' columns.
pub const W_LOGIT_KEY: Bound = Bound {
    relation: Relation::Above,
    value: 0.95,
    source: "all others together must be as little as noise",
};

/// The share of a frequency's columns of `W_logit` from the neurons that serve it, at the least.
pub const FROM_OWN_NEURONS: Bound = Bound {
    relation: Relation::Above,
    value: OWN_SHARE,
    source: "at the strength of the mean frequency; published networks have 0.91 and more",
};

/// The share, at the least, of what neurons supply that lies along cos or sin of ω_k(x + y).
pub const COMPONENT: Bound = Bound {
    relation: Relation::Above,
    value: 0.85,
    source: "the share at which a neuron joins a frequency's cluster, at the strength of the mean frequency",
};

/// C_k.
pub const LOGIT_COEFFICIENT: Bound =
    Bound { relation: Relation::Above, value: 0.0, source: "waves must add up at the right answer" };

/// The share of the logits' variance that Σ C_k cos ω_k(x + y − z) explains.
pub const LOGITS_EXPLAINED: Bound =
    Bound { relation: Relation::Above, value: 0.9, source: "little may be left for another algorithm" };

/// The coefficient of the product in the fit of a ReLU.
pub const RELU_PRODUCT: Bound =
    Bound { relation: Relation::Above, value: 0.0, source: "a ReLU of a sum has a part along the product" };

/// The share of a ReLU's variance that linear terms and the product explain.
pub const RELU_R2: Bound =
    Bound { relation: Relation::Above, value: 0.95, source: "0.966 for p = 113 and frequency 42, published" };

/// How much of it the product adds to the linear terms.
pub const RELU_GAIN: Bound = Bound {
    relation: Relation::AtLeast,
    value: 0.1,
    source: "0.966 − 0.849 for p = 113 and frequency 42, published",
};

impl Bound {
    /// A check of a figure against the bound.
    pub fn check(&self, quantity: &str, value: f64) -> Check {
        self.times(1.0, quantity, value)
    }

    /// A check against the bound times something that was measured.
    pub fn times(&self, measured: f64, quantity: &str, value: f64) -> Check {
        Check {
            quantity: quantity.to_owned(),
            value,
            relation: self.relation,
            bound: self.value * measured,
            source: self.source.to_owned(),
        }
    }
}
