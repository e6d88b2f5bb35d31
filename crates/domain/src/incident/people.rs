//! People on an incident: who commands, who is on the team, and whom it goes to next while nobody acknowledges.
//!
//! The clock stands in the facts: the moment it was set, the smallest time that applied was chosen with its reason,
//! so that a restart reads it and loses nothing.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::{
    Incident, Status,
    crisis::{self, Crisis},
    decide::bounded,
    factors::{self, Weighed},
};
use crate::{
    access,
    content::{calendar::Wait, factors::FactorRule, people::People},
    event::{Context, Meta, Rejected},
    id::{IncidentId, PersonId, RunId},
    severity::Severity,
    state::State,
    time::{Span, Timestamp},
};

/// After this time it goes one level up where neither a rule nor the severity sets one.
pub const ESCALATE_DEFAULT: Span = Span::secs(3_600);

/// As often the state is told at the cadence of the severity while nobody acknowledges. Each later time the distance
/// doubles, up to a day, and the level that is engaged hears of it alone.
pub const UNHEARD_AT_CADENCE: u32 = 4;
const COMMANDS: &str = "people command an incident";
const UNHEARD_APART: Span = Span::secs(86_400);

#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// It opened, or its severity changed.
    SetClock,
    /// One of its times has come.
    Elapsed,
    /// A fact may have changed a factor for the worse.
    Weigh,
    /// By a person with a criterion or a level, or by the platform.
    Escalate {
        level: Option<u8>,
        criterion: Option<String>,
        why: String,
    },
    Claim,
    HandOver {
        to: PersonId,
    },
    Accept,
    /// A member of the crisis team has it: whoever asks, or this contact.
    Answer {
        contact: Option<String>,
    },
    /// A run began that needs people.
    Assemble {
        run: RunId,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "people", rename_all = "snake_case")]
pub enum Event {
    ClockSet {
        level: u8,
        severity: Severity,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
        /// Which time won, and why.
        why: Box<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        acknowledge_by: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        update_at: Option<Timestamp>,
        /// It opened or became more severe, so people hear of it.
        tell: bool,
        /// When time may make a factor worse.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        look_at: Option<Timestamp>,
    },
    Escalated {
        level: u8,
        why: Box<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        criterion: Option<Box<str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
        clock: Box<str>,
        #[serde(default)]
        weighed: Box<Weighed>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        look_at: Option<Timestamp>,
    },
    /// The factors were looked at in time and engage no level.
    Weighed {
        next: Option<Timestamp>,
    },
    /// The state of the incident is told, and when next.
    UpdateDue {
        next: Option<Timestamp>,
        /// How often it was told while nobody acknowledged; zero once somebody has.
        #[serde(default)]
        unheard: u32,
        /// Together with all others of its severity.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        digest: bool,
    },
    /// The last level is engaged, and each of its people is to answer.
    CrisisCalled {
        members: Vec<Box<str>>,
        answer_by: Timestamp,
        remind_at: Timestamp,
    },
    CrisisAnswered {
        contact: Box<str>,
    },
    /// Those who have not answered are reminded, and when next.
    CrisisReminded {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<Timestamp>,
    },
    Claimed,
    HandOverOffered {
        to: PersonId,
    },
    HandOverAccepted,
    /// Role and contact of each member, and the roles that nobody holds.
    Assembled {
        run: RunId,
        team: Vec<(Box<str>, Box<str>)>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unfilled: Vec<Box<str>>,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::ClockSet { .. } => "incident.clock_set",
            Event::Escalated { .. } => "incident.escalated",
            Event::Weighed { .. } => "incident.weighed",
            Event::CrisisCalled { .. } => "incident.crisis_called",
            Event::CrisisAnswered { .. } => "incident.crisis_answered",
            Event::CrisisReminded { .. } => "incident.crisis_reminded",
            Event::UpdateDue { .. } => "incident.update_due",
            Event::Claimed => "incident.claimed",
            Event::HandOverOffered { .. } => "incident.hand_over_offered",
            Event::HandOverAccepted => "incident.hand_over_accepted",
            Event::Assembled { .. } => "incident.team_assembled",
        }
    }
}

/// How it stands with the people.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// The level that is engaged, from 1; zero before any.
    pub level: u8,
    /// Since when that level is engaged.
    pub since: Timestamp,
    /// The severity by which the clock was set.
    pub severity: Option<Severity>,
    /// The highest severity that people were told of.
    pub told: Option<Severity>,
    /// When it goes on, unless somebody acknowledges.
    pub due: Option<Timestamp>,
    pub why: Box<str>,
    pub acknowledge_by: Option<Timestamp>,
    /// When it last came back, so that the time to acknowledge began anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopened_at: Option<Timestamp>,
    pub update_at: Option<Timestamp>,
    /// Updates that were told while nobody acknowledged.
    pub unheard: u32,
    /// When time may make a factor worse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
    /// What the present level was engaged with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighed: Option<Box<Weighed>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crisis: Option<Box<Crisis>>,
    pub commander: Option<PersonId>,
    pub offered: Option<PersonId>,
    pub team: Vec<(Box<str>, Box<str>)>,
    pub unfilled: Vec<Box<str>>,
    /// The address of the room in which they meet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<Box<str>>,
}

