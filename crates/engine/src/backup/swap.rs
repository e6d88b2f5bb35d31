//! A restore in the data directory itself: laid ready beside the data while the platform runs, and put in its place by
//! the next start, before anything is opened.
//!
//! `restore.staging` is worth nothing. `restore.ready` is whole and verified: one rename makes it so, and from then on
//! the next start goes through with it. It becomes `restore.out` while what is there is moved to `replaced.part`, and
//! `restore.in` while what it holds is moved in. Each step is one rename that a start finds done or does again, so
//! whenever the process dies, what is opened afterwards is the old as a whole or the new. What was replaced is kept in
//! `replaced-BACKUP`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::control::restore::Wanted;
use store::Sqlite;

use super::{
    BLOBS, DATABASE, FILES, Key, Listed, QUARANTINE, Shelf, create_folder, on, remove_folder, restore,
    sync_folder, wrong,
};
use crate::{Error, Reader};

const STAGING: &str = "restore.staging";
const READY: &str = "restore.ready";
const OUT: &str = "restore.out";
const IN: &str = "restore.in";
const REPLACED_PART: &str = "replaced.part";
/// Restores of one backup whose replaced data are kept.
const REPLACED_MAX: usize = 1_000;

/// What makes a data directory what it is. The database leaves first and comes last: without it nothing opens.
fn parts() -> Vec<&'static str> {
    let plain = ["store.db-wal", "store.db-shm", BLOBS, QUARANTINE, restore::ORIGIN, restore::KEY];
    [DATABASE].into_iter().chain(plain).chain(FILES).collect()
}

/// Called before every change, with what it is; a test stops there.
pub(super) type Step<'a> = &'a mut dyn FnMut(&str) -> Result<(), Error>;

impl Shelf {
    /// Whether this backup is what people agreed on, by its own word; the rest is verified when it is laid ready.
    fn agreed(&self, wanted: &Wanted) -> Result<Listed, Error> {
        let found = self.find(&wanted.backup)?.ok_or_else(|| wrong(&wanted.backup, "it is gone"))?;
        let same = found
            .manifest
            .as_ref()
            .is_ok_and(|manifest| manifest.entries == wanted.entries && *manifest.root == *wanted.root);
        if same {
            Ok(found)
        } else {
            Err(wrong(&wanted.backup, "it is not the one that was agreed on any more"))
        }
    }

    /// Verifies it as a whole and lays it ready for the next start. `kept` are checkpoints of the log as it is now.
    pub fn lay_ready(&self, wanted: &Wanted, kept: &[String], reason: &str) -> Result<(), Error> {
        let _one = self.one();
        let listed = self.agreed(wanted)?;
        let key = Key::read(&self.key_file())?;
        let (staging, ready) = (self.data_dir().join(STAGING), self.data_dir().join(READY));
        remove_folder(&staging)?;
        create_folder(&staging)?;
        let staged = restore::stage(&listed.path, &key, &staging, kept, reason).and_then(|(checked, _)| {
            let manifest = checked.manifest;
            if manifest.entries != wanted.entries || *manifest.root != *wanted.root {
                return Err(wrong(&wanted.backup, "it changed while it was read"));
            }
            remove_folder(&ready)?;
            on(&ready, "lay ready", fs::rename(&staging, &ready))?;
            sync_folder(self.data_dir())
        });
        if staged.is_err() {
            drop(remove_folder(&staging));
        }
        staged
    }

    /// The next start goes on with the data as they are.
    pub fn call_off(&self) -> Result<(), Error> {
        let _one = self.one();
        let (staging, ready) = (self.data_dir().join(STAGING), self.data_dir().join(READY));
        remove_folder(&staging)?;
        if ready.exists() {
            on(&ready, "take back", fs::rename(&ready, &staging))?;
            sync_folder(self.data_dir())?;
        }
        remove_folder(&staging)
    }
}

