//! A folder as one tar stream: plain files and links as what they are, in order of name, no link followed. What could not
//! be read is named, never left out in silence.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use domain::evidence::Kind;

/// Files, folders and links of one archive, and how deep folders lie.
const ENTRIES_MAX: usize = 100_000;
const DEEP_MAX: usize = 64;
/// Length of one file that its header can state.
const FILE_MAX: u64 = 0o77_777_777_777;
const BLOCK: usize = 512;
/// So many names of what was not read are told.
const UNREAD_MAX: usize = 100;

/// A folder that `evidence snapshot` keeps.
#[derive(Debug, Clone)]
pub struct Folder {
    pub path: PathBuf,
    pub kind: Kind,
}

/// What is in an archive, beside the bytes.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    pub(crate) entries: usize,
    /// Names, relative to the folder, each with the reason.
    pub(crate) unread: Vec<(String, String)>,
}

/// Writes everything below `folder`; names in the archive begin with the name of the folder.
pub(crate) fn pack(folder: &Path, out: &mut dyn Write) -> io::Result<Packed> {
    let name = folder.file_name().map_or_else(|| PathBuf::from("root"), PathBuf::from);
    let packed = add(folder, &name, out)?;
    end(out)?;
    Ok(packed)
}

/// Writes everything below `folder` under another name. Where that fails before its end, more may follow all the same.
pub(crate) fn add(folder: &Path, name: &Path, out: &mut dyn Write) -> io::Result<Packed> {
    let mut packed = Packed::default();
    walk(folder, name, 0, out, &mut packed)?;
    Ok(packed)
}

/// Writes a file of exactly this length that is no file yet.
pub(crate) fn file(
    out: &mut dyn Write,
    name: &str,
    modified: u64,
    bytes: u64,
    write: impl FnOnce(&mut dyn Write) -> Result<(), String>,
) -> Result<(), String> {
    let said = |error: io::Error| error.to_string();
    block(out, name.as_bytes(), [0o600, 0, 0, modified], bytes, b'0', b"").map_err(said)?;
    let mut counted = Counted::new(out);
    write(&mut counted)?;
    if counted.bytes != bytes {
        return Err(format!("{name} changed while it was packed"));
    }
    pad(out, bytes).map_err(said)
}

/// Writes a short file.
pub(crate) fn text(out: &mut dyn Write, name: &str, modified: u64, text: &str) -> Result<(), String> {
    let write = |out: &mut dyn Write| out.write_all(text.as_bytes()).map_err(|error| error.to_string());
    file(out, name, modified, text.len() as u64, write)
}

/// What ends an archive.
pub(crate) fn end(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// Fills up the last block of a file.
fn pad(out: &mut dyn Write, bytes: u64) -> io::Result<()> {
    let over = (bytes % BLOCK as u64) as usize;
    if over > 0 { out.write_all(&[0; BLOCK][over..]) } else { Ok(()) }
}

/// Passes everything on and counts it.
pub(crate) struct Counted<'a> {
    out: &'a mut dyn Write,
    pub(crate) bytes: u64,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Counted<'a> {
        Counted { out, bytes: 0 }
    }
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn walk(path: &Path, name: &Path, deep: usize, out: &mut dyn Write, packed: &mut Packed) -> io::Result<()> {
    packed.entries += 1;
    if packed.entries > ENTRIES_MAX || deep > DEEP_MAX {
        return Err(io::Error::other(format!("more than {ENTRIES_MAX} files, or folders {DEEP_MAX} deep")));
    }
    let done = fs::symlink_metadata(path).and_then(|about| {
        let kind = about.file_type();
        if kind.is_dir() {
            let mut inner: Vec<_> = fs::read_dir(path)?.collect::<io::Result<_>>()?;
            inner.sort_by_key(fs::DirEntry::file_name);
            return Ok(Found::Folder(about, inner));
        }
        if kind.is_symlink() {
            return Ok(Found::Link(about, fs::read_link(path)?));
        }
        if kind.is_file() {
            let file = File::open(path)?;
            let opened = file.metadata()?;
            if (opened.dev(), opened.ino()) != (about.dev(), about.ino()) {
                return Err(io::Error::other("something else took its place"));
            }
            return Ok(Found::File(opened, file));
        }
        Err(io::Error::other("it is no file"))
    });
    match done {
        Ok(Found::Folder(about, inner)) => {
            header(out, &name.join(""), &about, b'5', 0, Path::new(""))?;
            for entry in inner {
                walk(&entry.path(), &name.join(entry.file_name()), deep + 1, out, packed)?;
            }
        }
        Ok(Found::Link(about, to)) => header(out, name, &about, b'2', 0, &to)?,
        Ok(Found::File(about, file)) if about.len() <= FILE_MAX => {
            header(out, name, &about, b'0', about.len(), Path::new(""))?;
            if let Some(why) = content(file, about.len(), out)? {
                unread(packed, name, why);
            }
        }
        Ok(Found::File(..)) => unread(packed, name, "it is longer than 8 GiB".to_owned()),
        // What went away or may not be read says nothing against the rest.
        Err(error) => unread(packed, name, error.to_string()),
    }
    Ok(())
}

