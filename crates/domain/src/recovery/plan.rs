//! How the services that an incident hurt are brought back: the plan, how far it is, and what was shown.
//!
//! One service goes through its stages alone: what it needs is well, it is restored, its data and posture are
//! verified, its containments are released and read back, and its probes hold. Whatever fails stops it and what
//! needs it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    content::services::Verifies,
    event::Meta,
    id::{ActionId, PersonId},
    incident::Target,
    time::{Span, Timestamp},
};

/// At most so many calls for one service.
pub const CALLS_MAX: usize = 500;
/// At most so many verdicts of people on one incident.
pub const VERDICTS_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Event {
    /// People ask that the services come back, in this order.
    Started { services: Vec<Service> },
    /// The incident reached more services.
    Widened { services: Vec<Service> },
    /// These failed and begin anew.
    Retried { services: Vec<Box<str>> },
    /// One service goes on: what is called, and what is released.
    Moved {
        service: Box<str>,
        to: Stage,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<u32>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        release: Vec<ActionId>,
    },
    /// What came of one call.
    Found {
        service: Box<str>,
        call: u32,
        /// None where it could not even be asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<ActionId>,
        passed: bool,
        said: Box<str>,
    },
    /// One of its containments is gone, as the read-back says.
    Released { service: Box<str>, action: ActionId, verified: bool },
    /// A person looked.
    Judged {
        of: Verifies,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<Box<str>>,
        passed: bool,
        note: Box<str>,
    },
    /// Every service is well.
    Completed,
    /// The incident is watched, and the probes are repeated then.
    Watched { next_at: Timestamp },
    /// They are repeated now, and then once more.
    Repeated { next_at: Timestamp },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Started { .. } => "incident.recovery_started",
            Event::Widened { .. } => "incident.recovery_widened",
            Event::Retried { .. } => "incident.recovery_retried",
            Event::Moved { .. } => "incident.recovery_moved",
            Event::Found { .. } => "incident.recovery_found",
            Event::Released { .. } => "incident.recovery_released",
            Event::Judged { .. } => "incident.verified",
            Event::Completed => "incident.recovery_completed",
            Event::Watched { .. } => "incident.recovery_watched",
            Event::Repeated { .. } => "incident.recovery_repeated",
        }
    }
}

/// Where a service stands. The order is that of the way.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Stage {
    /// For what it needs, or for an earlier group.
    #[default]
    Waiting,
    Restoring,
    Verifying,
    /// Verified, and what held it back is being released.
    Releasing,
    /// Released, and being looked at.
    Probing,
    Well,
    Failed {
        reason: Box<str>,
    },
}

impl Stage {
    /// As people read it.
    pub fn name(&self) -> &'static str {
        match self {
            Stage::Waiting => "waiting",
            Stage::Restoring => "restoring",
            Stage::Verifying => "verifying",
            Stage::Releasing => "verified",
            Stage::Probing => "released",
            Stage::Well => "healthy",
            Stage::Failed { .. } => "failed",
        }
    }
}

/// The part of a service's way that a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Restore,
    Verify,
    Probe,
}

/// One verb on one target, fixed when the plan is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub check: Box<str>,
    pub part: Part,
    pub verifies: Verifies,
    pub verb: Box<str>,
    pub kind: Box<str>,
    pub target: Box<str>,
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub with: serde_json::Map<String, Value>,
    /// What came of it since the service last began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub passed: bool,
    pub said: Box<str>,
    pub action: Option<ActionId>,
    pub at: Timestamp,
}

/// One service on its way back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub name: Box<str>,
    pub group: u32,
    pub owner: Box<str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Box<str>>,
    /// What of it the incident names; none where it only needs another that was hurt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hurt: Vec<Target>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
    pub calls: Vec<Call>,
    #[serde(default)]
    pub stage: Stage,
    /// Counts its beginnings: what was asked in an earlier one is not taken for an answer in a later.
    #[serde(default)]
    pub round: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<Release>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub well_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
}

