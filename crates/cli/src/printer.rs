use std::{
    fmt,
    io::{self, ErrorKind, IsTerminal, Write, stderr, stdout},
};

use anyhow::Context;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::{duration::seconds, exit::Ended};

/// Decides what goes where: results to standard output, everything else to standard error, above the bars
/// where that is a terminal.
///
/// A reader that went away, such as `head`, stops no command.
#[derive(Clone)]
pub struct Printer {
    is_quiet: bool,
    draws_bars: bool,
    bars: MultiProgress,
}

impl Printer {
    /// A printer that shows results and progress; where it `is_quiet`, errors and warnings only.
    pub fn new(is_quiet: bool) -> Self {
        let target = match stderr().is_terminal() && !is_quiet {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bars = MultiProgress::with_draw_target(target);
        // A terminal that cannot move its cursor has lines in place of bars.
        Self { is_quiet, draws_bars: !bars.is_hidden(), bars }
    }

    /// Whether progress is drawn as bars. Where it is not, lines tell of it.
    pub fn draws_bars(&self) -> bool {
        self.draws_bars
    }

    /// Writes a result to standard output.
    ///
    /// # Errors
    ///
    /// Where it cannot be written, such as to a file on a full disk; a reader that went away is no error.
    pub fn result(&self, text: &str) -> anyhow::Result<()> {
        if self.is_quiet {
            return Ok(());
        }
        must_be_written(stdout().write_all(text.as_bytes()))
    }

    /// Tells of progress in a line.
    pub fn line(&self, line: &str) {
        if !self.is_quiet {
            self.write(line);
        }
    }

    /// Warns of something that stops nothing.
    pub fn warn(&self, words: &str) {
        self.write(&format!("warning: {words}"));
    }

    /// Writes a line to standard error, above the bars.
    fn write(&self, line: &str) {
        unless_nobody_reads(match self.draws_bars {
            true => self.bars.println(line),
            false => writeln!(stderr(), "{line}"),
        });
    }

    /// A new bar, below the others. The template may have a `rate` in steps per second and the time `left`.
    pub fn bar(&self, length: u64, template: &str) -> ProgressBar {
        self.bars.add(bar(length, template))
    }

    /// A new bar, above another one.
    pub fn bar_above(&self, other: &ProgressBar, length: u64, template: &str) -> ProgressBar {
        self.bars.insert_before(other, bar(length, template))
    }

    /// Takes a bar away.
    pub fn remove(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.bars.remove(bar);
    }
}

/// Prints what clap says instead of a command: help, the version, or what is wrong with the arguments.
pub fn arguments(said: &clap::Error) -> anyhow::Result<Ended> {
    let printed = said.print();
    if said.use_stderr() {
        return Ok(Ended::WrongArguments);
    }
    must_be_written(printed)?;
    Ok(Ended::Done)
}

/// Makes sure that all of standard output is written, where somebody reads it.
fn must_be_written(written: io::Result<()>) -> anyhow::Result<()> {
    match written.and_then(|()| stdout().flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe || is_terminal_gone(&e) => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Whether output goes to a terminal that was closed.
fn is_terminal_gone(error: &io::Error) -> bool {
    #[cfg(unix)]
    let is_gone = {
        use std::os::unix::fs::FileTypeExt;

        let stdout = std::fs::metadata("/dev/stdout");
        let is_device = stdout.is_ok_and(|stdout| stdout.file_type().is_char_device());
        error.raw_os_error() == Some(libc::EIO) && is_device
    };
    #[cfg(not(unix))]
    let is_gone = false;
    is_gone
}

/// Writes an error to standard error.
pub fn error(words: &str) {
    unless_nobody_reads(writeln!(stderr(), "error: {words}"));
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template)
        .expect("the template is well-formed")
        .with_key("rate", |state: &ProgressState, w: &mut dyn fmt::Write| {
            unless_nobody_reads(write!(w, "{:.0} steps/s", state.per_sec()));
        })
        .with_key("left", |state: &ProgressState, w: &mut dyn fmt::Write| {
            unless_nobody_reads(write!(w, "{}", seconds(state.eta().as_secs_f64())));
        });
    // It has no target of its own: it is drawn where it is added.
    ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden()).with_style(style)
}

/// Drops the error of a line that could not be written: what nobody reads is not worth stopping a run for, and
/// the exit status tells of an error all the same.
fn unless_nobody_reads<E>(written: Result<(), E>) {
    drop(written);
}
