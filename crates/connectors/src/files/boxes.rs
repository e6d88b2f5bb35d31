//! Boxes: files in quarantine, encrypted under a key of the data directory, each with what is needed to put it back.
//!
//! A box is a magic line, the length of a header, the header as JSON, a salt, and parts of 64 KiB, each sealed with
//! ChaCha20-Poly1305 under a key that is made of the salt for this box alone. The header is bound to every part, the
//! number of a part is its nonce, and the last part holds the SHA-256 of the file and says that it is the last.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
    rand::{SecureRandom as _, SystemRandom},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const MAGIC: &[u8] = b"ringfence-box-1\n";
const PART: usize = 64 * 1024;
const TAG: usize = 16;
const HEADER_MAX: usize = 16 * 1024;
/// Boxes of one path at once.
const BOXES_MAX: u32 = 1_000;
const KEY_FILE: &str = "quarantine.key";

/// Where boxes are, and the key to them.
pub struct Vault {
    folder: PathBuf,
    key: [u8; 32],
}

/// What is needed to put a file back as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) path: String,
    pub(super) bytes: u64,
    uid: u32,
    gid: u32,
    mode: u32,
    modified: i64,
    modified_ns: i64,
    device: u64,
    inode: u64,
}

/// A box that was opened to its end, and is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) about: About,
    pub(super) sha256: String,
}

impl About {
    pub(super) fn of(path: &str, about: &Metadata) -> About {
        About {
            path: path.to_owned(),
            bytes: about.len(),
            uid: about.uid(),
            gid: about.gid(),
            mode: about.mode() & 0o7777,
            modified: about.mtime(),
            modified_ns: about.mtime_nsec(),
            device: about.dev(),
            inode: about.ino(),
        }
    }

    /// Owner, rights and time, in this order: a change of owner clears some rights.
    pub(super) fn give_to(&self, file: &File) -> io::Result<()> {
        let now = file.metadata()?;
        if (now.uid(), now.gid()) != (self.uid, self.gid) {
            fchown(file, Some(self.uid), Some(self.gid))?;
        }
        file.set_permissions(Permissions::from_mode(self.mode))?;
        let since = Duration::new(self.modified.unsigned_abs(), u32::try_from(self.modified_ns).unwrap_or(0));
        let at = match self.modified < 0 {
            true => SystemTime::UNIX_EPOCH.checked_sub(since),
            false => SystemTime::UNIX_EPOCH.checked_add(since),
        };
        at.map_or(Ok(()), |at| file.set_modified(at))
    }
}

