//! How each kind of connection is opened and set up.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, Result, config::DbConfig};

use super::{Options, PAGE_BYTES};

/// Longer than any checkpoint holds the write lock; only a foreign program can make the writer wait so long.
const WRITER_BUSY: Duration = Duration::from_secs(5);
/// How long a checkpoint that needs the whole WAL waits for readers while it holds up the writer.
const CHECKPOINT_BUSY: Duration = Duration::from_millis(50);
const STATEMENTS: usize = 32;
/// Room for two changes of two kinds of row in each of two dozen tables.
const WRITER_STATEMENTS: usize = 96;

/// A connection that has read nothing yet, so that the file can be looked at before anything is set.
pub(super) fn bare(database: &Path) -> Result<Connection> {
    // Each connection has its own mutex around it, so SQLite's own is not needed.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(WRITER_BUSY)?;
    Ok(connection)
}

/// Makes a bare connection the writing one.
pub(super) fn set_up_writer(connection: &Connection, options: &Options) -> Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    set_sync(connection, options)?;
    // Redacted bodies must not stay readable in the database file.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    if let Some(bytes) = options.max_bytes {
        let pages = i64::try_from(bytes / PAGE_BYTES).unwrap_or(i64::MAX).max(1);
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    set_up(connection, options.cache_kib)?;
    // The pages that one batch changes stay in memory until its commit, whatever the cache holds otherwise.
    // Written ahead of it, most of them would go into the WAL twice.
    connection.pragma_update(None, "cache_spill", false)?;
    connection.set_prepared_statement_cache_capacity(WRITER_STATEMENTS);
    Ok(())
}

pub(super) fn checkpointing(database: &Path, options: &Options) -> Result<Connection> {
    let connection = bare(database)?;
    connection.busy_timeout(CHECKPOINT_BUSY)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    set_sync(&connection, options)?;
    set_up(&connection, 64)?;
    Ok(connection)
}

pub(super) fn reading(database: &Path, options: &Options) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(WRITER_BUSY)?;
    set_up(&connection, options.cache_kib / 8)?;
    Ok(connection)
}

/// A connection that leaves no trace. An ordinary one would create `-shm` and, on closing, copy the WAL.
///
/// In exclusive mode SQLite keeps the index of the WAL in its own memory instead of `-shm`; the VFS without
/// locks lets it have that mode on a file that is opened to read only. The lock file has already kept
/// writers away. Without a WAL the database alone is everything, and no file but it is opened.
pub(super) fn offline(database: &Path, has_wal: bool, options: &Options) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if has_wal {
        Connection::open_with_flags_and_vfs(database, flags, "unix-none")?
    } else {
        Connection::open_with_flags(immutable(database), flags | OpenFlags::SQLITE_OPEN_URI)?
    };
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    set_up(&connection, options.cache_kib / 8)?;
    Ok(connection)
}

fn set_sync(connection: &Connection, options: &Options) -> Result<()> {
    let synchronous = if options.unsafe_no_sync_for_trace_test { "OFF" } else { "FULL" };
    connection.pragma_update(None, "synchronous", synchronous)
}

fn set_up(connection: &Connection, cache_kib: u32) -> Result<()> {
    connection.pragma_update(None, "cache_size", -i64::from(cache_kib.max(64)))?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// The URI of a file that nobody changes.
fn immutable(database: &Path) -> String {
    use std::{fmt::Write, os::unix::ffi::OsStrExt};

    let mut uri = String::from("file:");
    for byte in database.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte))
            }
            _ => drop(write!(uri, "%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}
