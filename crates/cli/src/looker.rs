use clockwork_analysis::Cleanliness;
use clockwork_training::Looker;

/// Looks at checkpoints of a run that ends once its circuit is clean.
pub fn looker() -> Looker {
    Looker::new(|checkpoint| Ok(Cleanliness::of(checkpoint)?.is_clean()))
}
