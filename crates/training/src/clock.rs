use std::time::SystemTime;

use jiff::Timestamp;

use crate::{Error, Result};

/// The time by the system's clock.
///
/// # Errors
///
/// [`Error::Clock`] where the clock shows a time that cannot be written down.
pub fn now() -> Result<Timestamp> {
    Timestamp::try_from(SystemTime::now()).map_err(|_| Error::Clock)
}
