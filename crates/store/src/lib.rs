//! Ordered log entries, state rows, leases and blobs, kept durably.
//!
//! The store knows bytes and versions only. It does not know what an event, an incident or a hash chain is, and
//! it depends on no other crate of the workspace; it is the only crate that speaks SQL.
//!
//! The face is [`Store`]: one log of entries at positions 0, 1, 2, …; rows in tables that are namespaces for
//! byte keys; blobs under their SHA-256; and leases, whose epochs fence off a writer that was replaced. A
//! [`Batch`] changes entries and rows together or not at all, and is on stable storage when
//! [`Store::append`] returns.
//!
//! Two implementations: [`Memory`] for tests and the simulator, and [`Sqlite`] for one data directory on one
//! machine. [`conformance`] is the list of checks that both pass; a further store is one more row in the test
//! that runs it.
//!
//! Everything is synchronous and may block on the disk; callers own the threads. Start reading at [`Store`],
//! then [`Error`], whose variants say what a caller may do next.

pub mod conformance;
mod error;
pub mod limits;
mod memory;
mod range;
mod sqlite;

use std::{fmt, io::Read, str::FromStr};

use sha2::{Digest, Sha256};

pub use error::{Error, Source};
pub use memory::Memory;
pub use range::{Direction, Range};
pub use sqlite::{Checkpoints, Claim, Options, Sqlite, Usage};

/// One entry as it is appended. The envelope stays for ever; salt and body can be redacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// At most [`limits::ENVELOPE`] bytes.
    pub envelope: Vec<u8>,
    pub salt: [u8; 16],
    /// At most [`limits::BODY`] bytes.
    pub body: Vec<u8>,
}

/// One entry as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Counted from 0 without gaps.
    pub position: u64,
    pub envelope: Vec<u8>,
    /// Salt and body; `None` once redacted.
    pub content: Option<([u8; 16], Vec<u8>)>,
}

/// A namespace of rows. The store gives the number no meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table(pub u8);

/// A row to write, or to delete where `value` is `None`. Deleting a row that is not there is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    pub table: Table,
    /// At most [`limits::KEY`] bytes. Ordered as bytes; keys that grow with time are several times faster.
    pub key: Vec<u8>,
    /// At most [`limits::VALUE`] bytes.
    pub value: Option<Vec<u8>>,
}

/// Key and value of a row, as a page of rows holds them.
pub type Row = (Vec<u8>, Vec<u8>);

/// What one [`Store::append`] changes, all or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The epoch that [`Store::lease`] gave to this writer.
    pub epoch: u64,
    /// The length of the log before this batch.
    pub expected: u64,
    /// They take the positions `expected`, `expected + 1`, … in this order.
    pub entries: Vec<Entry>,
    /// Applied in this order; a later change of the same key wins.
    pub rows: Vec<RowChange>,
    /// Positions that lose salt and body, also such as this batch appends. Redacting twice is no error.
    pub redact: Vec<u64>,
}

/// The SHA-256 of a blob's bytes, which is its name. Displayed and parsed as 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 32]);

/// A durable log with state rows beside it.
///
/// Guarantees of every implementation, proved by [`conformance`]:
///
/// - *Atomic*: a batch is visible and durable as a whole or not at all, also after a crash at any moment.
/// - *Durable*: what a call acknowledged survives a crash of the process and a loss of power.
/// - *Ordered*: positions have no gaps and never change; a reader that sees position n sees all before it.
/// - *Readers* see committed batches only, never wait for a writer's sync, and each call sees one state.
/// - *Fenced*: once a lease is taken again, the writer that held it before can change nothing.
/// - *After [`Error::Unknown`]* every further change is refused with the same error until the store is
///   opened again; what was acknowledged before stays.
pub trait Store: Send + Sync {
    /// Appends the entries, changes the rows and redacts, atomically, and returns the new length of the log.
    /// It is synced when this returns.
    ///
    /// # Errors
    /// [`Error::Fenced`] when `batch.epoch` is not the current epoch of a lease (checked first);
    /// [`Error::Conflict`] when the log has another length than `batch.expected`; [`Error::Limit`] when
    /// something is too large or a redacted position does not exist; [`Error::Full`] and
    /// [`Error::NotWritten`] when certainly nothing was written; [`Error::Unknown`] when that is not certain.
    fn append(&self, batch: &Batch) -> Result<u64, Error>;

