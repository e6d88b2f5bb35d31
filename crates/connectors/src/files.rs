//! The platform's own connector for files of this machine, below the roots that the configuration names and nowhere
//! else.
//!
//! A file goes into quarantine in four durable steps: it leaves its name for one of ours beside it, it is written
//! encrypted into the data directory, what was written is read back, and only then is the file removed. A process that
//! is killed anywhere between leaves it under its name, under ours, or in the box; asking again goes on from there. Paths
//! are walked from the root by handles, one part at a time, and no link is followed.

mod boxes;
mod place;
mod similar;
#[cfg(test)]
mod tests;

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use domain::action::Operation;
use rustix::fs as sys;
use serde_json::json;

use crate::{Call, Connector, Outcome, Performing};

pub use boxes::Vault;
use boxes::{About, Kept};
use place::Place;

/// Keeps a stream in the store of evidence: its SHA-256 and length.
pub type Keep = Arc<dyn Fn(&mut dyn io::Read) -> Result<(String, u64), String> + Send + Sync>;
/// Whether bytes with this SHA-256 are kept out of reach already.
pub type Holds = Arc<dyn Fn(&str) -> bool + Send + Sync>;
/// Keeps what the platform itself has about the incident of a call as one piece, and says what that is.
pub type Snapshot = Arc<dyn Fn(&Call) -> Snapping + Send + Sync>;
pub type Snapping = Pin<Box<dyn Future<Output = Result<serde_json::Value, String>> + Send>>;

const SNAPSHOT: &str = "evidence.snapshot";
/// Whose snapshot it is.
const OWN: &str = "ringfence";

/// Files of this machine, and what the platform itself has.
pub struct FilesConnector {
    roots: Vec<PathBuf>,
    vault: Vault,
    keep: Keep,
    holds: Holds,
    snapshot: OnceLock<Snapshot>,
}

/// Why it was not done.
enum Failure {
    /// Nothing was changed, and asking again changes nothing either.
    Refused(String),
    /// Asking again goes on where this ended.
    Again(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Again(error.to_string())
    }
}

type Done<T> = Result<T, Failure>;

impl FilesConnector {
    /// `roots` are absolute and name folders. Without one, every path is refused.
    pub fn new(roots: Vec<PathBuf>, vault: Vault, keep: Keep, holds: Holds) -> Arc<FilesConnector> {
        Arc::new(FilesConnector { roots, vault, keep, holds, snapshot: OnceLock::new() })
    }

    /// There is nothing to take one of before the platform runs. Only the first counts.
    pub fn take_snapshots(&self, snapshot: Snapshot) {
        self.snapshot.get_or_init(|| snapshot);
    }

    async fn snapshot(&self, call: &Call) -> Outcome {
        if call.target != OWN {
            let target = shown(&call.target);
            return Outcome::refused(format!("a snapshot is of `{OWN}`, not of `{target}`"));
        }
        let Some(take) = self.snapshot.get() else {
            return Outcome::later("the platform is being started");
        };
        match take(call).await {
            Ok(artefact) => {
                Outcome::Applied { verified: Some(true), artefact: Some(artefact), duplicate: false }
            }
            Err(why) => Outcome::later(why),
        }
    }

    fn run(&self, call: &Call) -> Outcome {
        let (verb, wanted) = match (call.operation, call.verb.as_str()) {
            (Operation::Apply, verb) => (verb, true),
            (Operation::Revert, "file.quarantine") => ("file.restore", true),
            (Operation::Revert, verb) => return Outcome::refused(format!("`{verb}` is not taken back")),
            (Operation::ReadBack, verb) => (verb, false),
        };
        let upload = call.target.strip_prefix("sha256:").filter(|_| verb != "file.find_similar");
        if let Some(sha256) = upload {
            return self.upload(verb, sha256, wanted);
        }
        let done = match (verb, wanted) {
            ("file.quarantine", true) => self.quarantine(&call.target),
            ("file.restore", true) => self.restore(&call.target),
            ("file.preserve", true) => self.preserve(&call.target),
            ("file.find_similar", true) => self.similar(&call.target),
            ("file.quarantine", false) => return self.read(&call.target, true),
            ("file.restore", false) => return self.read(&call.target, false),
            (verb, _) => Err(Failure::Refused(format!("files of this machine know no `{verb}`"))),
        };
        match done {
            Ok(artefact) => {
                Outcome::Applied { verified: Some(true), artefact: Some(artefact), duplicate: false }
            }
            Err(Failure::Refused(reason)) => Outcome::refused(reason),
            Err(Failure::Again(reason)) => Outcome::later(reason),
        }
    }

    /// What somebody offered and was not what it was said to be never had a path.
    fn upload(&self, verb: &str, sha256: &str, changes: bool) -> Outcome {
        let held = (self.holds)(sha256);
        match (verb, held) {
            ("file.quarantine", true) if changes => {
                Outcome::Applied { verified: Some(true), artefact: None, duplicate: false }
            }
            ("file.quarantine", true) => Outcome::Holds,
            ("file.restore", true) => {
                Outcome::refused("it was offered and refused, so there is no place to put it back to")
            }
            (verb, true) => Outcome::refused(format!("an upload in quarantine knows no `{verb}`")),
            (_, false) => Outcome::refused("nothing with this hash is kept in quarantine"),
        }
    }

    fn place(&self, target: &str) -> Done<Place> {
        Place::find(&self.roots, target)
    }