impl Vault {
    /// In this data directory. The key is made once, and boxes without it are an error, not a reason for a new one.
    pub fn open_in(data_dir: &Path) -> io::Result<Vault> {
        let folder = data_dir.join("quarantine");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let path = data_dir.join(KEY_FILE);
        let key = match fs::read(&path) {
            Ok(bytes) => bytes.try_into().map_err(|_| odd("the key of the quarantine is not 32 bytes"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::read_dir(&folder)?.next().is_some() {
                    return Err(odd("there are files in quarantine, and their key `quarantine.key` is gone"));
                }
                let mut key = [0; 32];
                random(&mut key)?;
                let unfinished = data_dir.join("quarantine.key.new");
                write_new(&unfinished, &key)?;
                fs::rename(&unfinished, &path)?;
                File::open(data_dir)?.sync_all()?;
                key
            }
            Err(error) => return Err(error),
        };
        Ok(Vault { folder, key })
    }

    pub(super) fn path(&self, target: &str, number: u32) -> PathBuf {
        let digest: String = Sha256::digest(target).iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{digest}.{number}.box"))
    }

    /// The number of the last box of this path.
    pub(super) fn newest(&self, target: &str) -> io::Result<Option<u32>> {
        let mut newest = None;
        for number in 0..BOXES_MAX {
            match self.path(target, number).try_exists()? {
                true => newest = Some(number),
                false => break,
            }
        }
        Ok(newest)
    }

    /// Writes a box, whole or not at all.
    pub(super) fn put(&self, about: &About, from: &mut dyn Read) -> io::Result<u32> {
        let number = self.newest(&about.path)?.map_or(0, |number| number + 1);
        if number >= BOXES_MAX {
            return Err(odd("this path has too many files in quarantine"));
        }
        let path = self.path(&about.path, number);
        let unfinished = path.with_extension("new");
        drop(fs::remove_file(&unfinished));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        if let Err(error) = self.seal(about, from, &file).and_then(|()| file.sync_all()) {
            drop(fs::remove_file(&unfinished));
            return Err(error);
        }
        fs::rename(&unfinished, &path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(number)
    }

    fn seal(&self, about: &About, from: &mut dyn Read, mut out: &File) -> io::Result<()> {
        let header = serde_json::to_vec(about)?;
        let mut salt = [0; 32];
        random(&mut salt)?;
        let length = u32::try_from(header.len()).ok().filter(|length| *length as usize <= HEADER_MAX);
        let length = length.ok_or_else(|| odd("the header of the box is too long"))?;
        out.write_all(MAGIC)?;
        out.write_all(&length.to_be_bytes())?;
        out.write_all(&header)?;
        out.write_all(&salt)?;
        let key = self.key_of(&salt)?;
        let bound: [u8; 32] = Sha256::digest(&header).into();
        let (mut digest, mut number) = (Sha256::new(), 0);
        let mut write = |mut part: Vec<u8>, number: u64, last: bool| -> io::Result<()> {
            let sealed = key.seal_in_place_append_tag(nonce(number, last), Aad::from(bound), &mut part);
            sealed.map_err(|_| odd("a part cannot be encrypted"))?;
            out.write_all(&part)
        };
        loop {
            let part = fill(from)?;
            if part.is_empty() {
                break;
            }
            digest.update(&part);
            write(part, number, false)?;
            number += 1;
        }
        write(digest.finalize().to_vec(), number, true)
    }

    fn key_of(&self, salt: &[u8]) -> io::Result<LessSafeKey> {
        let made = Salt::new(HKDF_SHA256, salt).extract(&self.key);
        let info = [&b"ringfence quarantine 1"[..]];
        let mut own = [0; 32];
        let filled = made.expand(&info, HKDF_SHA256).and_then(|own_key| own_key.fill(&mut own));
        filled.map_err(|_| odd("no key for this box"))?;
        UnboundKey::new(&CHACHA20_POLY1305, &own)
            .map(LessSafeKey::new)
            .map_err(|_| odd("no key for this box"))
    }

    /// Opens it to the end and says what is in it.
    pub(super) fn check(&self, target: &str, number: u32) -> io::Result<Kept> {
        self.open(target, number, &mut io::sink())
    }

    pub(super) fn open(&self, target: &str, number: u32, out: &mut dyn Write) -> io::Result<Kept> {
        let mut file = File::open(self.path(target, number))?;
        let (mut magic, mut length) = ([0; MAGIC.len()], [0; 4]);
        file.read_exact(&mut magic)?;
        file.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if magic != MAGIC || length > HEADER_MAX {
            return Err(altered());
        }
        let (mut header, mut salt) = (vec![0; length], [0; 32]);
        file.read_exact(&mut header)?;
        file.read_exact(&mut salt)?;
        let about: About = serde_json::from_slice(&header).map_err(|_| altered())?;
        let (key, bound) = (self.key_of(&salt)?, <[u8; 32]>::from(Sha256::digest(&header)));
        let unseal = |mut part: Vec<u8>, number: u64, last: bool| {
            let length =
                key.open_in_place(nonce(number, last), Aad::from(bound), &mut part).map(|it| it.len());
            part.truncate(length.map_err(|_| altered())?);
            Ok::<Vec<u8>, io::Error>(part)
        };
        let whole = about.bytes.div_ceil(PART as u64);
        let mut digest = Sha256::new();
        for number in 0..whole {
            let left = about.bytes - number * PART as u64;
            let length = usize::try_from(left).unwrap_or(PART).min(PART);
            let mut part = vec![0; length + TAG];
            file.read_exact(&mut part)?;
            let part = unseal(part, number, false)?;
            digest.update(&part);
            out.write_all(&part)?;
        }
        let mut last = Vec::new();
        file.take(1_024).read_to_end(&mut last)?;
        let (found, said) = (digest.finalize(), unseal(last, whole, true)?);
        if said != found.as_slice() || about.path != target {
            return Err(altered());
        }
        Ok(Kept { about, sha256: said.iter().map(|byte| format!("{byte:02x}")).collect() })
    }

    pub(super) fn drop(&self, target: &str, number: u32) -> io::Result<()> {
        fs::remove_file(self.path(target, number))?;
        File::open(&self.folder)?.sync_all()
    }
}

/// Up to a whole part; less only at the end.
fn fill(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut part = Vec::with_capacity(PART + TAG);
    from.take(PART as u64).read_to_end(&mut part)?;
    Ok(part)
}

fn nonce(number: u64, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[0] = u8::from(last);
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

fn random(out: &mut [u8]) -> io::Result<()> {
    SystemRandom::new().fill(out).map_err(|_| odd("the system gives no random bytes"))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    drop(fs::remove_file(path));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn altered() -> io::Error {
    odd("the box in quarantine was changed or is not whole")
}

fn odd(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}
