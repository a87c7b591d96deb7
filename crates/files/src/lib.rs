//! Files that are written whole or not at all, their checksums, locks, and names for other files.
//!
//! Every file of a run, an analysis and a report is written with [`write_atomically`], so that a process
//! that is killed, or a machine that loses power, leaves either the old file or the new one.
//!
//! ```
//! use clockwork_files::{sha256, write_atomically};
//!
//! # let directory = tempfile::tempdir()?;
//! let path = directory.path().join("greeting");
//! write_atomically(&path, b"abc")?;
//! assert!(sha256(&std::fs::read(&path)?).starts_with("ba7816bf"));
//! # Ok::<(), std::io::Error>(())
//! ```

mod atomic_file;
mod checksum;
mod claim;
mod lock;
mod pointer;

pub use atomic_file::{
    in_turn, remove_leftovers, remove_old_leftovers, write_atomically, write_json_atomically,
};
pub use checksum::{sha256, sha256_of};
pub use claim::Holder;
pub use lock::{Lock, NoLock, is_locked};
pub use pointer::{follow, point, pointed_at};