enum Found {
    Folder(fs::Metadata, Vec<fs::DirEntry>),
    Link(fs::Metadata, PathBuf),
    File(fs::Metadata, File),
}

fn unread(packed: &mut Packed, name: &Path, why: String) {
    if packed.unread.len() < UNREAD_MAX {
        packed.unread.push((name.to_string_lossy().into_owned(), why));
    }
}

/// Exactly as many bytes as the header says; zeros and a reason where there are fewer by now.
fn content(file: File, bytes: u64, out: &mut dyn Write) -> io::Result<Option<String>> {
    let (mut file, mut part, mut left) = (file.take(bytes), vec![0; 64 * 1024], bytes);
    let mut short = None;
    while left > 0 {
        let read = match file.read(&mut part) {
            Ok(0) => {
                short = Some("it grew shorter while it was read".to_owned());
                break;
            }
            Ok(read) => read,
            Err(error) => {
                short = Some(error.to_string());
                break;
            }
        };
        out.write_all(&part[..read])?;
        left -= read as u64;
    }
    io::copy(&mut io::repeat(0).take(left), out)?;
    pad(out, bytes)?;
    Ok(short)
}

/// A header of the form that is called ustar; a name or link that is too long for it goes before, as GNU tar has it.
fn header(
    out: &mut dyn Write,
    name: &Path,
    about: &fs::Metadata,
    kind: u8,
    bytes: u64,
    link: &Path,
) -> io::Result<()> {
    for (text, long) in [(name, b'L'), (link, b'K')] {
        let text = text.as_os_str().as_bytes();
        if text.len() > 100 {
            block(out, b"././@LongLink", [0, 0, 0, 0], text.len() as u64 + 1, long, b"")?;
            out.write_all(text)?;
            out.write_all(&vec![0; BLOCK - text.len() % BLOCK])?;
        }
    }
    let modified = u64::try_from(about.mtime()).unwrap_or(0);
    let numbers = [
        u64::from(about.permissions().mode() & 0o7777),
        u64::from(about.uid()),
        u64::from(about.gid()),
        modified,
    ];
    block(out, name.as_os_str().as_bytes(), numbers, bytes, kind, link.as_os_str().as_bytes())
}

