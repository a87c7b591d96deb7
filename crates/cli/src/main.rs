//! The `clockwork` command: arguments, progress, printing.

mod analysis_progress;
mod args;
mod checkpoint_path;
mod claim_lines;
mod commands;
mod comparison_csv;
mod comparison_table;
mod course;
mod dashboard;
mod device;
mod duration;
mod exit;
mod facts;
mod hints;
mod interrupt;
mod looker;
mod memory;
mod missing;
mod other_reading;
mod printer;
mod program;
mod progress;
mod read_as;
mod relative_path;
mod runs_to_compare;
mod sweep_progress;
mod table;
#[cfg(unix)]
mod terminal;
mod threads;
mod training_curves;
mod training_session;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return exit::code(printer::arguments(&said)),
    };
    let ended = match cli.command {
        Command::Train(args) => commands::train(&args),
        Command::Analyze(args) => commands::analyze(&args),
        Command::Import(args) => commands::import(&args),
        Command::Progress(args) => commands::progress(&args),
        Command::Report(args) => commands::report(&args),
        Command::Resume(args) => commands::resume(&args),
        Command::Sweep(args) => commands::sweep(&args),
        Command::Compare(args) => commands::compare(&args),
        Command::Devices => commands::devices(),
    };
    exit::code(ended)
}
