//! Faults of storage and clock, made by a small library of C that is preloaded.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Output},
    sync::OnceLock,
};

use crate::sandbox::Sandbox;

const SOURCE: &str = include_str!("../faults/faults.c");

/// The library, built once; nothing where there is no C compiler, or no preloading of what it makes.
fn library() -> Option<&'static PathBuf> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    LIBRARY.get_or_init(build).as_ref()
}

fn build() -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    // It is needed until the last test ends.
    let directory = tempfile::tempdir().ok()?.keep();
    let (source, library) = (directory.join("faults.c"), directory.join("faults.so"));
    fs::write(&source, SOURCE).ok()?;
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let built = Command::new(compiler).args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
    built.is_ok_and(|status| status.success()).then_some(library)
}

/// Runs `clockwork` where there are these faults; nothing where none can be made, which is said.
pub fn run_with<S: AsRef<str>>(sandbox: &Sandbox, faults: &str, args: &[S]) -> Option<Output> {
    Some(command_with(sandbox, faults, args)?.output().unwrap())
}

/// The command that does so.
pub fn command_with<S: AsRef<str>>(sandbox: &Sandbox, faults: &str, args: &[S]) -> Option<Command> {
    let Some(library) = library() else {
        eprintln!("skipped: {faults} needs Linux and a C compiler");
        return None;
    };
    let mut command = sandbox.command(args);
    command.env("LD_PRELOAD", library).env("CLOCKWORK_FAULTS", faults);
    Some(command)
}
