//! A data directory made of a backup: verified first, under a new name in idempotency keys, and there as a whole or not
//! at all.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use domain::control::backup::Restored;
use serde::{Deserialize, Serialize};
use tlog::{Checkpoint, VerifierKey};

use super::{
    Checked, Key, LOG_PUB, check, create_folder, on, remove_folder, sync_folder, write_private, wrong,
};
use crate::Error;

/// In a data directory that came from a backup: from which one, and its name since.
pub(super) const ORIGIN: &str = "restored.json";
pub(super) const KEY: &str = "backup.key";

/// What a restored data directory says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// New for each restore, so that no idempotency key made after the backup is met again.
    pub incarnation: String,
    pub restored: Restored,
}

/// What the data directory was restored from, if it was.
pub fn origin(data_dir: &Path) -> Result<Option<Origin>, Error> {
    let path = data_dir.join(ORIGIN);
    match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => {
            let origin = serde_json::from_slice(&on(&path, "read", read)?);
            origin.map(Some).map_err(|error| wrong(&format!("`{}`", path.display()), error))
        }
    }
}

/// Makes the data directory `target`, which must not exist or be empty. `kept` are checkpoints that somebody kept: the
/// log must have grown to or from them, and by the largest it is known how much is lost.
pub fn restore(
    file: &Path,
    key: &Key,
    target: &Path,
    kept: &[String],
    reason: &str,
) -> Result<(Checked, Origin), Error> {
    let taken = fs::read_dir(target).is_ok_and(|mut found| found.next().is_some()) || target.is_file();
    if taken {
        let why = "it holds something already, and nothing is overwritten; name a new directory";
        return Err(wrong(&format!("`{}`", target.display()), why));
    }
    let staging = staging(target);
    remove_folder(&staging)?;
    create_folder(&staging)?;
    let restored = stage(file, key, &staging, kept, reason).and_then(|done| {
        on(target, "put the restored directory in its place", fs::rename(&staging, target))?;
        sync_folder(target.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new(".")))?;
        Ok(done)
    });
    if restored.is_err() {
        drop(remove_folder(&staging));
    }
    restored
}

/// Beside the target, so that one rename puts it there; what a crash left goes at the next try.
fn staging(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".restoring");
    PathBuf::from(name)
}

pub(super) fn stage(
    file: &Path,
    key: &Key,
    staging: &Path,
    kept: &[String],
    reason: &str,
) -> Result<(Checked, Origin), Error> {
    let manifest = super::manifest(file, key)?;
    let older: Vec<String> = kept.iter().filter(|note| size(note) <= manifest.entries).cloned().collect();
    let checked = check(file, key, staging, &older)?;
    if let Some(problem) = checked.problems.first() {
        let more = checked.problems.len() - 1;
        return Err(wrong(&manifest.id, format!("it does not verify: {problem} ({more} more)")));
    }
    let lost = lost(staging, manifest.entries, kept)?;
    let mut name = [0; 8];
    getrandom::fill(&mut name).map_err(|error| wrong("incarnation", error))?;
    let restored = Restored {
        backup: manifest.id.into(),
        entries: manifest.entries,
        root: manifest.root.into(),
        made_at: manifest.made_at,
        lost,
        reason: reason.chars().take(1_000).collect::<String>().into(),
    };
    let origin = Origin { incarnation: super::key::hex(&name), restored };
    let text = serde_json::to_string_pretty(&origin).map_err(|error| wrong(ORIGIN, error))?;
    write_private(&staging.join(ORIGIN), &text)?;
    key.write(&staging.join(KEY))?;
    sync_folder(staging)?;
    Ok((checked, origin))
}

/// The size that a checkpoint states, before anything is believed of it.
fn size(note: &str) -> u64 {
    note.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0)
}

/// What a signed checkpoint of later shows to be missing.
fn lost(staging: &Path, entries: u64, kept: &[String]) -> Result<Option<u64>, Error> {
    let path = staging.join(LOG_PUB);
    let text = on(&path, "read", fs::read_to_string(&path))?;
    let key = VerifierKey::parse(text.trim()).map_err(|error| Error::Key(error.to_string()))?;
    let mut most = None;
    for note in kept {
        let checkpoint = Checkpoint::open(note, std::slice::from_ref(&key));
        let checkpoint = checkpoint.map_err(|error| wrong("kept checkpoint", error))?;
        most = most.max(Some(checkpoint.size.saturating_sub(entries)));
    }
    Ok(most)
}
