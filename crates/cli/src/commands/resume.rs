use clockwork_training::{Resume, Run};

use crate::{
    args::ResumeArgs,
    device::device,
    exit::Ended,
    looker::require_that_it_can_be_looked_at,
    printer::Printer,
    training_session::{require_terminal, train_and_tell},
};

/// `clockwork resume`
pub fn resume(args: &ResumeArgs) -> anyhow::Result<Ended> {
    require_terminal(&args.training)?;
    let printer = Printer::new(args.training.quiet);
    let device = device(args.training.backend, &printer)?;
    let steps = args.max_steps.map(|steps| format!("training.max_steps={steps}"));
    let resume = Resume {
        settings: args.settings.iter().cloned().chain(steps).collect(),
        from_step: args.from_step,
        locking: args.training.locking(),
    };
    let run = Run::resume(&args.run, &resume)?;
    require_that_it_can_be_looked_at(run.config())?;
    train_and_tell(run, device, &args.training, &printer)
}
