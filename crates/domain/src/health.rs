//! Health of services: what the last probe of each said, and when. Silence is never health.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    content::services::ServiceSpec,
    event::Meta,
    id::{ActionId, IncidentId},
    time::Timestamp,
};

/// At most so many probes are remembered; the oldest are forgotten.
const PROBES_MAX: usize = 5_000;

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// From the recovery of an incident: one probe came to an end.
    Record(Probed),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Probed(Probed),
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Probed(_) => "health.probed",
        }
    }
}

/// What one probe of one target said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    pub service: Box<str>,
    pub check: Box<str>,
    pub target: Box<str>,
    pub passed: bool,
    pub said: Box<str>,
    pub action: ActionId,
    pub incident: IncidentId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    #[serde(flatten)]
    pub probed: Probed,
    pub at: Timestamp,
}

/// The last probe of each check and target.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    pub seq: u64,
    pub last: Vec<Last>,
}

/// How a service stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Every probe held, the oldest of them then.
    Healthy {
        as_of: Timestamp,
    },
    Unhealthy {
        as_of: Timestamp,
        said: String,
    },
    /// Every probe held once, and too long ago to say anything now.
    Stale {
        as_of: Timestamp,
    },
    /// Not every probe was made yet.
    Unknown,
}

impl Standing {
    pub fn name(&self) -> &'static str {
        match self {
            Standing::Healthy { .. } => "healthy",
            Standing::Unhealthy { .. } => "unhealthy",
            Standing::Stale { .. } => "stale",
            Standing::Unknown => "unknown",
        }
    }

    pub fn as_of(&self) -> Option<Timestamp> {
        match self {
            Standing::Healthy { as_of } | Standing::Unhealthy { as_of, .. } | Standing::Stale { as_of } => {
                Some(*as_of)
            }
            Standing::Unknown => None,
        }
    }
}

pub fn decide(command: Command) -> Vec<Event> {
    let Command::Record(probed) = command;
    vec![Event::Probed(probed)]
}

pub fn apply(health: &mut Health, event: &Event, meta: &Meta) {
    health.seq += 1;
    let Event::Probed(probed) = event;
    let same = |last: &Last| {
        let old = &last.probed;
        (&old.service, &old.check, &old.target) == (&probed.service, &probed.check, &probed.target)
    };
    health.last.retain(|last| !same(last));
    if health.last.len() >= PROBES_MAX {
        health.last.remove(0);
    }
    health.last.push(Last { probed: probed.clone(), at: meta.time });
}

/// How a service stands by its last probes.
pub fn standing(health: &Health, service: &ServiceSpec, now: Timestamp) -> Standing {
    let own = health.last.iter().filter(|last| *last.probed.service == *service.name);
    let found: BTreeMap<(&str, &str), &Last> =
        own.map(|last| ((&*last.probed.check, &*last.probed.target), last)).collect();
    let mut oldest: Option<&Last> = None;
    let mut whole = true;
    for check in &service.probes {
        for target in service.probed(check) {
            match found.get(&(check.id.as_str(), target)) {
                Some(last) if !last.probed.passed => {
                    let said = format!("`{}` on {target}: {}", check.id, last.probed.said);
                    return Standing::Unhealthy { as_of: last.at, said };
                }
                Some(last) => oldest = oldest.filter(|old| old.at <= last.at).or(Some(*last)),
                None => whole = false,
            }
        }
    }
    match oldest.filter(|_| whole).map(|last| last.at) {
        Some(as_of) if now.since(as_of) <= service.fresh_for => Standing::Healthy { as_of },
        Some(as_of) => Standing::Stale { as_of },
        None => Standing::Unknown,
    }
}
