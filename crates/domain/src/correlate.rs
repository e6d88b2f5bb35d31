//! Where an alert goes: muted by a silence, joined to an open incident, or opening one; and why.

use crate::{
    alert::Route,
    content::{Content, IncidentType, Rule},
    event::Context,
    id::IncidentId,
    incident,
    labels::{Digest16, Labels},
    severity::Severity,
    state::State,
    time::{Span, Timestamp},
};

/// How long after its last alert an incident of an unlisted type still takes new ones.
pub const WINDOW_DEFAULT: Span = Span::secs(3600);

/// The labels whose values become targets of the incident, by the kind of the target.
pub const TARGET_LABELS: [&str; 12] = [
    "node", "key", "account", "service", "segment", "model", "endpoint", "session", "dataset", "pipeline",
    "file", "address",
];

/// What an alert's labels and the rules say it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    pub incident_type: String,
    pub severity: Severity,
    /// Severity was given but not understood: a person should confirm.
    pub doubtful: bool,
    pub auto_response: bool,
    pub why: String,
}

/// The key that at most one open incident has: version 1 is the type and the values it is grouped by.
pub type GroupKey = Digest16;

/// Decides the route of a new alert. The incident it opens stands right behind it in the journal.
pub fn route(state: &State, labels: &Labels, context: &Context) -> Route {
    if let Some(silence) = state.silences.values().find(|s| s.is_active(context.now) && s.matches(labels)) {
        let why = format!("muted by silence {} of {}", silence.id, silence.terms.created_by);
        return Route { incident: None, silence: Some(silence.id), why: why.into() };
    }
    let Some(found) = classify(&state.content, labels) else {
        let why = "no incident_type label and no rule matches".into();
        return Route { incident: None, silence: None, why };
    };
    if found.severity == Severity::Informational {
        let why = format!("{}; informational opens no incident", found.why).into();
        return Route { incident: None, silence: None, why };
    }
    let key = group_key(&state.content, &found.incident_type, labels);
    match open_in_window(state, key, &found.incident_type, context.now) {
        Some(id) => Route {
            incident: Some(id),
            silence: None,
            why: format!("{}; same group as open {id}", found.why).into(),
        },
        None => Route {
            incident: Some(IncidentId::from_number(context.next + 1)),
            silence: None,
            why: format!("{}; no open incident of its group", found.why).into(),
        },
    }
}

/// The open incident that this group belongs to, if its window has not passed.
fn open_in_window(state: &State, key: GroupKey, kind: &str, now: Timestamp) -> Option<IncidentId> {
    // What comes after the resolution is a new incident, or nobody would look at it.
    let incident = state.incidents.by_group(key).filter(|found| found.status == incident::Status::Open)?;
    let window = state.content.types.get(kind).map_or(WINDOW_DEFAULT, |t| t.window);
    (now.since(incident.last_alert_at) <= window).then_some(incident.id)
}

/// Labels first, then rules; of several matching rules the most severe decides and all are named.
pub fn classify(content: &Content, labels: &Labels) -> Option<Classification> {
    let matching: Vec<&Rule> =
        content.rules.iter().filter(|rule| rule.matchers.iter().all(|m| m.matches(labels))).collect();
    let labelled = labels.get("incident_type").filter(|text| !text.trim().is_empty());
    let deciding = matching.iter().max_by_key(|rule| rule_severity(content, rule)).copied();
    let (name, mut why) = match (labelled, deciding) {
        (Some(text), _) => (content.type_name(text), format!("label incident_type={text:?}")),
        (None, Some(rule)) => {
            let names: Vec<&str> = matching.iter().map(|rule| rule.id.as_str()).collect();
            (rule.incident_type.clone(), format!("rule {}", names.join(", ")))
        }
        (None, None) => return None,
    };
    let by_type = content.types.get(&name);
    let default = by_type.map_or(Severity::Medium, |t: &IncidentType| t.severity);
    let by_rule = deciding.filter(|_| labelled.is_none()).and_then(|rule| rule.severity);
    let (severity, doubtful) = match (by_rule, labels.get("severity").map(str::parse::<Severity>)) {
        (Some(severity), Some(Ok(label))) => (severity.max(label), false),
        (Some(severity), _) => (severity, false),
        (None, Some(Ok(label))) => (label, false),
        (None, Some(Err(_))) => (Severity::Medium, true),
        (None, None) => (default, false),
    };
    if by_type.is_none() {
        why.push_str("; this type is not in the taxonomy");
    }
    let auto_response = matching.iter().all(|rule| rule.auto_response);
    Some(Classification { incident_type: name, severity, doubtful, auto_response, why })
}

fn rule_severity(content: &Content, rule: &Rule) -> Severity {
    let by_type = || content.types.get(&rule.incident_type).map(|t| t.severity);
    rule.severity.or_else(by_type).unwrap_or(Severity::Medium)
}

pub fn group_key(content: &Content, incident_type: &str, labels: &Labels) -> GroupKey {
    let by: &[String] = content.types.get(incident_type).map_or(&[], |t| &t.group_by);
    let values = by.iter().flat_map(|name| [name.as_str(), labels.get(name).unwrap_or("")]);
    Digest16::of("group:1", std::iter::once(incident_type).chain(values))
}

/// The targets that an alert names, as (kind, name).
pub fn targets(labels: &Labels) -> Vec<(Box<str>, Box<str>)> {
    let named = |kind: &&str| labels.get(kind).filter(|name| !name.is_empty());
    TARGET_LABELS.iter().filter_map(|kind| named(kind).map(|name| ((*kind).into(), name.into()))).collect()
}
