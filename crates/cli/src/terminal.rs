use std::{
    fs::File,
    os::fd::{AsFd, OwnedFd},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcsetattr};

/// How long the dashboard may take to take the terminal over.
const PATIENCE: Duration = Duration::from_secs(2);

/// The code of a key that does nothing.
const NO_KEY: u8 = 0;

/// Lets Ctrl-C stop the program on a terminal that a dashboard takes over: it reads every key itself, and knows
/// nothing of this one. Where it does not take over, nothing changes. It puts everything back when it ends.
pub fn keep_ctrl_c() {
    let Some(terminal) = terminal() else { return };
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        match tcgetattr(&terminal) {
            Ok(mut modes) if !modes.local_modes.contains(LocalModes::ISIG) => {
                hear_ctrl_c_alone(&mut modes);
                // Where that fails, the dashboard's own key still stops the run.
                let _ = tcsetattr(&terminal, OptionalActions::Now, &modes);
                return;
            }
            Ok(_) => sleep(Duration::from_millis(5)),
            Err(_) => return,
        }
    }
}

/// Lets the terminal turn Ctrl-C into an interrupt again, and no other key: a suspended dashboard would leave the
/// screen as it is.
fn hear_ctrl_c_alone(modes: &mut Termios) {
    modes.local_modes.insert(LocalModes::ISIG);
    modes.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
    modes.special_codes[SpecialCodeIndex::VQUIT] = NO_KEY;
}

/// The terminal that keys are read from.
fn terminal() -> Option<OwnedFd> {
    let stdin = std::io::stdin();
    match isatty(&stdin) {
        true => stdin.as_fd().try_clone_to_owned().ok(),
        false => File::options().read(true).write(true).open("/dev/tty").ok().map(Into::into),
    }
}
