use std::collections::BTreeMap;

use crate::{
    Arrays, FourierBasis, LogitFit, all_pairs::SplitInputs, losses::Losses, mean_squared::mean_squared,
};

/// The logits in the 2D Fourier basis, and the loss when some of their components are left out (after the
/// restricted and the excluded loss of Nanda et al. 2023, section 5.1).
#[derive(Debug, Clone)]
pub struct Logits {
    /// 2D Fourier coefficients of every logit, [p, p, p].
    pub coefficients: Vec<f64>,
    /// Bias-corrected loss of the components along cos ω_k(x + y) and sin ω_k(x + y) of the key
    /// frequencies alone, in nats.
    pub loss_trig_only: f64,
    /// Loss without those two components of one key frequency, in nats, with no bias correction.
    pub excluded_loss: BTreeMap<usize, ExcludedLoss>,
    /// The logits as a sum of waves.
    pub fit: LogitFit,
}

/// The loss without a frequency's components, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExcludedLoss {
    /// Over all inputs.
    pub all: f64,
    /// Over the inputs trained on, and those held out, where they are known.
    pub train_and_test: Option<[f64; 2]>,
}

impl Logits {
    /// Transforms, projects, and measures, by the key frequencies and by those whose waves cos ω_k(x + y − z) are fitted.
    pub(crate) fn new(
        basis: &FourierBasis,
        (key_freqs, waves): (&[usize], &[usize]),
        losses: &Losses,
        split: Option<&SplitInputs>,
    ) -> Self {
        let p = basis.modulus();
        let coefficients = basis.transform_2d(losses.original, p);
        let mut trig_only = vec![0.0; losses.original.len()];
        let mut excluded_loss = BTreeMap::new();
        for &k in key_freqs {
            let along = basis.along(&coefficients, p, &basis.sum_directions(k));
            trig_only.iter_mut().zip(&along).for_each(|(sum, along)| *sum += along);
            let without: Vec<f64> = losses.original.iter().zip(&along).map(|(l, along)| l - along).collect();
            let train_and_test = split.map(|split| losses.of_split(&without, split));
            excluded_loss.insert(k, ExcludedLoss { all: losses.of(&without), train_and_test });
        }
        Self {
            coefficients,
            loss_trig_only: losses.bias_corrected(&trig_only),
            excluded_loss,
            fit: LogitFit::new(p, waves, losses.original),
        }
    }

    /// Adds the arrays behind its figures.
    pub(crate) fn insert_into(&self, arrays: &mut Arrays, p: usize) {
        let squared = mean_squared(&self.coefficients, p, &(0..p).collect::<Vec<_>>());
        arrays.insert("logits.mean_squared", &[p, p], squared);
        self.fit.insert_into(arrays);
    }
}
