//! The store in one data directory: SQLite in WAL mode for entries and rows, files for blobs.
//!
//! `store.db` (with `-wal` and `-shm` beside it while open), `blobs/`, `lock`, and `reserve`, the disk space
//! kept back for a full disk. The directory is created with mode 0700, every file with 0600.
//!
//! One connection writes, a few read, and one more, on its own thread, copies the WAL into the database.
//! Whatever needs both the writer and the checkpoint connection locks the writer first.

mod blobs;
mod checkpoint;
mod connection;
mod copy;
mod failure;
mod files;
mod lock;
mod readers;
mod rows;
mod schema;
mod writer;

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use copy::Claim;

use crate::{Batch, BlobId, Error, Range, Row, RowChange, Store, Stored, Table, limits};

use self::{
    blobs::Blobs, checkpoint::Checkpointer, files::open_error, lock::Lock, readers::Readers, writer::Writer,
};

const DATABASE: &str = "store.db";
const WAL: &str = "store.db-wal";
const RESERVE: &str = "reserve";
/// SQLite's default, set by name as limits below are given in bytes.
const PAGE_BYTES: u64 = 4096;

/// A data directory, opened by this process alone. Dropping it copies the WAL into the database and gives
/// the directory free.
pub struct Sqlite {
    // Fields drop in this order: the writer is the last connection, the lock goes after all of them.
    checkpointer: Option<Checkpointer>,
    readers: Readers,
    writer: Option<Arc<Writer>>,
    blobs: Blobs,
    options: Options,
    directory: PathBuf,
    _lock: Lock,
}

/// How a data directory is opened. The defaults are what the product runs with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections that read at the same time; further readers wait. At least 1.
    pub readers: usize,
    /// Page cache of the writing connection, in KiB; each reader has an eighth of it. What one batch changes
    /// stays in memory besides until its commit.
    pub cache_kib: u32,
    /// The database may not grow over this many bytes; over it, writes fail as on a full disk.
    pub max_bytes: Option<u64>,
    /// Bytes held back by [`Sqlite::release_reserve`]; 0 for none.
    pub reserve_bytes: u64,
    /// When the checkpoint thread works; `None` for no such thread, so that the WAL grows until
    /// [`Sqlite::checkpoint`] or the close.
    pub checkpoints: Option<Checkpoints>,
    /// Never syncs the database, so that acknowledged data can be lost. Exists only so that the test that traces system
    /// calls can show that it notices a missing sync.
    pub unsafe_no_sync_for_trace_test: bool,
}

/// When the WAL is copied into the database.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoints {
    /// After so many bytes of WAL, beside the writer and without holding it up.
    pub passive_bytes: u64,
    /// From so many bytes on, with the writer held up for the rest of the copy, so that the WAL begins anew.
    pub restart_bytes: u64,
    /// After so long without a write. A WAL over `restart_bytes` is then also cut to nothing.
    pub idle: Duration,
}

/// Bytes on disk, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub database_bytes: u64,
    pub wal_bytes: u64,
    /// Whether the disk reserve is in place.
    pub reserve: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            readers: 4,
            // With a thousand runs in flight, 5 to 11 % less processor time for an append than 4 MiB.
            cache_kib: 8192,
            max_bytes: None,
            reserve_bytes: 8 << 20,
            checkpoints: Some(Checkpoints::default()),
            unsafe_no_sync_for_trace_test: false,
        }
    }
}

impl Default for Checkpoints {
    fn default() -> Checkpoints {
        Checkpoints { passive_bytes: 4 << 20, restart_bytes: 64 << 20, idle: Duration::from_secs(1) }
    }
}

