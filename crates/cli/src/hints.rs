//! What to type after an error. The libraries say what is wrong; they do not know what the user typed.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use clockwork_analysis::Error as AnalysisError;
use clockwork_model::Error as ModelError;
use clockwork_report::Error as ReportError;
use clockwork_training::{
    CLAIM, Error as TrainingError, NoDevice, NotARun, Origin, Record, RunFiles, RunNameProblem,
};

use crate::{looker::WITHOUT_LOOKS, missing::instead_of, program::program};

/// The flag that a setting came with, which stands before it in the error.
pub fn flag(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref() {
        Some(TrainingError::Config { origin: Origin::Setting(_), .. }) => "--set ",
        Some(TrainingError::Config { origin: Origin::Seeds(_), .. }) => "--seeds ",
        _ => "",
    }
}

/// What to type, if that is known.
pub fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<TrainingError>() {
            after_training(error)
        } else if matches!(cause.downcast_ref(), Some(AnalysisError::Broken { .. }))
            || matches!(cause.downcast_ref(), Some(ReportError::Analysis(_)))
        {
            Some(format!("run `{} analyze` again", program()))
        } else if is_output_forbidden(cause) {
            Some("use --out for another place".to_owned())
        } else if matches!(cause.downcast_ref(), Some(AnalysisError::NotFinite)) {
            Some("analyse another checkpoint".to_owned())
        } else if matches!(cause.downcast_ref(), Some(AnalysisError::NoCoordinates { .. })) {
            Some(format!("`{} report` draws its losses and accuracies", program()))
        } else if let Some(ModelError::Names { draft, .. }) = cause.downcast_ref() {
            Some(format!(
                "tell what they are in a file, such as names.toml, and give it with --names; fill in this draft:\n{}",
                draft.trim_end()
            ))
        } else if matches!(cause.downcast_ref(), Some(ModelError::SeveralNetworks { .. })) {
            Some("choose one with --key".to_owned())
        } else {
            None
        }
    })
}