type Decided = Result<Vec<Event>, Rejected>;

pub(super) fn decide(state: &State, id: IncidentId, ask: Ask, context: &Context) -> Decided {
    let incident = super::decide::open(state, id)?;
    match ask {
        Ask::SetClock => Ok(set_clock(state, incident, context.now)),
        Ask::Elapsed => Ok(elapsed(state, incident, context.now)),
        Ask::Weigh => Ok(weigh(state, incident, context.now)),
        Ask::Answer { contact } => crisis::answer(state, incident, contact, context),
        Ask::Escalate { level, criterion, why } => escalate(state, incident, level, criterion, why, context),
        Ask::Claim => claim(state, incident, context),
        Ask::HandOver { to } => hand_over(state, incident, to, context),
        Ask::Accept => {
            let person = context.a_person(COMMANDS)?;
            match incident.standing().offered {
                Some(offered) if offered == person => Ok(vec![Event::HandOverAccepted]),
                Some(_) | None => {
                    Err(Rejected::Conflict(format!("nobody offered the command of {id} to {person}")))
                }
            }
        }
        Ask::Assemble { run } => Ok(assemble(state, run)),
    }
}

/// The smallest time that applies at this level, and why it is this one. None at the last: each level is engaged
/// once, and what nobody acknowledged then is told on at its cadence.
fn clock(people: &People, incident: &Incident, level: u8, since: Timestamp) -> (Option<Timestamp>, String) {
    let severity = incident.severity;
    if level >= people.last_level() {
        return (None, "the last level is engaged".to_owned());
    }
    let own = people.levels.get(usize::from(level.max(1)) - 1).map(|level| level.acknowledge);
    let own = own.filter(|span| *span > Span::default());
    let by_severity = people.severities.get(&severity).and_then(|terms| terms.escalate);
    let calendar = people.calendar.as_ref();
    let mut known: Vec<(Timestamp, String)> = Vec::new();
    let by_rule = |span: Span| (since.plus(span), format!("its rule goes on after {span}"));
    known.extend(incident.escalation.map(by_rule));
    let goes_on = |wait: Wait| (wait.after(since, calendar), format!("{severity} goes on after {wait}"));
    known.extend(by_severity.map(goes_on));
    if known.is_empty() {
        let why = format!("neither a rule nor {severity} sets a time, so {ESCALATE_DEFAULT}");
        known.push((since.plus(ESCALATE_DEFAULT), why));
    }
    known.extend(own.map(|span| (since.plus(span), format!("level {level} has {span} to acknowledge"))));
    // INVARIANT: one is always pushed; of equal times the first named is given as the reason.
    let (due, why) = known.into_iter().min_by_key(|(due, _)| *due).unwrap_or_default();
    (Some(due), why)
}

fn set_clock(state: &State, incident: &Incident, now: Timestamp) -> Vec<Event> {
    let people = &state.content.people;
    let standing = incident.standing();
    let severity = incident.severity;
    // Whoever acknowledges what was told ever less often brings the cadence back.
    let heard = incident.acknowledged.is_some() && standing.unheard >= UNHEARD_AT_CADENCE;
    let known = standing.severity == Some(severity) && !heard;
    if people.is_empty() || known || incident.status != Status::Open {
        return Vec::new();
    }
    let level = standing.level.max(1);
    let since = if standing.level == 0 { now } else { standing.since };
    let (due, why) = clock(people, incident, level, since);
    let terms = people.severities.get(&severity);
    let opened_at = standing.reopened_at.unwrap_or(incident.opened_at);
    let calendar = people.calendar.as_ref();
    let next = terms.and_then(|terms| terms.told_next(now, terms.update, calendar));
    let set = Event::ClockSet {
        level,
        severity,
        due: due.filter(|_| incident.acknowledged.is_none()),
        why: why.into(),
        acknowledge_by: terms.map(|terms| terms.acknowledge.after(opened_at, calendar)),
        // The earliest notice wins: what was promised before comes all the same.
        update_at: next.into_iter().chain(standing.update_at).min(),
        tell: standing.told.is_none_or(|told| told < severity),
        look_at: factors::next_look(state, incident, level, now),
    };
    // It came back at the last level, from which no clock leads on: its team is called anew. A first level is no crisis team.
    let again = standing.reopened_at.is_some() && standing.severity.is_none() && level > 1;
    let called = again.then(|| crisis::call(people, incident, level, now)).flatten();
    std::iter::once(set).chain(called).collect()
}

