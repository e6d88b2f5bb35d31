//! Incidents: opened by alerts or people, joined by more alerts, worked on, resolved, closed.

pub mod analysis;
pub mod at_once;
mod classify;
pub mod closing;
pub mod crisis;
mod decide;
pub mod factors;
pub mod people;
mod recovery;
pub mod restore;
pub mod tally;
#[cfg(test)]
mod tests;

pub use analysis::Analysis;
pub use decide::decide;
pub(crate) use decide::open;
pub use tally::Tally;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    correlate::GroupKey,
    event::{Meta, Stream},
    id::{ActionId, AlertId, IncidentId, PersonId, RunId},
    labels::Digest16,
    recovery::plan::{self, Plan},
    severity::{Phase, Severity},
    time::{Span, Timestamp},
};

/// At most this many targets, and this many open calls for attention, on one incident. What waits for an approval,
/// stops a run or is in doubt counts, and is never left out.
pub const TARGETS_MAX: usize = 1_000;
pub const ATTENTION_MAX: usize = 32;
/// How the name begins of a notice that asks.
pub(crate) const OF_NOTICE: &str = "notice/";
const TEXT_MAX: usize = 16 * 1024;

/// What a person confirmed, in percent.
const CONFIRMED: u8 = 100;
/// From so many targets on the impact is wide, and from so many percent on the type is sure.
const WIDE: usize = 3;
const SURE: u8 = 70;

