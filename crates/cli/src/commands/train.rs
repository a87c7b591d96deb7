use std::io::{Write, stdout};

use clockwork_training::{Config, Error, Run};
use jiff::Zoned;

use super::{
    relative_path::relative_to_here,
    sitting::{device, require_terminal, sit},
};
use crate::{args::TrainArgs, exit::Ended};

/// `clockwork train`
pub fn train(args: &TrainArgs) -> anyhow::Result<Ended> {
    require_terminal(&args.sitting)?;
    let mut settings = args.settings.clone();
    settings.extend(args.seed.map(|seed| format!("training.seed={seed}")));
    settings.extend(args.max_steps.map(|steps| format!("training.max_steps={steps}")));
    let config = Config::load(args.config.as_deref(), &settings)?;
    let device = device(args.sitting.backend, args.sitting.quiet)?;
    match create(args, &config) {
        Err(Error::Finished { path, step }) if args.or_resume => {
            if !args.sitting.quiet {
                let path = relative_to_here(&path);
                // A reader that went away, such as `head`, is no failure of the run.
                let _ = writeln!(stdout(), "finished at step {step} already: {}", path.display());
            }
            Ok(Ended::Done)
        }
        run => sit(run?, device, &args.sitting),
    }
}

fn create(args: &TrainArgs, config: &Config) -> Result<Run, Error> {
    let new = |name: &str| Run::create(&args.runs_dir, name, config.clone());
    if let Some(name) = &args.name {
        return match args.or_resume {
            true => Run::create_or_resume(&args.runs_dir, name, config),
            false => new(name),
        };
    }
    let time = Zoned::now().strftime("%Y%m%d-%H%M%S");
    let name = format!("add{}-seed{}-{time}", config.task.modulus, config.training.seed);
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
