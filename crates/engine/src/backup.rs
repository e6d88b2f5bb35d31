//! Backups: one consistent point of the store, its blobs and the key of the log, in one encrypted file.
//!
//! `sealed` is the encryption, `archive` what lies within, `make` writes, `check` opens and verifies, `restore` makes a
//! data directory of one, `swap` puts one in place of the data, `shelf` is the folder of them. The key lies beside the
//! data, never within a backup.

mod archive;
mod check;
mod key;
mod make;
mod record;
mod restore;
mod sealed;
mod shelf;
mod swap;
#[cfg(test)]
mod tests;
mod validate;

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;

pub use check::{Checked, check, manifest, onset};
pub use key::Key;
pub use record::Schedule;
pub use restore::{Origin, origin, restore};
pub use shelf::{Listed, Newest, Shelf, listed};
pub use swap::put_in_place;
pub use validate::Validated;

/// The form of what lies within. A newer one is refused by name.
const FORMAT: u32 = 1;
const DATABASE: &str = "store.db";
const BLOBS: &str = "blobs";
/// The half of the log's key that auditors keep.
const LOG_PUB: &str = "log.pub";
const LOG_KEY: &str = "log.key";
/// What of a data directory goes into a backup beside database and blobs, where it is there: the key of the log, the
/// first person's token, without which nobody may get in again, and the key of the files in quarantine.
const FILES: [&str; 4] = [LOG_KEY, LOG_PUB, "admin.token", "quarantine.key"];
/// The files in quarantine, which are nowhere else.
const QUARANTINE: &str = "quarantine";

/// What a backup says of itself, under its encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub id: String,
    pub made_at: Timestamp,
    /// Of the program that wrote it.
    pub version: String,
    /// The name of the log, and of the data directory in idempotency keys.
    pub log: String,
    pub incarnation: String,
    /// Entries of the log, the root over all of them, and a checkpoint over exactly them.
    pub entries: u64,
    pub root: String,
    pub checkpoint: String,
    /// The hash of the content in force.
    pub content: String,
    pub files: Vec<Part>,
    pub blobs: u64,
    pub blob_bytes: u64,
}

/// One file within, beside the blobs, which are named by their hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
}

fn wrong(what: &str, why: impl ToString) -> Error {
    Error::Backup { what: what.to_owned(), why: why.to_string() }
}

/// An operation on a file, with its name in the error.
fn on<T>(path: &Path, doing: &str, done: io::Result<T>) -> Result<T, Error> {
    done.map_err(|error| wrong(&format!("`{}`", path.display()), format!("cannot {doing}: {error}")))
}

fn create_new(path: &Path) -> Result<File, Error> {
    on(path, "create", OpenOptions::new().write(true).create_new(true).mode(0o600).open(path))
}

fn create_folder(path: &Path) -> Result<(), Error> {
    on(path, "create", fs::DirBuilder::new().recursive(true).mode(0o700).create(path))
}

fn remove_folder(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => on(path, "remove", removed),
    }
}

/// Whether this is the name of a file in quarantine, and of nothing outside that folder.
fn is_boxed(name: &str) -> bool {
    let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    let inner = name.strip_prefix(QUARANTINE).and_then(|name| name.strip_prefix('/'));
    inner.is_some_and(|name| name.ends_with(".box") && !name.starts_with('.') && plain(name))
}

fn sync_folder(path: &Path) -> Result<(), Error> {
    on(path, "sync", File::open(path).and_then(|folder| folder.sync_all()))
}

/// Whole and synced, or not there.
fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let part = path.with_extension("part");
    drop(fs::remove_file(&part));
    let mut file = create_new(&part)?;
    let written = io::Write::write_all(&mut file, text.as_bytes()).and_then(|()| file.sync_all());
    on(&part, "write", written.and_then(|()| fs::rename(&part, path)))?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}
