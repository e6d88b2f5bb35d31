//! Opening a backup, and finding out whether a platform could go on from it: every part as it was written, SQLite's own
//! check, the log with its checkpoint, the rows against the fold of the entries, and every blob.

use std::{
    fs::File,
    io::{self, Read, Write as _},
    path::Path,
    sync::Arc,
};

use domain::{id::IncidentId, incident::Incident, time::Timestamp};
use store::{BlobId, Sqlite};
use tlog::VerifierKey;

use super::{
    BLOBS, DATABASE, FILES, FORMAT, Key, LOG_PUB, Manifest, QUARANTINE, archive, create_folder, create_new,
    is_boxed, make, on, sealed::Opener, sync_folder, wrong,
};
use crate::{Error, Page, Reader};

const MANIFEST: &str = "manifest.json";
/// Longest manifest that is read.
const MANIFEST_MAX: u64 = 64 << 20;
/// So many problems are told.
const PROBLEMS_MAX: usize = 100;

/// What became of the check of one backup.
#[derive(Debug)]
pub struct Checked {
    pub manifest: Manifest,
    pub rows: u64,
    pub blobs: u64,
    /// What is wrong, in plain words; nothing if a platform could go on from it.
    pub problems: Vec<String>,
}

/// What a backup says of itself. Verifies its beginning only.
pub fn manifest(file: &Path, key: &Key) -> Result<Manifest, Error> {
    on(file, "open", File::open(file).and_then(|opened| read_manifest(&mut Opener::new(opened, key)?)))
}

fn read_manifest(from: &mut dyn Read) -> io::Result<Manifest> {
    match archive::head(from)? {
        Some((name, length)) if name == MANIFEST && length <= MANIFEST_MAX => {
            let mut text = Vec::new();
            from.take(length).read_to_end(&mut text)?;
            let manifest: Manifest = serde_json::from_slice(&text).map_err(io::Error::other)?;
            if manifest.format == FORMAT {
                return Ok(manifest);
            }
            let (found, version) = (manifest.format, manifest.version);
            Err(io::Error::other(format!("form {found}, written by version {version}; use that version")))
        }
        Some(_) | None => Err(io::Error::other("it does not begin with a manifest")),
    }
}

/// Reads all of it and compares what comes with the manifest; keeps nothing.
pub(super) fn read_back(file: &Path, key: &Key, wanted: &Manifest) -> Result<(), Error> {
    let found = walk(file, key, &mut |_, _, from| store::hash(from).map(|(id, _)| id))?;
    if found != *wanted {
        return Err(wrong(&wanted.id, "what was read back is not what was written"));
    }
    Ok(())
}

/// Gives every file to `take`, which says its hash, and compares.
fn walk(
    file: &Path,
    key: &Key,
    take: &mut dyn FnMut(&str, u64, &mut dyn Read) -> io::Result<BlobId>,
) -> Result<Manifest, Error> {
    let walked = File::open(file).and_then(|opened| {
        let mut opener = Opener::new(opened, key)?;
        let manifest = read_manifest(&mut opener)?;
        let (mut files, mut blobs, mut bytes) = (manifest.files.iter(), 0, 0);
        archive::each(&mut opener, &mut |name, length, from| {
            let found = take(name, length, from)?;
            if name.starts_with(BLOBS) {
                (blobs, bytes) = (blobs + 1, bytes + length);
                return Ok(());
            }
            let named = files.next();
            let same = |part: &&super::Part| {
                part.name == name && part.bytes == length && part.sha256 == found.to_string()
            };
            let stray = || io::Error::other(format!("`{name}` is not what the manifest says"));
            named.filter(same).map(drop).ok_or_else(stray)
        })?;
        let whole = files.next().is_none() && (blobs, bytes) == (manifest.blobs, manifest.blob_bytes);
        whole.then_some(manifest).ok_or_else(|| io::Error::other("files of the manifest are missing"))
    });
    on(file, "open", walked)
}

