//! The one connection that writes: fencing, transactions, and what happens when one fails.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use rusqlite::{Connection, ErrorCode, config::DbConfig, hooks::Wal, params};

use crate::{Batch, Entry, Error, RowChange, Source, limits};

use super::{
    DATABASE, Options, PAGE_BYTES,
    checkpoint::Mode,
    connection,
    failure::{self, Phase},
    rows::Tables,
    schema,
};

pub(super) struct Writer {
    inner: Mutex<Inner>,
    /// The connection that copies the WAL. Locked after `inner` where both are.
    checkpoint: Mutex<Connection>,
    /// What readers of [`Writer::length`] see; changes after the commit.
    length: AtomicU64,
    /// Pages in the WAL after the last commit.
    wal_pages: Arc<AtomicU32>,
    /// Commits so far, for the checkpoint thread to see whether the store is idle.
    commits: AtomicU64,
    /// Redacted bytes are still in the WAL.
    scrub: AtomicBool,
    /// Set for good by the first failure whose outcome is unknown.
    poison: OnceLock<Source>,
}

struct Inner {
    connection: Connection,
    /// Current epoch by name. This process alone has the directory, so memory and table agree.
    leases: BTreeMap<String, u64>,
    length: u64,
    tables: Tables,
}

impl Writer {
    /// Opens the database file, which exists, and brings it to the present schema.
    pub(super) fn open(directory: &Path, options: &Options) -> Result<Writer, Error> {
        let database = directory.join(DATABASE);
        let mut connection = connection::bare(&database).map_err(|error| schema::failed(error, directory))?;
        schema::identify(&connection, directory)?;
        schema::check_version(&connection, schema::MIGRATIONS)?;
        connection::set_up_writer(&connection, options)
            .map_err(|error| failure::of_change(error, Phase::Working))?;
        schema::migrate(&connection, schema::MIGRATIONS)?;
        let wal_pages = Arc::new(AtomicU32::new(0));
        count_wal_pages(&mut connection, &wal_pages).map_err(failure::of_read)?;
        let checkpoint = connection::checkpointing(&database, options).map_err(failure::of_read)?;
        let inner = Inner::load(connection).map_err(failure::of_read)?;
        Ok(Writer {
            length: AtomicU64::new(inner.length),
            inner: Mutex::new(inner),
            checkpoint: Mutex::new(checkpoint),
            wal_pages,
            commits: AtomicU64::new(0),
            scrub: AtomicBool::new(false),
            poison: OnceLock::new(),
        })
    }

    pub(super) fn append(&self, batch: &Batch) -> Result<u64, Error> {
        limits::check_batch(batch)?;
        let mut inner = self.lock()?;
        inner.check_epoch(batch.epoch)?;
        if inner.length != batch.expected {
            return Err(Error::Conflict { expected: batch.expected, found: inner.length });
        }
        limits::check_redactions(batch)?;
        let new = self.transact(&inner.connection, |connection| {
            insert_entries(connection, batch.expected, &batch.entries)?;
            let new = inner.tables.change(connection, &batch.rows)?;
            redact(connection, &batch.redact)?;
            Ok(new)
        })?;
        inner.tables.add(new);
        inner.length += batch.entries.len() as u64;
        self.length.store(inner.length, Ordering::Release);
        if !batch.redact.is_empty() {
            self.scrub.store(true, Ordering::Release);
            // The batch stands whatever becomes of this; the checkpoint thread tries again.
            drop(self.truncate_wal_locked(&inner));
        }
        Ok(inner.length)
    }

    pub(super) fn put_rows(&self, epoch: u64, rows: &[RowChange]) -> Result<(), Error> {
        limits::check_rows(rows)?;
        let mut inner = self.lock()?;
        inner.check_epoch(epoch)?;
        let new = self.transact(&inner.connection, |connection| inner.tables.change(connection, rows))?;
        inner.tables.add(new);
        Ok(())
    }

