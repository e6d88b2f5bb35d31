//! Writing a backup while the platform runs: a copy of the database as of one commit, then everything into one file.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use domain::time::Timestamp;
use store::{Sqlite, Store as _};
use tlog::{Checkpoint, SigningKey};

use super::{
    BLOBS, DATABASE, FILES, FORMAT, Key, LOG_KEY, Manifest, Part, QUARANTINE, archive, check, create_folder,
    create_new, is_boxed, on, remove_folder, sealed::Sealer, sync_folder, wrong,
};
use crate::{
    Error, Seal,
    rows::{InForce, Table},
};

/// In the data directory while a backup is made; what a crash left there goes at the next.
const WORK: &str = "backup.tmp";
pub(super) const ENDING: &str = "backup";

/// Writes `FOLDER/ID.backup`, whole and read back once, or nothing.
pub(super) fn make(
    data_dir: &Path,
    folder: &Path,
    key: &Key,
    now: Timestamp,
) -> Result<(Manifest, PathBuf), Error> {
    let work = data_dir.join(WORK);
    remove_folder(&work)?;
    create_folder(&work)?;
    create_folder(folder)?;
    let made = copy_and_write(data_dir, &work, folder, key, now);
    remove_folder(&work)?;
    made
}

fn copy_and_write(
    data_dir: &Path,
    work: &Path,
    folder: &Path,
    key: &Key,
    now: Timestamp,
) -> Result<(Manifest, PathBuf), Error> {
    let (key_of_log, checkpoint) = copy_sealed(data_dir, work)?;
    let mut manifest = describe(data_dir, work, now, &key_of_log, &checkpoint)?;
    // What the copy speaks of was there before it, so these are at least all that it needs.
    let blobs = blobs(data_dir)?;
    manifest.blobs = blobs.len() as u64;
    manifest.blob_bytes = blobs.iter().map(|(_, _, bytes)| bytes).sum();
    let done = folder.join(format!("{}.{ENDING}", manifest.id));
    let part = folder.join(format!("{}.part", manifest.id));
    let written = write(&part, data_dir, work, &manifest, &blobs, key)
        .and_then(|()| check::read_back(&part, key, &manifest))
        .and_then(|()| on(&done, "name", fs::rename(&part, &done)))
        .and_then(|()| sync_folder(folder));
    if written.is_err() {
        drop(fs::remove_file(&part));
    }
    written.map(|()| (manifest, done))
}

/// Copies the database and signs in the copy what the live log had not signed yet, so that the copy vouches for all
/// of itself. What is signed was committed, so the live log agrees with it.
pub(super) fn copy_sealed(data_dir: &Path, work: &Path) -> Result<(SigningKey, Checkpoint), Error> {
    Sqlite::copy_database(data_dir, &work.join(DATABASE))?;
    let text = on(&data_dir.join(LOG_KEY), "read", fs::read_to_string(data_dir.join(LOG_KEY)))?;
    let signing = SigningKey::parse(text.trim()).map_err(|error| Error::Key(error.to_string()))?;
    let options = store::Options { reserve_bytes: 0, checkpoints: None, ..store::Options::default() };
    let store = Sqlite::open(work, options)?;
    let mut seal = Seal::open(&store, signing.clone())?;
    let epoch = store.lease("leader", "backup")?;
    seal.seal(&store, epoch)?;
    let checkpoint = Checkpoint::new(signing.name(), seal.size(), seal.root());
    store.checkpoint()?;
    Ok((signing, checkpoint))
}

fn describe(
    data_dir: &Path,
    work: &Path,
    now: Timestamp,
    signing: &SigningKey,
    checkpoint: &Checkpoint,
) -> Result<Manifest, Error> {
    let store = Sqlite::open_read_only(work)?;
    let note = checkpoint.sign(signing).map_err(|error| Error::Key(error.to_string()))?;
    let control = crate::Reader::new(std::sync::Arc::new(store)).control()?;
    let mut files = vec![part_of(work, DATABASE)?];
    for name in FILES.into_iter().filter(|name| data_dir.join(name).is_file()) {
        files.push(part_of(data_dir, name)?);
    }
    let boxes = fs::read_dir(data_dir.join(QUARANTINE)).into_iter().flatten().flatten();
    let names = boxes.map(|entry| format!("{QUARANTINE}/{}", entry.file_name().to_string_lossy()));
    for name in names.filter(|name| is_boxed(name)) {
        files.push(part_of(data_dir, &name)?);
    }
    Ok(Manifest {
        format: FORMAT,
        id: id(now)?,
        made_at: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log: signing.name().to_owned(),
        incarnation: control.incarnation.into(),
        entries: checkpoint.size,
        root: checkpoint.root.to_base64(),
        checkpoint: note,
        content: content_of(work)?,
        files,
        blobs: 0,
        blob_bytes: 0,
    })
}

/// Ids sort by time; the rest keeps two of one second apart.
fn id(now: Timestamp) -> Result<String, Error> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| wrong("id", error))?;
    Ok(format!("{}-{}", now.to_jiff().strftime("%Y%m%dT%H%M%SZ"), super::key::hex(&bytes)))
}

pub(super) fn content_of(directory: &Path) -> Result<String, Error> {
    let value = Sqlite::open_read_only(directory)?.row(Table::Content.of(), &[])?;
    let in_force = value.map(|value| serde_json::from_slice::<InForce>(&value)).transpose();
    let in_force = in_force.map_err(|error| wrong("content row", error))?;
    Ok(in_force.map(|in_force| in_force.hash.to_string()).unwrap_or_default())
}

fn part_of(directory: &Path, name: &str) -> Result<Part, Error> {
    let path = directory.join(name);
    let (id, bytes) = on(&path, "read", File::open(&path).and_then(|mut file| store::hash(&mut file)))?;
    Ok(Part { name: name.to_owned(), bytes, sha256: id.to_string() })
}

/// Name, place and length of every blob.
fn blobs(data_dir: &Path) -> Result<Vec<(String, PathBuf, u64)>, Error> {
    let ids = Sqlite::blob_ids(data_dir)?;
    let found = ids.into_iter().map(|id| {
        let name = id.to_string();
        let path = data_dir.join(BLOBS).join(&name[..2]).join(&name);
        let bytes = on(&path, "look at", fs::metadata(&path))?.len();
        Ok((format!("{BLOBS}/{name}"), path, bytes))
    });
    found.collect()
}

fn write(
    path: &Path,
    data_dir: &Path,
    work: &Path,
    manifest: &Manifest,
    blobs: &[(String, PathBuf, u64)],
    key: &Key,
) -> Result<(), Error> {
    let file = create_new(path)?;
    let write = || -> io::Result<()> {
        let mut out = Sealer::new(BufWriter::new(file), key)?;
        let text = serde_json::to_vec(manifest).map_err(io::Error::other)?;
        archive::put(&mut out, "manifest.json", text.len() as u64, &mut text.as_slice())?;
        for part in &manifest.files {
            let from = if part.name == DATABASE { work } else { data_dir };
            archive::put(&mut out, &part.name, part.bytes, &mut File::open(from.join(&part.name))?)?;
        }
        for (name, path, bytes) in blobs {
            archive::put(&mut out, name, *bytes, &mut File::open(path)?)?;
        }
        archive::end(&mut out)?;
        let mut file = out.finish()?;
        file.flush()?;
        file.get_ref().sync_all()
    };
    on(path, "write", write())
}
