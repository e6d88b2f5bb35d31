//! What rules see in alerts, records and the platform's own log, beside what an alert is taken for: sightings, and
//! the alerts that rules make of them.

use std::collections::BTreeSet;

use super::{Command, Fact, commit, follow};
use crate::{
    alert,
    detect::{RULE_LABEL, Subject},
    event::{Actor, Context, Event, LogEvent},
    id::{AlertId, SightingId},
    labels::Labels,
    record::{AUDIT_SOURCE, Record},
    sighting::{self, Lapse, Look, Seen},
    state::State,
    time::Timestamp,
};

/// Takes one record. One that no rule fits makes no fact.
pub fn observe(state: &mut State, record: &Record, context: &Context, facts: &mut Vec<Fact>) {
    let at = record.at.unwrap_or(context.now).min(context.now);
    over_record(state, &record.fields, at, context, facts, 0);
}

fn over_record(
    state: &mut State,
    fields: &Labels,
    at: Timestamp,
    context: &Context,
    facts: &mut Vec<Fact>,
    depth: usize,
) {
    let none = Labels::default();
    let subject = Subject { labels: fields, annotations: &none };
    let found = state.content.rules.of_records(subject).map(|rule| rule.id.clone());
    for rule in in_turn(state, found) {
        take(state, &rule, Seen { subject, at, alert: None }, context, facts, depth);
    }
}

/// What follows from a fact beside the reactions of the machines.
pub(super) fn after(state: &mut State, fact: usize, context: &Context, facts: &mut Vec<Fact>, depth: usize) {
    match &facts[fact].event {
        // What people tell is judged by people: rules over time would trust it.
        Event::Alert(id, alert::Event::Raised { report: None, .. } | alert::Event::Changed { .. }) => {
            let id = *id;
            over_alert(state, id, context, facts, depth);
        }
        Event::Log(LogEvent::Refused { .. })
        | Event::Control(_)
        | Event::Person(..)
        | Event::Token(..)
        | Event::Approval(..) => {
            let fields = audit(&facts[fact]);
            over_record(state, &fields, context.now, context, facts, depth);
        }
        Event::Alert(..)
        | Event::Silence(..)
        | Event::Incident(..)
        | Event::Run(..)
        | Event::Action(..)
        | Event::Notice(..)
        | Event::Review(..)
        | Event::Health(_)
        | Event::Report(..)
        | Event::Raw(..)
        | Event::Sighting(..)
        | Event::Evidence(..)
        | Event::Upkeep(_)
        | Event::Duty(..)
        | Event::Statement(..)
        | Event::Exercise(..)
        | Event::Content(_)
        | Event::Log(LogEvent::Redacted { .. }) => {}
    }
}

/// An entry of the platform's own log as a record: who did what, and why it was refused.
fn audit(fact: &Fact) -> Labels {
    let (actor, stream) = (fact.meta.actor.to_string(), fact.event.stream().to_string());
    let mut pairs = vec![
        ("source", AUDIT_SOURCE),
        ("kind", fact.event.kind()),
        ("actor", actor.as_str()),
        ("stream", stream.as_str()),
    ];
    if let Event::Log(LogEvent::Refused { command, reason }) = &fact.event {
        pairs.extend([("command", command.as_str()), ("reason", reason.as_str())]);
    }
    Labels::from_pairs(pairs).unwrap_or_default()
}

fn over_alert(state: &mut State, id: AlertId, context: &Context, facts: &mut Vec<Fact>, depth: usize) {
    // What a silence mutes is not looked at, and what a rule made is not looked at again.
    let watched = |alert: &&alert::Alert| {
        let made = alert.labels.get(RULE_LABEL).and_then(|rule| state.content.rules.get(rule));
        alert.route.silence.is_none() && made.is_none()
    };
    let Some(alert) = state.alerts.get(id).filter(watched) else { return };
    let (labels, annotations) = (alert.labels.clone(), alert.annotations.clone());
    let subject = Subject { labels: &labels, annotations: &annotations };
    let held = state.sightings.of_alert(id).map(|sighting| sighting.rule.to_string());
    let found = state.content.rules.watching(subject).map(|rule| rule.id.clone());
    let rules: BTreeSet<String> = found.chain(held).collect();
    for rule in in_turn(state, rules) {
        take(state, &rule, Seen { subject, at: context.now, alert: Some(id) }, context, facts, depth);
    }
}

