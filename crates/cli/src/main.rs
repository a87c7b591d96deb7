//! The `clockwork` command: arguments, progress, printing.

mod args;
mod commands;
mod duration;
mod exit;
mod progress;
mod sweep_progress;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Train(args) => commands::train(&args),
        Command::Analyze(args) => commands::analyze(&args),
        Command::Import(args) => commands::import(&args),
        Command::Report(args) => commands::report(&args),
        Command::Resume(args) => commands::resume(&args),
        Command::Sweep(args) => commands::sweep(&args),
        Command::Compare(args) => commands::compare(&args),
        Command::Devices => Ok(commands::devices()),
    };
    exit::code(ended)
}
