//! Why a claim fails, from the network's figures.

use crate::{Claim, FailureKind, NamedFreq, Role, Summary, number::percent};

/// The least accuracy of a network that has found the rule, but for some inputs.
const FOUND_THE_RULE: f64 = 0.99;

/// What may explain that a claim about a network fails.
pub(crate) struct Reasons {
    named: Vec<NamedFreq>,
    is_wrong: Option<String>,
    has_memorised: Option<String>,
    is_unclustered: Option<String>,
}

impl Reasons {
    /// Those of a network.
    pub fn of(of: &Summary) -> Self {
        let kept = of.cleanliness.share_of_loss_kept;
        let wrong = format!("it answers {} of all inputs wrong", percent(1.0 - of.accuracy));
        let memorised = format!(
            "projecting neurons onto their own frequency removes {} of the loss: what was memorised is still there",
            percent(1.0 - kept)
        );
        let unclustered = format!(
            "neurons that serve no one frequency have {} of all neurons' effect",
            percent(of.share_of_effect_serving_none)
        );
        Self {
            named: of.named_freqs(),
            is_wrong: (of.accuracy < FOUND_THE_RULE).then_some(wrong),
            has_memorised: (!of.cleanliness.has_forgotten()).then_some(memorised),
            is_unclustered: (!of.cleanliness.is_sorted()).then_some(unclustered),
        }
    }

    /// The claim with the reason for which it fails, if it does and its training is why.
    pub fn explain_by_training(&self, claim: Claim) -> Claim {
        match (&self.is_wrong, &self.has_memorised) {
            (Some(words), _) => claim.because(FailureKind::NotGeneralised, words.clone()),
            (None, Some(words)) => claim.because(FailureKind::NotClean, words.clone()),
            (None, None) => claim,
        }
    }

    /// The claim with the reason for which it fails, if it does. `at` are the frequencies with the worst figures.
    pub fn explain(&self, claim: Claim, at: &[usize]) -> Claim {
        let of_kind = |kind, freqs: Vec<String>| (!freqs.is_empty()).then(|| (kind, freqs.join("; ")));
        let with = |roles: &[Role], is_meant: &dyn Fn(usize) -> bool| -> Vec<String> {
            let of_role = self.named.iter().filter(|of| roles.contains(&of.role) && is_meant(of.freq));
            of_role.map(ToString::to_string).collect()
        };
        let among = |freq: usize| at.contains(&freq);
        let known = |kind, words: &Option<String>| words.clone().map(|words| (kind, words));
        // What explains more comes first.
        let reason = known(FailureKind::NotGeneralised, &self.is_wrong)
            .or_else(|| known(FailureKind::NotClean, &self.has_memorised))
            .or_else(|| of_kind(FailureKind::Unread, with(&[Role::Unread], &among)))
            .or_else(|| of_kind(FailureKind::Mixed, with(&[Role::Mixed, Role::PartlyMixed], &|_| true)))
            .or_else(|| of_kind(FailureKind::Weak, with(&[Role::Weak], &among)))
            .or_else(|| of_kind(FailureKind::Weak, with(&[Role::Faint], &|_| true)))
            .or_else(|| known(FailureKind::NotClean, &self.is_unclustered))
            .or_else(|| of_kind(FailureKind::Unread, with(&[Role::Unread], &|_| true)));
        match reason {
            Some((kind, words)) => claim.because(kind, words),
            None => claim,
        }
    }
}
