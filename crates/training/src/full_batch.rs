use std::sync::Arc;

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderIterator, Progress},
        dataset::DatasetError,
    },
    tensor::Device,
};
use clockwork_model::{Batch, ModelConfig};

use crate::{closed_form::Pairs, learner::Examples};

/// burn's view of a split: the whole of it is one batch.
#[derive(Clone)]
pub(crate) struct FullBatch {
    config: ModelConfig,
    pairs: Vec<usize>,
    examples: Examples,
}

impl FullBatch {
    pub fn new(config: ModelConfig, pairs: Vec<usize>, device: &Device) -> Self {
        let examples = Examples {
            batch: Batch::new(config.modulus, &pairs, device),
            pairs: Arc::new(Pairs::new(&config, &pairs)),
        };
        Self { config, pairs, examples }
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
        Arc::new(Self::new(self.config, self.pairs.clone(), device))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Examples>> {
        let device = self.examples.batch.answer.device();
        Arc::new(Self::new(self.config, self.pairs[start..end].to_vec(), &device))
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
