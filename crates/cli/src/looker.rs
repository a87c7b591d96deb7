use anyhow::anyhow;
use clockwork_analysis::{Analysis, Cleanliness};
use clockwork_training::{Config, Looker, StopWhen};

use crate::exit::WrongRequest;

/// What to ask for instead where a run cannot be looked at.
pub const WITHOUT_LOOKS: &str =
    "use --set training.stop_when=steps to end after training.cleanup_steps instead";

/// Looks at checkpoints of a run that ends once its circuit is clean.
pub fn looker() -> Looker {
    Looker::new(|checkpoint| Ok(Cleanliness::of(checkpoint)?.is_clean()))
}

/// Refuses a run that ends once its circuit is clean, but is too large to be looked at: it would fail only once its
/// loss is low, hours later.
pub fn require_that_it_can_be_looked_at(config: &Config) -> anyhow::Result<()> {
    let is_looked_at = config.stop_when() == StopWhen::Clean && config.training.stop_below_test_loss > 0.0;
    match Analysis::require_memory(&config.model()) {
        Err(error) if is_looked_at => {
            let problem = format!("it could not be told whether the circuit is clean: {error}");
            Err(anyhow!(WrongRequest::new(WITHOUT_LOOKS)).context(problem))
        }
        _ => Ok(()),
    }
}
