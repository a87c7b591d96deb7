use std::sync::Arc;

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderIterator, Progress},
        dataset::DatasetError,
    },
    tensor::Device,
};
use clockwork_model::ModelConfig;

use crate::{TrainingDevice, closed_form::Pairs, learner::Examples};

/// burn's view of a split: the whole of it is one batch.
#[derive(Clone)]
pub(crate) struct FullBatch {
    config: ModelConfig,
    pairs: Vec<usize>,
    on: TrainingDevice,
    examples: Examples,
}

impl FullBatch {
    /// A split on a training device, by that or by burn's view of it that differentiates.
    pub fn new(config: ModelConfig, pairs: Vec<usize>, on: &TrainingDevice, device: &Device) -> Self {
        let examples = Examples {
            batch: on.batch(config.modulus, &[&pairs], device),
            pairs: Arc::new(Pairs::new(&config, &pairs)),
        };
        Self { config, pairs, on: on.clone(), examples }
    }
}

impl DataLoader<Examples> for FullBatch {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Examples> + 'a> {
        Box::new(Once { examples: Some(self.examples.clone()), total: self.pairs.len() })
    }

    fn num_items(&self) -> usize {
        self.pairs.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Examples>> {
        Arc::new(Self::new(self.config, self.pairs.clone(), &self.on, device))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Examples>> {
        let device = self.examples.batch.answer.device();
        Arc::new(Self::new(self.config, self.pairs[start..end].to_vec(), &self.on, &device))
    }
}

struct Once {
    examples: Option<Examples>,
    total: usize,
}

impl Iterator for Once {
    type Item = Result<Examples, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.examples.take().map(Ok)
    }
}

impl DataLoaderIterator<Examples> for Once {
    fn progress(&self) -> Progress {
        let processed = if self.examples.is_none() { self.total } else { 0 };
        Progress::new(processed, self.total, Some("pairs".to_owned()))
    }
}
