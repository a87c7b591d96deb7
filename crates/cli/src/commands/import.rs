use anyhow::anyhow;
use clockwork_model::{Checkpoint, ImportedFrom, Orientation};

use crate::{
    args::ImportArgs,
    exit::{Ended, WrongRequest},
    printer::Printer,
    program::program,
    relative_path::relative_to_here,
};

/// `clockwork import`
pub fn import(args: &ImportArgs) -> anyhow::Result<Ended> {
    let mut checkpoint = Checkpoint::open(&args.file, args.key.as_deref())?.checkpoint;
    let Some(imported) = checkpoint.metadata.imported.clone() else {
        return Err(anyhow!(WrongRequest::new("analyze it as it is, or copy its run's directory"))
            .context(format!("{} is a checkpoint of clockwork's own", args.file.display())));
    };
    checkpoint.metadata.step = args.step;
    let run = clockwork_training::import(&args.runs_dir, &args.name, &checkpoint, &imported)?;
    let path = relative_to_here(run.files().path());
    let model = checkpoint.metadata.model;
    let ImportedFrom { file, orientation, .. } = imported;
    let orientation = match orientation {
        Orientation::TransformerLens => "TransformerLens' orientation",
        Orientation::Notebook2022 => "the 2022 notebook's orientation",
    };
    let split = match &checkpoint.listed_split {
        Some(split) => format!("trained on {} pairs, {} held out", split.train.len(), split.test.len()),
        None => "which pairs it was trained on is not said".to_owned(),
    };
    let printer = Printer::new(false);
    run.notes().iter().for_each(|note| printer.warn(&note.to_string()));
    printer.result(&format!(
        "imported {file}, {orientation}: {}\n  modulus {}, d_model {}, {} heads, d_mlp {}; {split}\n  next   {} analyze {}\n",
        path.display(),
        model.modulus,
        model.d_model,
        model.n_heads,
        model.d_mlp,
        program(),
        path.display(),
    ))?;
    Ok(Ended::Done)
}