/// Puts in place what was laid ready; says where the data before it lie now. Nobody has the directory open.
pub fn put_in_place(data_dir: &Path) -> Result<Option<PathBuf>, Error> {
    let there = |name: &str| data_dir.join(name).exists();
    let (ready, begun) = (there(READY), there(OUT) || there(IN));
    if !ready && !begun && !there(STAGING) {
        return Ok(None);
    }
    let agreed = begun || (ready && is_agreed(data_dir));
    let _claim = Sqlite::claim(data_dir)?;
    remove_folder(&data_dir.join(STAGING))?;
    if agreed {
        return exchange(data_dir, &mut |_| Ok(()));
    }
    if ready {
        tracing::warn!("a restore that was called off lay ready; it is removed");
    }
    remove_folder(&data_dir.join(READY))?;
    Ok(None)
}

/// Whether people still mean it, as far as their log can be read; where it cannot, what they agreed on stands.
fn is_agreed(data_dir: &Path) -> bool {
    let Ok(store) = Sqlite::open_read_only(data_dir) else { return true };
    let control = Reader::new(Arc::new(store)).control();
    control.map_or(true, |control| control.restore.is_some())
}

/// Goes on from wherever it was left.
pub(super) fn exchange(data_dir: &Path, step: Step<'_>) -> Result<Option<PathBuf>, Error> {
    let at = |name: &str| data_dir.join(name);
    let mut replaced = None;
    if at(READY).exists() {
        step("begin")?;
        moved(&at(READY), &at(OUT))?;
    }
    if at(OUT).exists() {
        replaced = clear(data_dir, step)?;
        step("turn")?;
        moved(&at(OUT), &at(IN))?;
    }
    if at(IN).exists() {
        // Last in the list comes first, so that the database comes last.
        for part in parts().into_iter().rev() {
            let from = at(IN).join(part);
            if from.exists() {
                step(part)?;
                on(&from, "put in its place", fs::rename(&from, at(part)))?;
                // In this order also after a crash of the machine.
                sync_folder(&at(IN))?;
                sync_folder(data_dir)?;
            }
        }
        step("end")?;
        remove_folder(&at(IN))?;
        sync_folder(data_dir)?;
    }
    Ok(replaced)
}

/// Moves all that is there out of the way, and keeps it.
fn clear(data_dir: &Path, step: Step<'_>) -> Result<Option<PathBuf>, Error> {
    let part = data_dir.join(REPLACED_PART);
    create_folder(&part)?;
    for name in parts() {
        let from = data_dir.join(name);
        if from.exists() {
            step(name)?;
            on(&from, "move out of the way", fs::rename(&from, part.join(name)))?;
            sync_folder(&part)?;
            sync_folder(data_dir)?;
        }
    }
    let empty = on(&part, "list", fs::read_dir(&part))?.next().is_none();
    if empty {
        // Named before the process died.
        on(&part, "remove", fs::remove_dir(&part))?;
        return Ok(None);
    }
    let kept = place_for(data_dir)?;
    step("keep")?;
    moved(&part, &kept)?;
    Ok(Some(kept))
}

/// A name that nothing has.
fn place_for(data_dir: &Path) -> Result<PathBuf, Error> {
    let origin = restore::origin(&data_dir.join(OUT))?;
    let backup = origin.map(|origin| origin.restored.backup.to_string()).unwrap_or_default();
    let name = |number: usize| match number {
        0 => data_dir.join(format!("replaced-{backup}")),
        number => data_dir.join(format!("replaced-{backup}-{number}")),
    };
    let free = (0..REPLACED_MAX).map(name).find(|path| !path.exists());
    free.ok_or_else(|| wrong("replaced data", "too many of them are kept; move some away"))
}

