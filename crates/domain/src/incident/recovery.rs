//! After the response: the watch, a relapse, the signature of the business, and what stands between an incident
//! and its end.

use super::{
    Command, Disposition, Event, Incident, Status,
    decide::{bounded, open},
};
use crate::{
    event::{Context, Rejected},
    id::{AlertId, IncidentId},
    state::State,
    time::Timestamp,
};

type Decided = Result<Vec<(IncidentId, Event)>, Rejected>;

pub(super) fn resolve(state: &State, id: IncidentId, summary: String, context: &Context) -> Decided {
    let incident = open(state, id)?;
    match incident.status {
        Status::Open => {
            let watch = state.content.recovery.watch_of(incident.severity);
            let watch_until = (watch.0 > 0).then(|| context.now.plus(watch));
            Ok(vec![(id, Event::Resolved { summary: bounded("summary", summary)?, watch_until })])
        }
        Status::Watching | Status::Resolved | Status::Closed => {
            Err(Rejected::Conflict(format!("incident {id} is already resolved")))
        }
    }
}

/// The fact that it is back, when an alert of its group comes while it is watched.
pub(super) fn relapse(incident: &Incident, alert: AlertId) -> Option<Event> {
    let reason = format!("{alert} came while the incident was watched after its resolution");
    (incident.status == Status::Watching).then(|| Event::Relapsed { reason: reason.into() })
}

pub(super) fn sign_off(state: &State, id: IncidentId, note: String, context: &Context) -> Decided {
    let incident = open(state, id)?;
    if context.actor.person().is_none() {
        return Err(Rejected::Invalid("the sign-off is given by a person".to_owned()));
    }
    if incident.status == Status::Open {
        return Err(Rejected::Conflict(format!("incident {id} is not resolved; sign off when it is")));
    }
    if let Some((person, at)) = incident.signed_off {
        return Err(Rejected::Conflict(format!("{person} signed off incident {id} at {at} already")));
    }
    Ok(vec![(id, Event::SignedOff { note: bounded("note", note)? })])
}

pub(super) fn close(state: &State, id: IncidentId, disposition: Disposition) -> Decided {
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
    match disposition {
        Disposition::TruePositive => recovered(state, incident)?,
        Disposition::FalsePositive | Disposition::Benign | Disposition::Duplicate => {}
    }
    Ok(vec![(id, Event::Closed { disposition })])
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

/// When the watch ends.
pub(super) fn next_wakeup(incident: &Incident) -> Option<(Timestamp, &'static str)> {
    incident.watch_until.map(|at| (at, "end of the watch"))
}

pub(super) fn due(incident: &Incident, now: Timestamp) -> Option<Command> {
    let over = incident.watch_until.is_some_and(|until| until <= now);
    over.then_some(Command::EndWatch { id: incident.id })
}

pub(super) fn end_watch(state: &State, id: IncidentId, now: Timestamp) -> Vec<(IncidentId, Event)> {
    let over = state.incidents.open.get(&id).and_then(|incident| incident.watch_until);
    if over.is_some_and(|until| until <= now) { vec![(id, Event::WatchEnded)] } else { Vec::new() }
}
