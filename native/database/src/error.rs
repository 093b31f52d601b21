//! The one error of the crate; each variant is a status of the C interface.

use std::io;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such store, row, key or stored bytes.
    #[error("{0}")]
    NotFound(String),
    /// An argument breaks a documented rule.
    #[error("{0}")]
    Invalid(String),
    /// The operating system refused.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried, with the file's name.
        action: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Bytes on disk are not what was written.
    #[error("{file} is damaged at byte {offset}: {what}; restore the store from a backup")]
    Corrupt {
        /// The file's path.
        file: String,
        /// Where in it the damaged structure begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// Another process has the store open for writing.
    #[error("{store} is being written by process {pid}: stop it, or open the store for reading")]
    Locked {
        /// The store's folder.
        store: String,
        /// The writer, or 0 where it has not yet told.
        pid: i32,
    },
    /// No space left; nothing was written.
    #[error("cannot {action}: no space is left on the disk; free some and try again")]
    Full {
        /// What was tried, with the file's name.
        action: String,
    },
    /// An earlier write failed, so nothing more may be written by this handle.
    #[error("an earlier write failed ({0}): close the store and open it again")]
    Poisoned(String),
    /// The sync of a commit failed.
    #[error("{0}: whether the transaction is durable shows once the store is opened again")]
    OutcomeUnknown(String),
    /// The store's format is newer than this library.
    #[error("{file} has format {found}, this program reads up to {supported}: update it")]
    Unsupported {
        /// The file's path.
        file: String,
        /// The version it names.
        found: u32,
        /// The newest version this library knows.
        supported: u32,
    },
    /// The feed no longer reaches back so far.
    #[error("changes since {since} are gone, the feed begins at {floor}: rebuild from 0")]
    Expired {
        /// The position that was asked for.
        since: u64,
        /// The oldest position that can be asked for.
        floor: u64,
    },
    /// The handle was opened for reading.
    #[error("the store was opened for reading")]
    ReadOnly,
    /// The store was closed meanwhile.
    #[error("the store was closed")]
    Closed,
    /// A row changed since it was read, or its place is taken.
    #[error("{0}")]
    Conflict(String),
    /// A defect of this library.
    #[error("defect of the database: {0}")]
    Internal(String),
}

/// What every fallible function of the crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Turns an operating system's refusal into an [`Error`] that says what was tried.
pub(crate) trait Context<T> {
    /// `action` completes the sentence "cannot ...".
    fn doing(self, action: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn doing(self, action: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Error::Full { action: action() }
            }
            _ => Error::Io { action: action(), source },
        })
    }
}