/// In their order, but one that leaves out what others tell of looks after them: they may tell of this very thing.
fn in_turn(state: &State, rules: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut rules: Vec<String> = rules.into_iter().collect();
    rules.sort_by_key(|id| state.content.rules.get(id).is_some_and(|rule| !rule.unless.is_empty()));
    rules
}

/// One look of one rule, and what follows from it.
fn take(
    state: &mut State,
    rule: &str,
    seen: Seen<'_>,
    context: &Context,
    facts: &mut Vec<Fact>,
    depth: usize,
) {
    let content = state.content.clone();
    let Some(rule) = content.rules.get(rule) else { return };
    let actor = Actor::Rule(rule.id.as_str().into());
    let here = Context { next: context.next + facts.len() as u64, actor, ..context.clone() };
    match sighting::look(state, rule, seen, &here) {
        Look::Nothing => {}
        Look::Events(events) => {
            let mut own = Vec::new();
            let events = events.into_iter().map(|(id, event)| Event::Sighting(id, event)).collect();
            commit(state, events, &here, &mut own, depth + 1);
            facts.append(&mut own);
        }
        Look::Held(id) => state.sightings.saw(id, context.now),
        Look::Detected(by) => {
            let mut received = sighting::detection(rule, &by, None, String::new(), context.now);
            received.annotations = sighting::described(rule, seen.subject);
            detect(state, &rule.id, received, context, facts, depth);
        }
        Look::Again(id, lasts) => {
            let ends_at = context.now.plus(lasts);
            state.alerts.saw(id, alert::Seen { at: context.now, ends_at });
        }
        Look::Over(labels) => {
            let ends_at = Some(context.now);
            let received = alert::Received { labels, ends_at, ..alert::Received::default() };
            detect(state, &rule.id, received, context, facts, depth);
        }
    }
}

fn detect(
    state: &mut State,
    rule: &str,
    received: alert::Received,
    context: &Context,
    facts: &mut Vec<Fact>,
    depth: usize,
) {
    let command = Command::Detect { rule: rule.into(), received: Box::new(received) };
    follow(state, command, context, facts, depth + 1);
}

/// The alert of a rule, as any alert is taken.
pub(super) fn decide(
    state: &State,
    received: alert::Received,
    context: &Context,
) -> Result<Vec<Event>, crate::event::Rejected> {
    Ok(match alert::receive(state, received, context)? {
        alert::Decision::Events(id, events) => {
            events.into_iter().map(|event| Event::Alert(id, event)).collect()
        }
        // It fires already, with its own end.
        alert::Decision::Repeat(..) | alert::Decision::Nothing => Vec::new(),
    })
}

pub(super) fn after_sighting(
    state: &State,
    id: SightingId,
    event: &sighting::Event,
    now: Timestamp,
) -> Vec<Command> {
    let Some(sighting) = state.sightings.get(id) else { return Vec::new() };
    let rule = sighting.rule.clone();
    let made = |ends| sighting::found(state, sighting, ends, now);
    let received = match event {
        sighting::Event::Fired => vec![made(false)],
        sighting::Event::Lapsed { reason } => {
            let full = sighting::evicted(&rule, now);
            let said = state.alerts.firing(alert::DedupKey::of(&full.labels)).is_some();
            let full = (*reason == Lapse::Evicted && !said).then_some(full);
            vec![full, if sighting.fired { made(true) } else { None }]
        }
        sighting::Event::Begun { .. } | sighting::Event::Counted { .. } => Vec::new(),
    };
    let detect = |received| Command::Detect { rule: rule.clone(), received: Box::new(received) };
    received.into_iter().flatten().map(detect).collect()
}

/// What an alert held ends with it.
pub(super) fn ended(state: &State, id: AlertId) -> Vec<Command> {
    let held = state.sightings.of_alert(id);
    held.map(|sighting| Command::Sighting(sighting::Command::Ended { id: sighting.id })).collect()
}