/// Whether a place may not be written to, rather than something failing there.
fn is_forbidden(source: &io::Error) -> bool {
    matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

/// Whether a report, or the files of an analysis, may not be written where they were to be.
pub fn is_output_forbidden(cause: &(dyn std::error::Error + 'static)) -> bool {
    match (cause.downcast_ref(), cause.downcast_ref()) {
        (Some(AnalysisError::Io { action: "write", source, .. }), _)
        | (_, Some(ReportError::Io { source, .. })) => is_forbidden(source),
        _ => false,
    }
}

fn after_training(error: &TrainingError) -> Option<String> {
    Some(match error {
        TrainingError::RunExists { path }
            if matches!(RunFiles::new(path).record(), Some(Record::Imported(_))) =>
        {
            "choose another --name".to_owned()
        }
        TrainingError::RunExists { path } => {
            let resume = format!("{} resume {}", program(), path.display());
            format!("choose another --name, or continue it with `{resume}`")
        }
        TrainingError::OtherSettings { .. } => "choose another --name".to_owned(),
        TrainingError::Finished { path, step } => {
            let config = RunFiles::new(path).config().ok()?;
            let longer = format!("{} resume {} --max-steps N", program(), path.display());
            match config.training.max_steps > *step {
                true => format!(
                    "it stopped early: train on with `{longer} --set training.stop_below_test_loss=0`"
                ),
                false => format!("train on with `{longer}`"),
            }
        }
        TrainingError::Look { .. } => WITHOUT_LOOKS.to_owned(),
        TrainingError::Locked { path, holder: Some(_) } => {
            format!("if there is none, remove {}, or use --no-lock", path.join(CLAIM).display())
        }
        TrainingError::SettingEdited { path, change } => {
            format!("put {} = {} back, or {}", change.key, change.from, new_run(path))
        }
        TrainingError::FixedSetting { .. } => "train a new run with it".to_owned(),
        TrainingError::RunName { problem: RunNameProblem::Latest, .. } => "choose another".to_owned(),
        TrainingError::RunName { problem: RunNameProblem::NotAFileName, .. } => {
            "use --runs-dir for another directory".to_owned()
        }
        TrainingError::NotARun { path, problem } => match problem {
            NotARun::NoConfig | NotARun::Unreachable(_) => instead_of(path),
            NotARun::NoExactStep { newest: Some(step), .. } => format!(
                "put it back, go on with moments that begin anew with `{} resume {} --from-step {step}`, or {}",
                program(),
                path.display(),
                new_run(&RunFiles::new(path).config_path())
            ),
            NotARun::NoExactStep { newest: None, .. } => {
                format!("put them back, or {}", new_run(&RunFiles::new(path).config_path()))
            }
            NotARun::NoStep { .. } => "choose another --from-step".to_owned(),
            NotARun::OtherHash => format!("put them back, or {}", new_run(path)),
            NotARun::IsARun => "choose another --name for the sweep".to_owned(),
            NotARun::NotText => "choose another --runs-dir".to_owned(),
            NotARun::BrokenLine { .. } => "remove it to go on".to_owned(),
            NotARun::BrokenManifest(_) => "remove it and start the sweep again".to_owned(),
            NotARun::Imported => return None,
        },
        TrainingError::NoDevice(NoDevice::NotBuiltIn) => {
            "use `just backend=wgpu`, or `cargo install --path crates/cli --locked --features wgpu`"
                .to_owned()
        }
        TrainingError::NoDevice(NoDevice::NoneFound) => {
            "install its driver, such as Debian's mesa-vulkan-drivers".to_owned()
        }
        TrainingError::NoDevice(NoDevice::BurnDevice) => "unset it, and choose with --backend".to_owned(),
        _ => return None,
    })
}

/// How to train a new run with the settings of a configuration.
fn new_run(config: &Path) -> String {
    format!("train a new run with `{} train --config {} --name NAME`", program(), config.display())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use anyhow::anyhow;
    use clockwork_files::Holder;
    use clockwork_training::SettingChange;

    use super::*;

    fn path() -> PathBuf {
        PathBuf::from("runs/a")
    }

    #[test]
    fn errors_that_a_user_can_act_on_say_what_to_type() {
        let not_a_run = |problem| TrainingError::NotARun { path: path(), problem };
        let run_name = |problem| TrainingError::RunName { name: "a".to_owned(), problem };
        let config = |origin| TrainingError::Config { origin, problem: "is wrong".to_owned() };
        let change =
            |key: &str| SettingChange { key: key.to_owned(), from: "1".to_owned(), to: "2".to_owned() };
        let config_path = || path().join("config.toml");
        let asked = |key: &str| TrainingError::OtherSettings { path: config_path(), change: change(key) };
        let edited = TrainingError::SettingEdited { path: config_path(), change: change("training.seed") };
        let holder = Holder { host: "a".to_owned(), process: 7, started: None, among: None, since: 0 };
        let held = TrainingError::Locked { path: path(), holder: Some(holder) };
        let broken = AnalysisError::Broken { path: path(), problem: "is half".to_owned() };
        let names =
            ModelError::Names { path: path(), problem: "odd".to_owned(), draft: "a = 1\n".to_owned() };
        let several = ModelError::SeveralNetworks { path: path(), n_networks: 2, keys: "a, b".to_owned() };
        for (error, before, after) in [
            (anyhow!(TrainingError::RunExists { path: path() }), "", "clockwork resume runs/a"),
            (anyhow!(asked("task.modulus")), "", "another --name"),
            (
                anyhow!(TrainingError::Look { step: 7, source: "it is gone".into() }),
                "",
                "training.stop_when=steps",
            ),
            (
                anyhow!(edited),
                "",
                "put training.seed = 1 back, or train a new run with `clockwork train --config runs/a/config.toml",
            ),
            (anyhow!(TrainingError::FixedSetting { key: "training.seed".to_owned() }), "", "a new run"),
            (
                anyhow!(not_a_run(NotARun::NoExactStep { newest: Some(7), problem: String::new() })),
                "",
                "clockwork resume runs/a --from-step 7",
            ),
            (
                anyhow!(not_a_run(NotARun::NoExactStep { newest: None, problem: String::new() })),
                "",
                "train --config runs/a/config.toml",
            ),
            (anyhow!(not_a_run(NotARun::NoStep { asked: 7, kept: vec![] })), "", "--from-step"),
            (anyhow!(not_a_run(NotARun::OtherHash)), "", "put them back"),
            (anyhow!(TrainingError::NoDevice(NoDevice::BurnDevice)), "", "unset it"),
            (anyhow!(held), "", "remove runs/a/lock.json, or use --no-lock"),
            (anyhow!(TrainingError::Locked { path: path(), holder: None }), "", ""),
            (anyhow!(run_name(RunNameProblem::NotAFileName)), "", "--runs-dir"),
            (anyhow!(run_name(RunNameProblem::Latest)), "", "choose another"),
            (anyhow!(run_name(RunNameProblem::EmptyOrHidden)), "", ""),
            (anyhow!(not_a_run(NotARun::NoConfig)), "", "runs/latest"),
            (anyhow!(not_a_run(NotARun::IsARun)), "", "another --name"),
            (anyhow!(not_a_run(NotARun::NotText)), "", "--runs-dir"),
            (anyhow!(not_a_run(NotARun::Imported)), "", ""),
            (anyhow!(not_a_run(NotARun::BrokenManifest("x".to_owned()))), "", "remove it"),
            (anyhow!(TrainingError::NoDevice(NoDevice::NotBuiltIn)), "", "--features wgpu"),
            (anyhow!(TrainingError::NoDevice(NoDevice::NoneFound)), "", "mesa-vulkan-drivers"),
            (anyhow!(config(Origin::Setting("a.b=1".to_owned()))), "--set ", ""),
            (anyhow!(config(Origin::Seeds("4..0".to_owned()))), "--seeds ", ""),
            (anyhow!(config(Origin::Sweep)), "", ""),
            (anyhow!(broken).context("cannot read it"), "", "clockwork analyze"),
            (anyhow!(ReportError::Analysis("is half".to_owned())), "", "clockwork analyze"),
            (
                anyhow!(ReportError::Io {
                    action: "create",
                    path: path(),
                    source: ErrorKind::PermissionDenied.into()
                }),
                "",
                "--out",
            ),
            (anyhow!(AnalysisError::NotFinite), "", "another checkpoint"),
            (anyhow!(AnalysisError::NothingToCompare), "", ""),
            (anyhow!(several), "", "--key"),
            (anyhow!(names), "", "--names; fill in this draft:\na = 1"),
        ] {
            let hint = hint(&error);
            assert_eq!(flag(&error), before, "{error:?}");
            let is_right = if after.is_empty() {
                hint.is_none()
            } else {
                hint.as_ref().is_some_and(|of| of.contains(after))
            };
            assert!(is_right, "{error:?}: {hint:?} lacks {after:?}");
        }
    }
}
