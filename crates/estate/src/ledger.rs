//! The independent ledger: one JSON line for each call received, written before the call is answered.
//!
//! It belongs to the target and not to the product under test, so a checker may believe it: whatever the product says
//! that it did, the ledger says what arrived.

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::faults::Route;

/// One call as it was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// From 1, without gaps, over restarts.
    pub n: u64,
    /// Wall time of the target in microseconds since 1970.
    pub time_us: u64,
    pub route: Route,
    /// Idempotency key, empty if none was sent.
    pub key: String,
    pub verb: String,
    pub target: String,
    /// SHA-256 of the body as received, in hexadecimal digits.
    pub body_sha256: String,
    /// What the caller sent in the header `Ringfence-Epoch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// Name of the fault mode that met the call.
    pub fault: String,
    pub effect: Effect,
}

/// What the call did to the world, whatever was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    Applied,
    /// The key was known: nothing was done again.
    Duplicate,
    Refused,
    /// A fault kept the call from the world.
    NotDelivered,
    /// A read.
    Looked,
    /// Not a call that can be read.
    Malformed,
}

/// Appends lines, each by one write.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: Arc<File>,
    next: u64,
    buffer: Vec<u8>,
}

impl Writer {
    /// Opens the ledger, or begins one. A torn last line is cut off: its call was never answered.
    ///
    /// # Errors
    /// [`Error::LedgerFile`] if the file cannot be opened or another process writes it, [`Error::LedgerLine`] if it is not a ledger.
    pub fn open(path: &Path) -> Result<Writer, Error> {
        let failed = |doing| move |source| Error::LedgerFile { path: path.to_owned(), doing, source };
        let options = OpenOptions::new().read(true).append(true).create(true).clone();
        let file = options.open(path).map_err(failed("open"))?;
        file.try_lock().map_err(io::Error::from).map_err(failed("have"))?;
        let mut last = 0;
        let torn = scan(path, &file, |line| last = line.n)?;
        if let Some(whole_bytes) = torn {
            file.set_len(whole_bytes).map_err(failed("cut the torn line off"))?;
        }
        Ok(Writer { path: path.to_owned(), file: Arc::new(file), next: last + 1, buffer: Vec::new() })
    }

    /// Writes one line and gives it the next number. When this returns, the line is in the file, and survives the
    /// death of this process; [`Writer::file`] and a sync make it survive the machine.
    ///
    /// # Errors
    /// [`Error::LedgerFile`] if the line was not written as a whole. The ledger must not be used again.
    pub fn append(&mut self, mut line: Line) -> Result<(), Error> {
        line.n = self.next;
        self.buffer.clear();
        let written =
            serde_json::to_writer(&mut self.buffer, &line).map_err(io::Error::from).and_then(|()| {
                self.buffer.push(b'\n');
                (&*self.file).write_all(&self.buffer)
            });
        written.map_err(|source| Error::LedgerFile {
            path: self.path.clone(),
            doing: "append to",
            source,
        })?;
        self.next += 1;
        Ok(())
    }

    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }
}

/// A ledger as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    pub lines: Vec<Line>,
    /// The last line was not whole; it is not among `lines`, and its call was never answered.
    pub torn: bool,
}

/// Reads a ledger, also one that is being written.
///
/// # Errors
/// [`Error::LedgerFile`] if it cannot be read, [`Error::LedgerLine`] if a line before the last one is not whole.
pub fn read(path: &Path) -> Result<Ledger, Error> {
    read_after(path, 0, usize::MAX)
}

/// At most `limit` lines with numbers above `after`.
///
/// # Errors
/// As [`read`].
pub fn read_after(path: &Path, after: u64, limit: usize) -> Result<Ledger, Error> {
    let file = File::open(path).map_err(|source| Error::LedgerFile {
        path: path.to_owned(),
        doing: "open",
        source,
    })?;
    let mut lines = Vec::new();
    let torn = scan(path, &file, |line| {
        if line.n > after && lines.len() < limit {
            lines.push(line);
        }
    })?;
    Ok(Ledger { lines, torn: torn.is_some() })
}

/// Goes through all whole lines. If the last line is torn, returns the length of the file before it.
fn scan(path: &Path, mut file: &File, mut each: impl FnMut(Line)) -> Result<Option<u64>, Error> {
    let failed = |source| Error::LedgerFile { path: path.to_owned(), doing: "read", source };
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut whole_bytes, mut number, mut text) = (0, 0, Vec::new());
    loop {
        text.clear();
        let bytes = reader.read_until(b'\n', &mut text).map_err(failed)?;
        if bytes == 0 {
            return Ok(None);
        }
        if text.last() != Some(&b'\n') {
            return Ok(Some(whole_bytes));
        }
        number += 1;
        let line = serde_json::from_slice(&text).map_err(|source| Error::LedgerLine {
            path: path.to_owned(),
            line: number,
            source,
        })?;
        each(line);
        whole_bytes += bytes as u64;
    }
}
