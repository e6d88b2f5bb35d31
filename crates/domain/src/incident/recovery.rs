//! After the response: the watch, a relapse, the signature of the business, and what stands between an incident
//! and its end.

use super::{
    Command, Disposition, Event, Incident, Status, closing,
    decide::{bounded, open},
    restore,
};
use crate::{
    event::{Context, Meta, Rejected},
    id::{AlertId, IncidentId},
    recovery::plan,
    severity::Phase,
    state::State,
    time::Timestamp,
};

type Decided = Result<Vec<(IncidentId, Event)>, Rejected>;

pub(super) fn resolve(state: &State, id: IncidentId, summary: String, context: &Context) -> Decided {
    let incident = open(state, id)?;
    match incident.status {
        Status::Open => {
            let unmet = restore::unmet(state, incident);
            if !unmet.is_empty() {
                return Err(Rejected::Conflict(format!(
                    "incident {id} is not recovered: {}",
                    unmet.join("; ")
                )));
            }
            let watch = state.content.recovery.watch_of(incident.severity);
            let watch_until = (watch.0 > 0).then(|| context.now.plus(watch));
            let resolved = Event::Resolved { summary: bounded("summary", summary)?, watch_until };
            let watched = watch_until.and_then(|_| watched(state, incident, context.now));
            Ok(std::iter::once(resolved).chain(watched).map(|event| (id, event)).collect())
        }
        Status::Watching | Status::Resolved | Status::Closed => {
            Err(Rejected::Conflict(format!("incident {id} is already resolved")))
        }
    }
}

/// From when on its probes are repeated.
fn watched(state: &State, incident: &Incident, now: Timestamp) -> Option<Event> {
    let every = state.content.recovery.probe_every?;
    let recovered = incident.recovery.as_ref().is_some_and(|plan| plan.completed_at.is_some());
    let fact = plan::Event::Watched { next_at: now.plus(every) };
    recovered.then(|| Event::Recovery { fact: Box::new(fact) })
}

/// The fact that it is back, when an alert of its group comes while it is watched.
pub(super) fn relapse(incident: &Incident, alert: AlertId) -> Option<Event> {
    let reason = format!("{alert} came while the incident was watched after its resolution");
    (incident.status == Status::Watching).then(|| Event::Relapsed { reason: reason.into() })
}

pub(super) fn sign_off(state: &State, id: IncidentId, note: String, context: &Context) -> Decided {
    let incident = open(state, id)?;
    context.a_person("people sign off")?;
    if incident.status == Status::Open {
        return Err(Rejected::Conflict(format!("incident {id} is not resolved; sign off when it is")));
    }
    if let Some((person, at)) = incident.signed_off {
        return Err(Rejected::Conflict(format!("{person} signed off incident {id} at {at} already")));
    }
    Ok(vec![(id, Event::SignedOff { note: bounded("note", note)? })])
}

pub(super) fn close(state: &State, id: IncidentId, disposition: Disposition, context: &Context) -> Decided {
    let incident = open(state, id)?;
    let in_force = state.actions.of_incident(id).filter(|action| !action.is_final()).count();
    if in_force > 0 {
        return Err(Rejected::Conflict(format!(
            "incident {id} has {in_force} containments in force or actions open; release or settle them first"
        )));
    }
    if let Some(run) = state.runs.of_incident(id) {
        return Err(Rejected::Conflict(format!("{run} of incident {id} has not ended; cancel it first")));
    }
    let looks = match disposition {
        Disposition::TruePositive => {
            recovered(state, incident)?;
            closing::unmet(state, incident, context)?
        }
        Disposition::FalsePositive | Disposition::Benign | Disposition::Duplicate => Vec::new(),
    };
    Ok(looks.into_iter().chain([Event::Closed { disposition }]).map(|event| (id, event)).collect())
}

