//! Files with the same content as one, over all roots: every folder is opened from the one above it, no link is followed,
//! and what is too much to look at is an error, never a shorter list.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::OwnedFd,
};

use rustix::{
    fs::{self as sys, AtFlags, Dir, FileType, Mode, OFlags},
    io::Errno,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Done, Failure, FilesConnector, failed, place::OWN, shown};

/// Files and folders that are looked at, how deep folders lie, and bytes that are read.
const LOOKED_MAX: usize = 200_000;
const DEEP_MAX: usize = 64;
const BYTES_MAX: u64 = 16 << 30;
/// So many are named; all are counted.
const NAMED_MAX: usize = 100;

/// What is looked for, and what was found so far.
struct Look {
    sha256: String,
    /// Where it is known; a file of another length is not even opened.
    bytes: Option<u64>,
    /// The file itself is not like itself.
    own: Option<String>,
    looked: usize,
    read: u64,
    loose: usize,
    named: Vec<String>,
    /// Files and folders that could not be opened.
    unread: usize,
}

impl FilesConnector {
    /// By the hash of the file at a path, of the one in quarantine that was there, or of an upload.
    pub(super) fn similar(&self, target: &str) -> Done<Value> {
        let (sha256, bytes, own) = self.content_of(target)?;
        let mut look =
            Look { sha256, bytes, own, looked: 0, read: 0, loose: 0, named: Vec::new(), unread: 0 };
        for root in &self.roots {
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let folder = sys::open(root.as_path(), flags, Mode::empty()).map_err(failed)?;
            let path = root.to_str().unwrap_or_default().trim_end_matches('/').to_owned();
            look.folder(folder, path)?;
        }
        look.named.sort_unstable();
        Ok(json!({
            "kind": "similar_files", "sha256": look.sha256, "same_content": look.named, "loose": look.loose,
            "looked_at": look.looked, "unread": look.unread,
        }))
    }

    /// Its hash, its length where that is known, and its path where it lies there still.
    fn content_of(&self, target: &str) -> Done<(String, Option<u64>, Option<String>)> {
        if let Some(sha256) = target.strip_prefix("sha256:") {
            let held = (self.holds)(sha256);
            let none = || Failure::Refused("nothing with this hash is kept".to_owned());
            return held.then(|| (sha256.to_owned(), None, None)).ok_or_else(none);
        }
        let place = self.place(target)?;
        if place.stat(place.name())?.is_some() {
            let (mut file, about) = place.open(place.name())?;
            return Ok((hash(&mut file)?, Some(about.len()), Some(target.to_owned())));
        }
        let number = self.vault.newest(target)?;
        let number =
            number.ok_or_else(|| Failure::Refused(format!("there is no file `{}`", shown(target))))?;
        let kept = self.vault.check(target, number)?;
        Ok((kept.sha256, Some(kept.about.bytes), None))
    }
}

impl Look {
    fn folder(&mut self, folder: OwnedFd, path: String) -> Done<()> {
        let mut waiting = vec![(folder, path, 0)];
        while let Some((folder, path, deep)) = waiting.pop() {
            for entry in Dir::read_from(&folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name();
                if name == c"." || name == c".." {
                    continue;
                }
                self.count()?;
                let Ok(text) = name.to_str() else {
                    self.unread += 1;
                    continue;
                };
                let found = match sys::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(found) => found,
                    Err(Errno::NOENT) => continue,
                    Err(error) => return Err(failed(error).into()),
                };
                let inner = format!("{path}/{text}");
                match FileType::from_raw_mode(found.st_mode) {
                    FileType::Directory if deep < DEEP_MAX => match open(&folder, name, OFlags::DIRECTORY)? {
                        Some(folder) => waiting.push((folder, inner, deep + 1)),
                        None => self.unread += 1,
                    },
                    FileType::Directory => return Err(too_much("folders lie too deep")),
                    FileType::RegularFile => {
                        let length = u64::try_from(found.st_size).unwrap_or(0);
                        if self.bytes.is_none_or(|bytes| bytes == length) && !text.starts_with(OWN) {
                            self.file(&folder, name, inner)?;
                        }
                    }
                    FileType::Symlink
                    | FileType::Fifo
                    | FileType::Socket
                    | FileType::CharacterDevice
                    | FileType::BlockDevice
                    | FileType::Unknown => {}
                }
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Done<()> {
        self.looked += 1;
        if self.looked > LOOKED_MAX { Err(too_much("there are too many files")) } else { Ok(()) }
    }

    fn file(&mut self, folder: &OwnedFd, name: &std::ffi::CStr, path: String) -> Done<()> {
        if self.own.as_deref() == Some(&*path) {
            return Ok(());
        }
        let Some(file) = open(folder, name, OFlags::NONBLOCK | OFlags::NOCTTY)? else {
            self.unread += 1;
            return Ok(());
        };
        let mut file = File::from(file).take(BYTES_MAX - self.read + 1);
        let same = hash(&mut file)? == self.sha256;
        self.read = BYTES_MAX + 1 - file.limit();
        if self.read > BYTES_MAX {
            return Err(too_much("they hold too many bytes"));
        }
        if same {
            self.loose += 1;
            if self.named.len() < NAMED_MAX {
                self.named.push(path);
            }
        }
        Ok(())
    }
}

/// Nothing where it went away, is a link, or may not be read.
fn open(folder: &OwnedFd, name: &std::ffi::CStr, more: OFlags) -> io::Result<Option<OwnedFd>> {
    match sys::openat(folder, name, OFlags::NOFOLLOW | OFlags::CLOEXEC | more, Mode::empty()) {
        Ok(opened) => Ok(Some(opened)),
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::ACCESS | Errno::PERM) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn too_much(why: &str) -> Failure {
    Failure::Refused(format!("{why} below `[files] roots`; name smaller folders there"))
}

fn hash(from: &mut impl io::Read) -> io::Result<String> {
    let (mut digest, mut part) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        let read = from.read(&mut part)?;
        if read == 0 {
            return Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        digest.update(&part[..read]);
    }
}