impl Sqlite {
    /// Opens the data directory for this process alone, creating or migrating what is missing.
    ///
    /// # Errors
    /// [`Error::InUse`] at once when another process, or this one, has it open; [`Error::Schema`] when a newer
    /// program wrote it; [`Error::Open`] for all else, also when `store.db` is not a store of this program.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Sqlite, Error> {
        let directory = directory.as_ref();
        files::create_directory(directory, DATABASE)?;
        let lock = Lock::take(directory)?;
        let database = directory.join(DATABASE);
        files::create_private(&database)
            .and_then(|()| files::sync_directory(directory))
            .map_err(|error| open_error(directory, "create the database file", error))?;
        let writer = Arc::new(Writer::open(directory, &options)?);
        let blobs = Blobs::open(directory)?;
        let checkpointer = match options.checkpoints {
            Some(checkpoints) => Some(Checkpointer::start(Arc::clone(&writer), checkpoints, directory)?),
            None => None,
        };
        let readers = Readers::new(database, &options);
        let directory = directory.to_owned();
        let store =
            Sqlite { checkpointer, readers, writer: Some(writer), blobs, options, directory, _lock: lock };
        // A disk without room for the reserve must not keep the store from opening; `usage` tells.
        drop(store.restore_reserve());
        Ok(store)
    }

    /// Opens the data directory to read only, for verification while no other process has it open. Creates
    /// and changes nothing, also where the WAL of a crashed process is still there: its frames are read.
    ///
    /// # Errors
    /// As [`Sqlite::open`]; also [`Error::Open`] when there is no store yet or it awaits a migration. Every
    /// change of the opened store fails with [`Error::NotWritten`].
    pub fn open_read_only(directory: impl AsRef<Path>) -> Result<Sqlite, Error> {
        let older = false;
        Sqlite::offline(directory.as_ref(), older)
    }

    /// As [`Sqlite::open_read_only`], and also where the store awaits a migration: rows read alike in every schema.
    pub fn open_rows(directory: impl AsRef<Path>) -> Result<Sqlite, Error> {
        let older = true;
        Sqlite::offline(directory.as_ref(), older)
    }

    fn offline(directory: &Path, older: bool) -> Result<Sqlite, Error> {
        let lock = Lock::share(directory)?;
        let readers = Readers::offline(directory, older)?;
        let options = Options { reserve_bytes: 0, checkpoints: None, ..Options::default() };
        let blobs = Blobs::at(directory);
        let directory = directory.to_owned();
        Ok(Sqlite { checkpointer: None, readers, writer: None, blobs, options, directory, _lock: lock })
    }

    /// Deletes the disk reserve, so that running work can finish on a full disk. Returns whether there was
    /// one.
    pub fn release_reserve(&self) -> Result<bool, Error> {
        self.writer()?;
        files::remove(&self.directory.join(RESERVE)).map_err(failure::of_write)
    }

    /// Writes the disk reserve again, once there is room. Does nothing when it is in place.
    pub fn restore_reserve(&self) -> Result<(), Error> {
        self.writer()?;
        files::fill(&self.directory.join(RESERVE), self.options.reserve_bytes).map_err(failure::of_write)
    }

    /// Copies the whole WAL into the database and cuts the WAL to nothing. Holds up the writer; waits shortly
    /// for readers and fails with [`Error::NotWritten`] when they stay.
    pub fn checkpoint(&self) -> Result<(), Error> {
        self.writer()?.truncate_wal()
    }

    /// Bytes on disk now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let size = |name| files::size(&self.directory.join(name)).unwrap_or(0);
        Usage { database_bytes: size(DATABASE), wal_bytes: size(WAL), reserve: size(RESERVE) > 0 }
    }

    fn writer(&self) -> Result<&Writer, Error> {
        self.writer.as_deref().ok_or_else(|| failure::not_written("the store is open to read only"))
    }

    fn wake_checkpointer(&self) {
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.written();
        }
    }
}

impl Store for Sqlite {
    /// As [`Store::append`]. Redaction overwrites salt and body with zeros, in the database (secure delete)
    /// and by cutting the WAL before this returns. When a reader keeps the WAL in use, that is done as soon
    /// as it ends, and until then the WAL file holds the old bytes. The zeros and the cut free the blocks of
    /// the file system; they do not reach copies that it, the disk or a backup made.
    fn append(&self, batch: &Batch) -> Result<u64, Error> {
        let length = self.writer()?.append(batch)?;
        self.wake_checkpointer();
        Ok(length)
    }

    fn read(&self, from: u64, limit: usize) -> Result<Vec<Stored>, Error> {
        self.readers.entries(from, limit)
    }

    fn length(&self) -> Result<u64, Error> {
        match &self.writer {
            Some(writer) => Ok(writer.length()),
            None => self.readers.length(),
        }
    }

    fn lease(&self, name: &str, holder: &str) -> Result<u64, Error> {
        self.writer()?.lease(name, holder)
    }

    fn row(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.readers.row(table, key)
    }

    fn rows(&self, table: Table, range: &Range, limit: usize) -> Result<Vec<Row>, Error> {
        self.readers.rows(table, range, limit)
    }

    fn put_rows(&self, epoch: u64, rows: &[RowChange]) -> Result<(), Error> {
        self.writer()?.put_rows(epoch, rows)?;
        self.wake_checkpointer();
        Ok(())
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, Error> {
        limits::check_blob(bytes)?;
        let writer = self.writer()?;
        writer.check_poison()?;
        let id = BlobId::of(bytes);
        self.blobs.put(&id, bytes).map_err(|error| writer.note(error))?;
        Ok(id)
    }

    fn put_blob_from(&self, stream: &mut dyn Read, most: u64) -> Result<(BlobId, u64), Error> {
        let writer = self.writer()?;
        writer.check_poison()?;
        self.blobs.put_from(stream, most.min(limits::STREAMED)).map_err(|error| writer.note(error))
    }

    fn open_blob(&self, id: &BlobId) -> Result<Option<Box<dyn Read + Send>>, Error> {
        self.blobs.open_one(id)
    }

    fn blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, Error> {
        self.blobs.get(id)
    }
}

#[cfg(test)]
mod tests;
