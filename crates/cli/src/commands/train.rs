use clockwork_training::{Config, Error, Run, RunFiles, now};
use jiff::tz::TimeZone;

use crate::{
    args::TrainArgs,
    device::device,
    exit::Ended,
    looker::require_that_it_can_be_looked_at,
    printer::Printer,
    relative_path::relative_to_here,
    training_session::{draw_curves, require_terminal, train_and_tell},
};

/// `clockwork train`
pub fn train(args: &TrainArgs) -> anyhow::Result<Ended> {
    require_terminal(&args.training)?;
    let printer = Printer::new(args.training.quiet);
    let mut settings = args.settings.clone();
    settings.extend(args.seed.map(|seed| format!("training.seed={seed}")));
    settings.extend(args.max_steps.map(|steps| format!("training.max_steps={steps}")));
    let config = Config::load(args.config.as_deref(), &settings)?;
    require_that_it_can_be_looked_at(&config)?;
    let device = device(args.training.backend, &printer)?;
    match create(args, &config) {
        Err(Error::Finished { path, step }) if args.or_resume => {
            let path = relative_to_here(&path);
            // It may have been killed after its last step, before its curves were drawn.
            let files = RunFiles::new(&path);
            draw_curves(&files, &files.metrics(step).unwrap_or_default(), &printer);
            printer.result(&format!("finished at step {step} already: {}\n", path.display()))?;
            Ok(Ended::Done)
        }
        run => train_and_tell(run?, device, &args.training, &printer),
    }
}

fn create(args: &TrainArgs, config: &Config) -> Result<Run, Error> {
    let locking = args.training.locking();
    let new = |name: &str| Run::create(&args.runs_dir, name, config.clone(), locking);
    if let Some(name) = &args.name {
        return match args.or_resume {
            true => Run::create_or_resume(&args.runs_dir, name, config, locking),
            false => new(name),
        };
    }
    let time = now()?.to_zoned(TimeZone::system());
    let time = time.strftime("%Y%m%d-%H%M%S");
    let name = format!("{}-seed{}-{time}", config.task().file_name(), config.training.seed);
    // Several runs may start in the same second.
    let mut names = std::iter::once(name.clone()).chain((2..).map(|n| format!("{name}-{n}")));
    loop {
        let name = names.next().unwrap_or_default();
        match new(&name) {
            Err(Error::RunExists { .. }) => {}
            run => return run,
        }
    }
}
