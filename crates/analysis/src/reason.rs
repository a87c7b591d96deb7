//! Why a claim fails, from the network's figures.

use crate::{Claim, FailureKind, NamedFreq, Role, Summary, number::percent};

/// The least accuracy of a network that has found the rule, but for some inputs.
const FOUND_THE_RULE: f64 = 0.99;

/// Where projecting neurons leaves less than this share of the loss, most of it comes from what was memorised.
const MOSTLY_MEMORISED: f64 = 0.5;

/// What may explain that a claim about a network fails.
pub(crate) struct Reasons {
    named: Vec<NamedFreq>,
    is_wrong: Option<String>,
    has_memorised: Option<String>,
    has_mostly_memorised: Option<String>,
    is_unclustered: Option<String>,
    is_dense: Option<String>,
}

impl Reasons {
    /// Those of a network.
    pub fn of(of: &Summary) -> Self {
        let wrong = format!("it answers {} of all inputs wrong", percent(1.0 - of.accuracy));
        let kept = of.cleanliness.share_of_loss_kept;
        let memorised = format!(
            "projecting neurons onto their own frequency removes {} of the loss: what was memorised is still there",
            percent(1.0 - kept)
        );
        let unclustered = format!(
            "neurons that serve no one frequency have {} of all neurons' effect",
            percent(of.share_of_effect_serving_none)
        );
        let dense = format!(
            "{} of the embedding is in frequencies that no rule names: weight decay has yet to remove them",
            percent(of.cleanliness.unnamed_share_of_embedding)
        );
        Self {
            named: of.named_freqs(),
            is_wrong: (of.accuracy < FOUND_THE_RULE).then_some(wrong),
            has_memorised: (!of.cleanliness.has_forgotten()).then_some(memorised.clone()),
            has_mostly_memorised: (kept < MOSTLY_MEMORISED).then_some(memorised),
            is_unclustered: (!of.cleanliness.is_sorted()).then_some(unclustered),
            is_dense: (!of.cleanliness.is_sparse()).then_some(dense),
        }
    }

    /// The claim with the reason for which it fails, if it does and its training is why.
    pub fn explain_by_training(&self, claim: Claim) -> Claim {
        match (&self.is_wrong, self.has_memorised.as_ref().or(self.is_dense.as_ref())) {
            (Some(words), _) => claim.because(FailureKind::NotGeneralised, words.clone()),
            (None, Some(words)) => claim.because(FailureKind::NotClean, words.clone()),
            (None, None) => claim,
        }
    }

    /// The claim with the reason for which it fails, if it does. `at` are the frequencies with the worst figures.
    pub fn explain(&self, claim: Claim, at: &[usize]) -> Claim {
        let of_kind = |kind, freqs: Vec<String>| (!freqs.is_empty()).then(|| (kind, freqs.join("; ")));
        let with = |is_kind: &dyn Fn(&NamedFreq) -> bool, is_meant: &dyn Fn(usize) -> bool| -> Vec<String> {
            let of_kind = self.named.iter().filter(|of| is_kind(of) && is_meant(of.freq));
            of_kind.map(ToString::to_string).collect()
        };
        let among = |freq: usize| at.contains(&freq);
        let known = |kind, words: &Option<String>| words.clone().map(|words| (kind, words));
        let any = |_| true;
        let unread = |of: &NamedFreq| of.role == Role::Unread;
        let mixed = NamedFreq::is_supplied_by_others;
        let harmonic = |of: &NamedFreq| matches!(of.role, Role::SecondHarmonic { .. });
        let faint = |of: &NamedFreq| of.role == Role::Faint;
        let weak = |of: &NamedFreq| of.role == Role::Weak || faint(of);
        // What explains more comes first, and a frequency with the worst figure before any other.
        let reason = known(FailureKind::NotGeneralised, &self.is_wrong)
            .or_else(|| of_kind(FailureKind::Unread, with(&unread, &among)))
            .or_else(|| known(FailureKind::NotClean, &self.has_memorised))
            .or_else(|| known(FailureKind::NotClean, &self.is_dense))
            .or_else(|| of_kind(FailureKind::Mixed, with(&|of| mixed(of) || harmonic(of), &among)))
            .or_else(|| of_kind(FailureKind::Weak, with(&weak, &among)))
            .or_else(|| of_kind(FailureKind::Mixed, with(&mixed, &any)))
            .or_else(|| of_kind(FailureKind::Weak, with(&faint, &any)))
            .or_else(|| known(FailureKind::NotClean, &self.is_unclustered))
            .or_else(|| of_kind(FailureKind::Unread, with(&unread, &any)))
            .or_else(|| known(FailureKind::NotClean, &self.has_mostly_memorised));
        match reason {
            Some((kind, words)) => claim.because(kind, words),
            None => claim,
        }
    }
}