fn block(
    out: &mut dyn Write,
    name: &[u8],
    [mode, uid, gid, modified]: [u64; 4],
    bytes: u64,
    kind: u8,
    link: &[u8],
) -> io::Result<()> {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8], most: usize| {
        let text = &text[..text.len().min(most)];
        block[at..at + text.len()].copy_from_slice(text);
    };
    put(0, name, 100);
    put(100, format!("{mode:07o}").as_bytes(), 7);
    // Owners beyond what fits are told as the most that does.
    put(108, format!("{:07o}", uid.min(0o7_777_777)).as_bytes(), 7);
    put(116, format!("{:07o}", gid.min(0o7_777_777)).as_bytes(), 7);
    put(124, format!("{bytes:011o}").as_bytes(), 11);
    put(136, format!("{:011o}", modified.min(FILE_MAX)).as_bytes(), 11);
    put(148, b"        ", 8);
    put(156, &[kind], 1);
    put(157, link, 100);
    put(257, b"ustar\x0000", 8);
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.write_all(&block)
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, process::Command};

    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_by_tar_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("logs"), folder.path().join("out"));
        let long = "x".repeat(120);
        fs::create_dir_all(from.join(&long)).unwrap();
        fs::create_dir(&to).unwrap();
        for (name, length) in [("empty", 0), ("one", 1), ("block", 512), ("more", 100_000)] {
            let bytes: Vec<u8> = (0..length).map(|at: usize| (at % 251) as u8).collect();
            fs::write(from.join(name), &bytes).unwrap();
            fs::write(from.join(&long).join(name), bytes).unwrap();
        }
        symlink("/etc/passwd", from.join("link")).unwrap();
        let socket = std::os::unix::net::UnixListener::bind(from.join("socket")).unwrap();
        let mut bytes = Vec::new();
        let packed = pack(&from, &mut bytes).unwrap();
        drop(socket);
        assert_eq!(packed.entries, 12);
        assert_eq!(packed.unread.len(), 1, "{packed:?}");
        assert!(packed.unread[0].0.ends_with("logs/socket"), "{packed:?}");
        let mut again = Vec::new();
        pack(&from, &mut again).unwrap();
        assert!(bytes == again, "the same folder is the same archive");
        let file = folder.path().join("a.tar");
        fs::write(&file, bytes).unwrap();
        let done =
            Command::new("tar").args(["-xf", file.to_str().unwrap(), "-C", to.to_str().unwrap()]).status();
        assert!(done.unwrap().success());
        for inner in [String::new(), long] {
            for name in ["empty", "one", "block", "more"] {
                let read = |root: &Path| fs::read(root.join(&inner).join(name)).unwrap();
                assert!(read(&from) == read(&to.join("logs")), "{inner}/{name}");
            }
        }
        assert_eq!(fs::read_link(to.join("logs/link")).unwrap(), Path::new("/etc/passwd"));
    }

    #[test]
    fn what_is_no_file_yet_is_packed_with_folders_and_has_to_be_as_long_as_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("logs"), folder.path().join("out"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(&to).unwrap();
        fs::write(from.join("one"), "noon").unwrap();
        let mut bytes = Vec::new();
        for length in [0, 1, 511, 512, 513] {
            text(&mut bytes, &length.to_string(), 7, &"x".repeat(length)).unwrap();
        }
        let lost = add(&folder.path().join("gone"), Path::new("folders/1/gone"), &mut bytes).unwrap();
        assert_eq!(lost.unread.len(), 1, "{lost:?}");
        assert_eq!(add(&from, Path::new("folders/2/logs"), &mut bytes).unwrap().unread, []);
        end(&mut bytes).unwrap();
        let path = folder.path().join("a.tar");
        fs::write(&path, bytes).unwrap();
        let done =
            Command::new("tar").args(["-xf", path.to_str().unwrap(), "-C", to.to_str().unwrap()]).status();
        assert!(done.unwrap().success());
        for length in [0, 1, 511, 512, 513] {
            let read = fs::read_to_string(to.join(length.to_string())).unwrap();
            assert_eq!(read, "x".repeat(length));
        }
        assert_eq!(fs::read_to_string(to.join("folders/2/logs/one")).unwrap(), "noon");
        let changed =
            file(&mut Vec::new(), "a", 7, 2, |out| out.write_all(b"abc").map_err(|e| e.to_string()));
        assert_eq!(changed.unwrap_err(), "a changed while it was packed");
    }
}
