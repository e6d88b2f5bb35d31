//! Incidents: opened by alerts or people, joined by more alerts, worked on, resolved, closed.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{
    correlate::{self, GroupKey},
    event::{Context, Meta, Rejected, Stream},
    id::{ActionId, AlertId, IncidentId, PersonId, RunId},
    labels::Digest16,
    severity::{Phase, Severity},
    state::State,
    time::Timestamp,
};

/// At most this many targets, and this many open calls for attention, on one incident.
pub const TARGETS_MAX: usize = 1_000;
pub const ATTENTION_MAX: usize = 32;
const TEXT_MAX: usize = 16 * 1024;

pub type Target = (Box<str>, Box<str>);

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// An alert opens or joins an incident; the route stands in the alert.
    FromAlert {
        alert: AlertId,
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
    },
    Resolve {
        id: IncidentId,
        summary: String,
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
        why: Box<str>,
    },
    AlertJoined {
        alert: AlertId,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        targets: Vec<Target>,
        /// Set when this alert is more severe than the incident was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        severity: Option<Severity>,
    },
    Acknowledged,
    Assigned {
        person: PersonId,
    },
    Classified {
        incident_type: Box<str>,
        severity: Severity,
        why: Box<str>,
    },
    Noted {
        text: Box<str>,
    },
    Linked {
        title: Box<str>,
        url: Box<str>,
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
    Resolved {
        summary: Box<str>,
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
            Event::Contained { .. } => "incident.contained",
            Event::AttentionRaised { .. } => "incident.attention_raised",
            Event::AttentionCleared { .. } => "incident.attention_cleared",
            Event::ResponseStopped { .. } => "incident.response_stopped",
            Event::Resolved { .. } => "incident.resolved",
            Event::Closed { .. } => "incident.closed",
            Event::Redacted { .. } => "incident.redacted",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Open,
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
    pub why: Box<str>,
    pub acknowledged: Option<(PersonId, Timestamp)>,
    pub assignee: Option<PersonId>,
    /// When the first containment was in force.
    pub contained_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub disposition: Option<Disposition>,
    pub attention: Vec<Attention>,
    #[serde(default)]
    pub redacted: bool,
}

impl Incident {
    /// Queue order: more severe first, then what waits for a person, then the older.
    pub fn priority(&self) -> u8 {
        let waiting = u8::from(!self.attention.is_empty());
        (self.severity as u8) * 20 + waiting * 10 + u8::from(self.acknowledged.is_none()) * 5
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

pub fn decide(
    state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(IncidentId, Event)>, Rejected> {
    match command {
        Command::FromAlert { alert } => from_alert(state, alert, context),
        Command::Open { title, incident_type, severity, targets } => {
            open_by_person(state, title, &incident_type, severity, targets, context)
        }
        Command::Acknowledge { id } => {
            let incident = open(state, id)?;
            match incident.acknowledged {
                Some((person, at)) => Err(Rejected::Conflict(format!(
                    "incident {id} was acknowledged by {person} at {at} already"
                ))),
                None => Ok(vec![(id, Event::Acknowledged)]),
            }
        }
        Command::Assign { id, person } => {
            open(state, id)?;
            let known = state.people.contains_key(&person);
            let unknown = || Rejected::NotFound(format!("person {person} does not exist"));
            known.then(|| vec![(id, Event::Assigned { person })]).ok_or_else(unknown)
        }
        Command::Classify { id, incident_type, severity, why } => {
            classify(state, id, incident_type, severity, why)
        }
        Command::Note { id, text } => {
            open(state, id)?;
            Ok(vec![(id, Event::Noted { text: bounded("note", text)? })])
        }
        Command::Link { id, title, url } => {
            open(state, id)?;
            if !(url.starts_with("https://") || url.starts_with("http://")) {
                return Err(Rejected::Invalid(format!("`{url}` is not an http or https address")));
            }
            Ok(vec![(id, Event::Linked { title: bounded("title", title)?, url: bounded("link", url)? })])
        }
        Command::Resolve { id, summary } => match open(state, id)?.status {
            Status::Open => Ok(vec![(id, Event::Resolved { summary: bounded("summary", summary)? })]),
            Status::Resolved | Status::Closed => {
                Err(Rejected::Conflict(format!("incident {id} is already resolved")))
            }
        },
        Command::Close { id, disposition } => close(state, id, disposition),
        Command::Contained { id, action } => Ok(match state.incidents.open.get(&id) {
            Some(incident) if incident.contained_at.is_none() => {
                vec![(id, Event::Contained { action })]
            }
            _ => Vec::new(),
        }),
        Command::StopResponse { id, run } => {
            let automatic = state.incidents.open.get(&id).is_some_and(|incident| incident.auto_response);
            Ok(if automatic { vec![(id, Event::ResponseStopped { run })] } else { Vec::new() })
        }
        Command::RaiseAttention { id, about, reason } => Ok(raise_attention(state, id, about, reason)),
        Command::ClearAttention { id, about } => {
            let about = about.to_string();
            let waits = state.incidents.open.get(&id).is_some_and(|incident| {
                incident.attention.iter().any(|attention| *attention.about == *about)
            });
            let cleared = Event::AttentionCleared { about: about.into() };
            Ok(if waits { vec![(id, cleared)] } else { Vec::new() })
        }
    }
}

fn open(state: &State, id: IncidentId) -> Result<&Incident, Rejected> {
    let found = state.incidents.open.get(&id).map(|incident| &**incident);
    found.ok_or_else(|| Rejected::NotFound(format!("there is no open incident {id}")))
}

fn bounded(what: &str, text: String) -> Result<Box<str>, Rejected> {
    if text.trim().is_empty() {
        return Err(Rejected::Invalid(format!("the {what} is empty")));
    }
    if text.len() > TEXT_MAX {
        return Err(Rejected::Invalid(format!("the {what} is longer than {TEXT_MAX} bytes")));
    }
    Ok(text.into())
}

fn from_alert(state: &State, id: AlertId, context: &Context) -> Result<Vec<(IncidentId, Event)>, Rejected> {
    let Some(alert) = state.alerts.get(id) else { return Ok(Vec::new()) };
    let Some(incident_id) = alert.route.incident else { return Ok(Vec::new()) };
    let Some(found) = correlate::classify(&state.content, &alert.labels) else { return Ok(Vec::new()) };
    let targets = correlate::targets(&alert.labels);
    if let Some(incident) = state.incidents.open.get(&incident_id) {
        let fresh = |target: &Target| !incident.targets.contains(target);
        let room = TARGETS_MAX.saturating_sub(incident.targets.len());
        let targets = targets.into_iter().filter(fresh).take(room).collect();
        let severity = (found.severity > incident.severity).then_some(found.severity);
        return Ok(vec![(incident_id, Event::AlertJoined { alert: id, targets, severity })]);
    }
    // INVARIANT: the alert promised this position when it chose to open an incident.
    assert_eq!(incident_id.0, context.next, "an alert opens the incident at the position it named");
    let name = alert.labels.get("alertname").unwrap_or(&found.incident_type);
    let subject = targets.first().map_or_else(String::new, |(_, name)| format!(" on {name}"));
    let group = correlate::group_key(&state.content, &found.incident_type, &alert.labels);
    let mut events = vec![(
        incident_id,
        Event::Opened {
            title: format!("{name}{subject}").into(),
            incident_type: found.incident_type.into(),
            severity: found.severity,
            targets,
            group: group.to_string().into(),
            alert: Some(id),
            auto_response: found.auto_response,
            why: alert.route.why.clone(),
        },
    )];
    if found.doubtful {
        let reason = "the alert's severity was not understood; confirm it with `incident classify`";
        let about = Stream::Incident(incident_id).to_string().into();
        events.push((incident_id, Event::AttentionRaised { about, reason: reason.into() }));
    }
    Ok(events)
}

fn open_by_person(
    state: &State,
    title: String,
    incident_type: &str,
    severity: Severity,
    mut targets: Vec<Target>,
    context: &Context,
) -> Result<Vec<(IncidentId, Event)>, Rejected> {
    let known = |kind: &str| correlate::TARGET_LABELS.contains(&kind);
    if let Some((kind, _)) = targets.iter().find(|(kind, name)| !known(kind) || name.is_empty()) {
        let kinds = correlate::TARGET_LABELS.join(", ");
        return Err(Rejected::Invalid(format!("`{kind}` is not a kind of target; use one of {kinds}")));
    }
    if targets.len() > TARGETS_MAX {
        return Err(Rejected::Invalid(format!("more than {TARGETS_MAX} targets")));
    }
    targets.sort_unstable();
    targets.dedup();
    let incident_type = state.content.type_name(incident_type);
    if incident_type.is_empty() || incident_type.len() > 128 {
        return Err(Rejected::Invalid("the incident type is empty or longer than 128 bytes".to_owned()));
    }
    let opened = Event::Opened {
        title: bounded("title", title)?,
        incident_type: incident_type.into(),
        severity,
        targets,
        group: "".into(),
        alert: None,
        auto_response: true,
        why: "opened by hand".into(),
    };
    Ok(vec![(IncidentId::from_number(context.next), opened)])
}

fn classify(
    state: &State,
    id: IncidentId,
    incident_type: Option<String>,
    severity: Option<Severity>,
    why: String,
) -> Result<Vec<(IncidentId, Event)>, Rejected> {
    let incident = open(state, id)?;
    let new_type = incident_type.map_or(incident.incident_type.to_string(), |t| state.content.type_name(&t));
    let severity = severity.unwrap_or(incident.severity);
    if new_type.is_empty() || new_type.len() > 128 {
        return Err(Rejected::Invalid("the incident type is empty or longer than 128 bytes".to_owned()));
    }
    let why = bounded("reason", why)?;
    Ok(vec![(id, Event::Classified { incident_type: new_type.into(), severity, why })])
}

fn close(
    state: &State,
    id: IncidentId,
    disposition: Disposition,
) -> Result<Vec<(IncidentId, Event)>, Rejected> {
    open(state, id)?;
    let in_force = state.actions.of_incident(id).filter(|action| !action.is_final()).count();
    if in_force > 0 {
        return Err(Rejected::Conflict(format!(
            "incident {id} has {in_force} containments in force or actions open; release or settle them first"
        )));
    }
    if let Some(run) = state.runs.of_incident(id) {
        return Err(Rejected::Conflict(format!("{run} of incident {id} has not ended; cancel it first")));
    }
    Ok(vec![(id, Event::Closed { disposition })])
}

fn raise_attention(state: &State, id: IncidentId, about: Stream, reason: String) -> Vec<(IncidentId, Event)> {
    let Some(incident) = state.incidents.open.get(&id) else { return Vec::new() };
    let about = about.to_string();
    let known = incident.attention.iter().any(|a| *a.about == *about && *a.reason == *reason);
    if known || incident.attention.len() >= ATTENTION_MAX {
        return Vec::new();
    }
    vec![(id, Event::AttentionRaised { about: about.into(), reason: reason.into() })]
}

pub fn create(id: IncidentId, event: &Event, meta: &Meta) -> Option<Incident> {
    let Event::Opened { title, incident_type, severity, targets, group, alert, auto_response, why } = event
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
        why: why.clone(),
        acknowledged: None,
        assignee: None,
        contained_at: None,
        resolved_at: None,
        disposition: None,
        attention: Vec::new(),
        redacted: false,
    })
}

pub fn apply(incident: &mut Incident, event: &Event, meta: &Meta) {
    incident.seq += 1;
    incident.updated_at = meta.time;
    match event {
        Event::Opened { .. } | Event::Noted { .. } | Event::Linked { .. } => {}
        Event::AlertJoined { targets, severity, .. } => {
            incident.targets.extend(targets.iter().cloned());
            incident.severity = severity.unwrap_or(incident.severity);
            incident.last_alert_at = meta.time;
            incident.alerts += 1;
        }
        Event::Acknowledged => {
            incident.acknowledged = meta.actor.person().map(|person| (person, meta.time));
            let own = Stream::Incident(incident.id).to_string();
            incident.attention.retain(|attention| *attention.about != *own);
        }
        Event::Assigned { person } => incident.assignee = Some(*person),
        Event::Classified { incident_type, severity, .. } => {
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
        Event::Resolved { .. } => {
            incident.status = Status::Resolved;
            incident.resolved_at = Some(meta.time);
            incident.phase = Phase::Review;
        }
        Event::Closed { disposition } => {
            incident.status = Status::Closed;
            incident.disposition = Some(*disposition);
        }
        Event::Redacted { .. } => redact(incident),
    }
}

fn redact(incident: &mut Incident) {
    incident.title = "[redacted]".into();
    incident.why = "[redacted]".into();
    incident.targets = Vec::new();
    incident.redacted = true;
}
