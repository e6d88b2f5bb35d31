//! What a report may say, how many may come, and by when it has to be answered.

use super::{Channel, Command, Event, NAME_MAX, OPEN_MAX, Report, TARGETS_MAX, TEXT_MAX, TITLE_MAX, Told};
use crate::{
    access::Holder,
    correlate,
    event::{Actor, Context, Rejected},
    id::{PersonId, ReportId, TokenId},
    state::State,
    time::{Span, Timestamp},
};

const HOUR: Span = Span::secs(3_600);

type Decided = Result<Vec<(ReportId, Event)>, Rejected>;

pub fn decide(state: &State, command: Command, context: &Context) -> Decided {
    match command {
        Command::Receive(told) => receive(state, *told, context),
        Command::Link { id, alert, incident } => {
            let known = state.reports.contains_key(&id);
            Ok(if known { vec![(id, Event::Linked { alert, incident })] } else { Vec::new() })
        }
        Command::Acknowledge { id, note } => {
            let report = open(state, id)?;
            context.a_person("people answer and end a report")?;
            if let Some((person, at)) = report.acknowledged {
                return Err(Rejected::Conflict(format!("{id} was acknowledged by {person} at {at} already")));
            }
            Ok(vec![(id, Event::Acknowledged { note: note_of(note)? })])
        }
        Command::Close { id, outcome, note } => {
            open(state, id)?;
            context.a_person("people answer and end a report")?;
            Ok(vec![(id, Event::Closed { outcome, note: note_of(note)? })])
        }
        Command::Remind { id } => Ok(state.reports.get(&id).map_or_else(Vec::new, |report| {
            tell(report, context.now).into_iter().map(|event| (id, event)).collect()
        })),
    }
}

fn open(state: &State, id: ReportId) -> Result<&Report, Rejected> {
    state.reports.get(&id).ok_or_else(|| Rejected::NotFound(format!("there is no open report {id}")))
}

fn note_of(note: String) -> Result<Box<str>, Rejected> {
    if note.len() > TEXT_MAX {
        return Err(Rejected::Invalid(format!("the note is longer than {TEXT_MAX} bytes")));
    }
    Ok(note.into())
}

fn receive(state: &State, mut told: Told, context: &Context) -> Decided {
    let (channel, via, token) = channel(state, &context.actor)?;
    check(&told, channel)?;
    told.targets.sort_unstable();
    told.targets.dedup();
    let terms = &state.content.reports;
    if waiting(state, token, context.actor.person()) >= OPEN_MAX {
        let reason = format!("{OPEN_MAX} reports of yours wait already; end some of them first");
        return Err(Rejected::Limited(reason));
    }
    let most = match channel {
        Channel::Hand => None,
        Channel::Form => Some(terms.form_per_hour),
        Channel::Outside => Some(terms.outside_per_hour),
    };
    if let (Some(most), Some(token)) = (most, token)
        && within_hour(state, token, context.now) >= most as usize
    {
        let reason = format!("{most} reports came by this token within an hour; try again later");
        return Err(Rejected::Limited(reason));
    }
    if let Actor::Person(person) = &context.actor {
        let name = state.people.get(person).map(|person| person.name.clone());
        told.reporter = Some(name.unwrap_or_else(|| person.to_string().into()));
    }
    let outside = channel == Channel::Outside;
    let after = |span: Span| outside.then(|| context.now.plus(span));
    let remind = Span(terms.disclose.0.saturating_sub(terms.remind.0));
    let received = Event::Received {
        channel,
        via,
        token,
        told: Box::new(told),
        acknowledge_by: after(terms.acknowledge),
        remind_at: after(remind),
        disclose_by: after(terms.disclose),
    };
    Ok(vec![(ReportId::from_number(context.next), received)])
}

/// How a report comes, through which form or from which place, and by whose token.
type Way = (Channel, Option<Box<str>>, Option<TokenId>);

fn channel(state: &State, actor: &Actor) -> Result<Way, Rejected> {
    let forbidden = || Rejected::Forbidden("this token may not report".to_owned());
    match actor {
        Actor::Person(_) => Ok((Channel::Hand, None, None)),
        Actor::Source(id) => match &state.tokens.get(id).ok_or_else(forbidden)?.holder {
            Holder::Form(name) => Ok((Channel::Form, Some(name.clone()), Some(*id))),
            Holder::Outside(name) => Ok((Channel::Outside, Some(name.clone()), Some(*id))),
            Holder::Person(_) | Holder::Page(_) | Holder::Source(_) | Holder::Drill(_) => Err(forbidden()),
        },
        Actor::Platform | Actor::Rule(_) => Err(forbidden()),
    }
}

/// How many of this token, or by hand of this person, are open. Reports are few: each has a person at its other end.
fn waiting(state: &State, token: Option<TokenId>, by: Option<PersonId>) -> usize {
    state.reports.values().filter(|report| report.token == token && report.by == by).count()
}

/// Ids are in the order of time, so this looks at one hour of reports and no more.
fn within_hour(state: &State, token: TokenId, now: Timestamp) -> usize {
    let recent = state.reports.values().rev().take_while(|report| now.since(report.received_at) < HOUR);
    recent.filter(|report| report.token == Some(token)).count()
}

fn check(told: &Told, channel: Channel) -> Result<(), Rejected> {
    let text = |what: &str, text: &str, most: usize| {
        if text.trim().is_empty() {
            return Err(Rejected::Invalid(format!("the {what} is empty")));
        }
        if text.len() > most {
            return Err(Rejected::Invalid(format!("the {what} is longer than {most} bytes")));
        }
        Ok(())
    };
    text("title", &told.title, TITLE_MAX)?;
    text("description", &told.description, TEXT_MAX)?;
    let named = [("reporter", &told.reporter), ("contact", &told.contact), ("type", &told.incident_type)];
    for (what, value) in named {
        value.as_deref().map_or(Ok(()), |value| text(what, value, NAME_MAX))?;
    }
    match channel {
        Channel::Hand if told.reporter.is_some() => {
            return Err(Rejected::Invalid(
                "a person reports in their own name; leave out `reporter`".to_owned(),
            ));
        }
        Channel::Outside if told.contact.is_none() => {
            return Err(Rejected::Invalid(
                "a report from outside needs a `contact` for the answer".to_owned(),
            ));
        }
        Channel::Hand | Channel::Form | Channel::Outside => {}
    }
    if told.targets.len() > TARGETS_MAX {
        return Err(Rejected::Invalid(format!("more than {TARGETS_MAX} targets")));
    }
    for (kind, name) in &told.targets {
        if !correlate::TARGET_LABELS.contains(&&**kind) {
            let kinds = correlate::TARGET_LABELS.join(", ");
            let shown: String = kind.chars().take(64).collect();
            return Err(Rejected::Invalid(format!("`{shown}` is not a kind of target; use one of {kinds}")));
        }
        text("name of a target", name, NAME_MAX)?;
    }
    Ok(())
}

/// What has to be said of its deadlines by now.
fn tell(report: &Report, now: Timestamp) -> Vec<Event> {
    let passed = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
    let mut events = Vec::new();
    if passed(report.acknowledge_by) && report.acknowledged.is_none() && !report.unanswered {
        events.push(Event::Unanswered);
    }
    if passed(report.disclose_by) && !report.overdue {
        events.push(Event::Overdue);
    } else if passed(report.remind_at) && !report.reminded && !report.overdue {
        events.push(Event::Reminded);
    }
    events
}
