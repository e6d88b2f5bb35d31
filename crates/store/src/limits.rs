//! The limits of the store, all in one place, and the check that every implementation runs before it writes.

use crate::{Batch, Error, RowChange};

/// Bytes of an envelope.
pub const ENVELOPE: usize = 65_535;
/// Bytes of a body.
pub const BODY: usize = 16 << 20;
/// Bytes of a row key.
pub const KEY: usize = 1024;
/// Bytes of a row value.
pub const VALUE: usize = 16 << 20;
/// Bytes of a blob.
pub const BLOB: usize = 64 << 20;
/// Bytes of a blob that is written from a stream.
pub const STREAMED: u64 = 16 << 30;
/// Entries, rows and redactions of a batch, each.
pub const BATCH: usize = 65_536;
/// Bytes of all entries and rows of a batch.
pub const BATCH_BYTES: usize = 64 << 20;
/// Entries or rows of one page, whatever limit a caller asks for.
pub const PAGE: usize = 10_000;
/// Bytes after which a page ends. The item that passes it is still part of the page.
pub const PAGE_BYTES: usize = 32 << 20;
/// Bytes of the name and of the holder of a lease.
pub const LEASE: usize = 256;

pub(crate) fn check_batch(batch: &Batch) -> Result<(), Error> {
    check("entries in a batch", batch.entries.len(), BATCH)?;
    check("redactions in a batch", batch.redact.len(), BATCH)?;
    let mut bytes = rows_bytes(&batch.rows)?;
    for entry in &batch.entries {
        check("bytes of an envelope", entry.envelope.len(), ENVELOPE)?;
        check("bytes of a body", entry.body.len(), BODY)?;
        bytes += entry.envelope.len() + entry.body.len();
    }
    check("bytes of a batch", bytes, BATCH_BYTES)
}

/// Runs after the conflict check, so that the new length is known.
pub(crate) fn check_redactions(batch: &Batch) -> Result<(), Error> {
    let length = batch.expected + batch.entries.len() as u64;
    match batch.redact.iter().copied().find(|position| *position >= length) {
        Some(found) => {
            Err(Error::Limit { what: "redacted position", found, limit: length.saturating_sub(1) })
        }
        None => Ok(()),
    }
}

pub(crate) fn check_rows(rows: &[RowChange]) -> Result<(), Error> {
    check("bytes of a batch", rows_bytes(rows)?, BATCH_BYTES)
}

pub(crate) fn check_lease(name: &str, holder: &str) -> Result<(), Error> {
    check("bytes of a lease name", name.len(), LEASE)?;
    check("bytes of a lease holder", holder.len(), LEASE)
}

pub(crate) fn check_blob(bytes: &[u8]) -> Result<(), Error> {
    check("bytes of a blob", bytes.len(), BLOB)
}

pub(crate) fn check_streamed(found: u64, limit: u64) -> Result<(), Error> {
    match found > limit {
        true => Err(Error::Limit { what: "bytes of a streamed blob", found, limit }),
        false => Ok(()),
    }
}

/// Takes items until the page is full by count or bytes.
pub(crate) fn page<T>(
    items: impl Iterator<Item = Result<T, Error>>,
    limit: usize,
    size: impl Fn(&T) -> usize,
) -> Result<Vec<T>, Error> {
    let mut page = Vec::new();
    let mut bytes = 0;
    for item in items.take(limit.min(PAGE)) {
        let item = item?;
        bytes += size(&item);
        page.push(item);
        if bytes >= PAGE_BYTES {
            break;
        }
    }
    Ok(page)
}

fn rows_bytes(rows: &[RowChange]) -> Result<usize, Error> {
    check("rows in a batch", rows.len(), BATCH)?;
    let mut bytes = 0;
    for row in rows {
        let value = row.value.as_ref().map_or(0, Vec::len);
        check("bytes of a row key", row.key.len(), KEY)?;
        check("bytes of a row value", value, VALUE)?;
        bytes += row.key.len() + value;
    }
    Ok(bytes)
}

fn check(what: &'static str, found: usize, limit: usize) -> Result<(), Error> {
    if found > limit {
        return Err(Error::Limit { what, found: found as u64, limit: limit as u64 });
    }
    Ok(())
}