fn moved(from: &Path, to: &Path) -> Result<(), Error> {
    on(from, "rename", fs::rename(from, to))?;
    let folder = to.parent().ok_or_else(|| io::Error::other("it lies nowhere"));
    sync_folder(on(to, "find the folder of", folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: [&str; 5] = [DATABASE, "log.key", "log.pub", restore::ORIGIN, "blobs/ab/abcd"];
    const OLD: [&str; 6] =
        [DATABASE, "store.db-wal", "log.key", "log.pub", "blobs/12/1234", "quarantine/x.box"];

    fn write(folder: &Path, names: &[&str], text: &str) {
        for name in names {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let origin =
                r#"{"incarnation":"a","restored":{"backup":"b1","entries":1,"root":"r","made_at":0}}"#;
            fs::write(path, if *name == restore::ORIGIN { origin } else { text }).unwrap();
        }
    }

    /// A data directory with a restore laid ready, and files that are nobody's business.
    fn laid_ready() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &OLD, "old");
        write(folder.path(), &["backups/b1.backup", "lock"], "kept");
        write(&folder.path().join(READY), &NEW, "new");
        folder
    }

    fn of(folder: &Path, names: &[&str], text: &str) -> bool {
        names
            .iter()
            .filter(|name| **name != restore::ORIGIN)
            .all(|name| fs::read_to_string(folder.join(name)).is_ok_and(|found| found == text))
    }

    #[test]
    fn cut_off_before_any_step_the_next_start_goes_through_with_it() {
        let mut steps = Vec::new();
        exchange(laid_ready().path(), &mut |step| {
            steps.push(step.to_owned());
            Ok(())
        })
        .unwrap();
        assert!(steps.len() >= 13, "{steps:?}");
        for cut in 0..steps.len() {
            for again in 0..steps.len() - cut {
                let folder = laid_ready();
                let mut left = cut;
                let mut dies = |_: &str| -> Result<(), Error> {
                    left = left.checked_sub(1).ok_or_else(|| wrong("test", "it died"))?;
                    Ok(())
                };
                assert!(exchange(folder.path(), &mut dies).is_err());
                // What opens, opens as a whole: with the database of one side come only files of that side.
                let database = fs::read_to_string(folder.path().join(DATABASE));
                let wal = folder.path().join("store.db-wal").exists();
                match database.as_deref() {
                    Ok("old") => assert!(of(folder.path(), &OLD, "old"), "{cut}"),
                    Ok("new") => assert!(of(folder.path(), &NEW, "new") && !wal, "{cut}"),
                    other => assert!(other.is_err(), "{other:?}"),
                }
                // It may die a second time.
                left = again;
                let mut dies = |_: &str| -> Result<(), Error> {
                    left = left.checked_sub(1).ok_or_else(|| wrong("test", "it died"))?;
                    Ok(())
                };
                drop(exchange(folder.path(), &mut dies));
                exchange(folder.path(), &mut |_| Ok(())).unwrap();
                assert!(of(folder.path(), &NEW, "new"), "{cut} {again}");
                assert!(of(&folder.path().join("replaced-b1"), &OLD, "old"), "{cut} {again}");
                assert!(of(folder.path(), &["backups/b1.backup", "lock"], "kept"));
                for gone in [READY, OUT, IN, REPLACED_PART, "store.db-wal", "quarantine"] {
                    assert!(!folder.path().join(gone).exists(), "{gone} after {cut} {again}");
                }
            }
        }
    }

    #[test]
    fn nothing_laid_ready_changes_nothing_and_a_second_one_keeps_both() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &OLD, "old");
        assert!(put_in_place(folder.path()).unwrap().is_none());
        // No log says anything here, so nobody has called it off.
        write(&folder.path().join(STAGING), &NEW, "half");
        assert!(put_in_place(folder.path()).unwrap().is_none());
        assert!(of(folder.path(), &OLD, "old") && !folder.path().join(STAGING).exists());
        for number in ["replaced-b1", "replaced-b1-1"] {
            write(&folder.path().join(READY), &NEW, "new");
            let kept = put_in_place(folder.path()).unwrap().unwrap();
            assert_eq!(kept, folder.path().join(number));
        }
    }
}