pub type Target = (Box<str>, Box<str>);

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// An alert opens or joins an incident; the route stands in the alert.
    FromAlert {
        alert: AlertId,
        /// It belongs to its incident already, and now says something else.
        again: bool,
    },
    /// A person opens one.
    Open {
        title: String,
        incident_type: String,
        severity: Severity,
        targets: Vec<Target>,
    },
    Acknowledge {
        id: IncidentId,
    },
    Assign {
        id: IncidentId,
        person: PersonId,
    },
    Classify {
        id: IncidentId,
        incident_type: Option<String>,
        severity: Option<Severity>,
        /// When it really began, where that is known by now.
        onset: Option<Timestamp>,
        why: String,
    },
    Note {
        id: IncidentId,
        text: String,
    },
    Link {
        id: IncidentId,
        title: String,
        url: String,
        /// People meet there: notices name it.
        room: bool,
    },
    /// What people made out about it.
    Analyze {
        id: IncidentId,
        ask: analysis::Ask,
    },
    Resolve {
        id: IncidentId,
        summary: String,
    },
    /// The business agrees that what was hurt works again.
    SignOff {
        id: IncidentId,
        note: String,
    },
    /// Bringing back what it hurt.
    Recovery {
        id: IncidentId,
        command: restore::Command,
    },
    /// From its timer: nothing came back.
    EndWatch {
        id: IncidentId,
    },
    /// From the platform: what it found when it looked at itself.
    Check {
        id: IncidentId,
        found: Vec<closing::Found>,
    },
    Close {
        id: IncidentId,
        disposition: Disposition,
    },
    /// From an action: the first containment is in force.
    Contained {
        id: IncidentId,
        action: ActionId,
    },
    /// From any machine: a person is needed.
    RaiseAttention {
        id: IncidentId,
        about: Stream,
        reason: String,
    },
    ClearAttention {
        id: IncidentId,
        about: Stream,
    },
    /// Who commands, who is called, who is on it.
    People {
        id: IncidentId,
        ask: people::Ask,
    },
    /// It opened, grew or became more severe: what is allowed beforehand is done.
    ActAtOnce {
        id: IncidentId,
    },
    /// From a run that a person canceled: what follows is up to people.
    StopResponse {
        id: IncidentId,
        run: RunId,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    TruePositive,
    FalsePositive,
    Benign,
    Duplicate,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Opened {
        title: Box<str>,
        incident_type: Box<str>,
        severity: Severity,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        targets: Vec<Target>,
        group: Box<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<AlertId>,
        auto_response: bool,
        /// For practice: nobody outside hears of it, and no figure counts it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        drill: bool,
        /// In percent; what a person opens has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<u8>,
        /// When the alert that opened it began.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        onset: Option<Timestamp>,
        /// How long nobody may answer before it escalates, where a rule says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        escalation: Option<Span>,
        /// A person saw it and told, and the alert is the platform's own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        reported: bool,
        why: Box<str>,
    },
    AlertJoined {
        alert: AlertId,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        targets: Vec<Target>,
        /// Set when this alert is more severe than the incident was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        severity: Option<Severity>,
        /// It was one of its alerts already, and now says something worse.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
        /// It came while the incident was watched, which opens it again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        relapse: bool,
    },
    Acknowledged,
    Assigned {
        person: PersonId,
    },
    Classified {
        incident_type: Box<str>,
        severity: Severity,
        why: Box<str>,
        /// The run of a playbook that does not fit any more; it ends, and what it contained stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved_from: Option<RunId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        onset: Option<Timestamp>,
    },
    Noted {
        text: Box<str>,
    },
    Linked {
        title: Box<str>,
        url: Box<str>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        room: bool,
    },
    /// What people made out about it.
    Analysis {
        fact: Box<analysis::Fact>,
    },
    Contained {
        action: ActionId,
    },
    AttentionRaised {
        about: Box<str>,
        reason: Box<str>,
    },
    AttentionCleared {
        about: Box<str>,
    },
    /// A person canceled the run; nothing starts by itself any more.
    ResponseStopped {
        run: RunId,
    },
    People(people::Event),
    /// What strategies.yaml allows beforehand at this severity, and what its caps left out.
    AtOnce {
        severity: Severity,
        effects: Vec<at_once::Effect>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<at_once::Left>,
    },
    Resolved {
        summary: Box<str>,
        /// Until then an alert of its group is a relapse.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watch_until: Option<Timestamp>,
    },
    /// Nothing came back while it was watched.
    WatchEnded,
    /// It is open again.
    Relapsed {
        reason: Box<str>,
    },
    /// A step on the way back of what it hurt.
    Recovery {
        fact: Box<plan::Event>,
    },
    /// The business agrees that what was hurt works again.
    SignedOff {
        note: Box<str>,
    },
    /// A look that has to hold before it is closed.
    Checked {
        found: closing::Found,
    },
    Closed {
        disposition: Disposition,
    },
    Redacted {
        at: u64,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Opened { .. } => "incident.opened",
            Event::AlertJoined { .. } => "incident.alert_joined",
            Event::Acknowledged => "incident.acknowledged",
            Event::Assigned { .. } => "incident.assigned",
            Event::Classified { .. } => "incident.classified",
            Event::Noted { .. } => "incident.noted",
            Event::Linked { .. } => "incident.linked",
            Event::Analysis { fact } => fact.kind(),
            Event::Contained { .. } => "incident.contained",
            Event::AttentionRaised { .. } => "incident.attention_raised",
            Event::AttentionCleared { .. } => "incident.attention_cleared",
            Event::ResponseStopped { .. } => "incident.response_stopped",
            Event::People(event) => event.kind(),
            Event::AtOnce { .. } => "incident.at_once",
            Event::Resolved { .. } => "incident.resolved",
            Event::WatchEnded => "incident.watch_ended",
            Event::Relapsed { .. } => "incident.relapsed",
            Event::Recovery { fact } => fact.kind(),
            Event::SignedOff { .. } => "incident.signed_off",
            Event::Checked { .. } => "incident.checked",
            Event::Closed { .. } => "incident.closed",
            Event::Redacted { .. } => "incident.redacted",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Open,
    /// Resolved; what comes back meanwhile is the same incident.
    Watching,
    Resolved,
    Closed,
}

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    pub since: Timestamp,
    /// The stream that asks, such as `run/17`.
    pub about: Box<str>,
    pub reason: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    pub seq: u64,
    pub title: Box<str>,
    pub incident_type: Box<str>,
    pub severity: Severity,
    pub status: Status,
    pub phase: Phase,
    pub targets: Vec<Target>,
    /// The grouping key in hex; incidents that a person opened have none.
    pub group: Box<str>,
    pub opened_at: Timestamp,
    pub updated_at: Timestamp,
    pub last_alert_at: Timestamp,
    /// How many alerts opened or joined it.
    pub alerts: u64,
    pub auto_response: bool,
    /// For practice: nobody outside hears of it, and no figure counts it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// In percent, as of the alert that opened it or the person who confirmed it since.
    #[serde(default)]
    pub confidence: Option<u8>,
    /// When it began, as the first alert or a person since says; never after it was opened.
    #[serde(default)]
    pub onset: Option<Timestamp>,
    /// The last run that a reclassification ended.
    #[serde(default)]
    pub moved_from: Option<RunId>,
    #[serde(default)]
    pub escalation: Option<Span>,
    pub why: Box<str>,
    pub acknowledged: Option<(PersonId, Timestamp)>,
    pub assignee: Option<PersonId>,
    /// When the first containment was in force.
    pub contained_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    /// While it is watched: until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch_until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_off: Option<(PersonId, Timestamp)>,
    /// How far what it hurt is brought back, once people began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Box<Plan>>,
    /// What was looked at before it may close.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<closing::Gate, closing::Looked>,
    /// How often it came back.
    #[serde(default)]
    pub relapses: u32,
    pub disposition: Option<Disposition>,
    pub attention: Vec<Attention>,
    #[serde(default)]
    pub redacted: bool,
    /// What people made out about it, once they began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Box<Analysis>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Box<people::Standing>>,
    /// What was done of what is allowed beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<Box<at_once::Ran>>,
    /// What it is measured by.
    #[serde(default, skip_serializing_if = "tally::is_default")]
    pub tally: Tally,
}

