use std::{
    env,
    io::{copy, sink, stdin},
    process, thread,
};

use anyhow::Context;
use burn::train::Interrupter;
use clockwork_training::STOP_AT_EOF;

use crate::exit::INTERRUPTED;

/// The first Ctrl-C or termination request stops after the step at hand, the second at once.
pub fn stop_on_ctrl_c(interrupter: &Interrupter) -> anyhow::Result<()> {
    let interrupter = interrupter.clone();
    ctrlc::set_handler(move || {
        if interrupter.should_stop() {
            process::exit(INTERRUPTED.into());
        }
        interrupter.stop(Some("stopped by the user"));
    })
    .context("cannot listen for Ctrl-C")
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
