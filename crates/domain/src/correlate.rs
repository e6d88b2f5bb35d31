//! Where an alert goes: muted by a silence, joined to an open incident, or opening one; and why.

use crate::{
    alert::Route,
    confidence::Evidence,
    content::{Content, IncidentType, Rule},
    detect::Subject,
    event::Context,
    id::IncidentId,
    incident::{self, Incident},
    labels::{Digest16, Labels},
    report::Report,
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
    /// In percent.
    pub confidence: u8,
    /// The shortest escalation time of the rules that match.
    pub escalation: Option<Span>,
    /// Whether a rule wants an incident even if it is informational.
    pub open: bool,
    pub why: String,
}

/// The key that at most one open incident has: version 1 is the type and the values it is grouped by.
pub type GroupKey = Digest16;

/// Decides the route of a new alert. The incident it opens stands right behind it in the journal.
pub fn route(state: &State, subject: Subject<'_>, drill: bool, context: &Context) -> Route {
    let labels = subject.labels;
    if let Some(silence) = state.silences.values().find(|s| s.is_active(context.now) && s.matches(labels)) {
        let why = format!("muted by silence {} of {}", silence.id, silence.terms.created_by);
        return Route { incident: None, silence: Some(silence.id), why: why.into() };
    }
    let Some(found) = classify(&state.content, subject) else {
        let why = "no incident_type label and no rule matches".into();
        return Route { incident: None, silence: None, why };
    };
    if found.severity == Severity::Informational && !found.open {
        let why = format!("{}; informational opens no incident", found.why).into();
        return Route { incident: None, silence: None, why };
    }
    let key = group_key(&state.content, &found.incident_type, labels, drill);
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

/// The route of what a person reports: never muted and never without an incident. What anybody may claim has an
/// incident of its own, so that it can neither widen nor hold back what is known otherwise.
pub fn route_report(state: &State, report: &Report, subject: Subject<'_>, context: &Context) -> Route {
    let new = IncidentId::from_number(context.next + 1);
    let (who, found) = (report.named(), classify(&state.content, subject));
    let why = found.as_ref().map_or_else(String::new, |found| format!("; {}", found.why));
    let route = |incident, how: String| {
        let why = format!("reported by {who}{why}; {how}").into();
        Route { incident: Some(incident), silence: None, why }
    };
    let Some(found) = found.filter(|_| !report.is_claim()) else {
        return route(new, "not confirmed, so an incident of its own".to_owned());
    };
    let key = group_key(&state.content, &found.incident_type, subject.labels, false);
    match open_in_window(state, key, &found.incident_type, context.now) {
        Some(id) => route(id, format!("same group as open {id}")),
        None => route(new, "no open incident of its group".to_owned()),
    }
}

/// The open incident that this group belongs to, if its window has not passed.
fn open_in_window(state: &State, key: GroupKey, kind: &str, now: Timestamp) -> Option<IncidentId> {
    let incident = state.incidents.by_group(key)?;
    match incident.status {
        // What comes back while it is watched is a relapse, however long after the last alert.
        incident::Status::Watching => return Some(incident.id),
        incident::Status::Open => {}
        // What comes after the watch is a new incident, or nobody would look at it.
        incident::Status::Resolved | incident::Status::Closed => return None,
    }
    let window = state.content.types.get(kind).map_or(WINDOW_DEFAULT, |t| t.window);
    (now.since(incident.last_alert_at) <= window).then_some(incident.id)
}

/// The incident to which an alert with these labels would come, if people are at it.
pub fn open_for<'a>(
    state: &'a State,
    incident_type: &str,
    labels: &Labels,
    now: Timestamp,
) -> Option<&'a Incident> {
    let key = group_key(&state.content, incident_type, labels, false);
    open_in_window(state, key, incident_type, now).and_then(|id| people_at(state, id))
}

/// The incident, if people are at it: it is neither watched nor over.
pub fn people_at(state: &State, id: IncidentId) -> Option<&Incident> {
    let incident = state.incidents.open.get(&id).map(|incident| &**incident);
    incident.filter(|incident| incident.status == incident::Status::Open)
}

