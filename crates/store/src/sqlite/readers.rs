//! The connections that read. Each call sees one committed state: it is one statement, or one transaction.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rusqlite::{Connection, params};

use crate::{Error, Range, Row, Stored, Table, limits};

use super::{
    DATABASE, Options, WAL, connection, failure, files,
    rows::{self, Known},
    schema,
};

pub(super) struct Readers {
    database: PathBuf,
    options: Options,
    /// Opened when first used.
    pool: Vec<Mutex<Option<Connection>>>,
    next: AtomicUsize,
    tables: Known,
}

impl Readers {
    pub(super) fn new(database: PathBuf, options: &Options) -> Readers {
        let pool = (0..options.readers.max(1)).map(|_| Mutex::new(None)).collect();
        Readers {
            database,
            options: options.clone(),
            pool,
            next: AtomicUsize::new(0),
            tables: Known::default(),
        }
    }

    /// The one connection of a store that is open to read only.
    pub(super) fn offline(directory: &Path, older: bool) -> Result<Readers, Error> {
        let database = directory.join(DATABASE);
        let not_there = |reason: &str| Error::Open {
            path: directory.to_owned(),
            reason: format!("{reason}; start the server on it once"),
            source: None,
        };
        if !database.is_file() {
            return Err(not_there("there is no store in it"));
        }
        let has_wal = files::size(&directory.join(WAL)).is_some_and(|bytes| bytes > 0);
        let options = Options::default();
        let connection = connection::offline(&database, has_wal, &options)
            .map_err(|error| schema::failed(error, directory))?;
        schema::identify(&connection, directory)?;
        let found = schema::check_version(&connection, schema::MIGRATIONS)?;
        if found < schema::newest(schema::MIGRATIONS) && !older {
            return Err(not_there(&format!("its schema {found} awaits a migration")));
        }
        let pool = vec![Mutex::new(Some(connection))];
        Ok(Readers { database, options, pool, next: AtomicUsize::new(0), tables: Known::default() })
    }

    pub(super) fn entries(&self, from: u64, limit: usize) -> Result<Vec<Stored>, Error> {
        let Ok(first) = i64::try_from(from) else {
            return Ok(Vec::new());
        };
        self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT position, envelope, salt, body FROM entry WHERE position >= ?1 ORDER BY position LIMIT ?2",
            )?;
            let found = select.query_map(params![first, page_size(limit)], |row| {
                let salt: Option<[u8; 16]> = row.get(2)?;
                let body: Option<Vec<u8>> = row.get(3)?;
                let position = row.get::<_, i64>(0)?.cast_unsigned();
                Ok(Stored { position, envelope: row.get(1)?, content: salt.zip(body) })
            })?;
            let whole = (from..).zip(found).map(|(expected, entry)| match entry {
                Ok(entry) if entry.position != expected => Err(Error::Corrupt {
                    what: format!("entry {expected} is missing"),
                    place: format!("position {}", entry.position),
                }),
                Ok(entry) => Ok(entry),
                Err(error) => Err(failure::of_read(error)),
            });
            Ok(limits::page(whole, limit, Stored::size))
        })?
    }

    pub(super) fn length(&self) -> Result<u64, Error> {
        self.with(length)
    }

    pub(super) fn row(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.with(|connection| match self.tables.has(connection, table)? {
            true => rows::value(connection, table, key),
            false => Ok(None),
        })
    }

    pub(super) fn rows(&self, table: Table, range: &Range, limit: usize) -> Result<Vec<Row>, Error> {
        self.with(|connection| match self.tables.has(connection, table)? {
            true => rows::page(connection, table, range, limit),
            false => Ok(Ok(Vec::new())),
        })?
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let mut slot = self.slot();
        let connection = match slot.take() {
            Some(connection) => connection,
            None => connection::reading(&self.database, &self.options).map_err(failure::of_read)?,
        };
        // A panic in `read` drops the connection and leaves the slot empty for the next reader.
        read(slot.insert(connection)).map_err(failure::of_read)
    }

    /// A connection that nobody uses, or the wait for one.
    fn slot(&self) -> MutexGuard<'_, Option<Connection>> {
        if let Some(free) = self.pool.iter().find_map(|slot| slot.try_lock().ok()) {
            return free;
        }
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.pool.len();
        self.pool[next].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn length(connection: &Connection) -> rusqlite::Result<u64> {
    let last: Option<i64> = connection.query_row("SELECT max(position) FROM entry", [], |row| row.get(0))?;
    Ok(last.map_or(0, |last| last.cast_unsigned() + 1))
}

pub(super) fn page_size(limit: usize) -> i64 {
    limit.min(limits::PAGE) as i64
}
