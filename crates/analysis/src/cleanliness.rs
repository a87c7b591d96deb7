use std::fmt;

use clockwork_model::Checkpoint;
use serde::{Deserialize, Serialize};

use crate::{Analysis, Cluster, Result, named_freq::is_read, number::told_apart};

/// How far the cleanup of a network has come: the part of its training in which weight decay removes what was
/// memorised and what serves no frequency (Nanda et al. 2023, section 5.2).
///
/// Three figures tell. The shares are 1 in a network that is clean and near 0 in one that has only memorised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cleanliness {
    /// The share of all neurons' effect that is of neurons that serve one frequency: those in a frequency's cluster,
    /// and those that a frequency explains best which resonates with two others.
    pub serving_share_of_effect: f64,
    /// The share of the loss that is left when every neuron in a cluster is projected onto its own frequency; 1
    /// where the loss grows. What the projection removes of the loss comes from what was memorised: noise in the
    /// neurons.
    pub share_of_loss_kept: f64,
    /// Neurons in the clusters of frequencies that `W_logit` hardly reads: such a frequency dies out.
    pub unread_neurons: usize,
}

/// The least share of the effect that is of neurons that serve a frequency in a clean network.
pub(crate) const SERVING_SHARE: f64 = 0.95;

/// The least share of the loss that is left in a clean network when neurons are projected.
pub(crate) const LOSS_KEPT: f64 = 0.5;

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
        let served = of.served_freq();
        let kept = match of.original_loss > 0.0 {
            true => of.ablation.neurons_in_key_freqs / of.original_loss,
            // There is nothing to remove.
            false => 1.0,
        };
        let unread = of.clusters.key_freqs.iter().filter(|k| !is_read(&of.w_logit.norm_by_freq, **k));
        Self {
            serving_share_of_effect: of.share_of_effect(|n| served[n].is_some()),
            share_of_loss_kept: kept.min(1.0),
            unread_neurons: unread.map(|&k| of.clusters.members(Cluster::Frequency(k)).len()).sum(),
        }
    }

    /// Whether the network is clean: next to all of the effect is of neurons that serve a frequency, most of the loss is not
    /// noise in them, and every cluster is read.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.is_sorted() && self.has_forgotten() && self.unread_neurons == 0
    }

    pub(crate) fn is_sorted(&self) -> bool {
        self.serving_share_of_effect >= SERVING_SHARE
    }

    pub(crate) fn has_forgotten(&self) -> bool {
        self.share_of_loss_kept >= LOSS_KEPT
    }
}

impl fmt::Display for Cleanliness {
    /// Writes the figures: `99.2 % of the effect serves one frequency, 100 % of the loss kept by projecting`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beside = |share: f64, bound: f64| told_apart(100.0 * share, 100.0 * bound).0;
        let serving = beside(self.serving_share_of_effect, SERVING_SHARE);
        let kept = beside(self.share_of_loss_kept, LOSS_KEPT);
        write!(f, "{serving} % of the effect serves one frequency, {kept} % of the loss kept by projecting")?;
        match self.unread_neurons {
            0 => Ok(()),
            n => write!(f, ", {n} neurons in clusters that are hardly read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_alone_makes_it_unclean() {
        let clean = Cleanliness { serving_share_of_effect: 0.95, share_of_loss_kept: 0.5, unread_neurons: 0 };
        assert!(clean.is_clean());
        for unclean in [
            Cleanliness { serving_share_of_effect: 0.949, ..clean },
            Cleanliness { share_of_loss_kept: 0.499, ..clean },
            Cleanliness { unread_neurons: 1, ..clean },
            Cleanliness { share_of_loss_kept: f64::NAN, ..clean },
        ] {
            assert!(!unclean.is_clean(), "{unclean:?}");
        }
        let words = "95 % of the effect serves one frequency, 50 % of the loss kept by projecting";
        assert_eq!(clean.to_string(), words);
        let unread = Cleanliness { unread_neurons: 9, ..clean };
        assert_eq!(unread.to_string(), format!("{words}, 9 neurons in clusters that are hardly read"));
    }
}