/// A containment that the plan takes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub action: ActionId,
    /// When it was gone, and whether that was read back.
    pub done: Option<(Timestamp, bool)>,
}

/// What a person found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub of: Verifies,
    pub service: Option<Box<str>>,
    pub passed: bool,
    pub note: Box<str>,
    pub by: Option<PersonId>,
    pub at: Timestamp,
}

/// The plan of one incident, and what people found. A relapse begins it anew.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    #[serde(default)]
    pub services: Vec<Service>,
    #[serde(default)]
    pub verdicts: Vec<Verdict>,
    pub started: Option<(PersonId, Timestamp)>,
    /// Who had what failed begun anew.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub retried: BTreeSet<PersonId>,
    pub completed_at: Option<Timestamp>,
    /// Counts the beginnings of its services.
    pub rounds: u32,
    /// While it is watched: when the probes are repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_probe_at: Option<Timestamp>,
}

impl Plan {
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| *service.name == *name)
    }

    /// What the service waits for: what it needs and is not well, and earlier groups on their way.
    pub fn waits_for(&self, service: &Service) -> Vec<&str> {
        let needed = |other: &Service| service.depends_on.contains(&other.name) && other.stage != Stage::Well;
        let earlier = |other: &Service| other.group < service.group && self.is_on_its_way(other);
        let others = self.services.iter().filter(|other| other.name != service.name);
        others.filter(|other| needed(other) || earlier(other)).map(|other| &*other.name).collect()
    }

    /// It goes on by itself, now or when what it waits for is well.
    fn is_on_its_way(&self, service: &Service) -> bool {
        match service.stage {
            Stage::Restoring | Stage::Verifying | Stage::Releasing | Stage::Probing => true,
            Stage::Well | Stage::Failed { .. } => false,
            Stage::Waiting => !self.is_held_back(service, self.services.len()),
        }
    }

    /// Something that it needs, however far, has failed.
    fn is_held_back(&self, service: &Service, depth: usize) -> bool {
        let needed = service.depends_on.iter().filter_map(|name| self.service(name));
        needed.into_iter().any(|other| {
            matches!(other.stage, Stage::Failed { .. })
                || (other.stage == Stage::Waiting && depth > 0 && self.is_held_back(other, depth - 1))
        })
    }

    /// After a relapse: nothing of it holds any more, and no late answer is taken for a new one.
    pub fn anew(&self) -> Plan {
        Plan { rounds: self.rounds, ..Plan::default() }
    }

    pub fn is_started(&self) -> bool {
        self.started.is_some()
    }

    /// Everybody who had it begun, the first time or anew.
    pub fn beginners(&self) -> impl Iterator<Item = PersonId> {
        let first = self.started.iter().map(|(person, _)| *person);
        first.chain(self.retried.iter().copied())
    }

    /// What was well is being looked at again.
    pub fn is_probing(&self) -> bool {
        let well = self.services.iter().filter(|service| service.stage == Stage::Well);
        well.flat_map(|service| service.part(Part::Probe)).any(|(_, call)| call.found.is_none())
    }

    pub fn waits_on_release(&self, action: ActionId) -> bool {
        self.services.iter().any(|service| service.waits_on_release(action))
    }
}

impl Service {
    /// The calls of a part, with their numbers.
    pub fn part(&self, part: Part) -> impl Iterator<Item = (u32, &Call)> {
        (0u32..).zip(&self.calls).filter(move |(_, call)| call.part == part)
    }

    /// Whether all of a part came to an answer, and the first that did not hold.
    pub fn came_to(&self, part: Part) -> (bool, Option<&Call>) {
        let done = self.part(part).all(|(_, call)| call.found.is_some());
        let failed = |call: &&Call| call.found.as_ref().is_some_and(|found| !found.passed);
        (done, self.part(part).map(|(_, call)| call).find(failed))
    }

