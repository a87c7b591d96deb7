//! What a network does with each frequency that it makes something of.

use std::{collections::BTreeSet, fmt};

use crate::{
    Cluster, Summary, key_freqs::KEY_FREQ_RELATIVE_NORM, number::percent, resonance::resonance, share::share,
};

/// A frequency below this share of the squared norm of `W_logit` is hardly read. Clusters that die out
/// pass it: of fourteen below 9 % twelve were below it a thousand steps later.
const READ_SHARE: f64 = 0.01;

/// One with a cluster below this share dies out, as all did that were followed (`docs/seeds.md`).
const LASTING_SHARE: f64 = 0.09;

/// A frequency is partly mixed where less than this share of its columns of `W_logit` comes from its own cluster.
pub(crate) const OWN_SHARE: f64 = 0.8;

/// A frequency that one of the three rules for key frequencies names, or that `W_logit` reads.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedFreq {
    /// The frequency.
    pub freq: usize,
    /// What the network does with it.
    pub role: Role,
    /// Neurons in its cluster, 0 where there are too few for one.
    pub neurons: usize,
    /// Its share of the embedding's squared norm.
    pub share_of_embedding: f64,
    /// Its share of the squared norm of `W_logit`.
    pub share_of_w_logit: f64,
    /// The share of its columns of `W_logit` that comes from its own cluster, where it has one.
    pub share_from_own_cluster: Option<f64>,
    /// The same of the neurons that serve it: those of its cluster, and those outside it that write to it alone or share
    /// it in a resonance.
    pub share_from_own_neurons: Option<f64>,
    /// Two others that are read and that it resonates with: twice this one is their sum or their difference, up to
    /// sign and modulo n, and its neurons often carry those too.
    pub resonates_with: Option<[usize; 2]>,
}

/// What a network does with a frequency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is embedded, neurons serve it, and `W_logit` reads it.
    Used,
    /// As used, but in the embedding or in `W_logit` it does not stand out from the frequencies that no rule names.
    Weak,
    /// It is embedded, or neurons serve it, and `W_logit` reads it too little for it to last.
    Unread,
    /// It is embedded, has no cluster, and is twice the frequency of one that is used, whose neurons it helps to
    /// shape.
    SecondHarmonic {
        /// The frequency whose double it is, up to sign and modulo p.
        of: usize,
    },
    /// `W_logit` reads it, but it has no cluster: the neurons that supply it serve other frequencies as well.
    Mixed,
    /// As used, but neurons outside its cluster supply a good part of it.
    PartlyMixed,
    /// `W_logit` reads it, but no rule names it.
    Faint,
}

/// Whether `W_logit`, whose squared norms by frequency are given, reads a frequency.
pub(crate) fn is_read(norms: &[f64], freq: usize) -> bool {
    share_of(norms, freq) >= READ_SHARE
}

/// Whether `W_logit` reads a frequency that has a cluster enough for it to last.
pub(crate) fn lasts(norms: &[f64], freq: usize) -> bool {
    share_of(norms, freq) >= LASTING_SHARE
}

/// The frequencies that `W_logit` reads, ascending.
pub(crate) fn read_freqs(norms: &[f64]) -> Vec<usize> {
    (1..=norms.len()).filter(|&k| is_read(norms, k)).collect()
}

/// A frequency's squared norm; 0 of one that there is not, as a file that was edited may name.
fn norm_of(norms: &[f64], freq: usize) -> f64 {
    norms.get(freq.wrapping_sub(1)).copied().unwrap_or(0.0)
}

fn share_of(norms: &[f64], freq: usize) -> f64 {
    share(norm_of(norms, freq), norms.iter().sum())
}

impl Summary {
    /// The frequencies that any of the three rules names or `W_logit` reads, ascending, and what the network does
    /// with each.
    #[must_use]
    pub fn named_freqs(&self) -> Vec<NamedFreq> {
        let rules = &self.key_freqs_by_rule;
        let named = rules.named_by_any();
        let read = read_freqs(&self.w_logit_norm_by_freq);
        let largest_unnamed = |norms: &[f64]| {
            let unnamed = (1..).zip(norms).filter(|(k, _)| !named.contains(k));
            unnamed.fold(0.0, |largest, (_, &norm)| f64::max(largest, norm))
        };
        let stands_out = |rule: &[usize], norms: &[f64], freq: usize| {
            rule.contains(&freq) || largest_unnamed(norms) < KEY_FREQ_RELATIVE_NORM * norm_of(norms, freq)
        };
        let of = |&freq: &usize| {
            let is_served = rules.neurons.contains(&freq);
            let is_read = (if is_served { lasts } else { is_read })(&self.w_logit_norm_by_freq, freq);
            let in_embedding = || stands_out(&rules.embedding, &self.embedding_norm_by_freq, freq);
            let in_w_logit = || stands_out(&rules.w_logit, &self.w_logit_norm_by_freq, freq);
            let share_from_own_cluster = self.w_logit_frac_from_own_cluster.get(&freq).copied();
            let share_from_own_neurons = self.w_logit_frac_from_own_neurons.get(&freq).copied();
            let is_mixed = share_from_own_cluster.is_some_and(|share| share < OWN_SHARE);
            let role = match (is_served, is_read) {
                _ if !named.contains(&freq) => Role::Faint,
                (true, true) if !(in_embedding() && in_w_logit()) => Role::Weak,
                (true, true) if is_mixed => Role::PartlyMixed,
                (true, true) => Role::Used,
                (true, false) => Role::Unread,
                (false, _) if rules.w_logit.contains(&freq) => Role::Mixed,
                (false, _) => match self.half_of(freq) {
                    Some(of) => Role::SecondHarmonic { of },
                    None if is_read => Role::Mixed,
                    None => Role::Unread,
                },
            };
            NamedFreq {
                freq,
                role,
                neurons: self.cluster_sizes.get(&Cluster::Frequency(freq)).copied().unwrap_or(0),
                share_of_embedding: share_of(&self.embedding_norm_by_freq, freq),
                share_of_w_logit: share_of(&self.w_logit_norm_by_freq, freq),
                share_from_own_cluster,
                share_from_own_neurons,
                resonates_with: resonance(self.n, freq, &read),
            }
        };
        read.iter().chain(&named).copied().collect::<BTreeSet<_>>().iter().map(of).collect()
    }

