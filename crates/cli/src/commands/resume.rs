use clockwork_training::Run;

use super::sitting::{device, require_terminal, sit};
use crate::{args::ResumeArgs, exit::Ended};

/// `clockwork resume`
pub fn resume(args: &ResumeArgs) -> anyhow::Result<Ended> {
    require_terminal(&args.sitting)?;
    let device = device(args.sitting.backend, args.sitting.quiet)?;
    sit(Run::resume(&args.run)?, device, &args.sitting)
}
