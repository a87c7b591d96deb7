use std::sync::Arc;

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderIterator, Progress},
        dataset::DatasetError,
    },
    tensor::Device,
};
use clockwork_model::Task;

use crate::{TrainingDevice, closed_form::Pairs, learnable::Examples};

/// burn's view of a side of every network's split: the whole of it is one batch.
#[derive(Clone)]
pub(crate) struct FullBatch {
    /// What each network learns.
    tasks: Vec<Task>,
    /// One element a network.
    pairs: Vec<Vec<usize>>,
    on: TrainingDevice,
    examples: Examples,
}

impl FullBatch {
    /// The pairs of one side of every network's split. `device` is burn's device of `on`, with or without
    /// automatic differentiation.
    pub fn new(tasks: Vec<Task>, pairs: Vec<Vec<usize>>, on: &TrainingDevice, device: &Device) -> Self {
        let of_networks: Vec<&[usize]> = pairs.iter().map(Vec::as_slice).collect();
        let examples = Examples {
            batch: on.batch(&tasks, &of_networks, device),
            pairs: Arc::new(tasks.iter().zip(&pairs).map(|(task, of)| Pairs::new(*task, of)).collect()),
        };
        Self { tasks, pairs, on: on.clone(), examples }
    }
}

impl DataLoader<Examples> for FullBatch {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Examples> + 'a> {
        Box::new(Once { examples: Some(self.examples.clone()), total: self.num_items() })
    }

    /// The pairs of one network; all have as many.
    fn num_items(&self) -> usize {
        self.pairs.first().map_or(0, Vec::len)
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Examples>> {
        Arc::new(Self::new(self.tasks.clone(), self.pairs.clone(), &self.on, device))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Examples>> {
        let device = self.examples.batch.answer.device();
        let pairs = self.pairs.iter().map(|of| of[start..end].to_vec()).collect();
        Arc::new(Self::new(self.tasks.clone(), pairs, &self.on, &device))
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