fn elapsed(state: &State, incident: &Incident, now: Timestamp) -> Vec<Event> {
    let people = &state.content.people;
    let standing = incident.standing();
    let mut events = Vec::new();
    if standing.due.is_some_and(|due| due <= now) {
        let level = standing.level.saturating_add(1).min(people.last_level().max(1));
        let why = format!("nobody acknowledged since {}: {}", standing.since, standing.why);
        events.extend(escalated(state, incident, level, (why.into(), None, None), now));
    } else if standing.look_at.is_some_and(|at| at <= now) {
        let found = weigh(state, incident, now);
        let next = factors::next_look(state, incident, standing.level, now);
        events.extend(if found.is_empty() { vec![Event::Weighed { next }] } else { found });
    }
    events.extend(crisis::elapsed(incident, now));
    if standing.update_at.is_some_and(|at| at <= now) {
        let (terms, calendar) = (people.severities.get(&incident.severity), people.calendar.as_ref());
        let unheard = incident.acknowledged.map_or_else(|| standing.unheard.saturating_add(1), |_| 0);
        let span = terms.and_then(|terms| terms.update).map(|span| spaced(span, unheard));
        let next = terms.and_then(|terms| terms.told_next(now, span, calendar));
        let beat = terms.and_then(|terms| terms.digest);
        let digest = beat.zip(standing.update_at).is_some_and(|(beat, at)| beat.is_at(at, calendar));
        events.push(Event::UpdateDue { next, unheard, digest });
    }
    events
}

/// How far the next update is, when so many went out and nobody acknowledged.
fn spaced(cadence: Span, unheard: u32) -> Span {
    let doublings = unheard.saturating_sub(UNHEARD_AT_CADENCE - 1).min(20);
    Span(cadence.0.saturating_mul(1 << doublings).min(UNHEARD_APART.max(cadence).0))
}

/// A level is engaged; with the last one the crisis team is called.
fn escalated(
    state: &State,
    incident: &Incident,
    level: u8,
    (why, criterion, rule): (Box<str>, Option<Box<str>>, Option<&FactorRule>),
    now: Timestamp,
) -> Vec<Event> {
    let people = &state.content.people;
    let (due, clock) = clock(people, incident, level, now);
    let due = due.filter(|_| incident.acknowledged.is_none());
    let weighed = Box::new(factors::weighed(state, incident, level, rule, now));
    // What was due to be looked at is, once this level stands.
    let missed = incident.standing().look_at.filter(|at| *at <= now && rule.is_none());
    let look_at = missed.or_else(|| factors::next_look(state, incident, level, now));
    let engaged = Event::Escalated { level, why, criterion, due, clock: clock.into(), weighed, look_at };
    std::iter::once(engaged).chain(crisis::call(people, incident, level, now)).collect()
}

/// The level that the factors engage now, if that is above the present one.
fn weigh(state: &State, incident: &Incident, now: Timestamp) -> Vec<Event> {
    let standing = incident.standing();
    if standing.level == 0 || !factors::is_weighed(state, incident) {
        return Vec::new();
    }
    let Some(rule) = factors::holding(state, incident, standing.level, now) else { return Vec::new() };
    let level = rule.level.min(state.content.people.last_level());
    escalated(state, incident, level, (rule.why.as_str().into(), None, Some(rule)), now)
}

fn escalate(
    state: &State,
    incident: &Incident,
    level: Option<u8>,
    criterion: Option<String>,
    why: String,
    context: &Context,
) -> Decided {
    let people = &state.content.people;
    let last = people.last_level();
    if last == 0 {
        return Err(Rejected::Conflict("the content has no levels; add `escalation.yaml`".to_owned()));
    }
    let by_criterion = match &criterion {
        Some(name) => Some(people.level_for(name).ok_or_else(|| {
            let known: Vec<&str> =
                people.levels.iter().flat_map(|level| &level.criteria).map(String::as_str).collect();
            Rejected::Invalid(format!("`{name}` is not a criterion; use one of {}", known.join(", ")))
        })?),
        None => None,
    };
    let next = incident.standing().level.max(1).saturating_add(1).min(last);
    let level = level.or(by_criterion).unwrap_or(next);
    if level == 0 || level > last {
        return Err(Rejected::Invalid(format!("there is no level {level}; use 1 to {last}")));
    }
    let why = bounded("reason", why)?;
    Ok(escalated(state, incident, level, (why, criterion.map(Into::into), None), context.now))
}

