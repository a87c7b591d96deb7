use clockwork_training::Run;

use super::sitting::{require_terminal, sit};
use crate::{args::ResumeArgs, exit::Ended};

/// `clockwork resume`
pub fn resume(args: &ResumeArgs) -> anyhow::Result<Ended> {
    require_terminal(&args.sitting)?;
    sit(Run::resume(&args.run)?, &args.sitting)
}
