//! The encryption of a backup: ChaCha20-Poly1305 over parts of 64 KiB, as in the STREAM construction.
//!
//! Each file has a key of its own, made by HKDF from the backup key and the file's random salt. The nonce of a part is
//! its number and whether it is the last, so a part that is changed, moved, left out or added does not open.

use std::io::{self, BufRead, BufReader, Read, Write};

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    error::Unspecified,
    hkdf,
};

use super::key::{Key, hex};

const MAGIC: &[u8; 20] = b"ringfence-backup/01\n";
const HEADER: usize = MAGIC.len() + 8 + 32;
const PART: usize = 64 * 1024;
const TAG: usize = 16;

fn own_key(key: &Key, header: &[u8]) -> Result<LessSafeKey, Unspecified> {
    let material = hkdf::Salt::new(hkdf::HKDF_SHA256, b"ringfence backup parts").extract(key.material());
    let info = [header];
    Ok(LessSafeKey::new(UnboundKey::from(material.expand(&info, &CHACHA20_POLY1305)?)))
}

fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[3..11].copy_from_slice(&number.to_be_bytes());
    bytes[11] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

fn failed(_: Unspecified) -> io::Error {
    io::Error::other("the encryption failed")
}

/// Encrypts what is written to it; worth nothing until [`Sealer::finish`].
pub(super) struct Sealer<W> {
    out: W,
    key: LessSafeKey,
    part: Vec<u8>,
    number: u64,
}

impl<W: Write> Sealer<W> {
    pub(super) fn new(mut out: W, key: &Key) -> io::Result<Sealer<W>> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|error| io::Error::other(error.to_string()))?;
        let header = [&MAGIC[..], &key.short(), &salt].concat();
        out.write_all(&header)?;
        let key = own_key(key, &header).map_err(failed)?;
        Ok(Sealer { out, key, part: Vec::with_capacity(PART + TAG), number: 0 })
    }

    fn flush_part(&mut self, last: bool) -> io::Result<()> {
        let nonce = nonce(self.number, last);
        self.key.seal_in_place_append_tag(nonce, Aad::empty(), &mut self.part).map_err(failed)?;
        self.out.write_all(&self.part)?;
        self.part.clear();
        self.number += 1;
        Ok(())
    }

    /// Writes the last part.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.flush_part(true)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.part.len() == PART {
            self.flush_part(false)?;
        }
        let taken = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads what a [`Sealer`] wrote. Nothing of a part is given out before all of it was verified.
pub(super) struct Opener<R> {
    file: BufReader<R>,
    key: LessSafeKey,
    part: Vec<u8>,
    at: usize,
    number: u64,
    ended: bool,
}

impl<R: Read> Opener<R> {
    pub(super) fn new(file: R, key: &Key) -> io::Result<Opener<R>> {
        let mut file = BufReader::new(file);
        let mut header = [0; HEADER];
        let no_backup = || io::Error::other("this is no backup of Ringfence, or its beginning is damaged");
        file.read_exact(&mut header).map_err(|_| no_backup())?;
        if header[..MAGIC.len()] != MAGIC[..] {
            return Err(no_backup());
        }
        let made_with = &header[MAGIC.len()..MAGIC.len() + 8];
        if *made_with != key.short() {
            let (theirs, ours) = (hex(made_with), key.id());
            let why = format!("wrong key: it was made with the key {theirs}, and the key given is {ours}");
            return Err(io::Error::other(why));
        }
        let key = own_key(key, &header).map_err(failed)?;
        Ok(Opener { file, key, part: Vec::new(), at: 0, number: 0, ended: false })
    }

    fn next_part(&mut self) -> io::Result<()> {
        self.part.clear();
        self.at = 0;
        let most = (PART + TAG) as u64;
        self.file.by_ref().take(most).read_to_end(&mut self.part)?;
        let last = self.file.fill_buf()?.is_empty();
        let number = self.number;
        let broken = |_| {
            let why = format!("part {number} is not what was written: it was changed, moved or cut off");
            io::Error::other(why)
        };
        let opened = self.key.open_in_place(nonce(number, last), Aad::empty(), &mut self.part);
        let length = opened.map_err(broken)?.len();
        self.part.truncate(length);
        self.number += 1;
        self.ended = last;
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.part.len() {
            if self.ended {
                return Ok(0);
            }
            self.next_part()?;
        }
        let given = out.len().min(self.part.len() - self.at);
        out[..given].copy_from_slice(&self.part[self.at..self.at + given]);
        self.at += given;
        Ok(given)
    }
}
