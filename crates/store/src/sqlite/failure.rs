//! What a failure of SQLite or the file system means for the caller: written, not written, or unknown.

use std::{
    io::{self, ErrorKind},
    sync::Arc,
};

use rusqlite::{ErrorCode, ffi};

use crate::Error;

/// How far a transaction had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before its commit began, so that no reader can ever see any of it.
    Working,
    /// In the commit, where frames may already be in the WAL.
    Committing,
}

/// The meaning of a failed change.
///
/// In the commit, a full disk still means not written: the frame that ends the transaction is written last,
/// so it cannot be whole. Any other I/O error there may come after it.
pub(super) fn of_change(error: rusqlite::Error, phase: Phase) -> Error {
    let code = error.sqlite_error_code();
    let extended = error.sqlite_error().map_or(0, |error| error.extended_code);
    if is_corrupt(code) {
        return corrupt(&error);
    }
    if code == Some(ErrorCode::DiskFull) {
        return Error::Full(Arc::new(error));
    }
    let sync = matches!(extended, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC);
    match phase {
        Phase::Committing if code == Some(ErrorCode::DatabaseBusy) => Error::NotWritten(Arc::new(error)),
        Phase::Working if !sync => Error::NotWritten(Arc::new(error)),
        Phase::Working | Phase::Committing => Error::Unknown(Arc::new(error)),
    }
}

/// The meaning of a failed read.
pub(super) fn of_read(error: rusqlite::Error) -> Error {
    match is_corrupt(error.sqlite_error_code()) {
        true => corrupt(&error),
        false => Error::Read(Arc::new(error)),
    }
}

/// The meaning of a failed file operation that left nothing behind.
pub(super) fn of_write(error: io::Error) -> Error {
    match is_full(&error) {
        true => Error::Full(Arc::new(error)),
        false => Error::NotWritten(Arc::new(error)),
    }
}

/// The meaning of a failed sync of a new file, which is removed again.
pub(super) fn of_sync(error: io::Error) -> Error {
    match is_full(&error) {
        true => Error::Full(Arc::new(error)),
        false => Error::Unknown(Arc::new(error)),
    }
}

pub(super) fn not_written(reason: &'static str) -> Error {
    Error::NotWritten(Arc::new(io::Error::other(reason)))
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn is_corrupt(code: Option<ErrorCode>) -> bool {
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn corrupt(error: &rusqlite::Error) -> Error {
    Error::Corrupt { what: error.to_string(), place: format!("`{}`", super::DATABASE) }
}

#[cfg(test)]
mod tests;
