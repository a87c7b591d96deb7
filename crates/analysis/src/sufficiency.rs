use std::collections::BTreeMap;

use rand::{SeedableRng, seq::index::sample};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{AnalysedNetwork, FourierBasis, Result, drawn::draw};

/// Of how many key frequencies all subsets are tried at most: those with the largest amplitudes in the logits.
const MAX_FREQS: usize = 10;

/// How many multiplications of the network's matrices trying all subsets may take, about; each is tried on all inputs where
/// these are enough.
const SUBSET_PRODUCTS: u64 = 1 << 33;

/// By how many standard deviations a subset of 99 % may be less accurate on the inputs that were drawn and be tried on all.
const DEVIATIONS: f64 = 4.0;

/// How many times other frequencies are drawn.
const DRAWS: usize = 100;

/// On how many inputs the network is tried without those of a draw.
const DRAW_INPUTS: usize = 256;

/// The seed of the frequencies that are drawn.
const SEED: u64 = 1;

/// How few of the key frequencies suffice: what the network does with only some of them in its embedding. Waves of all other
/// frequencies are taken out of it; what is the same for all numbers stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sufficiency {
    /// Every subset of the key frequencies, smaller ones first. Of more than ten it is those with the largest C_k.
    pub subsets: Vec<Kept>,
    /// On how many inputs each was tried: all, or as many as were drawn.
    pub subset_inputs: usize,
    /// The smallest subset, and of those the most accurate, that keeps 99 % of the accuracy, on all inputs; all key frequencies
    /// where none of at most ten does.
    pub keeps_99_percent: Option<Kept>,
    /// The same for all of the accuracy.
    pub keeps_all: Option<Kept>,
    /// The opposite: what is left without the key frequencies, on all inputs. `freqs` are those that are left out.
    pub without_key_freqs: Kept,
    /// The control: what is left without as many others; none where there are not as many.
    pub without_others: Option<WithoutOthers>,
}

/// What a network does with a part of its embedding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The frequencies that are kept.
    pub freqs: Vec<usize>,
    /// Mean loss in nats.
    pub loss: f64,
    /// The fraction that is answered right.
    pub accuracy: f64,
}

/// What a network does without as many frequencies as are key, drawn among those that are not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WithoutOthers {
    /// How many times they are drawn.
    pub draws: usize,
    /// On how many inputs each is tried: all, or as many as were drawn.
    pub inputs: usize,
    /// The mean over draws of the mean loss in nats.
    pub mean_loss: f64,
    /// The mean over draws of the fraction that is answered right.
    pub mean_accuracy: f64,
    /// The least such fraction.
    pub least_accuracy: f64,
}

/// A network of which frequencies are kept and left out.
struct Trials<'a> {
    basis: &'a FourierBasis,
    network: &'a AnalysedNetwork,
    /// The accuracy of the network as it is, over the same inputs.
    accuracy: f64,
    inputs: Vec<usize>,
}

impl Sufficiency {
    /// Tries all subsets of a network's key frequencies, whose amplitudes in the logits are given.
    ///
    /// # Errors
    ///
    /// Those of [`Network::run`](crate::Network::run).
    pub(crate) fn new(
        basis: &FourierBasis,
        network: &AnalysedNetwork,
        amplitudes: &BTreeMap<usize, f64>,
    ) -> Result<Self> {
        let losses = network.losses();
        let accuracy = losses.accuracy(&network.logits);
        let trials = Trials { basis, network, accuracy, inputs: (0..basis.modulus().pow(2)).collect() };
        let key: Vec<usize> = amplitudes.keys().copied().collect();
        let freqs = largest(amplitudes);
        let of_input = network.products() / trials.inputs.len() as u64;
        let of_them = (SUBSET_PRODUCTS >> freqs.len()) / of_input.max(1);
        let inputs = draw(trials.inputs.len(), of_them as usize);
        let subset = |bits: usize| -> Vec<usize> {
            freqs.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, &k)| k).collect()
        };
        let mut subsets = (0..1_usize << freqs.len())
            .into_par_iter()
            .map(|bits| trials.with_only(&subset(bits), &inputs))
            .collect::<Result<Vec<Kept>>>()?;
        subsets.sort_by_key(|kept| kept.freqs.len());
        let keeps_99_percent = trials.smallest(&subsets, &key, 0.99, inputs.len())?;
        let keeps_all = match &keeps_99_percent {
            // No smaller one keeps all that does not keep 99 %.
            Some(kept) if kept.accuracy >= accuracy => keeps_99_percent.clone(),
            _ => trials.smallest(&subsets, &key, 1.0, inputs.len())?,
        };
        Ok(Self {
            subset_inputs: inputs.len(),
            keeps_99_percent,
            keeps_all,
            without_others: trials.without_others(&key)?,
            without_key_freqs: trials.without(&key, &trials.inputs)?,
            subsets,
        })
    }
}

