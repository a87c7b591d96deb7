use clockwork_training::Run;

use crate::{
    args::ResumeArgs,
    device::device,
    exit::Ended,
    printer::Printer,
    training_session::{require_terminal, train_and_tell},
};

/// `clockwork resume`
pub fn resume(args: &ResumeArgs) -> anyhow::Result<Ended> {
    require_terminal(&args.training)?;
    let printer = Printer::new(args.training.quiet);
    let device = device(args.training.backend, &printer)?;
    train_and_tell(Run::resume(&args.run)?, device, &args.training, &printer)
}
