//! One path below a root, as a handle on its folder and its last part. Nothing here looks at a path as a whole again
//! once the folder is open, so nobody can put a link in its way.

use std::{
    fs::{File, Metadata},
    io::{self, Read as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::fs::MetadataExt as _,
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{self as sys, AtFlags, Mode, OFlags, RenameFlags, Stat},
    io::Errno,
};
use sha2::{Digest as _, Sha256};

use super::{Done, Failure, boxes::Kept, failed, shown, sync};

/// Longest path, in bytes, and most parts of it.
const PATH_MAX: usize = 1_024;
const PARTS_MAX: usize = 64;
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

pub(super) struct Place {
    folder: OwnedFd,
    name: String,
    /// Of the whole path, for names of ours beside it.
    digest: String,
}

impl Place {
    pub(super) fn find(roots: &[PathBuf], target: &str) -> Done<Place> {
        let refused = |why: &str| Failure::Refused(format!("`{}` {why}", shown(target)));
        let parts = parts(target).map_err(|why| refused(&why))?;
        let below = |root: &&PathBuf| {
            let root: Option<Vec<&str>> = plain(root);
            root.is_some_and(|root| parts.len() > root.len() && parts.starts_with(&root))
        };
        let Some(root) = roots.iter().filter(below).max_by_key(|root| root.as_os_str().len()) else {
            return Err(refused("is below none of the folders in `[files] roots` of ringfence.toml"));
        };
        let depth = plain(root).map_or(0, |root| root.len());
        let walk = |error: Errno| match error {
            Errno::LOOP | Errno::NOTDIR => refused("leads over a link or something that is no folder"),
            Errno::NOENT => refused("is not there"),
            other => Failure::Again(failed(other).to_string()),
        };
        let mut folder = sys::open(root.as_path(), FOLDER, Mode::empty()).map_err(walk)?;
        let (name, folders) = parts[depth..].split_last().ok_or_else(|| refused("names no file"))?;
        for part in folders {
            folder = sys::openat(&folder, *part, FOLDER, Mode::empty()).map_err(walk)?;
        }
        if name.starts_with(OWN) {
            return Err(refused("has a name that is kept for files on their way"));
        }
        let digest = Sha256::digest(target).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Ok(Place { folder, name: (*name).to_owned(), digest })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its name on the way into quarantine, and on the way out.
    pub(super) fn hidden(&self) -> String {
        format!("{OWN}in-{}", self.digest)
    }

    pub(super) fn fresh(&self) -> String {
        format!("{OWN}out-{}", self.digest)
    }

    pub(super) fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        match sys::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// A plain file that has no second name.
    pub(super) fn open(&self, name: &str) -> Done<(File, Metadata)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let refused = |why: &str| Failure::Refused(format!("`{}` {why}", shown(&self.name)));
        // What is no file is not even opened: a device may act on it.
        let kind = self.stat(name)?.map(|found| sys::FileType::from_raw_mode(found.st_mode));
        match kind {
            Some(sys::FileType::RegularFile) => {}
            Some(sys::FileType::Symlink) => return Err(refused("is a link")),
            Some(_) => return Err(refused("is no plain file")),
            None => return Err(refused("is not there")),
        }
        let opened = sys::openat(&self.folder, name, flags, Mode::empty()).map_err(|error| match error {
            Errno::LOOP => refused("is a link"),
            other => Failure::Again(failed(other).to_string()),
        });
        let file = File::from(opened?);
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(refused("is no plain file"));
        }
        if about.nlink() != 1 {
            return Err(refused("has a second name (a hard link), under which it would stay"));
        }
        Ok((file, about))
    }

    /// A new file of ours; what a process that was killed left of one is thrown away.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        if self.stat(name)?.is_some() {
            self.remove(name)?;
        }
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        sys::openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR).map(File::from).map_err(failed)
    }

    /// Another name, durably; never over something that has it.
    pub(super) fn swap(&self, from: &str, to: &str) -> Done<()> {
        let moved = sys::renameat_with(&self.folder, from, &self.folder, to, RenameFlags::NOREPLACE);
        match moved {
            Ok(()) => Ok(sync(&self.folder)?),
            Err(Errno::EXIST) => Err(Failure::Refused(format!(
                "there is another file at `{}`, and none is overwritten",
                shown(to)
            ))),
            Err(Errno::NOENT) => Err(Failure::Again(format!("`{}` went away", shown(from)))),
            Err(error) => Err(Failure::Again(failed(error).to_string())),
        }
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match sys::unlinkat(&self.folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => sync(&self.folder.as_fd()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether the file that is there is the one in the box.
    pub(super) fn is(&self, kept: &Kept) -> Done<bool> {
        let Ok((file, about)) = self.open(&self.name) else { return Ok(false) };
        if about.len() != kept.about.bytes {
            return Ok(false);
        }
        let (mut digest, mut part) = (Sha256::new(), vec![0; 64 * 1024]);
        let mut file = file.take(kept.about.bytes);
        loop {
            let read = file.read(&mut part)?;
            if read == 0 {
                break;
            }
            digest.update(&part[..read]);
        }
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>() == kept.sha256)
    }
}

/// How names of ours beside other people's files begin.
pub(super) const OWN: &str = ".ringfence-";

/// A path in one spelling only. Nothing in it is decoded: `%2e` is three characters of a name.
fn parts(target: &str) -> Result<Vec<&str>, String> {
    let Some(path) = target.strip_prefix('/') else { return Err("is no absolute path".to_owned()) };
    if target.len() > PATH_MAX {
        return Err(format!("is longer than {PATH_MAX} bytes"));
    }
    let parts: Vec<&str> = path.split('/').collect();
    if parts.len() > PARTS_MAX {
        return Err(format!("has more than {PARTS_MAX} parts"));
    }
    match parts.iter().find(|part| matches!(**part, "" | "." | "..") || part.contains('\0')) {
        Some(part) => Err(format!("has the part `{}`; write the path as it is", part.escape_debug())),
        None => Ok(parts),
    }
}

fn plain(root: &Path) -> Option<Vec<&str>> {
    let mut parts = root.components();
    let first = parts.next()? == Component::RootDir;
    let rest: Option<Vec<&str>> = parts
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
        })
        .collect();
    rest.filter(|_| first)
}