impl Incident {
    /// When it began, as far as anybody knows.
    pub fn began(&self) -> Timestamp {
        self.onset.unwrap_or(self.opened_at)
    }

    /// What people made out about it.
    pub fn analysis(&self) -> &Analysis {
        static NOTHING: std::sync::LazyLock<Analysis> = std::sync::LazyLock::new(Default::default);
        self.analysis.as_deref().unwrap_or(&NOTHING)
    }

    /// How it stands with the people.
    pub fn standing(&self) -> &people::Standing {
        static NOBODY: std::sync::LazyLock<people::Standing> = std::sync::LazyLock::new(Default::default);
        self.standing.as_deref().unwrap_or(&NOBODY)
    }

    /// Whether a playbook may start by itself: no rule forbids it, and it is sure enough what this is.
    pub fn acts_alone(&self, act_from: u8) -> bool {
        self.auto_response && self.confidence.is_none_or(|sure| sure >= act_from)
    }

    /// Queue order: more severe first, then what waits for a person, then what nobody took, then what hurts more
    /// and is surer.
    pub fn priority(&self) -> u8 {
        let waiting = u8::from(!self.attention.is_empty());
        let wide = u8::from(self.targets.len() >= WIDE);
        let sure = u8::from(self.confidence.is_none_or(|sure| sure >= SURE));
        let small = u8::from(self.acknowledged.is_none()) * 5 + wide * 3 + sure;
        (self.severity as u8) * 20 + waiting * 10 + small
    }

    /// What the priority is made of.
    pub fn priority_why(&self) -> String {
        let confidence = self.confidence.unwrap_or(CONFIRMED);
        let mut why = format!("severity {}", self.severity);
        if !self.attention.is_empty() {
            why.push_str(", waits for a person");
        }
        if self.acknowledged.is_none() {
            why.push_str(", not acknowledged");
        }
        let (whole, rest) = (confidence / 100, confidence % 100);
        why.push_str(&format!(", targets {}, confidence {whole}.{rest:02}", self.targets.len()));
        why
    }

    pub fn targets_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.targets.iter().filter(move |(k, _)| **k == *kind).map(|(_, name)| &**name)
    }

    pub fn group_key(&self) -> Option<GroupKey> {
        let mut bytes = [0; 16];
        if self.group.len() != 32 || !self.group.is_ascii() {
            return None;
        }
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&self.group[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(Digest16(bytes))
    }
}

pub fn create(id: IncidentId, event: &Event, meta: &Meta) -> Option<Incident> {
    let Event::Opened {
        title,
        incident_type,
        severity,
        targets,
        group,
        alert,
        auto_response,
        drill,
        confidence,
        onset,
        escalation,
        reported,
        why,
    } = event
    else {
        return None;
    };
    Some(Incident {
        id,
        seq: 1,
        title: title.clone(),
        incident_type: incident_type.clone(),
        severity: *severity,
        status: Status::Open,
        phase: Phase::Detect,
        targets: targets.clone(),
        group: group.clone(),
        opened_at: meta.time,
        updated_at: meta.time,
        last_alert_at: meta.time,
        alerts: u64::from(alert.is_some()),
        auto_response: *auto_response,
        drill: *drill,
        confidence: *confidence,
        onset: *onset,
        escalation: *escalation,
        moved_from: None,
        why: why.clone(),
        acknowledged: None,
        assignee: None,
        contained_at: None,
        resolved_at: None,
        watch_until: None,
        signed_off: None,
        recovery: None,
        checks: BTreeMap::new(),
        relapses: 0,
        disposition: None,
        attention: Vec::new(),
        redacted: false,
        analysis: None,
        standing: None,
        at_once: None,
        tally: Tally { noticed: alert.is_some() && !reported, ..Tally::default() },
    })
}