/// Writes what lies within to the empty folder `into`, synced.
pub(super) fn unpack(file: &Path, key: &Key, into: &Path) -> Result<Manifest, Error> {
    let shelves = into.join(BLOBS);
    create_folder(&shelves)?;
    let manifest = walk(file, key, &mut |name, _, from| {
        let path = match name.strip_prefix("blobs/").map(str::parse::<BlobId>) {
            Some(Ok(id)) => {
                let name = id.to_string();
                let shelf = shelves.join(&name[..2]);
                create_folder(&shelf).map_err(io::Error::other)?;
                shelf.join(name)
            }
            None if name == DATABASE || FILES.contains(&name) => into.join(name),
            None if is_boxed(name) => {
                create_folder(&into.join(QUARANTINE)).map_err(io::Error::other)?;
                into.join(name)
            }
            Some(Err(_)) | None => return Err(io::Error::other("it holds a file of an unknown name")),
        };
        let mut file = create_new(&path).map_err(io::Error::other)?;
        let mut from = Copied { from, to: &mut file };
        let (id, _) = store::hash(&mut from)?;
        file.sync_all()?;
        Ok(id)
    })?;
    for id in Sqlite::blob_ids(into)? {
        sync_folder(&shelves.join(&id.to_string()[..2]))?;
    }
    sync_folder(&shelves)?;
    if into.join(QUARANTINE).exists() {
        sync_folder(&into.join(QUARANTINE))?;
    }
    sync_folder(into)?;
    Ok(manifest)
}

/// Writes what it reads.
struct Copied<'a> {
    from: &'a mut dyn Read,
    to: &'a mut File,
}

impl Read for Copied<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(out)?;
        self.to.write_all(&out[..read])?;
        Ok(read)
    }
}

/// Unpacks a backup into the empty folder `into` and looks at everything; what is wrong with its contents is told, and
/// what does not open at all is an error. The folder stays.
pub fn check(file: &Path, key: &Key, into: &Path, kept: &[String]) -> Result<Checked, Error> {
    let manifest = unpack(file, key, into)?;
    let mut problems = Sqlite::damage(into)?;
    let public = into.join(LOG_PUB);
    let text = on(&public, "read", std::fs::read_to_string(&public))?;
    let log_key = VerifierKey::parse(text.trim()).map_err(|error| Error::Key(error.to_string()))?;
    let store = Arc::new(Sqlite::open_read_only(into)?);
    let kept: Vec<String> = kept.iter().cloned().chain([manifest.checkpoint.clone()]).collect();
    let audit = crate::audit(&*store, vec![log_key], &kept)?;
    problems.extend(audit.findings());
    let root = audit.log.root.map(|root| root.to_base64());
    if audit.log.entries != manifest.entries || root.as_deref() != Some(&*manifest.root) {
        problems.push(format!(
            "its log has {} entries with another root than the manifest says",
            audit.log.entries
        ));
    }
    if make::content_of(into)? != manifest.content {
        problems.push("other content is in force than the manifest says".to_owned());
    }
    let blobs = blobs(&Reader::new(store), into, &mut problems)?;
    problems.truncate(PROBLEMS_MAX);
    Ok(Checked { manifest, rows: audit.rows.rows, blobs, problems })
}

/// When the incident began, as the backup knows it; nothing if it does not know the incident. Unpacks into `into`.
pub fn onset(file: &Path, key: &Key, into: &Path, incident: IncidentId) -> Result<Option<Timestamp>, Error> {
    unpack(file, key, into)?;
    let incident = Reader::new(Arc::new(Sqlite::open_read_only(into)?)).incident(incident)?;
    Ok(incident.as_ref().map(Incident::began))
}

/// Every blob below `folder` has its hash, and all that evidence names is there.
pub(super) fn blobs(reader: &Reader, folder: &Path, problems: &mut Vec<String>) -> Result<u64, Error> {
    let ids = Sqlite::blob_ids(folder)?;
    for id in &ids {
        let name = id.to_string();
        let path = folder.join(BLOBS).join(&name[..2]).join(&name);
        match File::open(&path).and_then(|mut file| store::hash(&mut file)) {
            Ok((found, _)) if found == *id => {}
            Ok(_) => problems.push(format!("blob {id} has bytes that do not have its hash")),
            Err(error) => problems.push(format!("blob {id}: {error}")),
        }
    }
    let mut before = None;
    loop {
        let page = reader.evidence_page(Page { before, limit: 1_000 })?;
        let Some(last) = page.last() else { return Ok(ids.len() as u64) };
        before = Some(last.id.0);
        for evidence in page.iter().filter(|evidence| evidence.sealed_at.is_some()) {
            let there = evidence.item.sha256.parse().is_ok_and(|id| ids.binary_search(&id).is_ok());
            if !there {
                problems.push(format!("the bytes of {} are missing", evidence.id));
            }
        }
    }
}
