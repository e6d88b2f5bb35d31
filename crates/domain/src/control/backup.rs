//! Backups as the log knows them: what was made, what failed, and from which one a data directory came.

use serde::{Deserialize, Serialize};

use super::{Control, Event};
use crate::{
    event::{Meta, Rejected},
    time::Timestamp,
};

/// A backup that was written and read back whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    pub id: Box<str>,
    /// How many entries of the log it holds, and the root over them.
    pub entries: u64,
    pub root: Box<str>,
    pub bytes: u64,
}

/// What a data directory came from that is not the one in which its log began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    pub backup: Box<str>,
    pub entries: u64,
    pub root: Box<str>,
    pub made_at: Timestamp,
    /// How many entries are known to have followed, from a checkpoint that somebody kept; none if none was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// Why, and who allowed it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub reason: Box<str>,
}

/// How the last backups went.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// Why the newest attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<Box<str>>,
}

/// A start of what was restored is told from all others by its new incarnation, so it is recorded once.
pub(super) fn restored(
    control: &Control,
    incarnation: &str,
    restored: Option<Box<Restored>>,
) -> Option<Event> {
    let restored = restored.filter(|_| *control.incarnation != *incarnation)?;
    Some(Event::Restored { restored, incarnation: incarnation.into() })
}

pub(super) fn made(backup: Box<Backup>) -> Result<Vec<Event>, Rejected> {
    if backup.id.is_empty() || backup.id.len() > 128 || backup.root.len() > 128 {
        return Err(Rejected::Invalid("a backup has an id and a root of at most 128 bytes".to_owned()));
    }
    Ok(vec![Event::BackedUp { backup }])
}

pub(super) fn apply(control: &mut Control, event: &Event, meta: &Meta) {
    let status = control.backup.get_or_insert_default();
    match event {
        Event::BackedUp { backup } => {
            *status = Status { last: Some(backup.id.clone()), last_at: Some(meta.time), failing: None };
        }
        Event::BackupFailed { why } => status.failing = Some(why.clone()),
        Event::Restored { restored, incarnation } => {
            control.incarnation = incarnation.clone();
            control.clock_doubt = Some(doubt(restored));
        }
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
        | Event::RestoreApproved { .. }
        | Event::RestoreReady { .. }
        | Event::RestoreEnded { .. } => {}
    }
}

/// What happened after the backup is not known here, so it is as if nobody knew the time.
fn doubt(restored: &Restored) -> Box<str> {
    let Restored { backup, made_at, .. } = restored;
    format!("restored from backup {backup} of {made_at}; what was done after it is not known here").into()
}
