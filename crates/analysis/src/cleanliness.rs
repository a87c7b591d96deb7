use std::fmt;

use clockwork_model::Checkpoint;
use serde::{Deserialize, Serialize};

use crate::{Analysis, Cluster, Result, named_freq::lasts, number::told_apart, share::share};

/// How far the cleanup of a network has come: the part of its training in which weight decay removes what was
/// memorised and what serves no frequency (Nanda et al. 2023, section 5.2).
///
/// Four figures tell. In a network that has only memorised, next to no effect is of neurons that serve a frequency;
/// while one cleans up, projecting neurons removes most of its loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cleanliness {
    /// The share of all neurons' effect that is of neurons that serve one frequency: those in its cluster, and those
    /// outside it that write to it alone or share it in a resonance.
    pub serving_share_of_effect: f64,
    /// The share of the loss that is left when every neuron in a cluster is projected onto its own frequency; 1
    /// where the loss grows. What the projection removes of the loss comes from what was memorised: noise in the
    /// neurons.
    pub share_of_loss_kept: f64,
    /// The share of the embedding's squared norm in frequencies that no rule names: what weight decay has yet to
    /// remove, neurons or not.
    pub unnamed_share_of_embedding: f64,
    /// Neurons in the clusters of frequencies that `W_logit` reads too little for them to last.
    pub unread_neurons: usize,
}

// How verdicts depend on each bound is in `docs/seeds.md`, under "How clean is clean".

/// The least share of the effect that is of neurons that serve a frequency in a clean network.
pub(crate) const SERVING_SHARE: f64 = 0.95;

/// The least share of the loss that is left in a clean network when neurons are projected: the loss is not ten times
/// what it would be without noise in the neurons. It was set before the study, which shows no verdict that depends on it.
pub(crate) const LOSS_KEPT: f64 = 0.1;

/// The largest share of the embedding in frequencies that no rule names in a clean network.
pub(crate) const UNNAMED_SHARE: f64 = 0.15;

impl Cleanliness {
    /// Runs a checkpoint's network on all inputs and measures.
    ///
    /// # Errors
    ///
    /// Those of [`Analysis::new`].
    pub fn of(checkpoint: &Checkpoint) -> Result<Self> {
        Ok(Self::new(&Analysis::new(checkpoint, &mut ())?))
    }

    /// What an analysis found.
    pub(crate) fn new(of: &Analysis) -> Self {
        let kept = match of.loss_in_coordinates > 0.0 {
            true => of.ablation.neurons_in_key_freqs / of.loss_in_coordinates,
            // There is nothing to remove.
            false => 1.0,
        };
        let named = of.key_freqs_by_rule().named_by_any();
        let norms = &of.embedding.norm_by_freq;
        let unnamed = (1..).zip(norms).filter(|(k, _)| !named.contains(k)).map(|(_, norm)| norm);
        let unread = of.clusters.key_freqs.iter().filter(|k| !lasts(&of.w_logit.norm_by_freq, **k));
        Self {
            serving_share_of_effect: of.share_of_effect(|n| of.served_freq[n].is_some()),
            share_of_loss_kept: if kept > 1.0 { 1.0 } else { kept },
            unnamed_share_of_embedding: share(unnamed.sum(), norms.iter().sum()),
            unread_neurons: unread.map(|&k| of.clusters.members(Cluster::Frequency(k)).len()).sum(),
        }
    }

    /// Whether the network is clean: next to all of the effect is of neurons that serve a frequency, the loss is not
    /// all noise in them, little of the embedding is in frequencies that no rule names, and every cluster is read.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.is_sorted() && self.has_forgotten() && self.is_sparse() && self.unread_neurons == 0
    }

    pub(crate) fn is_sorted(&self) -> bool {
        self.serving_share_of_effect >= SERVING_SHARE
    }

    pub(crate) fn has_forgotten(&self) -> bool {
        self.share_of_loss_kept >= LOSS_KEPT
    }

    pub(crate) fn is_sparse(&self) -> bool {
        self.unnamed_share_of_embedding <= UNNAMED_SHARE
    }
}

impl fmt::Display for Cleanliness {
    /// Writes the figures: `99.2 % of the effect serves one frequency, 100 % of the loss is left when neurons are
    /// projected onto their own, 4.1 % of the embedding is in unnamed frequencies`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beside = |share: f64, bound: f64| told_apart(100.0 * share, 100.0 * bound).0;
        let serving = beside(self.serving_share_of_effect, SERVING_SHARE);
        let kept = beside(self.share_of_loss_kept, LOSS_KEPT);
        let unnamed = beside(self.unnamed_share_of_embedding, UNNAMED_SHARE);
        write!(
            f,
            "{serving} % of the effect serves one frequency, {kept} % of the loss is left when neurons are projected onto their own"
        )?;
        write!(f, ", {unnamed} % of the embedding is in unnamed frequencies")?;
        match self.unread_neurons {
            0 => Ok(()),
            n => write!(f, ", {n} neurons in clusters that are read too little"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_alone_makes_it_unclean() {
        let clean = Cleanliness {
            serving_share_of_effect: 0.95,
            share_of_loss_kept: 0.1,
            unnamed_share_of_embedding: 0.15,
            unread_neurons: 0,
        };
        assert!(clean.is_clean());
        for unclean in [
            Cleanliness { serving_share_of_effect: 0.949, ..clean },
            Cleanliness { share_of_loss_kept: 0.099, ..clean },
            Cleanliness { unnamed_share_of_embedding: 0.151, ..clean },
            Cleanliness { unread_neurons: 1, ..clean },
            Cleanliness { share_of_loss_kept: f64::NAN, ..clean },
        ] {
            assert!(!unclean.is_clean(), "{unclean:?}");
        }
        let words = "95 % of the effect serves one frequency, 10 % of the loss is left when neurons are projected onto \
            their own, 15 % of the embedding is in unnamed frequencies";
        assert_eq!(clean.to_string(), words);
        let unread = Cleanliness { unread_neurons: 9, ..clean };
        assert_eq!(unread.to_string(), format!("{words}, 9 neurons in clusters that are read too little"));
    }
}
