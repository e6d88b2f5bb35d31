//! The lock file that keeps a second process away from a data directory. The lock belongs to the open file,
//! so it ends with the process however that ends; the process id written into it is only a hint.

use std::{
    fs::{self, File, TryLockError},
    io::{ErrorKind, Write},
    path::Path,
};

use crate::Error;

use super::files::{open_error, private};

const FILE: &str = "lock";

pub(super) struct Lock {
    /// `None` for a copy of a data directory that has no lock file.
    file: Option<File>,
    exclusive: bool,
}

impl Lock {
    pub(super) fn take(directory: &Path) -> Result<Lock, Error> {
        let path = directory.join(FILE);
        let failed = |error| open_error(directory, "lock it", error);
        let mut file =
            private().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        refuse_if_locked(directory, file.try_lock())?;
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Lock { file: Some(file), exclusive: true })
    }

    /// Locks beside other readers; changes nothing in the directory.
    pub(super) fn share(directory: &Path) -> Result<Lock, Error> {
        let file = match File::open(directory.join(FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Lock { file: None, exclusive: false });
            }
            Err(error) => return Err(open_error(directory, "lock it", error)),
        };
        refuse_if_locked(directory, file.try_lock_shared())?;
        Ok(Lock { file: Some(file), exclusive: false })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(file) = self.file.as_ref().filter(|_| self.exclusive) {
            // A hint that stays behind would name a process that has ended; losing it does no harm.
            drop(file.set_len(0));
        }
    }
}

fn refuse_if_locked(directory: &Path, locked: Result<(), TryLockError>) -> Result<(), Error> {
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let hint = fs::read_to_string(directory.join(FILE)).ok();
            let pid = hint.and_then(|text| text.trim().parse().ok());
            Err(Error::InUse { path: directory.to_owned(), pid })
        }
        Err(TryLockError::Error(error)) => Err(open_error(directory, "lock it", error)),
    }
}
