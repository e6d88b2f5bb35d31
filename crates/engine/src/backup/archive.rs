//! What lies within a backup: named files one after the other, each with its length, and a mark at the end.

use std::io::{self, Read, Write};

const NAME_MAX: usize = 128;

/// Writes one file; `length` is what the stream has to give.
pub(super) fn put(out: &mut dyn Write, name: &str, length: u64, from: &mut dyn Read) -> io::Result<()> {
    debug_assert!((1..=NAME_MAX).contains(&name.len()));
    out.write_all(&(name.len() as u16).to_be_bytes())?;
    out.write_all(name.as_bytes())?;
    out.write_all(&length.to_be_bytes())?;
    let copied = io::copy(&mut from.take(length), out)?;
    if copied != length {
        return Err(io::Error::other(format!("`{name}` became shorter while it was read")));
    }
    Ok(())
}

pub(super) fn end(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&0u16.to_be_bytes())
}

/// Gives each file to `take`, which need not read it to its end. Fails where the mark at the end is missing, and where
/// something follows it.
pub(super) fn each(
    from: &mut dyn Read,
    take: &mut dyn FnMut(&str, u64, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    while let Some((name, length)) = head(from)? {
        let mut file = from.take(length);
        take(&name, length, &mut file)?;
        let left = file.limit();
        let skipped = io::copy(&mut file, &mut io::sink())?;
        if skipped != left {
            return Err(io::Error::other(format!("`{name}` breaks off")));
        }
    }
    match from.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(io::Error::other("something follows after the end")),
    }
}

/// The name and the length of the next file.
pub(super) fn head(from: &mut dyn Read) -> io::Result<Option<(String, u64)>> {
    let (mut length, mut size) = ([0; 2], [0; 8]);
    from.read_exact(&mut length)?;
    let length = usize::from(u16::from_be_bytes(length));
    if length == 0 {
        return Ok(None);
    }
    if length > NAME_MAX {
        return Err(io::Error::other(format!("a name of {length} bytes where {NAME_MAX} are allowed")));
    }
    let mut name = vec![0; length];
    from.read_exact(&mut name)?;
    from.read_exact(&mut size)?;
    let name = String::from_utf8(name).map_err(io::Error::other)?;
    Ok(Some((name, u64::from_be_bytes(size))))
}
