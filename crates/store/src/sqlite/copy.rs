//! Whole data directories: a copy of the database beside those who have it open, what SQLite finds wrong with one,
//! and the exchange of one for another.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{DATABASE, Lock, Sqlite, WAL, connection, failure, files, schema};
use crate::{BlobId, Error, Options};

const SHM: &str = "store.db-shm";
const BLOBS: &str = "blobs";
/// So many findings of SQLite's own check are reported.
const FINDINGS_MAX: usize = 20;

impl Sqlite {
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

    /// Puts database and blobs of `staged` in the place of those of `directory`, whose own go to `aside`; and the other
    /// named files with them. Cut off anywhere, the next call with the same folders goes on where it ended.
    ///
    /// # Errors
    /// [`Error::InUse`] while a process has the directory open; [`Error::Open`] when a file cannot be moved.
    pub fn exchange(directory: &Path, staged: &Path, aside: &Path, files: &[&str]) -> Result<(), Error> {
        let _lock = Lock::take(directory)?;
        let failed = |error| files::open_error(directory, "exchange it for what was restored", error);
        fs::create_dir_all(aside).map_err(failed)?;
        // What belongs to the old database goes before its new one comes.
        let groups = [&[BLOBS][..], &[WAL, SHM, DATABASE]];
        let others = files.iter().map(std::slice::from_ref);
        for group in others.chain(groups) {
            let Some(name) = group.last() else { continue };
            if !staged.join(name).exists() {
                continue;
            }
            for name in group {
                move_to(&directory.join(name), &aside.join(name)).map_err(failed)?;
            }
            files::sync_directory(aside).map_err(failed)?;
            fs::rename(staged.join(name), directory.join(name)).map_err(failed)?;
            files::sync_directory(directory).map_err(failed)?;
        }
        Ok(())
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

fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        moved => moved,
    }
}
