//! Going back to a backup: two people ask for the same one, it is laid ready beside the data, and the next start puts it
//! in its place.

use serde::{Deserialize, Serialize};

use super::{Control, Event, Leave};
use crate::{
    event::{Meta, Rejected},
    id::ApprovalId,
    time::Timestamp,
};

/// One backup, by what it holds: another file under the same name is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub backup: Box<str>,
    /// How many entries of the log it holds, and the root over them.
    pub entries: u64,
    pub root: Box<str>,
    /// It was made after this onset of an incident, so it may hold what the attacker left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_onset: Option<Timestamp>,
}

/// What two people asked for, until the start that does it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    pub wanted: Wanted,
    pub reason: Box<str>,
    pub approval: ApprovalId,
    pub since: Timestamp,
    /// It was verified anew and lies beside the data; the next start puts it in its place.
    pub ready: bool,
}

/// The names are those of a shelf of backups, whatever a caller wrote.
pub(super) fn check(wanted: &Wanted) -> Result<(), Rejected> {
    if wanted.backup.is_empty() || wanted.backup.len() > 128 || wanted.root.len() > 128 {
        return Err(Rejected::Invalid("a backup has an id and a root of at most 128 bytes".to_owned()));
    }
    Ok(())
}

/// Nothing else is asked for while one is under way.
pub fn free(control: &Control, leave: &Leave) -> Result<(), Rejected> {
    match (leave, &control.restore) {
        (Leave::Data(wanted), None) => check(wanted),
        (Leave::Data(_), Some(under_way)) => Err(Rejected::Conflict(format!(
            "backup {} is to be put in place at the next start already; cancel that first",
            under_way.wanted.backup
        ))),
        (Leave::KillSwitch { .. } | Leave::SafeMode { .. }, _) => Ok(()),
    }
}

pub(super) fn ready(control: &Control) -> Vec<Event> {
    let waits = control.restore.as_ref().is_some_and(|restore| !restore.ready);
    if waits { vec![Event::RestoreReady] } else { Vec::new() }
}

pub(super) fn end(control: &Control, why: Box<str>) -> Result<Vec<Event>, Rejected> {
    match control.restore {
        Some(_) => Ok(vec![Event::RestoreEnded { why }]),
        None => Err(Rejected::Conflict("no restore is under way".to_owned())),
    }
}

/// Where this log goes on although a restore was asked for, the restore has not been done.
pub(super) fn not_done(control: &Control) -> Option<Event> {
    let why = "the server began again without it: it was not laid ready before; ask again";
    control.restore.as_ref().map(|_| Event::RestoreEnded { why: why.into() })
}

pub(super) fn apply(control: &mut Control, event: &Event, meta: &Meta) {
    match event {
        Event::RestoreApproved { wanted, reason, approval } => {
            let (wanted, reason) = ((**wanted).clone(), reason.clone());
            let restore = Restore { wanted, reason, approval: *approval, since: meta.time, ready: false };
            control.restore = Some(Box::new(restore));
        }
        Event::RestoreReady => {
            if let Some(restore) = &mut control.restore {
                restore.ready = true;
            }
        }
        Event::RestoreEnded { .. } => control.restore = None,
        Event::Started { .. }
        | Event::KillSwitchOn { .. }
        | Event::KillSwitchOff { .. }
        | Event::SafeModeSet { .. }
        | Event::BreakerOpened { .. }
        | Event::BreakerClosed { .. }
        | Event::ClockDoubted { .. }
        | Event::ClockConfirmed
        | Event::GlassBroken { .. }
        | Event::GlassMended
        | Event::BackedUp { .. }
        | Event::BackupFailed { .. }
        | Event::Restored { .. } => {}
    }
}
