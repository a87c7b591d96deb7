use std::{
    env,
    io::{copy, sink, stdin},
    process, thread,
};

use anyhow::Context;
use burn::train::Interrupter;
use clockwork_training::STOP_AT_EOF;

use crate::exit::INTERRUPTED;

/// The first Ctrl-C, termination request or hang-up stops after the step at hand, the second at once. What was to
/// be ignored when this process began, such as a hang-up under `nohup`, stays ignored.
pub fn stop_on_ctrl_c(interrupter: &Interrupter) -> anyhow::Result<()> {
    let interrupter = interrupter.clone();
    on_signal(move || {
        if interrupter.should_stop() {
            #[cfg(unix)]
            crate::terminal::give_back();
            process::exit(INTERRUPTED.into());
        }
        interrupter.stop(Some("stopped by the user"));
    })
    .context("cannot listen for Ctrl-C")
}

#[cfg(unix)]
fn on_signal(mut stop: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
    };

    let heard = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| !is_ignored(signal));
    let mut signals = Signals::new(heard)?;
    thread::Builder::new().spawn(move || signals.forever().for_each(|_| stop()))?;
    Ok(())
}

/// Whether this process is to ignore a signal, as whoever started it asked.
#[cfg(unix)]
#[expect(unsafe_code, reason = "no library asks the system what becomes of a signal without changing it")]
fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null pointer asks for no change, and `action` has room for the answer.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: where the call succeeded it has filled `action`.
    asked == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

#[cfg(not(unix))]
fn on_signal(stop: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(stop)?)
}

/// In a process that a sweep started, stops after the step at hand once standard input ends: the sweep has
/// closed it, or is no longer running.
pub fn stop_with_sweep(interrupter: &Interrupter) {
    if env::var_os(STOP_AT_EOF).is_none() {
        return;
    }
    let interrupter = interrupter.clone();
    thread::spawn(move || {
        // Input that breaks off ends too.
        let _ = copy(&mut stdin(), &mut sink());
        interrupter.stop(Some("stopped with its sweep"));
    });
}
