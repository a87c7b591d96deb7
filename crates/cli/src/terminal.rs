use std::{
    fs::File,
    io::Write,
    os::fd::{AsFd, OwnedFd},
    sync::{Mutex, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcsetattr};

/// How long the dashboard may take to take the terminal over.
const PATIENCE: Duration = Duration::from_secs(2);

/// The code that switches a key off.
const NO_KEY: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };

/// Leaves the screen of its own that a dashboard draws on, shows the cursor, and lets the mouse go.
const LEAVE: &str = "\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?1049l\x1b[?25h";

/// The terminal as it was before a dashboard took it over.
static BEFORE: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// Remembers the terminal as it is, before a dashboard takes it over.
pub fn remember() {
    let now = terminal().and_then(|terminal| tcgetattr(&terminal).ok().map(|modes| (terminal, modes)));
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = now;
}

/// Gives the terminal back as it was, where a dashboard has it, for a program that ends at once.
pub fn give_back() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((terminal, modes)) = before {
        // There is nobody left to tell where that fails.
        let _ = tcsetattr(&terminal, OptionalActions::Now, &modes);
        let _ = std::io::stdout().write_all(LEAVE.as_bytes());
        let _ = std::io::stdout().flush();
    }
}

/// Lets Ctrl-C stop the program on a terminal that a dashboard takes over: the dashboard reads every key itself, and
/// knows nothing of this one. It puts the terminal back as it was when it ends. Where it does not take over, nothing
/// changes.
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
