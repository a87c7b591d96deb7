use std::env;

/// The command that hints tell the user to type: `clockwork`, or `just` where its justfile runs this program.
pub fn program() -> String {
    env::var("CLOCKWORK_COMMAND").unwrap_or_else(|_| "clockwork".to_owned())
}
