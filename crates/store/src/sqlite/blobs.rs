//! Blobs as files named by their hash, `blobs/ab/abcd…`. A name appears only once the bytes are on disk.

use std::{
    fs::{self, DirBuilder, File},
    io::{ErrorKind, Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{BlobId, Error, limits};

use super::{
    failure,
    files::{self, open_error},
};

pub(super) struct Blobs {
    root: PathBuf,
    /// Numbers the unfinished files of this process, the only one in the directory.
    unfinished: AtomicU64,
}

impl Blobs {
    /// Makes the directories and removes what a crash left unfinished.
    pub(super) fn open(directory: &Path) -> Result<Blobs, Error> {
        let blobs = Blobs::at(directory);
        let tmp = blobs.root.join("tmp");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&tmp)
            .and_then(|()| fs::read_dir(&tmp)?.try_for_each(|file| fs::remove_file(file?.path())))
            .and_then(|()| files::sync_directory(&blobs.root))
            .and_then(|()| files::sync_directory(directory))
            .map_err(|error| open_error(directory, "prepare `blobs`", error))?;
        Ok(blobs)
    }

    /// Looks at the directory only.
    pub(super) fn at(directory: &Path) -> Blobs {
        Blobs { root: directory.join("blobs"), unfinished: AtomicU64::new(0) }
    }

    pub(super) fn put(&self, id: &BlobId, bytes: &[u8]) -> Result<(), Error> {
        let (shelf, path) = self.place(id);
        // A file that is there may come from a process that was killed between the rename and its sync, and
        // one with other bytes is replaced.
        if matches!(self.get(id), Ok(Some(_))) {
            return File::open(&path)
                .and_then(|file| file.sync_all())
                .and_then(|()| files::sync_directory(&shelf))
                .and_then(|()| files::sync_directory(&self.root))
                .map_err(failure::of_sync);
        }
        let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
        let tmp = self.root.join("tmp").join(number.to_string());
        let put = self.write(&tmp, bytes).and_then(|()| self.name(&tmp, &shelf, &path));
        if put.is_err() {
            // Whatever is left of it goes at the next open.
            drop(files::remove(&tmp));
        }
        put
    }

    /// Writes a stream under the name that its bytes turn out to have.
    pub(super) fn put_from(&self, stream: &mut dyn Read, most: u64) -> Result<(BlobId, u64), Error> {
        let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
        let tmp = self.root.join("tmp").join(number.to_string());
        let put = self.take_in(&tmp, stream, most);
        if put.is_err() {
            // Whatever is left of it goes at the next open.
            drop(files::remove(&tmp));
        }
        put
    }

    fn take_in(&self, tmp: &Path, stream: &mut dyn Read, most: u64) -> Result<(BlobId, u64), Error> {
        let open = files::private().write(true).create(true).truncate(true).open(tmp);
        let mut file = open.map_err(failure::of_write)?;
        let copied = crate::copy(stream, most, &mut |part| file.write_all(part));
        let (id, length) = copied.map_err(failure::of_write)?;
        limits::check_streamed(length, most)?;
        file.sync_all().map_err(failure::of_sync)?;
        // The same bytes may be there already; these take their place, and differ in nothing.
        let (shelf, path) = self.place(&id);
        self.name(tmp, &shelf, &path)?;
        Ok((id, length))
    }

    pub(super) fn open_one(&self, id: &BlobId) -> Result<Option<Box<dyn Read + Send>>, Error> {
        match File::open(self.place(id).1) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::Read(Arc::new(error))),
        }
    }

    pub(super) fn get(&self, id: &BlobId) -> Result<Option<Vec<u8>>, Error> {
        let failed = |error| Error::Read(Arc::new(error));
        let file = match File::open(self.place(id).1) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        file.take(limits::BLOB as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        if BlobId::of(&bytes) != *id {
            return Err(Error::Corrupt {
                what: format!("{} bytes that do not have the hash of the blob", bytes.len()),
                place: format!("blob {id}"),
            });
        }
        Ok(Some(bytes))
    }

    fn write(&self, tmp: &Path, bytes: &[u8]) -> Result<(), Error> {
        let mut file =
            files::private().write(true).create(true).truncate(true).open(tmp).map_err(failure::of_write)?;
        file.write_all(bytes).map_err(failure::of_write)?;
        file.sync_all().map_err(failure::of_sync)
    }

    /// Moves the finished file to its name, durably.
    fn name(&self, tmp: &Path, shelf: &Path, path: &Path) -> Result<(), Error> {
        DirBuilder::new().recursive(true).mode(0o700).create(shelf).map_err(failure::of_write)?;
        fs::rename(tmp, path).map_err(failure::of_write)?;
        files::sync_directory(shelf)
            .and_then(|()| files::sync_directory(&self.root))
            .map_err(failure::of_sync)
    }

    fn place(&self, id: &BlobId) -> (PathBuf, PathBuf) {
        let name = id.to_string();
        let shelf = self.root.join(&name[..2]);
        let path = shelf.join(&name);
        (shelf, path)
    }
}
