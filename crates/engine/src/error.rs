//! Why the platform could not start, read or go on.

use domain::event::Rejected;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed; its error says what may be done.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// A row or an entry does not read as what it must be.
    #[error("`{what}` does not read: {why}")]
    Corrupt { what: String, why: String },
    /// A command that the start needs was refused.
    #[error("the start was refused: {0}")]
    Refused(#[from] Rejected),
    /// The key that signs the log cannot be used.
    #[error("the log's signing key cannot be used: {0}")]
    Key(String),
    /// A backup could not be made, opened or restored.
    #[error("backup {what}: {why}")]
    Backup { what: String, why: String },
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(String),
}
