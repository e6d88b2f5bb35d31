//! A restore in the data directory itself: laid ready beside the data while the platform runs, and put in its place by
//! the next start, before anything is opened.
//!
//! `restore.staging` and `restore.off` are worth nothing. `restore.ready` is whole and verified: one rename makes it so,
//! and the next start goes through with it if it is what people mean then. It becomes `restore.out` while what is there is moved to `replaced.part`, and
//! `restore.in` while what it holds is moved in. Each step is one rename that a start finds done or does again, so
//! whenever the process dies, what is opened afterwards is the old as a whole or the new. What was replaced is kept in
//! `replaced-BACKUP`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::control::{backup::Restored, restore::Wanted};
use store::Sqlite;

use super::{
    BLOBS, DATABASE, FILES, Key, Listed, QUARANTINE, Shelf, create_folder, on, remove_folder, restore,
    sync_folder, wrong,
};
use crate::{Error, Reader};

const STAGING: &str = "restore.staging";
const READY: &str = "restore.ready";
/// What was laid ready and called off, until it is gone.
const OFF: &str = "restore.off";
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

    /// Verifies it as a whole and lays it ready for the next start, if `meant` says then that it still is; says whether
    /// it lies there. `kept` are checkpoints of the log as it is now. What lay ready before is gone first.
    pub fn lay_ready(
        &self,
        wanted: &Wanted,
        kept: &[String],
        reason: &str,
        meant: &dyn Fn() -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        {
            let _place = self.place();
            take_back(self.data_dir())?;
        }
        let _one = self.one();
        let listed = self.agreed(wanted)?;
        let key = Key::read(&self.key_file())?;
        let (staging, ready) = (self.data_dir().join(STAGING), self.data_dir().join(READY));
        remove_folder(&staging)?;
        create_folder(&staging)?;
        let laid = restore::stage(&listed.path, &key, &staging, kept, reason).and_then(|(_, origin)| {
            if !is_of(&origin.restored, wanted) {
                return Err(wrong(&wanted.backup, "it changed while it was read"));
            }
            // Whoever calls it off has said so before this, or takes it back after.
            let _place = self.place();
            if !meant()? {
                return Ok(false);
            }
            on(&ready, "lay ready", fs::rename(&staging, &ready))?;
            sync_folder(self.data_dir())?;
            Ok(true)
        });
        if !matches!(laid, Ok(true)) {
            drop(remove_folder(&staging));
        }
        laid
    }

    /// The next start goes on with the data as they are, or with what `meant` names by now. Does not wait for what is
    /// being verified.
    pub fn call_off(&self, meant: &dyn Fn() -> Result<Option<Wanted>, Error>) -> Result<(), Error> {
        let _place = self.place();
        let lies = lying(self.data_dir());
        if lies.zip(meant()?).is_some_and(|(lies, wanted)| is_of(&lies, &wanted)) {
            return Ok(());
        }
        take_back(self.data_dir())
    }
}

/// What lies ready, by its own word.
fn lying(data_dir: &Path) -> Option<Restored> {
    Some(restore::origin(&data_dir.join(READY)).ok()??.restored)
}

fn is_of(lies: &Restored, wanted: &Wanted) -> bool {
    (&lies.backup, lies.entries, &lies.root) == (&wanted.backup, wanted.entries, &wanted.root)
}

/// One rename, and it lies ready no more.
fn take_back(data_dir: &Path) -> Result<(), Error> {
    let (ready, off) = (data_dir.join(READY), data_dir.join(OFF));
    remove_folder(&off)?;
    if ready.exists() {
        moved(&ready, &off)?;
    }
    remove_folder(&off)
}

/// Puts in place what was laid ready; says where the data before it lie now. Nobody has the directory open.
pub fn put_in_place(data_dir: &Path) -> Result<Option<PathBuf>, Error> {
    let there = |name: &str| data_dir.join(name).exists();
    let (ready, begun) = (there(READY), there(OUT) || there(IN));
    if !ready && !begun && !there(STAGING) && !there(OFF) {
        return Ok(None);
    }
    let unmeant = if ready && !begun { unmeant(data_dir)? } else { None };
    let _claim = Sqlite::claim(data_dir)?;
    remove_folder(&data_dir.join(STAGING))?;
    remove_folder(&data_dir.join(OFF))?;
    match unmeant {
        Some(why) => {
            tracing::warn!("what lay ready to be restored is removed: {why}");
            take_back(data_dir)?;
            Ok(None)
        }
        None => exchange(data_dir, &mut |_| Ok(())),
    }
}