/// Labels first, then rules; of several matching rules the most severe decides and all are named. `None` when
/// neither says what it is.
pub fn classify(content: &Content, subject: Subject<'_>) -> Option<Classification> {
    let labels = subject.labels;
    let matching = content.rules.matching(subject);
    let labelled = labels.get("incident_type").filter(|text| !text.trim().is_empty());
    // Of equally severe rules the one whose id comes first.
    let most_severe = matching.iter().rev().max_by_key(|rule| rule_severity(content, rule)).copied();
    let named = labelled.map(|text| content.type_name(text));
    let name = named.clone().or_else(|| most_severe.map(|rule| rule.incident_type.clone()))?;
    let agreeing: Vec<&Rule> = matching.iter().copied().filter(|rule| rule.incident_type == name).collect();
    let deciding = agreeing.iter().rev().max_by_key(|rule| rule_severity(content, rule)).copied();
    let by_type = content.types.get(&name);
    let default = by_type.map_or(Severity::Medium, |t: &IncidentType| t.severity);
    let by_rule = deciding.and_then(|rule| rule.severity);
    let (severity, doubtful) = match (by_rule, labels.get("severity").map(str::parse::<Severity>)) {
        (Some(severity), Some(Ok(label))) => (severity.max(label), false),
        (Some(severity), Some(Err(_))) => (severity, labelled.is_some()),
        (Some(severity), None) => (severity, false),
        (None, Some(Ok(label))) => (label, false),
        (None, Some(Err(_))) => (Severity::Medium, true),
        (None, None) => (default, false),
    };
    let evidence = Evidence {
        labelled: labelled.is_some(),
        listed: by_type.is_some(),
        agreeing: agreeing.len(),
        disagreeing: matching.len() - agreeing.len(),
        severity_unclear: labels.get("severity").is_some_and(|text| text.parse::<Severity>().is_err()),
    };
    let confidence = evidence.confidence(&content.confidence);
    let unsure = confidence < content.confidence.act_from;
    let why = why(labelled, &matching, by_type.is_some(), unsure.then_some(confidence));
    Some(Classification {
        incident_type: name,
        severity,
        doubtful,
        auto_response: matching.iter().all(|rule| rule.auto_response),
        confidence,
        escalation: matching.iter().filter_map(|rule| rule.escalation).min(),
        open: matching.iter().any(|rule| rule.open),
        why,
    })
}

fn why(labelled: Option<&str>, matching: &[&Rule], listed: bool, unsure: Option<u8>) -> String {
    let names: Vec<&str> = matching.iter().map(|rule| rule.id.as_str()).collect();
    let rules = format!("rule {}", names.join(", "));
    let mut why = match labelled {
        Some(text) if names.is_empty() => format!("label incident_type={text:?}"),
        Some(text) => format!("label incident_type={text:?}; {rules}"),
        None => rules,
    };
    if !listed {
        why.push_str("; this type is not in the taxonomy");
    }
    if let Some(confidence) = unsure {
        why.push_str(&format!("; confidence 0.{confidence:02} is too low to act on alone"));
    }
    why
}

fn rule_severity(content: &Content, rule: &Rule) -> Severity {
    let by_type = || content.types.get(&rule.incident_type).map(|t| t.severity);
    rule.severity.or_else(by_type).unwrap_or(Severity::Medium)
}

/// What is for practice has groups of its own.
pub fn group_key(content: &Content, incident_type: &str, labels: &Labels, drill: bool) -> GroupKey {
    let by: &[String] = content.types.get(incident_type).map_or(&[], |t| &t.group_by);
    let values = by.iter().flat_map(|name| [name.as_str(), labels.get(name).unwrap_or("")]);
    Digest16::of(if drill { "drill:1" } else { "group:1" }, std::iter::once(incident_type).chain(values))
}

/// The targets that an alert names, as (kind, name).
pub fn targets(labels: &Labels) -> Vec<(Box<str>, Box<str>)> {
    let named = |kind: &&str| labels.get(kind).filter(|name| !name.is_empty());
    TARGET_LABELS.iter().filter_map(|kind| named(kind).map(|name| ((*kind).into(), name.into()))).collect()
}