/// The frequencies with the largest amplitudes, ascending.
fn largest(amplitudes: &BTreeMap<usize, f64>) -> Vec<usize> {
    let mut largest: Vec<(usize, f64)> = amplitudes.iter().map(|(&k, c)| (k, c.abs())).collect();
    largest.sort_by(|a, b| b.1.total_cmp(&a.1));
    largest.truncate(MAX_FREQS);
    let mut freqs: Vec<usize> = largest.into_iter().map(|(k, _)| k).collect();
    freqs.sort_unstable();
    freqs
}

impl Trials<'_> {
    /// The network with waves of these frequencies alone.
    fn with_only(&self, freqs: &[usize], inputs: &[usize]) -> Result<Kept> {
        let waves = |embedding: &[f64]| self.basis.waves_of(embedding, std::iter::once(0), freqs);
        self.with(freqs, waves, inputs)
    }

    /// The network without waves of these frequencies.
    fn without(&self, freqs: &[usize], inputs: &[usize]) -> Result<Kept> {
        let rest = |embedding: &[f64]| {
            let waves = self.basis.waves_of(embedding, std::iter::empty(), freqs);
            embedding.iter().zip(waves).map(|(value, wave)| value - wave).collect()
        };
        self.with(freqs, rest, inputs)
    }

    fn with(&self, freqs: &[usize], change: impl Fn(&[f64]) -> Vec<f64>, inputs: &[usize]) -> Result<Kept> {
        let network = self.network.with_embedding(|embedding| Ok(change(embedding)))?;
        let [loss, accuracy] = network.loss_and_accuracy(inputs)?;
        Ok(Kept { freqs: freqs.to_vec(), loss, accuracy })
    }

    /// The smallest of some subsets that keeps a share of the accuracy on all inputs, and of those of its size the most accurate.
    /// They were tried on as many inputs as told, and are in the order of their sizes; all key frequencies come last.
    fn smallest(&self, subsets: &[Kept], key: &[usize], share: f64, tried_on: usize) -> Result<Option<Kept>> {
        let least = share * self.accuracy;
        // A subset that does on all inputs is next to never this much worse on those that were drawn.
        let slack = match tried_on == self.inputs.len() {
            true => 0.0,
            false => DEVIATIONS * (0.01 / tried_on as f64).sqrt() + 1.0 / tried_on as f64,
        };
        let of_size = |a: &Kept, b: &Kept| a.freqs.len() == b.freqs.len();
        for of_size in subsets.chunk_by(of_size) {
            let mut best: Option<Kept> = None;
            for kept in of_size.iter().filter(|kept| kept.accuracy >= least - slack) {
                let on_all = self.with_only(&kept.freqs, &self.inputs)?;
                if best.as_ref().is_none_or(|best| on_all.accuracy > best.accuracy) {
                    best = Some(on_all);
                }
                // Nothing is more accurate than this.
                if best.as_ref().is_some_and(|best| best.accuracy >= 1.0) {
                    break;
                }
            }
            if let Some(best) = best.filter(|best| best.accuracy >= least) {
                return Ok(Some(best));
            }
        }
        Ok(Some(self.with_only(key, &self.inputs)?).filter(|kept| kept.accuracy >= least))
    }

    fn without_others(&self, key: &[usize]) -> Result<Option<WithoutOthers>> {
        let others: Vec<usize> = self.basis.frequencies().filter(|k| !key.contains(k)).collect();
        if key.is_empty() || others.len() < key.len() {
            return Ok(None);
        }
        let inputs = draw(self.inputs.len(), DRAW_INPUTS);
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let mut chosen =
            || sample(&mut rng, others.len(), key.len()).into_iter().map(|i| others[i]).collect();
        let drawn: Vec<Vec<usize>> = (0..DRAWS).map(|_| chosen()).collect();
        let found = drawn.into_par_iter().map(|freqs| self.without(&freqs, &inputs));
        let found = found.collect::<Result<Vec<Kept>>>()?;
        let mean = |of: fn(&Kept) -> f64| found.iter().map(of).sum::<f64>() / DRAWS as f64;
        Ok(Some(WithoutOthers {
            draws: DRAWS,
            inputs: inputs.len(),
            mean_loss: mean(|kept| kept.loss),
            mean_accuracy: mean(|kept| kept.accuracy),
            least_accuracy: found.iter().map(|kept| kept.accuracy).fold(1.0, f64::min),
        }))
    }
}

impl FourierBasis {
    /// What of the numbers' rows, [n, width], lies along some rows of the basis and the waves of some frequencies.
    fn waves_of(&self, of: &[f64], rows: impl Iterator<Item = usize>, freqs: &[usize]) -> Vec<f64> {
        let width = of.len() / self.modulus();
        let mut along = vec![0.0; of.len()];
        for row in rows.chain(freqs.iter().flat_map(|&k| self.rows_of(k))) {
            let component = self.component(row, of, width);
            for (along, wave) in along.chunks_exact_mut(width).zip(self.row(row)) {
                along.iter_mut().zip(&component).for_each(|(value, c)| *value += wave * c);
            }
        }
        along
    }
}
