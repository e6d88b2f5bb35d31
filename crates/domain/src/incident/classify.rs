//! Which incident an alert opens or joins, and what people say that it is.

use super::{
    Event, Status, TARGETS_MAX, Target,
    decide::{bounded, open},
    recovery::relapse,
};
use crate::{
    correlate,
    event::{Context, Rejected, Stream},
    id::{AlertId, IncidentId},
    severity::Severity,
    state::State,
    time::Timestamp,
};

pub(super) fn from_alert(
    state: &State,
    id: AlertId,
    again: bool,
    context: &Context,
) -> Result<Vec<(IncidentId, Event)>, Rejected> {
    let Some(alert) = state.alerts.get(id) else { return Ok(Vec::new()) };
    let Some(incident_id) = alert.route.incident else { return Ok(Vec::new()) };
    let Some(found) = correlate::classify(&state.content, alert.subject()) else { return Ok(Vec::new()) };
    let report = alert.report.and_then(|report| state.reports.get(&report));
    let named = report.map_or(&[][..], |report| &report.told.targets);
    let mut targets = correlate::targets(&alert.labels);
    let more: Vec<Target> = named.iter().filter(|target| !targets.contains(target)).cloned().collect();
    targets.extend(more);
    if let Some(incident) = state.incidents.open.get(&incident_id) {
        if again && (incident.status != Status::Open || found.severity <= incident.severity) {
            return Ok(Vec::new());
        }
        let fresh = |target: &Target| !incident.targets.contains(target);
        let room = TARGETS_MAX.saturating_sub(incident.targets.len());
        let targets = targets.into_iter().filter(fresh).take(room).collect();
        let severity = (found.severity > incident.severity).then_some(found.severity);
        let back = relapse(incident, id);
        let joined = Event::AlertJoined { alert: id, targets, severity, again, relapse: back.is_some() };
        let events = std::iter::once(joined).chain(back);
        return Ok(events.map(|event| (incident_id, event)).collect());
    }
    if again {
        return Ok(Vec::new());
    }
    // INVARIANT: the alert promised this position when it chose to open an incident.
    assert_eq!(incident_id.0, context.next, "an alert opens the incident at the position it named");
    let name = alert.labels.get("alertname").unwrap_or(&found.incident_type);
    let subject = targets.first().map_or_else(String::new, |(_, name)| format!(" on {name}"));
    // A claim takes no group: what is known otherwise must not join it and wait with it.
    let claim = report.is_some_and(crate::report::Report::is_claim);
    let group = correlate::group_key(&state.content, &found.incident_type, &alert.labels, alert.drill);
    let group = if claim { String::new() } else { group.to_string() };
    let act_from = state.content.confidence.act_from;
    let trust = report.map_or(u8::MAX, |report| report.trust(&state.content.reports, act_from));
    let confidence = found.confidence.min(trust);
    let mut events = vec![(
        incident_id,
        Event::Opened {
            title: format!("{name}{subject}").into(),
            incident_type: found.incident_type.into(),
            severity: found.severity,
            targets,
            group: group.into(),
            alert: Some(id),
            auto_response: found.auto_response,
            drill: alert.drill,
            confidence: Some(confidence),
            onset: Some(alert.starts_at.min(context.now)),
            escalation: found.escalation,
            reported: alert.report.is_some(),
            why: alert.route.why.clone(),
        },
    )];
    let unsure = confidence < act_from;
    if found.doubtful || unsure {
        let reason = if found.doubtful {
            "the alert's severity was not understood; confirm it with `incident classify`"
        } else {
            "too little speaks for this type to act on it; confirm it with `incident classify`"
        };
        let about = Stream::Incident(incident_id).to_string().into();
        events.push((incident_id, Event::AttentionRaised { about, reason: reason.into() }));
    }
    Ok(events)
}

pub(super) fn open_by_person(
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
        drill: false,
        confidence: None,
        onset: None,
        escalation: None,
        reported: false,
        why: "opened by hand".into(),
    };
    Ok(vec![(IncidentId::from_number(context.next), opened)])
}

pub(super) fn classify(
    state: &State,
    id: IncidentId,
    incident_type: Option<String>,
    severity: Option<Severity>,
    onset: Option<Timestamp>,
    why: String,
) -> Result<Vec<(IncidentId, Event)>, Rejected> {
    let incident = open(state, id)?;
    let new_type = incident_type.map_or(incident.incident_type.to_string(), |t| state.content.type_name(&t));
    let severity = severity.unwrap_or(incident.severity);
    if new_type.is_empty() || new_type.len() > 128 {
        return Err(Rejected::Invalid("the incident type is empty or longer than 128 bytes".to_owned()));
    }
    if let Some(onset) = onset.filter(|onset| *onset > incident.opened_at) {
        return Err(Rejected::Invalid(format!(
            "the onset {onset} is after {id} was opened at {}",
            incident.opened_at
        )));
    }
    let why = bounded("reason", why)?;
    // What a person started by name goes on while the type and severity would choose the same as before.
    let chosen = |kind: &str, severity| state.playbook_for(kind, severity).map(|p| p.id.as_str());
    let changed = chosen(&incident.incident_type, incident.severity) != chosen(&new_type, severity);
    let other = |run: &&crate::run::Run| chosen(&new_type, severity) != Some(&*run.playbook);
    let under_way = state.runs.of_incident(id).and_then(|run| state.runs.get(run));
    let moved_from = under_way.filter(other).filter(|_| changed).map(|run| run.id);
    Ok(vec![(id, Event::Classified { incident_type: new_type.into(), severity, why, moved_from, onset })])
}