    pub(super) fn lease(&self, name: &str, holder: &str) -> Result<u64, Error> {
        limits::check_lease(name, holder)?;
        let mut inner = self.lock()?;
        let epoch = inner.newest_epoch() + 1;
        self.transact(&inner.connection, |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO lease (name, holder, epoch) VALUES (?1, ?2, ?3)")?
                .execute(params![name, holder, epoch.cast_signed()])
                .map(drop)
        })?;
        inner.leases.insert(name.to_owned(), epoch);
        Ok(epoch)
    }

    pub(super) fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    pub(super) fn check_poison(&self) -> Result<(), Error> {
        match self.poison.get() {
            Some(source) => Err(Error::Unknown(Arc::clone(source))),
            None => Ok(()),
        }
    }

    /// Remembers an unknown outcome for good: after a failed sync the kernel may have dropped the pages, so
    /// that a later sync would succeed without them.
    pub(super) fn note(&self, error: Error) -> Error {
        if let Error::Unknown(source) = &error {
            self.poison.get_or_init(|| Arc::clone(source));
        }
        error
    }

    /// Bytes in the WAL after the last commit.
    pub(super) fn wal_bytes(&self) -> u64 {
        u64::from(self.wal_pages.load(Ordering::Acquire)) * PAGE_BYTES
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    pub(super) fn wants_scrub(&self) -> bool {
        self.scrub.load(Ordering::Acquire)
    }

    /// Copies what is in the WAL beside the writer. Returns the bytes of the WAL that the database holds now.
    pub(super) fn copy_wal(&self) -> Result<u64, Error> {
        self.check_poison()?;
        self.run_checkpoint(Mode::PASSIVE)
    }

    /// Copies the rest with the writer held up, so that the WAL begins anew with the next commit.
    pub(super) fn restart_wal(&self) -> Result<(), Error> {
        let _inner = self.lock()?;
        self.run_checkpoint(Mode::RESTART)?;
        self.wal_pages.store(0, Ordering::Release);
        Ok(())
    }

    /// Copies the rest with the writer held up and cuts the WAL to nothing.
    pub(super) fn truncate_wal(&self) -> Result<(), Error> {
        let inner = self.lock()?;
        self.truncate_wal_locked(&inner)
    }

    /// Gives back the memory of pages that were in use under load.
    pub(super) fn shrink(&self) -> Result<(), Error> {
        let inner = self.lock()?;
        inner.connection.execute_batch("PRAGMA shrink_memory").map_err(failure::of_read)
    }

    fn truncate_wal_locked(&self, _inner: &Inner) -> Result<(), Error> {
        self.run_checkpoint(Mode::TRUNCATE)?;
        self.wal_pages.store(0, Ordering::Release);
        self.scrub.store(false, Ordering::Release);
        Ok(())
    }

    /// An I/O error here poisons the store too: what the failed sync covered is no longer certain.
    fn run_checkpoint(&self, mode: Mode) -> Result<u64, Error> {
        let connection = self.checkpoint.lock().map_err(|_| panicked())?;
        match connection.wal_checkpoint_v2(None::<&str>, mode) {
            Ok((_, copied)) => Ok(u64::try_from(copied).unwrap_or(0) * PAGE_BYTES),
            Err(error) => {
                let io = error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
                let phase = if io { Phase::Committing } else { Phase::Working };
                Err(self.note(failure::of_change(error, phase)))
            }
        }
    }

    fn lock(&self) -> Result<MutexGuard<'_, Inner>, Error> {
        let inner = self.inner.lock().map_err(|_| self.note(panicked()))?;
        self.check_poison()?;
        Ok(inner)
    }

    fn transact<T>(
        &self,
        connection: &Connection,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let worked = execute(connection, "BEGIN IMMEDIATE").and_then(|()| work(connection));
        let done = worked.map_err(|error| failure::of_change(error, Phase::Working)).and_then(|result| {
            let committed = execute(connection, "COMMIT").map(|()| result);
            committed.map_err(|error| failure::of_change(error, Phase::Committing))
        });
        let done = done.map_err(|error| self.note(roll_back(connection, error)));
        if done.is_ok() {
            self.commits.fetch_add(1, Ordering::AcqRel);
        }
        done
    }
}

/// The close of the last connection copies the WAL and deletes it. After a failed sync it must not: the next
/// open recovers from what it finds.
impl Drop for Writer {
    fn drop(&mut self) {
        if self.poison.get().is_none() {
            return;
        }
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let checkpoint = self.checkpoint.get_mut().unwrap_or_else(PoisonError::into_inner);
        for connection in [&inner.connection, checkpoint] {
            // Where this fails, the close does what it does after every clean end.
            drop(connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true));
        }
    }
}

impl Inner {
    fn load(connection: Connection) -> rusqlite::Result<Inner> {
        let length = super::readers::length(&connection)?;
        let leases = connection
            .prepare("SELECT name, epoch FROM lease")?
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?
            .collect::<rusqlite::Result<_>>()?;
        let tables = Tables::load(&connection)?;
        Ok(Inner { connection, leases, length, tables })
    }

    fn check_epoch(&self, epoch: u64) -> Result<(), Error> {
        if self.leases.values().any(|current| *current == epoch) {
            return Ok(());
        }
        Err(Error::Fenced { epoch, newest: self.newest_epoch() })
    }

    fn newest_epoch(&self) -> u64 {
        self.leases.values().copied().max().unwrap_or(0)
    }
}

fn count_wal_pages(connection: &mut Connection, pages: &Arc<AtomicU32>) -> rusqlite::Result<()> {
    let pages = Arc::clone(pages);
    connection.wal_hook(Some(move |_: &mut Wal, count: i32| {
        pages.store(count.unsigned_abs(), Ordering::Release);
        Ok(())
    }))
}

fn insert_entries(connection: &Connection, first: u64, entries: &[Entry]) -> rusqlite::Result<()> {
    let mut insert = connection
        .prepare_cached("INSERT INTO entry (position, envelope, salt, body) VALUES (?1, ?2, ?3, ?4)")?;
    for (position, entry) in (first..).zip(entries) {
        insert.execute(params![position.cast_signed(), entry.envelope, entry.salt, entry.body])?;
    }
    Ok(())
}

fn redact(connection: &Connection, positions: &[u64]) -> rusqlite::Result<()> {
    let mut clear =
        connection.prepare_cached("UPDATE entry SET salt = NULL, body = NULL WHERE position = ?1")?;
    for position in positions {
        clear.execute([position.cast_signed()])?;
    }
    Ok(())
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Ends the failed transaction, if SQLite has not done so itself. One that cannot be ended leaves the
/// connection useless.
fn roll_back(connection: &Connection, error: Error) -> Error {
    if connection.is_autocommit() {
        return error;
    }
    match connection.execute_batch("ROLLBACK") {
        Ok(()) => error,
        Err(error) => Error::Unknown(Arc::new(error)),
    }
}

fn panicked() -> Error {
    Error::Unknown(Arc::new(std::io::Error::other("a thread panicked while it wrote")))
}

#[cfg(test)]
mod tests;