    fn quarantine(&self, target: &str) -> Done<serde_json::Value> {
        let place = self.place(target)?;
        let hidden = place.hidden();
        if place.stat(&hidden)?.is_none() {
            match place.stat(place.name())? {
                Some(_) => place.swap(place.name(), &hidden)?,
                None => return self.already(target),
            }
        }
        match self.take_in(&place, &hidden, target) {
            Ok(kept) => {
                place.remove(&hidden)?;
                Ok(json!({"kind": "quarantine", "sha256": kept.sha256, "bytes": kept.about.bytes}))
            }
            Err(Failure::Refused(why)) => {
                // It is no file to lock away: it gets its name back.
                place.swap(&hidden, place.name())?;
                Err(Failure::Refused(why))
            }
            Err(again) => Err(again),
        }
    }

    fn already(&self, target: &str) -> Done<serde_json::Value> {
        match self.vault.newest(target)? {
            Some(number) => {
                let kept = self.vault.check(target, number)?;
                Ok(json!({"kind": "quarantine", "sha256": kept.sha256, "bytes": kept.about.bytes}))
            }
            None => Err(Failure::Refused(format!("there is no file `{}`", shown(target)))),
        }
    }

    /// Under our name nobody else opens it by its own; what changes while it is read is read again.
    fn take_in(&self, place: &Place, hidden: &str, target: &str) -> Done<Kept> {
        let (mut file, before) = place.open(hidden)?;
        let about = About::of(target, &before);
        // A process that was killed after it had written the box.
        if let Some(number) = self.vault.newest(target)?
            && let Ok(kept) = self.vault.check(target, number)
            && kept.about == about
        {
            return Ok(kept);
        }
        let number = self.vault.put(&about, &mut file)?;
        let kept = self.vault.check(target, number).or_else(|error| {
            self.vault.drop(target, number)?;
            Err(error)
        })?;
        let after = file.metadata()?;
        let same = |get: fn(&fs::Metadata) -> i64| get(&before) == get(&after);
        let unchanged = before.len() == after.len() && same(|m| m.mtime()) && same(|m| m.mtime_nsec());
        if !unchanged || kept.about.bytes != after.len() {
            self.vault.drop(target, number)?;
            return Err(Failure::Again("it was written to while it was taken in".to_owned()));
        }
        Ok(kept)
    }

    fn restore(&self, target: &str) -> Done<serde_json::Value> {
        let place = self.place(target)?;
        let Some(number) = self.vault.newest(target)? else {
            return Err(Failure::Refused(format!("`{}` is not in quarantine", shown(target))));
        };
        let kept = self.vault.check(target, number)?;
        let told = json!({"kind": "restoration", "sha256": kept.sha256, "bytes": kept.about.bytes});
        if place.stat(place.name())?.is_some() {
            // Perhaps a process that was killed before it threw the box away.
            if place.is(&kept)? {
                place.remove(&place.fresh())?;
                self.vault.drop(target, number)?;
                return Ok(told);
            }
            let why = format!("there is another file at `{}`, and none is overwritten", shown(target));
            return Err(Failure::Refused(why));
        }
        let fresh = place.fresh();
        let mut file = place.create(&fresh)?;
        self.vault.open(target, number, &mut file)?;
        kept.about.give_to(&file)?;
        file.sync_all()?;
        place.swap(&fresh, place.name())?;
        self.vault.drop(target, number)?;
        Ok(told)
    }

    fn preserve(&self, target: &str) -> Done<serde_json::Value> {
        let place = self.place(target)?;
        let (mut file, about) = place.open(place.name())?;
        let (sha256, bytes) = (self.keep)(&mut file).map_err(Failure::Again)?;
        let stored = json!({"sha256": sha256, "bytes": bytes});
        Ok(json!({"kind": "file", "path": target, "stored": stored, "uid": about.uid(), "gid": about.gid(),
                  "mode": format!("{:o}", about.mode() & 0o7777), "modified": about.mtime()}))
    }

    /// It holds when a box has it and its name is free.
    fn read(&self, target: &str, away: bool) -> Outcome {
        let seen = || -> Done<bool> {
            let place = self.place(target)?;
            let boxed = self.vault.newest(target)?.is_some();
            let free = place.stat(place.name())?.is_none() && place.stat(&place.hidden())?.is_none();
            Ok(if away { boxed && free } else { !boxed && !free })
        };
        match seen() {
            Ok(true) => Outcome::Holds,
            Ok(false) => Outcome::DoesNotHold { seen: "the file is elsewhere".to_owned() },
            Err(Failure::Refused(why) | Failure::Again(why)) => Outcome::unknown(format!("read-back: {why}")),
        }
    }
}

impl Connector for Arc<FilesConnector> {
    fn perform<'a>(&'a self, call: &'a Call) -> Performing<'a> {
        let (own, call) = (self.clone(), call.clone());
        Box::pin(async move {
            if call.operation == Operation::Apply && call.verb == SNAPSHOT {
                return own.snapshot(&call).await;
            }
            let done = tokio::task::spawn_blocking(move || own.run(&call)).await;
            done.unwrap_or_else(|error| Outcome::unknown(format!("the connector for files: {error}")))
        })
    }
}

fn shown(target: &str) -> String {
    domain::text::shown(target, false)
}

/// The error of a system call as one of files.
fn failed(error: rustix::io::Errno) -> io::Error {
    error.into()
}

fn sync(folder: &impl std::os::fd::AsFd) -> io::Result<()> {
    sys::fsync(folder).map_err(failed)
}