    pub fn waits_on_release(&self, action: ActionId) -> bool {
        self.stage == Stage::Releasing
            && self.releases.iter().any(|release| release.action == action && release.done.is_none())
    }

    fn begin_anew(&mut self, round: u32) {
        self.stage = Stage::Waiting;
        self.round = round;
        self.releases = Vec::new();
        (self.began_at, self.verified_at, self.released_at) = (None, None, None);
        (self.well_at, self.failed_at) = (None, None);
        self.calls.iter_mut().for_each(|call| call.found = None);
    }
}

pub fn apply(plan: &mut Plan, event: &Event, meta: &Meta) {
    match event {
        Event::Started { services } => {
            let person = meta.actor.person().unwrap_or(PersonId::from_number(0));
            plan.started = Some((person, meta.time));
            plan.completed_at = None;
            plan.services = Vec::new();
            append(plan, services);
        }
        Event::Widened { services } => {
            plan.completed_at = None;
            append(plan, services);
        }
        Event::Retried { services } => {
            plan.rounds += 1;
            plan.completed_at = None;
            plan.retried.extend(meta.actor.person());
            let round = plan.rounds;
            let anew = plan.services.iter_mut().filter(|service| services.contains(&service.name));
            anew.for_each(|service| service.begin_anew(round));
        }
        Event::Moved { service, to, release, .. } => {
            let found = plan.services.iter_mut().find(|one| one.name == *service);
            if let Some(service) = found {
                moved(service, to, release, meta.time);
            }
            if matches!(to, Stage::Failed { .. }) {
                plan.completed_at = None;
            }
        }
        Event::Found { service, call, action, passed, said } => {
            let service = plan.services.iter_mut().find(|one| one.name == *service);
            if let Some(call) = service.and_then(|service| service.calls.get_mut(*call as usize)) {
                let (passed, said) = (*passed, said.clone());
                call.found = Some(Found { passed, said, action: *action, at: meta.time });
            }
        }
        Event::Released { service, action, verified } => {
            let service = plan.services.iter_mut().find(|one| one.name == *service);
            let releases = service.into_iter().flat_map(|service| &mut service.releases);
            for release in releases.filter(|release| release.action == *action) {
                release.done = Some((meta.time, *verified));
            }
        }
        Event::Judged { of, service, passed, note } => {
            if plan.verdicts.len() >= VERDICTS_MAX {
                plan.verdicts.remove(0);
            }
            let (service, note) = (service.clone(), note.clone());
            let (passed, by, at) = (*passed, meta.actor.person(), meta.time);
            plan.verdicts.push(Verdict { of: *of, service, passed, note, by, at });
        }
        Event::Completed => plan.completed_at = Some(meta.time),
        Event::Watched { next_at } => plan.next_probe_at = Some(*next_at),
        Event::Repeated { next_at } => {
            plan.next_probe_at = Some(*next_at);
            plan.rounds += 1;
            for service in &mut plan.services {
                service.round = plan.rounds;
                let probes = service.calls.iter_mut().filter(|call| call.part == Part::Probe);
                probes.for_each(|call| call.found = None);
            }
        }
    }
}

fn append(plan: &mut Plan, services: &[Service]) {
    plan.rounds += 1;
    for service in services {
        let mut service = service.clone();
        service.begin_anew(plan.rounds);
        plan.services.push(service);
    }
}

fn moved(service: &mut Service, to: &Stage, release: &[ActionId], now: Timestamp) {
    match to {
        Stage::Waiting | Stage::Verifying => {}
        Stage::Restoring => service.began_at = Some(now),
        Stage::Releasing => {
            service.verified_at = Some(now);
            service.releases = release.iter().map(|id| Release { action: *id, done: None }).collect();
        }
        Stage::Probing => service.released_at = Some(now),
        Stage::Well => service.well_at = Some(now),
        Stage::Failed { .. } => service.failed_at = Some(now),
    }
    service.stage = to.clone();
}
