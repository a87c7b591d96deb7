use anyhow::anyhow;
use clockwork_model::{Checkpoint, Orientation};
use clockwork_report::words;

use crate::{
    args::ImportArgs,
    exit::{Ended, WrongRequest},
    other_reading::doubt,
    printer::Printer,
    program::program,
    read_as::read_as,
    relative_path::relative_to_here,
};

/// `clockwork import`
pub fn import(args: &ImportArgs) -> anyhow::Result<Ended> {
    let read_as = read_as(&args.read)?;
    let printer = Printer::new(false);
    let mut file = Checkpoint::open(&args.file, &read_as)?;
    doubt(&args.file, &read_as, &mut file, &printer);
    let checkpoint = &mut file.checkpoint;
    let Some(imported) = checkpoint.metadata.imported.clone() else {
        return Err(anyhow!(WrongRequest::new("analyze it as it is, or copy its run's directory"))
            .context(format!("{} is a checkpoint of clockwork's own", args.file.display())));
    };
    checkpoint.metadata.step = args.step;
    let run = clockwork_training::import(&args.runs_dir, &args.name, checkpoint, &imported)?;
    let path = relative_to_here(run.files().path());
    let model = checkpoint.metadata.model;
    let orientation = match imported.orientation {
        Orientation::TransformerLens => "TransformerLens' orientation",
        Orientation::Notebook2022 => "the 2022 notebook's orientation",
        Orientation::Linear => "nn.Linear's orientation",
    };
    let split = match &checkpoint.listed_split {
        Some(split) => format!("trained on {} pairs, {} held out", split.train.len(), split.test.len()),
        None => "which pairs it was trained on is not said".to_owned(),
    };
    run.notes().iter().for_each(|note| printer.warn(&note.to_string()));
    let heads = match model.n_heads {
        0 => "no attention".to_owned(),
        n => format!("{n} heads"),
    };
    let mut lines = vec![
        format!("imported {}, {orientation}: {}", imported.file, path.display()),
        format!(
            "  {} modulo {}, d_model {}, {heads}, d_mlp {}; {split}",
            checkpoint.metadata.task.operation.answers(),
            model.modulus,
            model.d_model,
            model.d_mlp
        ),
    ];
    lines.extend(words::reading(&imported).iter().map(|sentence| format!("  {sentence}")));
    lines.push(format!("  next   {} analyze {}\n", program(), path.display()));
    printer.result(&lines.join("\n"))?;
    Ok(Ended::Done)
}
