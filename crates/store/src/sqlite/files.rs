//! The file operations of the data directory: private modes, syncs, and the disk reserve.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use crate::Error;

/// Creates the directory for its owner alone. One that exists is closed to others only if it is empty or
/// holds our database, so that a mistyped path such as `/etc` is left as it is.
pub(super) fn create_directory(directory: &Path, database: &str) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .and_then(|()| {
            let ours = directory.join(database).exists() || fs::read_dir(directory)?.next().is_none();
            let mode = fs::metadata(directory)?.permissions().mode();
            if ours && mode & 0o077 != 0 {
                fs::set_permissions(directory, Permissions::from_mode(0o700))?;
            }
            Ok(())
        })
        .map_err(|error| open_error(directory, "create it for its owner alone", error))
}

pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Creates the file empty if it is not there.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    private().write(true).create(true).truncate(false).open(path).map(drop)
}

pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Removes the file; says whether it was there.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the file `bytes` long with its blocks taken up, or not exist at all.
pub(super) fn fill(path: &Path, bytes: u64) -> io::Result<()> {
    if bytes == 0 || size(path) == Some(bytes) {
        return Ok(());
    }
    let written = write_zeros(path, bytes);
    if written.is_err() {
        remove(path)?;
    }
    written
}

pub(super) fn size(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|metadata| metadata.len())
}

pub(super) fn open_error(directory: &Path, doing: &str, error: io::Error) -> Error {
    Error::Open {
        path: directory.to_owned(),
        reason: format!("cannot {doing}; check the path, its owner and the free space"),
        source: Some(Arc::new(error)),
    }
}

fn write_zeros(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = private().write(true).create(true).truncate(true).open(path)?;
    let zeros = [0; 64 << 10];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(zeros.len() as u64);
        file.write_all(&zeros[..part as usize])?;
        left -= part;
    }
    Ok(())
}