fn claim(state: &State, incident: &Incident, context: &Context) -> Decided {
    let person = context.a_person(COMMANDS)?;
    let here = |id: &PersonId| state.people.get(id).is_none_or(|person| !person.disabled);
    match incident.standing().commander.filter(here) {
        None => Ok(vec![Event::Claimed]),
        Some(commander) if commander == person => {
            Err(Rejected::Conflict(format!("{person} commands {} already", incident.id)))
        }
        Some(commander) => Err(Rejected::Conflict(format!(
            "{commander} commands {}; ask for `incident hand-over`",
            incident.id
        ))),
    }
}

fn hand_over(state: &State, incident: &Incident, to: PersonId, context: &Context) -> Decided {
    let person = context.a_person(COMMANDS)?;
    if incident.standing().commander != Some(person) {
        let id = incident.id;
        return Err(Rejected::Conflict(format!(
            "{person} does not command {id}, so it cannot be handed over"
        )));
    }
    if to == person || state.people.get(&to).is_none_or(|person| person.disabled) {
        return Err(Rejected::NotFound(format!("there is no other active person {to}")));
    }
    if !access::responds(state, to) {
        return Err(Rejected::Conflict(format!(
            "{to} only looks; hand {} over to one who may respond",
            incident.id
        )));
    }
    Ok(vec![Event::HandOverOffered { to }])
}

/// Everybody who holds a role that the playbook of the run names.
fn assemble(state: &State, run: RunId) -> Vec<Event> {
    let playbook = state.runs.get(run).and_then(|run| state.playbooks.get(&run.hash));
    let Some(playbook) = playbook.filter(|playbook| !playbook.roles.is_empty()) else { return Vec::new() };
    let people = &state.content.people;
    let (mut team, mut unfilled) = (Vec::new(), Vec::new());
    for role in &playbook.roles {
        match people.roles.get(role).filter(|holders| !holders.is_empty()) {
            Some(holders) => {
                team.extend(holders.iter().map(|holder| (role.as_str().into(), holder.as_str().into())));
            }
            None => unfilled.push(role.as_str().into()),
        }
    }
    vec![Event::Assembled { run, team, unfilled }]
}

pub(super) fn apply(standing: &mut Standing, event: &Event, meta: &Meta) {
    match event {
        Event::ClockSet { level, severity, due, why, acknowledge_by, update_at, tell, look_at } => {
            standing.look_at = *look_at;
            if standing.level == 0 {
                standing.since = meta.time;
            }
            standing.level = *level;
            standing.severity = Some(*severity);
            if *tell {
                standing.told = Some(*severity);
            }
            standing.due = *due;
            standing.why = why.clone();
            standing.acknowledge_by = *acknowledge_by;
            standing.update_at = *update_at;
            standing.unheard = 0;
        }
        Event::Escalated { level, due, clock, weighed, look_at, .. } => {
            standing.weighed = Some(weighed.clone());
            standing.look_at = *look_at;
            standing.level = *level;
            standing.since = meta.time;
            standing.due = *due;
            standing.why = clock.clone();
        }
        Event::Weighed { next } => standing.look_at = *next,
        Event::CrisisCalled { .. } | Event::CrisisAnswered { .. } | Event::CrisisReminded { .. } => {
            crisis::apply(&mut standing.crisis, event, meta.time);
        }
        Event::UpdateDue { next, unheard, .. } => {
            standing.update_at = *next;
            standing.unheard = *unheard;
        }
        Event::Claimed => {
            standing.commander = meta.actor.person();
            standing.offered = None;
        }
        Event::HandOverOffered { to } => standing.offered = Some(*to),
        Event::HandOverAccepted => standing.commander = standing.offered.take(),
        Event::Assembled { team, unfilled, .. } => {
            standing.team = team.clone();
            standing.unfilled = unfilled.clone();
        }
    }
}

/// When something happens by itself, and why.
pub fn next_wakeup(incident: &Incident) -> Option<(Timestamp, &'static str)> {
    let standing = incident.standing.as_deref().filter(|_| incident.status == Status::Open)?;
    let due = standing.due.map(|at| (at, "escalates"));
    let told = standing.update_at.map(|at| (at, "its state is told"));
    let looked = standing.look_at.map(|at| (at, "its factors are weighed"));
    let crisis = standing.crisis.as_ref().and_then(|crisis| crisis.remind_at);
    let reminded = crisis.map(|at| (at, "the crisis team is reminded"));
    due.into_iter().chain(told).chain(looked).chain(reminded).min()
}

pub fn due(incident: &Incident, now: Timestamp) -> Option<super::Command> {
    next_wakeup(incident).filter(|(at, _)| *at <= now)?;
    Some(super::Command::People { id: incident.id, ask: Ask::Elapsed })
}