    /// The key frequency that is used and whose second harmonic a frequency is, if there is one.
    fn half_of(&self, freq: usize) -> Option<usize> {
        // A wave of frequency p − k is one of frequency k.
        let is_half = |k: &usize| 2 * k == freq || 2 * k + freq == self.n;
        self.key_freqs.iter().copied().find(|k| is_half(k) && is_read(&self.w_logit_norm_by_freq, *k))
    }
}

impl NamedFreq {
    /// Whether the rules contradict each other about it. They do not about what helps to shape the neurons of
    /// another.
    #[must_use]
    pub fn is_disputed(&self) -> bool {
        matches!(self.role, Role::Weak | Role::Unread | Role::Mixed)
    }

    /// Whether neurons that do not serve it supply a good part of it. Some outside its cluster serve it all the same.
    #[must_use]
    pub fn is_supplied_by_others(&self) -> bool {
        match self.role {
            Role::Mixed => true,
            Role::PartlyMixed => self.share_from_own_neurons.is_none_or(|share| share < OWN_SHARE),
            _ => false,
        }
    }
}

impl fmt::Display for NamedFreq {
    /// Writes what the network does with it: `5 is kept by 68 neurons and hardly read: 0.3 % of W_logit`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_role(f)?;
        match (self.role, self.resonates_with) {
            (Role::Mixed | Role::PartlyMixed, Some([a, b])) => write!(f, "; it resonates with {a} and {b}"),
            (Role::PartlyMixed, None) if !self.is_supplied_by_others() => {
                f.write_str("; next to all that these write is for it")
            }
            _ => Ok(()),
        }
    }
}

impl NamedFreq {
    fn fmt_role(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            freq, role, neurons, share_of_embedding, share_of_w_logit, share_from_own_cluster, ..
        } = self;
        let (embedded, read) = (percent(*share_of_embedding), percent(*share_of_w_logit));
        match role {
            Role::Used => write!(f, "{freq} is kept by {neurons} neurons and read: {read} of W_logit"),
            Role::Weak => write!(f, "{freq} is kept by {neurons} neurons and weak: {read} of W_logit"),
            Role::Unread if *neurons > 0 && *share_of_w_logit < READ_SHARE => {
                write!(f, "{freq} is kept by {neurons} neurons and hardly read: {read} of W_logit")
            }
            Role::Unread if *neurons > 0 => {
                write!(
                    f,
                    "{freq} is kept by {neurons} neurons and read too little to last: {read} of W_logit"
                )
            }
            Role::Unread => {
                write!(
                    f,
                    "{freq} is embedded, with {embedded} of the embedding, and hardly read: {read} of W_logit"
                )
            }
            Role::SecondHarmonic { of } => {
                write!(
                    f,
                    "{freq} is embedded, with {embedded} of the embedding, as the second harmonic of {of}"
                )?;
                match *share_of_w_logit < READ_SHARE {
                    true => Ok(()),
                    false => write!(f, ", and read: {read} of W_logit"),
                }
            }
            Role::PartlyMixed => {
                let from_others = percent(1.0 - share_from_own_cluster.unwrap_or(0.0));
                write!(
                    f,
                    "{freq} is supplied in part by neurons outside its cluster: {from_others} of its columns of W_logit"
                )
            }
            Role::Faint => write!(f, "{freq} is read, {read} of W_logit, though no rule names it"),
            Role::Mixed => write!(
                f,
                "{freq} is read, {read} of W_logit, but has no cluster: neurons that mix frequencies supply it"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use clockwork_model::{Checkpoint, clock};

    use super::*;
    use crate::Analysis;

    /// What is said where others than its cluster supply a frequency, and serve it.
    const SERVED: &str = "; next to all that these write is for it";

    /// What a clock of these frequencies modulo 41 does with frequency 8, if 30 % of its columns of W_logit come from others.
    fn partly_mixed(freqs: &[usize]) -> NamedFreq {
        let (config, weights) = clock(41, freqs, 8);
        let analysis = Analysis::new(&Checkpoint::of_weights(config, weights), &mut ()).unwrap();
        let mut summary = Summary::new(&analysis);
        summary.w_logit_frac_from_own_cluster.insert(8, 0.7);
        summary.named_freqs().into_iter().find(|named| named.freq == 8).unwrap()
    }

    #[test]
    fn what_a_mixed_frequency_resonates_with_is_told() {
        let words = "8 is supplied in part by neurons outside its cluster: 30 % of its columns of W_logit";
        for (others, expected, resonance) in
            [([3, 13], Some([3, 13]), "; it resonates with 3 and 13"), ([4, 14], None, SERVED)]
        {
            let named = partly_mixed(&[8, others[0], others[1]]);
            assert_eq!((named.role, named.resonates_with), (Role::PartlyMixed, expected));
            assert_eq!(named.to_string(), format!("{words}{resonance}"));
        }
    }
}
