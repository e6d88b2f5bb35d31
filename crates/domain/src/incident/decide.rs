//! What people and other machines may ask of an incident.

use super::{
    ATTENTION_MAX, Command, Event, Incident, OF_NOTICE, Status, TEXT_MAX, analysis, at_once,
    classify::{classify, from_alert, open_by_person},
    closing, recovery, restore,
};
use crate::{
    action::{self, Action},
    event::{Context, Rejected, Stream},
    id::{ActionId, IncidentId},
    state::State,
};

pub fn decide(
    state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(IncidentId, Event)>, Rejected> {
    match command {
        Command::FromAlert { alert, again } => from_alert(state, alert, again, context),
        Command::Open { title, incident_type, severity, targets } => {
            open_by_person(state, title, &incident_type, severity, targets, context)
        }
        Command::Acknowledge { id } => {
            let incident = open(state, id)?;
            context.a_person("only a person acknowledges, since the clock of escalation ends with it")?;
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
        Command::Classify { id, incident_type, severity, onset, why } => {
            classify(state, id, incident_type, severity, onset, why)
        }
        Command::Note { id, text } => {
            open(state, id)?;
            Ok(vec![(id, Event::Noted { text: bounded("note", text)? })])
        }
        Command::Link { id, title, url, room } => link(state, id, title, url, room),
        Command::Analyze { id, ask } => {
            let fact = Box::new(analysis::decide(state, id, ask, context)?);
            Ok(vec![(id, Event::Analysis { fact })])
        }
        Command::Resolve { id, summary } => recovery::resolve(state, id, summary, context),
        Command::SignOff { id, note } => recovery::sign_off(state, id, note, context),
        Command::Recovery { id, command } => restore::decide(state, id, command, context),
        Command::EndWatch { id } => Ok(recovery::end_watch(state, id, context.now)),
        Command::Check { id, found } => closing::check(state, id, found),
        Command::Close { id, disposition } => recovery::close(state, id, disposition, context),
        Command::Contained { id, action } => Ok(match state.incidents.open.get(&id) {
            Some(incident) if incident.contained_at.is_none() => {
                vec![(id, Event::Contained { action })]
            }
            _ => Vec::new(),
        }),
        Command::StopResponse { id, run } => {
            // A run that a reclassification ended says nothing against the next one.
            let stops = |incident: &Incident| incident.auto_response && incident.moved_from != Some(run);
            let automatic = state.incidents.open.get(&id).is_some_and(|incident| stops(incident));
            Ok(if automatic { vec![(id, Event::ResponseStopped { run })] } else { Vec::new() })
        }
        Command::ActAtOnce { id } => Ok(at_once::decide(state, id)),
        Command::People { id, ask } => {
            let events = super::people::decide(state, id, ask, context)?;
            Ok(events.into_iter().map(|event| (id, Event::People(event))).collect())
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

fn link(
    state: &State,
    id: IncidentId,
    title: String,
    url: String,
    room: bool,
) -> Result<Vec<(IncidentId, Event)>, Rejected> {
    open(state, id)?;
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err(Rejected::Invalid(format!("`{url}` is not an http or https address")));
    }
    let (title, url) = (bounded("title", title)?, bounded("link", url)?);
    Ok(vec![(id, Event::Linked { title, url, room })])
}

/// One that is closed stays in memory until that is durable, and nothing more begins in it.
pub(crate) fn open(state: &State, id: IncidentId) -> Result<&Incident, Rejected> {
    let found = state.incidents.open.get(&id).map(|incident| &**incident);
    let found = found.filter(|incident| incident.status != Status::Closed);
    found.ok_or_else(|| Rejected::NotFound(format!("there is no open incident {id}")))
}

pub(super) fn bounded(what: &str, text: String) -> Result<Box<str>, Rejected> {
    if text.trim().is_empty() {
        return Err(Rejected::Invalid(format!("the {what} is empty")));
    }
    if text.len() > TEXT_MAX {
        return Err(Rejected::Invalid(format!("the {what} is longer than {TEXT_MAX} bytes")));
    }
    Ok(text.into())
}

/// What was said already is not said again; of the notices that reached nobody, the first stands for all.
fn raise_attention(state: &State, id: IncidentId, about: Stream, reason: String) -> Vec<(IncidentId, Event)> {
    let Some(incident) = state.incidents.open.get(&id) else { return Vec::new() };
    let name = about.to_string();
    let undelivered = matches!(about, Stream::Notice(_));
    let known = incident.attention.iter().any(|waits| {
        (*waits.about == *name && *waits.reason == *reason)
            || (undelivered && waits.about.starts_with(OF_NOTICE))
    });
    if known {
        return Vec::new();
    }
    let raised = Event::AttentionRaised { about: name.into(), reason: reason.into() };
    if incident.attention.len() < ATTENTION_MAX {
        return vec![(id, raised)];
    }
    let oldest = incident.attention.iter().find(|waits| gives_way(state, &waits.about));
    match oldest {
        Some(oldest) => vec![(id, Event::AttentionCleared { about: oldest.about.clone() }), (id, raised)],
        None if must_wait(state, about) => vec![(id, raised)],
        None => Vec::new(),
    }
}

/// What only tells that something went wrong, and waits for no answer.
fn gives_way(state: &State, about: &str) -> bool {
    let action = about.strip_prefix("action/").and_then(|number| number.parse().ok());
    let over = |number| state.actions.get(ActionId::from_number(number)).is_none_or(Action::is_final);
    about.starts_with(OF_NOTICE) || action.is_some_and(over)
}

/// Without an answer to it, something stands still.
fn must_wait(state: &State, about: Stream) -> bool {
    match about {
        Stream::Approval(_) | Stream::Run(_) => true,
        Stream::Action(id) => {
            let action = state.actions.get(id);
            action.is_some_and(|action| matches!(action.status, action::Status::InDoubt { .. }))
        }
        Stream::Alert(_)
        | Stream::Silence(_)
        | Stream::Incident(_)
        | Stream::Control
        | Stream::Person(_)
        | Stream::Token(_)
        | Stream::Notice(_)
        | Stream::Review(_)
        | Stream::Health
        | Stream::Report(_)
        | Stream::Raw(_)
        | Stream::Sighting(_)
        | Stream::Evidence(_)
        | Stream::Upkeep
        | Stream::Duty(_)
        | Stream::Statement(_)
        | Stream::Exercise(_)
        | Stream::Content
        | Stream::Log => false,
    }
}