/// When something happens by itself, and why: while it is open to people, after that to the watch.
pub fn next_wakeup(incident: &Incident) -> Option<(Timestamp, &'static str)> {
    people::next_wakeup(incident).into_iter().chain(recovery::next_wakeup(incident)).min()
}

pub fn due(incident: &Incident, now: Timestamp) -> Option<Command> {
    people::due(incident, now).or_else(|| recovery::due(incident, now))
}

pub fn apply(incident: &mut Incident, event: &Event, meta: &Meta) {
    incident.seq += 1;
    incident.updated_at = meta.time;
    match event {
        Event::Opened { .. } | Event::Noted { .. } | Event::Linked { room: false, .. } => {}
        Event::Linked { url, .. } => incident.standing.get_or_insert_default().room = Some(url.clone()),
        Event::Analysis { fact } => incident.analysis.get_or_insert_default().apply(fact, meta),
        Event::AlertJoined { targets, severity, again, .. } => {
            incident.targets.extend(targets.iter().cloned());
            incident.severity = severity.unwrap_or(incident.severity);
            incident.last_alert_at = meta.time;
            incident.alerts += u64::from(!again);
        }
        Event::Acknowledged => {
            incident.acknowledged = meta.actor.person().map(|person| (person, meta.time));
            if let Some(standing) = &mut incident.standing {
                standing.due = None;
            }
            let own = Stream::Incident(incident.id).to_string();
            incident.attention.retain(|attention| *attention.about != *own);
        }
        Event::Assigned { person } => incident.assignee = Some(*person),
        Event::Classified { incident_type, severity, moved_from, onset, .. } => {
            incident.onset = onset.or(incident.onset);
            incident.confidence = Some(CONFIRMED);
            incident.moved_from = moved_from.or(incident.moved_from);
            incident.incident_type = incident_type.clone();
            incident.severity = *severity;
            let own = Stream::Incident(incident.id).to_string();
            incident.attention.retain(|attention| *attention.about != *own);
        }
        Event::Contained { .. } => {
            incident.contained_at = Some(meta.time);
            incident.phase = incident.phase.max(Phase::Contain);
        }
        Event::AttentionRaised { about, reason } => incident.attention.push(Attention {
            since: meta.time,
            about: about.clone(),
            reason: reason.clone(),
        }),
        Event::AttentionCleared { about } => incident.attention.retain(|a| a.about != *about),
        Event::ResponseStopped { .. } => incident.auto_response = false,
        Event::People(event) => {
            incident.tally.people(event);
            people::apply(incident.standing.get_or_insert_default(), event, meta);
        }
        Event::AtOnce { effects, left, .. } => at_once::apply(&mut incident.at_once, effects, left),
        Event::WatchEnded => {
            incident.status = Status::Resolved;
            incident.watch_until = None;
        }
        Event::Relapsed { .. } => recovery::reopen(incident, meta.time),
        Event::Recovery { fact } => recovery::step(incident, fact, meta),
        Event::SignedOff { .. } => {
            incident.signed_off = meta.actor.person().map(|person| (person, meta.time));
        }
        Event::Resolved { watch_until, .. } => {
            incident.status = if watch_until.is_some() { Status::Watching } else { Status::Resolved };
            incident.watch_until = *watch_until;
            incident.resolved_at = Some(meta.time);
            incident.phase = Phase::Review;
        }
        Event::Checked { found } => closing::apply(incident, found, meta),
        Event::Closed { disposition } => {
            incident.status = Status::Closed;
            incident.watch_until = None;
            incident.disposition = Some(*disposition);
            incident.tally.closed_at = Some(meta.time);
        }
        Event::Redacted { .. } => redact(incident),
    }
}

fn redact(incident: &mut Incident) {
    incident.title = "[redacted]".into();
    incident.why = "[redacted]".into();
    incident.targets = Vec::new();
    if let Some(analysis) = &mut incident.analysis {
        analysis.redact();
    }
    if let Some(standing) = &mut incident.standing {
        standing.room = None;
    }
    incident.at_once = None;
    incident.redacted = true;
}

/// The type of the incident that leaving the limits alone opens.
pub const GLASS: &str = "break_glass";

/// People hear of it as of any other incident.
pub fn glass_broken(reason: &str) -> Command {
    Command::Open {
        title: format!("Limits left by one person: {}", reason.chars().take(200).collect::<String>()),
        incident_type: GLASS.to_owned(),
        severity: Severity::High,
        targets: Vec::new(),
    }
}
