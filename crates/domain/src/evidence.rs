//! Evidence: what was kept of an incident, by hash, and through whose hands it went.
//!
//! One thing is collected once and never changes; its bytes lie in the store under their SHA-256, which is in the entry
//! that collected it. Sealed means that those bytes were read back from there. Every handling after that is a fact, so
//! the custody log is the journal itself. Small texts ride in the entry until they are sealed.

mod decide;
#[cfg(test)]
mod tests;

pub use decide::{Command, decide, from_action};

use serde::{Deserialize, Serialize};

use crate::{
    event::Meta,
    id::{ActionId, EvidenceId, IncidentId},
    time::{Span, Timestamp},
};

/// Longest name, receipt and reason, in bytes.
pub const NAME_MAX: usize = 256;
pub const WHY_MAX: usize = 1_024;
/// Longest text that rides in the entry itself, in bytes: a little more than the artefact of a call.
pub const INLINE_MAX: usize = 20 * 1024;
/// Most things kept at once.
pub const KEPT_MAX: usize = 100_000;
/// Most handlings of one thing, beside checks.
pub const HANDLED_MAX: usize = 10_000;
/// Its bytes are read and hashed anew this long after the last time.
pub const CHECK_EVERY: Span = Span::secs(86_400);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    AuditLog,
    SystemLog,
    ConfigurationBackup,
    MemoryImage,
    NetworkCapture,
    File,
    Note,
}

impl Kind {
    pub const ALL: [Kind; 7] = [
        Kind::AuditLog,
        Kind::SystemLog,
        Kind::ConfigurationBackup,
        Kind::MemoryImage,
        Kind::NetworkCapture,
        Kind::File,
        Kind::Note,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::AuditLog => "audit_log",
            Kind::SystemLog => "system_log",
            Kind::ConfigurationBackup => "configuration_backup",
            Kind::MemoryImage => "memory_image",
            Kind::NetworkCapture => "network_capture",
            Kind::File => "file",
            Kind::Note => "note",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Kind::ALL.map(Kind::name).join(", ");
        let wrong = || format!("`{text}` is no kind of evidence; use one of {names}");
        Kind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(wrong)
    }
}

/// How it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// What a connector answered, or kept for us.
    Action(ActionId),
    /// A file that somebody offered.
    Upload,
    /// Written by hand.
    Note,
    /// Kept by the platform itself when somebody asked for a snapshot.
    Snapshot,
}

/// What is collected, fixed for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub incident: IncidentId,
    pub kind: Kind,
    pub name: Box<str>,
    /// 64 lower-case hex digits.
    pub sha256: Box<str>,
    pub bytes: u64,
    pub source: Source,
    /// What the bytes are, by what they say themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Box<str>>,
    /// It is not what it was said to be: nobody gets it but in a bundle.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quarantined: bool,
}

/// What a look at the stored bytes found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Found {
    Same,
    Changed { sha256: Box<str> },
    Missing,
    Unreadable { why: Box<str> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Collected {
        item: Box<Item>,
        /// The bytes, where they are few and not in the store yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inline: Option<Box<str>>,
    },
    /// Its bytes were read back from the store.
    Sealed,
    Accessed {
        why: Box<str>,
    },
    /// It left in a bundle.
    Exported {
        why: Box<str>,
    },
    /// Somebody else answers for it from here on.
    Transferred {
        to: Box<str>,
        why: Box<str>,
        /// What they signed.
        receipt: Box<str>,
    },
    Verified {
        found: Found,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Collected { .. } => "evidence.collected",
            Event::Sealed => "evidence.sealed",
            Event::Accessed { .. } => "evidence.accessed",
            Event::Exported { .. } => "evidence.exported",
            Event::Transferred { .. } => "evidence.transferred",
            Event::Verified { .. } => "evidence.verified",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub id: EvidenceId,
    pub seq: u64,
    pub item: Item,
    pub inline: Option<Box<str>>,
    pub collected_at: Timestamp,
    /// As the journal writes it.
    pub by: Box<str>,
    pub sealed_at: Option<Timestamp>,
    /// Who answers for it, where it was handed over.
    pub custodian: Option<Box<str>>,
    pub checked_at: Option<Timestamp>,
    /// What the last look found, where that was not the same.
    pub fault: Option<Found>,
    /// The entries that say how it was handled, the checks that found it the same left out.
    pub entries: Vec<u64>,
}

impl Evidence {
    /// When its bytes are to be looked at again.
    pub fn check_at(&self) -> Timestamp {
        self.checked_at.or(self.sealed_at).unwrap_or(self.collected_at).plus(CHECK_EVERY)
    }
}

/// What a look that did not find the same means, for people.
pub fn fault(evidence: &Evidence, found: &Found) -> Option<String> {
    let (id, name) = (evidence.id, crate::text::shown(&evidence.item.name, false));
    let sha256 = &evidence.item.sha256;
    match found {
        Found::Same => None,
        Found::Changed { sha256: now } => {
            Some(format!("the bytes of {id} `{name}` were changed: collected as {sha256}, now {now}"))
        }
        Found::Missing => Some(format!("the bytes of {id} `{name}` are gone; they were {sha256}")),
        Found::Unreadable { why } => Some(format!("the bytes of {id} `{name}` cannot be read: {why}")),
    }
}

pub fn create(id: EvidenceId, event: &Event, meta: &Meta) -> Option<Evidence> {
    let Event::Collected { item, inline } = event else { return None };
    Some(Evidence {
        id,
        seq: 1,
        item: (**item).clone(),
        inline: inline.clone(),
        collected_at: meta.time,
        by: meta.actor.to_string().into(),
        sealed_at: None,
        custodian: None,
        checked_at: None,
        fault: None,
        entries: vec![meta.position],
    })
}

pub fn apply(evidence: &mut Evidence, event: &Event, meta: &Meta) {
    evidence.seq += 1;
    match event {
        Event::Collected { .. } | Event::Accessed { .. } | Event::Exported { .. } => {
            evidence.entries.push(meta.position);
        }
        Event::Sealed => {
            evidence.sealed_at = Some(meta.time);
            evidence.inline = None;
            evidence.entries.push(meta.position);
        }
        Event::Transferred { to, .. } => {
            evidence.custodian = Some(to.clone());
            evidence.entries.push(meta.position);
        }
        Event::Verified { found } => {
            let fault = Some(found.clone()).filter(|found| *found != Found::Same);
            if fault != evidence.fault {
                evidence.entries.push(meta.position);
            }
            evidence.fault = fault;
            evidence.checked_at = Some(meta.time);
        }
    }
}
