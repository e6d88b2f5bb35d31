//! The schema, its versions, and the check that a file is one of ours. The tables of rows come with their
//! first row, see [`super::rows`].

use std::{path::Path, sync::Arc};

use rusqlite::{Connection, ErrorCode, params};

use crate::{Error, Source};

use super::failure;

/// Marks the file as ours: "RFst".
pub(super) const APPLICATION_ID: i32 = 0x5246_7374;

const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// One step from version n - 1 to n, in a transaction of its own, so that an interrupted upgrade goes on
/// where it stopped. Steps that were released never change.
pub(super) struct Migration {
    pub(super) version: u32,
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "log, leases",
    sql: "
        CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, program TEXT NOT NULL) STRICT;
        CREATE TABLE entry (position INTEGER PRIMARY KEY, envelope BLOB NOT NULL, salt BLOB, body BLOB) STRICT;
        CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, epoch INTEGER NOT NULL)
            STRICT, WITHOUT ROWID;
    ",
}];

/// Whether the file is a new one, is ours, or belongs to something else. Writes nothing.
pub(super) fn identify(connection: &Connection, directory: &Path) -> Result<(), Error> {
    let objects = "SELECT count(*) FROM sqlite_schema";
    let (id, objects): (i64, i64) = pragma(connection, "application_id")
        .and_then(|id| connection.query_row(objects, [], |row| Ok((id, row.get(0)?))))
        .map_err(|error| failed(error, directory))?;
    let fresh = id == 0 && objects == 0;
    if !fresh && id != i64::from(APPLICATION_ID) {
        return Err(not_ours(directory, "is the database of another program", None));
    }
    Ok(())
}

/// The meaning of a failure before the file is known to be ours.
pub(super) fn failed(error: rusqlite::Error, directory: &Path) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => not_ours(directory, "is not a database", Some(Arc::new(error))),
        _ => failure::of_read(error),
    }
}

fn not_ours(directory: &Path, what: &str, source: Option<Source>) -> Error {
    let reason = format!("`{}` {what}; choose another data directory", super::DATABASE);
    Error::Open { path: directory.to_owned(), reason, source }
}

/// Refuses a database that a newer program wrote.
pub(super) fn check_version(connection: &Connection, migrations: &[Migration]) -> Result<u32, Error> {
    let found = pragma(connection, "user_version").map_err(failure::of_read)?;
    let found = u32::try_from(found).map_err(|_| Error::Corrupt {
        what: format!("schema version {found}"),
        place: "header".to_owned(),
    })?;
    let supported = newest(migrations);
    if found > supported {
        let writer = connection
            .query_row("SELECT program FROM migration WHERE version = ?1", [found], |row| row.get(0))
            .unwrap_or_else(|_| "unknown".to_owned());
        return Err(Error::Schema { found, supported, writer });
    }
    Ok(found)
}

/// Runs the steps that are missing, each with its version in one transaction.
pub(super) fn migrate(connection: &Connection, migrations: &[Migration]) -> Result<(), Error> {
    let found = check_version(connection, migrations)?;
    for migration in migrations.iter().filter(|migration| migration.version > found) {
        step(connection, migration).map_err(|error| failure::of_change(error, failure::Phase::Working))?;
    }
    Ok(())
}

pub(super) fn newest(migrations: &[Migration]) -> u32 {
    migrations.last().map_or(0, |migration| migration.version)
}

fn step(connection: &Connection, migration: &Migration) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(migration.sql)?;
    transaction.execute(
        "INSERT INTO migration (version, name, program) VALUES (?1, ?2, ?3)",
        params![migration.version, migration.name, PROGRAM],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", migration.version)?;
    transaction.commit()
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

#[cfg(test)]
mod tests;
