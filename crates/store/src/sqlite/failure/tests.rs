//! The table of failures: only what is certain may be called not written.

use super::*;

fn failure(extended: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(extended), None)
}

fn name(error: &Error) -> &'static str {
    match error {
        Error::Full(_) => "full",
        Error::NotWritten(_) => "not written",
        Error::Unknown(_) => "unknown",
        Error::Read(_) => "read",
        Error::Corrupt { .. } => "corrupt",
        Error::Conflict { .. }
        | Error::Fenced { .. }
        | Error::Limit { .. }
        | Error::InUse { .. }
        | Error::Schema { .. }
        | Error::Open { .. } => "other",
    }
}

#[test]
fn changes() {
    for (extended, working, committing) in [
        (ffi::SQLITE_FULL, "full", "full"),
        (ffi::SQLITE_IOERR_WRITE, "not written", "unknown"),
        (ffi::SQLITE_IOERR_FSYNC, "unknown", "unknown"),
        (ffi::SQLITE_IOERR_DIR_FSYNC, "unknown", "unknown"),
        (ffi::SQLITE_IOERR_SHMSIZE, "not written", "unknown"),
        (ffi::SQLITE_NOMEM, "not written", "unknown"),
        (ffi::SQLITE_BUSY, "not written", "not written"),
        (ffi::SQLITE_CORRUPT, "corrupt", "corrupt"),
        (ffi::SQLITE_NOTADB, "corrupt", "corrupt"),
    ] {
        let found = [Phase::Working, Phase::Committing].map(|phase| of_change(failure(extended), phase));
        assert_eq!([name(&found[0]), name(&found[1])], [working, committing], "code {extended}");
    }
}

#[test]
fn reads() {
    assert_eq!(name(&of_read(failure(ffi::SQLITE_CORRUPT))), "corrupt");
    assert_eq!(name(&of_read(failure(ffi::SQLITE_IOERR_READ))), "read");
}

#[test]
fn files() {
    let full = || io::Error::from(ErrorKind::StorageFull);
    let broken = || io::Error::from_raw_os_error(5);
    assert_eq!([name(&of_write(full())), name(&of_sync(full()))], ["full", "full"]);
    assert_eq!([name(&of_write(broken())), name(&of_sync(broken()))], ["not written", "unknown"]);
}