/// Why what lies ready is not what people mean, if it is not, as far as their log can be read. Where that is damaged or
/// gone, what they agreed on stands; where it can only not be read now, nothing is known and nothing begins.
fn unmeant(data_dir: &Path) -> Result<Option<String>, Error> {
    let Some(lies) = lying(data_dir) else { return Ok(Some("it does not say what it is".to_owned())) };
    let store = Sqlite::open_rows(data_dir).map_err(Error::from);
    let control = match store.and_then(|store| Reader::new(Arc::new(store)).control()) {
        Ok(control) => control,
        Err(
            Error::Corrupt { .. } | Error::Store(store::Error::Open { .. } | store::Error::Corrupt { .. }),
        ) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(match control.restore.map(|restore| restore.wanted) {
        None => Some(format!("backup {} was called off", lies.backup)),
        Some(wanted) if !is_of(&lies, &wanted) => Some(format!(
            "it is backup {} of {} entries, and people agreed on backup {} of {}; ask again",
            lies.backup, lies.entries, wanted.backup, wanted.entries
        )),
        Some(_) => None,
    })
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
    use domain::{
        control::{Control, restore::Restore},
        id::ApprovalId,
        time::Timestamp,
    };
    use store::{RowChange, Store as _};

    use super::*;
    use crate::rows::{self, Table};

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

    fn wanted(backup: &str) -> Wanted {
        Wanted { backup: backup.into(), entries: 1, root: "r".into(), after_onset: None }
    }

    /// A log of which people know, that says what they agreed on, with `b1` laid ready beside it.
    fn with_log(agreed: Option<Wanted>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        say(folder.path(), agreed);
        write(&folder.path().join(READY), &NEW, "new");
        folder
    }

    fn say(folder: &Path, agreed: Option<Wanted>) {
        let restore = agreed.map(|wanted| {
            let (reason, approval) = ("as a test says".into(), ApprovalId::from_number(7));
            Box::new(Restore { wanted, reason, approval, since: Timestamp(0), ready: true })
        });
        let value = serde_json::to_vec(&Control { restore, ..Control::default() }).unwrap();
        let store = Sqlite::open(folder, store::Options::default()).unwrap();
        let epoch = store.lease("writer", "test").unwrap();
        let row = RowChange { table: Table::Control.of(), key: rows::key(0), value: Some(value) };
        store.put_rows(epoch, &[row]).unwrap();
    }

    /// The log is what it was, and nothing lies beside it.
    fn is_as_before(folder: &Path) -> bool {
        let opens = Sqlite::open_rows(folder).is_ok();
        opens && [STAGING, READY, OFF, OUT, IN].iter().all(|name| !folder.join(name).exists())
    }

    #[test]
    fn what_people_agreed_on_is_put_in_place() {
        let folder = with_log(Some(wanted("b1")));
        assert_eq!(unmeant(folder.path()).unwrap(), None);
        let kept = put_in_place(folder.path()).unwrap().unwrap();
        assert!(of(folder.path(), &NEW, "new") && kept.join(DATABASE).exists());
    }

    #[test]
    fn what_was_called_off_is_never_put_in_place_also_where_the_log_awaits_a_migration() {
        for older in [false, true] {
            // The fact is durable, and the process died before what lay ready was gone.
            let folder = with_log(None);
            if older {
                let path = folder.path().join(DATABASE);
                let mut bytes = fs::read(&path).unwrap();
                // `user_version` in the header of the file.
                bytes[60..64].fill(0);
                fs::write(&path, bytes).unwrap();
                assert!(Sqlite::open_read_only(folder.path()).is_err());
            }
            let why = unmeant(folder.path()).unwrap().unwrap();
            assert_eq!(why, "backup b1 was called off");
            assert_eq!(put_in_place(folder.path()).unwrap(), None);
            assert!(is_as_before(folder.path()), "{older}");
        }
    }

    #[test]
    fn another_backup_than_the_one_that_was_agreed_on_is_not_put_in_place_and_that_is_said() {
        let of_root = Wanted { root: "another".into(), ..wanted("b1") };
        let of_length = Wanted { entries: 2, ..wanted("b1") };
        for (agreed, said) in [(wanted("b2"), "backup b2 of 1"), (of_root, ""), (of_length, "backup b1 of 2")]
        {
            let folder = with_log(Some(agreed));
            let why = unmeant(folder.path()).unwrap().unwrap();
            assert!(why.contains("backup b1 of 1 entries") && why.contains(said), "{why}");
            assert_eq!(put_in_place(folder.path()).unwrap(), None);
            assert!(is_as_before(folder.path()), "{why}");
        }
        let folder = with_log(Some(wanted("b1")));
        fs::remove_file(folder.path().join(READY).join(restore::ORIGIN)).unwrap();
        assert_eq!(put_in_place(folder.path()).unwrap(), None, "nobody knows what it is");
        assert!(is_as_before(folder.path()));
    }

    #[test]
    fn a_log_that_cannot_be_read_now_says_nothing_and_nothing_is_moved() {
        let folder = with_log(None);
        let _other = Sqlite::open(folder.path(), store::Options::default()).unwrap();
        assert!(put_in_place(folder.path()).unwrap_err().to_string().contains("store"));
        assert!(folder.path().join(READY).exists());
    }

    #[test]
    fn calling_off_takes_back_what_nobody_means_and_waits_for_no_verification() {
        let folder = with_log(None);
        let shelf = Shelf::new(folder.path(), folder.path().join("backups"));
        // Something is being verified.
        let _one = shelf.one();
        // Somebody called it off late: people mean it once more by now.
        shelf.call_off(&|| Ok(Some(wanted("b1")))).unwrap();
        assert!(folder.path().join(READY).exists());
        assert!(shelf.call_off(&|| Err(wrong("test", "it cannot be read"))).is_err());
        shelf.call_off(&|| Ok(Some(wanted("b2")))).unwrap();
        assert!(is_as_before(folder.path()));
        write(&folder.path().join(READY), &NEW, "new");
        // Cut off in the middle, a start goes on with it.
        fs::rename(folder.path().join(READY), folder.path().join(OFF)).unwrap();
        assert_eq!(put_in_place(folder.path()).unwrap(), None);
        assert!(is_as_before(folder.path()));
        shelf.call_off(&|| Ok(None)).unwrap();
    }

    #[test]
    fn what_lay_ready_is_gone_before_another_one_is_verified() {
        let folder = with_log(None);
        let shelf = Shelf::new(folder.path(), folder.path().join("backups"));
        let said = shelf.lay_ready(&wanted("b2"), &[], "", &|| Ok(true)).unwrap_err().to_string();
        assert!(said.contains("it is gone"), "{said}");
        assert!(is_as_before(folder.path()));
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
