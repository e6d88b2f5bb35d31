//! Whole data directories: a copy of the database beside those who have it open, and what SQLite finds wrong with one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{DATABASE, Lock, Sqlite, WAL, connection, failure, files, schema};
use crate::{BlobId, Error, Options};

const BLOBS: &str = "blobs";
/// So many findings of SQLite's own check are reported.
const FINDINGS_MAX: usize = 20;

/// A data directory that nobody else opens meanwhile, although this one does not either.
pub struct Claim {
    _lock: Lock,
}

impl Sqlite {
    /// Keeps everybody else out of a data directory, to change its files as a whole.
    ///
    /// # Errors
    /// [`Error::InUse`] when somebody has it open.
    pub fn claim(directory: impl AsRef<Path>) -> Result<Claim, Error> {
        Ok(Claim { _lock: Lock::take(directory.as_ref())? })
    }

    /// Writes the database of a directory as of one commit to the new file `to`, while others read and write it. Holds
    /// nobody up; the WAL cannot begin anew until it is done.
    ///
    /// # Errors
    /// [`Error::Full`] and [`Error::NotWritten`]; what was written then is worth nothing.
    pub fn copy_database(directory: impl AsRef<Path>, to: &Path) -> Result<(), Error> {
        // SQLite takes an empty file for a new one, and would create it for everybody to read.
        files::create_private(to).map_err(failure::of_write)?;
        let connection = connection::reading(&directory.as_ref().join(DATABASE), &Options::default());
        let connection = connection.map_err(failure::of_read)?;
        let name = to.to_str().ok_or_else(|| failure::not_written("the path of the copy is not UTF-8"))?;
        let copied = connection.execute("VACUUM INTO ?1", [name]);
        copied.map(drop).map_err(|error| failure::of_change(error, failure::Phase::Working))
    }

    /// What SQLite finds wrong with the database of a directory that nobody has open; nothing if it is whole.
    pub fn damage(directory: impl AsRef<Path>) -> Result<Vec<String>, Error> {
        let directory = directory.as_ref();
        let _lock = Lock::share(directory)?;
        let has_wal = files::size(&directory.join(WAL)).is_some_and(|bytes| bytes > 0);
        let connection = connection::offline(&directory.join(DATABASE), has_wal, &Options::default())
            .map_err(|error| schema::failed(error, directory))?;
        let found = connection
            .prepare(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))
            .and_then(|mut check| {
                check.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()
            })
            .map_err(|error| schema::failed(error, directory))?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// The names of all blobs below a directory, in order; whatever else lies there is left out.
    pub fn blob_ids(directory: impl AsRef<Path>) -> Result<Vec<BlobId>, Error> {
        let mut ids = Vec::new();
        let found = shelves(&directory.as_ref().join(BLOBS)).and_then(|shelves| {
            for shelf in shelves {
                for file in fs::read_dir(shelf)? {
                    ids.extend(file?.file_name().to_str().and_then(|name| name.parse::<BlobId>().ok()));
                }
            }
            Ok(())
        });
        found.map_err(|error| Error::Read(std::sync::Arc::new(error)))?;
        ids.sort_unstable();
        Ok(ids)
    }
}

fn shelves(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let listed = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        listed => listed?,
    };
    for entry in listed {
        let entry = entry?;
        if entry.file_type()?.is_dir() && entry.file_name().len() == 2 {
            found.push(entry.path());
        }
    }
    Ok(found)
}