    /// Entries from position `from` on, in order, at most `limit` of them.
    ///
    /// A page may be shorter than `limit` although more follow, as it holds at most [`limits::PAGE`] entries
    /// and about [`limits::PAGE_BYTES`] bytes; only an empty page says that the end is reached (`limit` 0
    /// apart). Continue at the last position plus one.
    fn read(&self, from: u64, limit: usize) -> Result<Vec<Stored>, Error>;

    /// The length of the log: the position that the next entry takes.
    fn length(&self) -> Result<u64, Error>;

    /// Takes the lease `name` for `holder` and returns its epoch, which is strictly greater than every epoch
    /// given before under any name. The earlier holder of this name is fenced from now on, also when it
    /// has the same `holder` text. All writers of one log take the same name. Durable when it returns.
    fn lease(&self, name: &str, holder: &str) -> Result<u64, Error>;

    /// The value of one row.
    fn row(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Rows of a range, in its direction, at most `limit` of them; pages end as in [`Store::read`]. Continue
    /// with [`Range::after`] the last key.
    fn rows(&self, table: Table, range: &Range, limit: usize) -> Result<Vec<Row>, Error>;

    /// Changes rows that do not follow from entries, such as tree tiles and checkpoints: atomic and synced
    /// like [`Store::append`], with the same errors except [`Error::Conflict`].
    fn put_rows(&self, epoch: u64, rows: &[RowChange]) -> Result<(), Error>;

    /// Keeps the bytes under their hash; durable when it returns. Putting the same bytes again is no error.
    fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, Error>;

    /// Keeps what a stream gives, at most `most` bytes and [`limits::STREAMED`], under the hash that is made on the
    /// way, and says how many they are. Holds a small part of it in memory. Durable when it returns; nothing is kept
    /// of a stream that is longer or breaks off.
    ///
    /// # Errors
    /// [`Error::Limit`] when it is longer; [`Error::NotWritten`] with what the stream said when it broke off.
    fn put_blob_from(&self, stream: &mut dyn Read, most: u64) -> Result<(BlobId, u64), Error>;

    /// The bytes of a blob as a stream, as they lie there: whoever reads it to the end compares the hash.
    fn open_blob(&self, id: &BlobId) -> Result<Option<Box<dyn Read + Send>>, Error>;

    /// The bytes of a blob.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the bytes found do not have this hash.
    fn blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, Error>;
}

/// The hash and length of what a stream gives, by and by.
pub fn hash(stream: &mut dyn Read) -> std::io::Result<(BlobId, u64)> {
    copy(stream, u64::MAX, &mut |_| Ok(()))
}

/// Hands on what a stream gives in small parts. One that gives more than `most` bytes is told by a length above it.
pub(crate) fn copy(
    stream: &mut dyn Read,
    most: u64,
    take: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<(BlobId, u64)> {
    let mut digest = Sha256::new();
    let mut part = vec![0; 64 * 1024];
    let mut length: u64 = 0;
    loop {
        let read = match stream.read(&mut part) {
            Ok(0) => return Ok((BlobId(digest.finalize().into()), length)),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        length += read as u64;
        if length > most {
            return Ok((BlobId([0; 32]), length));
        }
        digest.update(&part[..read]);
        take(&part[..read])?;
    }
}

impl BlobId {
    /// The id of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> BlobId {
        BlobId(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for BlobId {
    type Err = Error;

    fn from_str(text: &str) -> Result<BlobId, Error> {
        let bad = || Error::Limit { what: "hex digits of a blob id", found: text.len() as u64, limit: 64 };
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(bad());
        }
        let mut id = [0; 32];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = nibble(pair[0]).zip(nibble(pair[1])).ok_or_else(bad)?;
            *byte = high << 4 | low;
        }
        Ok(BlobId(id))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
