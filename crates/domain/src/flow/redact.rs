//! Redaction of what was said: the bodies go, and the leaves stay provable.

use crate::{
    alert,
    event::{Context, Event, LogEvent, Rejected, Stream},
    incident, report,
    state::State,
};

/// Redaction of a thing's text: the bodies go, and the things forget what they said.
pub(super) fn decide(
    state: &State,
    positions: Vec<u64>,
    mut about: Vec<Stream>,
    reason: String,
    context: &Context,
) -> Result<Vec<Event>, Rejected> {
    if positions.is_empty() || positions.len() > 1_000 {
        return Err(Rejected::Invalid("name 1 to 1000 positions to redact".to_owned()));
    }
    if let Some(position) = positions.iter().find(|position| **position >= context.next) {
        return Err(Rejected::NotFound(format!("there is no entry {position}")));
    }
    about.sort_unstable();
    about.dedup();
    let at = positions[0];
    let mut events = Vec::new();
    for stream in about {
        match stream {
            Stream::Alert(id) if state.alerts.get(id).is_some_and(alert::Alert::is_firing) => {
                return Err(Rejected::Conflict(format!(
                    "{id} is firing, and its next repeat would bring the text back; end it at its source first"
                )));
            }
            Stream::Alert(id) if state.alerts.get(id).is_some() => {
                events.push(Event::Alert(id, alert::Event::Redacted { at }));
            }
            Stream::Incident(id) if state.incidents.open.contains_key(&id) => {
                events.push(Event::Incident(id, incident::Event::Redacted { at }));
            }
            Stream::Report(id) if state.reports.contains_key(&id) => {
                events.push(Event::Report(id, report::Event::Redacted { at }));
            }
            Stream::Sighting(id) if state.sightings.get(id).is_some() => {
                return Err(Rejected::Conflict(format!(
                    "{id} is still under way; redact it when it is over"
                )));
            }
            Stream::Alert(_) | Stream::Incident(_) | Stream::Sighting(_) | Stream::Report(_) => {}
            Stream::Silence(_)
            | Stream::Run(_)
            | Stream::Action(_)
            | Stream::Control
            | Stream::Person(_)
            | Stream::Token(_)
            | Stream::Approval(_)
            | Stream::Notice(_)
            | Stream::Review(_)
            | Stream::Health
            | Stream::Raw(_)
            | Stream::Evidence(_)
            | Stream::Upkeep
            | Stream::Duty(_)
            | Stream::Statement(_)
            | Stream::Exercise(_)
            | Stream::Content
            | Stream::Log => {
                return Err(Rejected::Invalid(format!(
                    "an entry of {stream} cannot be redacted: what it says is needed to go on; redact alerts and incidents"
                )));
            }
        }
    }
    events.push(Event::Log(LogEvent::Redacted { positions, reason }));
    Ok(events)
}
