//! The folder of backups: making one, listing them, and which of them is the latest that may be trusted.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::time::Timestamp;

use super::{
    Checked, Key, Manifest, check, create_folder, make, manifest, on, remove_folder, validate::Looks, wrong,
};
use crate::Error;

const KEY: &str = "backup.key";
/// In the data directory while a backup is looked at.
const WORK: &str = "verify.tmp";
/// So many files of the folder are looked at.
const LISTED_MAX: usize = 10_000;

/// Where the backups of one data directory lie.
pub struct Shelf {
    data_dir: PathBuf,
    folder: PathBuf,
    /// One thing at a time.
    busy: Mutex<()>,
    /// What lies ready to be restored changes under it, and nothing that takes long happens there.
    place: Mutex<()>,
    looks: Mutex<Looks>,
}

/// One file of the folder.
#[derive(Debug)]
pub struct Listed {
    pub id: String,
    pub path: PathBuf,
    pub bytes: u64,
    /// What it says of itself, or why it does not open.
    pub manifest: Result<Manifest, String>,
}

/// The newest that verifies, and what was passed over on the way to it.
#[derive(Debug)]
pub struct Newest {
    pub path: PathBuf,
    pub checked: Checked,
    /// Newer ones, each with the reason.
    pub skipped: Vec<(String, String)>,
}

impl Shelf {
    pub fn new(data_dir: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Shelf {
        Shelf {
            data_dir: data_dir.into(),
            folder: folder.into(),
            busy: Mutex::new(()),
            place: Mutex::new(()),
            looks: Mutex::default(),
        }
    }

    /// Where the key lies.
    pub fn key_file(&self) -> PathBuf {
        self.data_dir.join(KEY)
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(super) fn one(&self) -> MutexGuard<'_, ()> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn place(&self) -> MutexGuard<'_, ()> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a backup, and the key where there is none; says where it is and whether the key is new. May take long.
    pub fn make(&self, now: Timestamp) -> Result<(Listed, bool), Error> {
        let _one = self.one();
        let (key, new) = Key::read_or_create(&self.key_file())?;
        let (manifest, path) = make::make(&self.data_dir, &self.folder, &key, now)?;
        let bytes = on(&path, "look at", fs::metadata(&path))?.len();
        Ok((Listed { id: manifest.id.clone(), path, bytes, manifest: Ok(manifest) }, new))
    }

    /// All of them, newest first.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        list(&self.folder, Key::read(&self.key_file()).map_err(|error| error.to_string()).as_ref())
    }

    pub fn find(&self, id: &str) -> Result<Option<Listed>, Error> {
        Ok(self.list()?.into_iter().find(|listed| listed.id == id))
    }

    /// Looks at everything within.
    pub fn check(&self, listed: &Listed) -> Result<Checked, Error> {
        let _one = self.one();
        let key = Key::read(&self.key_file())?;
        let work = self.data_dir.join(WORK);
        remove_folder(&work)?;
        create_folder(&work)?;
        let checked = check(&listed.path, &key, &work, &[]);
        remove_folder(&work)?;
        checked
    }

    /// The newest that verifies and was made before `onset`.
    pub fn newest(&self, onset: Option<Timestamp>) -> Result<Newest, Error> {
        newest(self.list()?, onset, &mut |listed| self.check(listed))
    }

    /// Removes the oldest beyond `keep`, and what a crash left half. One that does not open is not counted, and not
    /// removed: somebody should look at it. The newest from before `onset`, the earliest of what is not over, stays: no
    /// later one surely holds nothing that the attacker left.
    pub fn prune(&self, keep: usize, onset: Option<Timestamp>) -> Result<usize, Error> {
        let _one = self.one();
        let good: Vec<Listed> = self.list()?.into_iter().filter(|listed| listed.manifest.is_ok()).collect();
        let is_before = |listed: &Listed| {
            onset.zip(listed.manifest.as_ref().ok()).is_some_and(|(onset, of)| of.made_at < onset)
        };
        let clean = good.iter().position(is_before);
        let mut removed = 0;
        for (place, old) in good.iter().enumerate().skip(keep.max(1)) {
            if clean == Some(place) {
                continue;
            }
            on(&old.path, "remove", fs::remove_file(&old.path))?;
            removed += 1;
        }
        for entry in on(&self.folder, "list", fs::read_dir(&self.folder))?.take(LISTED_MAX).flatten() {
            if entry.path().extension().is_some_and(|ending| ending == "part") {
                drop(fs::remove_file(entry.path()));
            }
        }
        Ok(removed)
    }
}

impl Newest {
    /// Of any folder, with a key from anywhere; looks at them in `work`, which is emptied each time.
    pub fn of(folder: &Path, key: &Key, onset: Option<Timestamp>, work: &Path) -> Result<Newest, Error> {
        newest(list(folder, Ok(key))?, onset, &mut |listed| {
            remove_folder(work)?;
            create_folder(work)?;
            let checked = check(&listed.path, key, work, &[]);
            remove_folder(work)?;
            checked
        })
    }
}

/// The backups of any folder, newest first.
pub fn listed(folder: &Path, key: &Key) -> Result<Vec<Listed>, Error> {
    list(folder, Ok(key))
}

fn list(folder: &Path, key: Result<&Key, &String>) -> Result<Vec<Listed>, Error> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        entries => on(folder, "list", entries)?,
    };
    for entry in entries.take(LISTED_MAX) {
        let path = on(folder, "list", entry)?.path();
        let ours = path.extension().is_some_and(|ending| ending == make::ENDING);
        let Some(id) = path.file_stem().and_then(|id| id.to_str()).filter(|_| ours) else { continue };
        let bytes = on(&path, "look at", fs::metadata(&path))?.len();
        let manifest = match key {
            Ok(key) => manifest(&path, key).map_err(|error| error.to_string()),
            Err(why) => Err(why.clone()),
        };
        found.push(Listed { id: id.to_owned(), bytes, manifest, path });
    }
    let made = |listed: &Listed| listed.manifest.as_ref().ok().map(|manifest| manifest.made_at);
    found.sort_by(|a, b| (made(b), &b.id).cmp(&(made(a), &a.id)));
    Ok(found)
}

fn newest(
    listed: Vec<Listed>,
    onset: Option<Timestamp>,
    check: &mut dyn FnMut(&Listed) -> Result<Checked, Error>,
) -> Result<Newest, Error> {
    let mut skipped = Vec::new();
    for one in listed {
        let made_at = match &one.manifest {
            Err(why) => {
                skipped.push((one.id, why.clone()));
                continue;
            }
            Ok(manifest) => manifest.made_at,
        };
        if let Some(onset) = onset.filter(|onset| made_at >= *onset) {
            skipped.push((one.id, format!("it was made at {made_at}, not before the onset at {onset}")));
            continue;
        }
        match check(&one) {
            Ok(checked) if checked.problems.is_empty() => {
                return Ok(Newest { path: one.path, checked, skipped });
            }
            Ok(checked) => skipped.push((one.id, checked.problems.join("; "))),
            Err(error) => skipped.push((one.id, error.to_string())),
        }
    }
    let told: Vec<String> = skipped.iter().map(|(id, why)| format!("{id}: {why}")).collect();
    let why = if told.is_empty() { "there is none".to_owned() } else { told.join("\n") };
    Err(wrong("latest", format!("none can be used: {why}")))
}
