use std::env;

/// What the user typed to get here: the binary, or the recipes of the justfile that are called alike.
pub fn program() -> String {
    env::var("CLOCKWORK_COMMAND").unwrap_or_else(|_| "clockwork".to_owned())
}