/// What was real ends when it was watched, when nothing detects it any more, and when the business agrees.
fn recovered(state: &State, incident: &Incident) -> Result<(), Rejected> {
    let id = incident.id;
    if let Some(until) = incident.watch_until {
        return Err(Rejected::Conflict(format!("incident {id} is watched until {until}; close it then")));
    }
    let needs = &state.content.recovery;
    if needs.watch_of(incident.severity).0 > 0 && incident.status == Status::Open {
        return Err(Rejected::Conflict(format!(
            "incident {id} is not resolved; resolve it, so that it is watched for {}, then close it",
            needs.watch_of(incident.severity)
        )));
    }
    let unmet = restore::unmet(state, incident);
    // Resolved or not: what was lost since is not over.
    if !unmet.is_empty() {
        return Err(Rejected::Conflict(format!("incident {id} is not recovered: {}", unmet.join("; "))));
    }
    let of_it = |alert: &&crate::alert::Alert| alert.is_firing() && alert.route.incident == Some(id);
    // Whoever was told that it is over and knows better says so by another resolution.
    let firing = state.alerts.iter().map(|(alert, _)| alert).filter(of_it).count();
    if firing > 0 && needs.watch_of(incident.severity).0 > 0 {
        return Err(Rejected::Conflict(format!(
            "{firing} alerts of incident {id} fire still; it can close when they are resolved"
        )));
    }
    if needs.needs_sign_off(incident.severity) && incident.signed_off.is_none() {
        return Err(Rejected::Conflict(format!(
            "incident {id} is {} and not signed off; see `incident sign-off`",
            incident.severity
        )));
    }
    Ok(())
}

/// Only while it is watched, the last time at its end.
fn next_probe(incident: &Incident) -> Option<Timestamp> {
    let until = incident.watch_until?;
    incident.recovery.as_ref()?.next_probe_at.filter(|at| *at <= until)
}

/// When the watch ends: not before the last probes have answered, for one that does not hold is a relapse.
fn end_of_watch(incident: &Incident) -> Option<Timestamp> {
    let asked = incident.recovery.as_ref().is_some_and(|plan| plan.is_probing());
    incident.watch_until.filter(|_| !asked)
}

/// When the watch ends, or its probes are repeated.
pub(super) fn next_wakeup(incident: &Incident) -> Option<(Timestamp, &'static str)> {
    let end = end_of_watch(incident).map(|at| (at, "end of the watch"));
    end.into_iter().chain(next_probe(incident).map(|at| (at, "probes of what was recovered"))).min()
}

pub(super) fn due(incident: &Incident, now: Timestamp) -> Option<Command> {
    let over = end_of_watch(incident).is_some_and(|until| until <= now);
    let probe = next_probe(incident).is_some_and(|at| at <= now);
    let repeat = Command::Recovery { id: incident.id, command: restore::Command::Repeat };
    if probe { Some(repeat) } else { over.then_some(Command::EndWatch { id: incident.id }) }
}

pub(super) fn end_watch(state: &State, id: IncidentId, now: Timestamp) -> Vec<(IncidentId, Event)> {
    let over = state.incidents.open.get(&id).and_then(|incident| end_of_watch(incident));
    if over.is_some_and(|until| until <= now) { vec![(id, Event::WatchEnded)] } else { Vec::new() }
}

pub(super) fn step(incident: &mut Incident, fact: &plan::Event, meta: &Meta) {
    plan::apply(incident.recovery.get_or_insert_default(), fact, meta);
    if matches!(fact, plan::Event::Started { .. }) {
        incident.phase = incident.phase.max(Phase::Recover);
    }
}

/// It came back: what was shown before says nothing any more, and whoever had taken it up has to say so again.
pub(super) fn reopen(incident: &mut Incident, now: Timestamp) {
    incident.acknowledged = None;
    if let Some(standing) = &mut incident.standing {
        standing.severity = None;
        standing.due = None;
        standing.update_at = None;
        standing.since = now;
        standing.reopened_at = Some(now);
        standing.crisis = None;
    }
    if let Some(analysis) = &mut incident.analysis {
        analysis.eta = None;
    }
    // What still holds is not done anew; what was lifted is.
    incident.at_once = None;
    incident.status = Status::Open;
    incident.phase = Phase::Contain;
    incident.resolved_at = None;
    incident.watch_until = None;
    incident.signed_off = None;
    incident.checks.clear();
    incident.recovery = incident.recovery.take().map(|plan| Box::new(plan.anew()));
    incident.relapses += 1;
}
