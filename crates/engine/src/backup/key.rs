//! The key that opens backups: 32 bytes in a file of its owner. Whoever has it and a backup has everything.

use std::{fs, io, path::Path};

use ring::hkdf;

use super::{on, write_private, wrong};
use crate::Error;

const PREFIX: &str = "rfbk_";

/// Neither printed nor serialised by accident; [`Key::text`] is the way out.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// Fresh from the system.
    pub fn create() -> Result<Key, Error> {
        let mut bytes = [0; 32];
        let filled = getrandom::fill(&mut bytes);
        filled.map(|()| Key(bytes)).map_err(|error| wrong("key", format!("there is no randomness: {error}")))
    }

    /// Reads what [`Key::text`] wrote.
    pub fn parse(text: &str) -> Result<Key, Error> {
        let bad = || wrong("key", format!("a key is `{PREFIX}` and 64 hex digits; this is not one"));
        let digits = text.trim().strip_prefix(PREFIX).filter(|digits| digits.len() == 64).ok_or_else(bad)?;
        let id: store::BlobId = digits.parse().map_err(|_| bad())?;
        Ok(Key(id.0))
    }

    /// The key itself, for its file and for paper.
    pub fn text(&self) -> String {
        format!("{PREFIX}{}", hex(&self.0))
    }

    /// Names the key without giving it away.
    pub fn id(&self) -> String {
        hex(&self.short())
    }

    /// Reads the file.
    pub fn read(path: &Path) -> Result<Key, Error> {
        let text = on(path, "read the key", fs::read_to_string(path))?;
        Key::parse(&text).map_err(|error| wrong(&format!("`{}`", path.display()), error))
    }

    /// Reads the file, or writes it with a new key; says whether it is new.
    pub fn read_or_create(path: &Path) -> Result<(Key, bool), Error> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Key::create()?;
                key.write(path)?;
                Ok((key, true))
            }
            _ => Ok((Key::read(path)?, false)),
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        write_private(path, &format!("{}\n", self.text()))
    }

    pub(super) fn short(&self) -> [u8; 8] {
        let mut id = [0; 8];
        let material = hkdf::Salt::new(hkdf::HKDF_SHA256, b"ringfence backup key id").extract(&self.0);
        // INVARIANT: 8 bytes are less than the 255 blocks that there can be.
        let filled = material.expand(&[b"id"], Eight).and_then(|id_of| id_of.fill(&mut id));
        debug_assert!(filled.is_ok());
        id
    }

    pub(super) fn material(&self) -> &[u8; 32] {
        &self.0
    }
}

struct Eight;

impl hkdf::KeyType for Eight {
    fn len(&self) -> usize {
        8
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
