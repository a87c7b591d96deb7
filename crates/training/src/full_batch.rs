use std::sync::Arc;

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderIterator, Progress},
        dataset::DatasetError,
    },
    tensor::Device,
};
use clockwork_model::Batch;

/// burn's view of a split: the whole of it is one batch.
#[derive(Clone)]
pub(crate) struct FullBatch {
    modulus: usize,
    pairs: Vec<usize>,
    batch: Batch,
}

impl FullBatch {
    pub fn new(modulus: usize, pairs: Vec<usize>, device: &Device) -> Self {
        Self { batch: Batch::new(modulus, &pairs, device), modulus, pairs }
    }

    pub fn batch(&self) -> Batch {
        self.batch.clone()
    }
}

impl DataLoader<Batch> for FullBatch {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Batch> + 'a> {
        Box::new(Once { batch: Some(self.batch()), total: self.pairs.len() })
    }

    fn num_items(&self) -> usize {
        self.pairs.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Batch>> {
        Arc::new(Self::new(self.modulus, self.pairs.clone(), device))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Batch>> {
        let device = self.batch.x.device();
        Arc::new(Self::new(self.modulus, self.pairs[start..end].to_vec(), &device))
    }
}

struct Once {
    batch: Option<Batch>,
    total: usize,
}

impl Iterator for Once {
    type Item = Result<Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batch.take().map(Ok)
    }
}

impl DataLoaderIterator<Batch> for Once {
    fn progress(&self) -> Progress {
        let processed = if self.batch.is_none() { self.total } else { 0 };
        Progress::new(processed, self.total, Some("pairs".to_owned()))
    }
}
