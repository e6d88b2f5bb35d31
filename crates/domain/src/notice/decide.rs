//! What happens to a notice next: its routes, what an answer means, retries, the next channel, the end.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    Command, Event, Intent, LeftOut, Message, Notice, Outcome, Reason, Route, Status, message, past,
};
use crate::{
    content::channels::{Channel, ChannelKind},
    event::{Context, Rejected},
    id::{ExerciseId, IncidentId, NoticeId, StatementId},
    playbook::{Backoff, Retry},
    severity::Severity,
    state::State,
    time::Span,
};

/// Most characters of what a channel or a sender said that are kept.
const TEXT_CHARS_MAX: usize = 500;
const RETRY_DELAY: Span = Span::secs(2);
const OUTSIDE: &str = "nobody outside reads what stands here";
const OURS: &str = "it goes to a place of ours, not to the contact";
const DRILL: &str = "it is a drill: nobody outside is told";

pub fn decide(
    state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(NoticeId, Event)>, Rejected> {
    match command {
        Command::Send { incident, reason, to, about } => {
            send(state, (incident, reason), &to, &about, None, context)
        }
        Command::Tell { reason, severity, to, title, lines } => {
            let words = message::free(state, reason, severity, &title, &lines);
            let whose =
                Whose { incident: None, reason, severity, drill: false, about: &title, is: Is::Plain };
            Ok(queue(state, &whose, words.messages(&to), &to, None, context))
        }
        Command::Say { statement, incident, severity, drill, to, subject, text } => {
            let (incident, reason, about) = (Some(incident), Reason::Statement, &*subject);
            let whose = Whose { incident, reason, severity, drill, about, is: Is::Words(statement) };
            let message = Message { subject: subject.clone(), text, severity: Some(severity) };
            Ok(queue(state, &whose, vec![message], &[to], None, context))
        }
        Command::Probe { exercise, channel, to, name } => {
            let (reason, severity) = (Reason::Exercise, Severity::Medium);
            let title = format!("Exercise {exercise}: {name}");
            let lines = [
                "This is an exercise: it shows whether this way reaches you, and nothing else is asked of you.".into(),
                format!("Say that it came: `ringfence exercise acknowledge {exercise} {to}`").into(),
            ];
            let words = message::free(state, reason, severity, &title, &lines);
            let is = Is::Probe(exercise);
            let whose = Whose { incident: None, reason, severity, drill: false, about: &title, is };
            let to = [to];
            Ok(queue(state, &whose, words.messages(&to), &to, Some(&channel), context))
        }
        Command::Test { incident, channel, to } => test(state, incident, &channel, to, context),
        Command::Report { id, attempt, outcome } => {
            let notice = find(state, id)?;
            let open = matches!(&notice.status, Status::Sending { intent } if intent.attempt == attempt);
            Ok(if open { of(id, reported(notice, outcome, state, context)) } else { Vec::new() })
        }
        Command::Wake { id } => {
            let notice = find(state, id)?;
            let lost = Outcome::Unknown { reason: "no answer came in time".to_owned() };
            Ok(of(
                id,
                match &notice.status {
                    // Its turn comes when another has gone.
                    Status::Waiting { .. } if !has_room(state, notice) => Vec::new(),
                    Status::Waiting { .. } => go_on(notice, notice.route, notice.attempt, state, context),
                    Status::Sending { .. } => reported(notice, lost, state, context),
                    Status::Delivered { .. } | Status::Undeliverable { .. } | Status::Cancelled { .. } => {
                        Vec::new()
                    }
                },
            ))
        }
        Command::Recover { id } => {
            let notice = find(state, id)?;
            let older = matches!(&notice.status, Status::Sending { intent } if intent.epoch < context.epoch);
            let reason = "the process ended while it was being sent".to_owned();
            let events = older.then(|| reported(notice, Outcome::Unknown { reason }, state, context));
            Ok(of(id, events.unwrap_or_default()))
        }
        Command::Cancel { id, reason } => {
            let notice = find(state, id)?;
            let over = super::is_over(notice);
            Ok(if over { Vec::new() } else { of(id, vec![Event::Cancelled { reason: clip(&reason) }]) })
        }
    }
}

fn find(state: &State, id: NoticeId) -> Result<&Notice, Rejected> {
    let missing = || Rejected::NotFound(format!("there is no notice {id} under way"));
    state.notices.get(&id).ok_or_else(missing)
}

fn of(id: NoticeId, events: Vec<Event>) -> Vec<(NoticeId, Event)> {
    events.into_iter().map(|event| (id, event)).collect()
}

fn clip(text: &str) -> Box<str> {
    text.chars().take(TEXT_CHARS_MAX).collect::<String>().into()
}

/// Queues the notices and begins each with its first route. Limits on effects do not hold notices.
fn send(
    state: &State,
    (incident, reason): (IncidentId, Reason),
    to: &[Box<str>],
    about: &str,
    only: Option<&str>,
    context: &Context,
) -> Result<Vec<(NoticeId, Event)>, Rejected> {
    let known = state.incidents.open.get(&incident).map(|open| Cow::Borrowed(&**open));
    let Some(open) = known.or_else(|| past::incident(state, incident, reason).map(Cow::Owned)) else {
        return Err(Rejected::NotFound(format!("there is no open incident {incident}")));
    };
    let words = message::words(state, &open, reason, about);
    let (severity, drill) = (open.severity, open.drill);
    let whose = Whose { incident: Some(incident), reason, severity, drill, about, is: Is::Plain };
    Ok(queue(state, &whose, words.messages(to), to, only, context))
}

/// What notices are about.
struct Whose<'a> {
    incident: Option<IncidentId>,
    reason: Reason,
    severity: Severity,
    drill: bool,
    about: &'a str,
    is: Is,
}

/// What has to be shown by it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Plain,
    /// A call of an exercise: that this way reaches the contact.
    Probe(ExerciseId),
    /// Words to the outside: that the contact has them.
    Words(StatementId),
}

/// One notice for each recipient, and how each begins.
fn queue(
    state: &State,
    whose: &Whose<'_>,
    messages: Vec<Message>,
    to: &[Box<str>],
    only: Option<&str>,
    context: &Context,
) -> Vec<(NoticeId, Event)> {
    let mut rooms: BTreeMap<Box<str>, usize> = BTreeMap::new();
    let mut events = Vec::with_capacity(2 * to.len());
    for (to, message) in to.iter().zip(messages) {
        let id = NoticeId::from_number(context.next + events.len() as u64);
        let channels: Vec<&Channel> = match only {
            Some(name) => state.content.channels.named(name).into_iter().collect(),
            None => state.content.channels.order(whose.reason, whose.severity).collect(),
        };
        let (routes, left_out) = routes(state, &channels, whose, to);
        let room = routes.first().filter(|route| !route.here).map(|route| {
            rooms.entry(route.channel.clone()).or_insert_with(|| state.lines.room(&route.channel))
        });
        let has_room = room.is_none_or(|room| std::mem::replace(room, room.saturating_sub(1)) > 0);
        let first = has_room.then(|| first_event(id, (&routes, &left_out), whose.drill, state, context));
        let (incident, reason, to, about) = (whose.incident, whose.reason, clip(to), clip(whose.about));
        let (exercise, statement) = match whose.is {
            Is::Plain => (None, None),
            Is::Probe(id) => (Some(id), None),
            Is::Words(id) => (None, Some(id)),
        };
        let queued =
            Event::Queued { incident, reason, to, about, message, routes, left_out, exercise, statement };
        events.push((id, queued));
        events.extend(first.map(|first| (id, first)));
    }
    events
}

fn test(
    state: &State,
    incident: IncidentId,
    channel: &str,
    to: Box<str>,
    context: &Context,
) -> Result<Vec<(NoticeId, Event)>, Rejected> {
    if state.content.channels.named(channel).is_none() {
        let known: Vec<_> = state.content.channels.channels.iter().map(|known| known.name.as_str()).collect();
        let shown = clip(channel);
        return Err(Rejected::NotFound(format!(
            "there is no channel `{shown}`; use one of {}",
            known.join(", ")
        )));
    }
    let about = format!("test of the channel {channel}: nothing is asked of you");
    send(state, (incident, Reason::Update), &[to], &about, Some(channel), context)
}

/// Whether a notice that was queued just now goes out, stands on the dashboard, or has no way.
fn first_event(
    id: NoticeId,
    (routes, left_out): (&[Route], &[LeftOut]),
    drill: bool,
    state: &State,
    context: &Context,
) -> Event {
    match routes.first() {
        Some(route) => begin(id, route, 0, 1, state, context),
        None if drill => Event::Cancelled { reason: DRILL.into() },
        None => {
            let why = left_out.iter().map(|(channel, why)| format!("{channel}: {why}"));
            let why = why.collect::<Vec<_>>().join(", ");
            let said = "no channel of channels.yaml can be used for it";
            let reason = if why.is_empty() { said.to_owned() } else { format!("{said} ({why})") };
            Event::Undeliverable { reason: clip(&reason) }
        }
    }
}

/// The ways in the order of `channels.yaml`, and those left out with the reason.
fn routes(state: &State, channels: &[&Channel], whose: &Whose<'_>, to: &str) -> (Vec<Route>, Vec<LeftOut>) {
    let (mut routes, mut left_out) = (Vec::new(), Vec::new());
    for channel in channels {
        let here = channel.kind == ChannelKind::Dashboard;
        let found = match whose.is {
            _ if whose.drill && !here => Err(DRILL),
            Is::Plain => address(state, channel, to),
            // Our own rooms and lists would take it, and the contact would not have it.
            Is::Probe(_) | Is::Words(_) => own_address(state, channel, to),
        };
        match found {
            Ok(address) => routes.push(Route {
                channel: channel.name.as_str().into(),
                address,
                timeout: channel.timeout,
                attempts: channel.attempts,
                here,
            }),
            Err(why) => left_out.push((channel.name.as_str().into(), why.into())),
        }
    }
    (routes, left_out)
}

/// Where the channel finds the recipient: their own address of contacts.yaml, or else that of the channel.
fn address(state: &State, channel: &Channel, to: &str) -> Result<Box<str>, &'static str> {
    let shared = channel.address.as_deref().map(Box::from);
    match channel.kind {
        ChannelKind::Email | ChannelKind::Sms => {
            own_address(state, channel, to).or_else(|missing| shared.ok_or(missing))
        }
        // The channel itself is the address.
        ChannelKind::Dashboard | ChannelKind::Slack | ChannelKind::Webhook | ChannelKind::Pagerduty => {
            Ok(shared.unwrap_or_default())
        }
    }
}

/// Their own address of contacts.yaml, where whoever is reached is certainly this contact.
fn own_address(state: &State, channel: &Channel, to: &str) -> Result<Box<str>, &'static str> {
    let contact = state.content.people.contacts.get(to);
    let (own, missing) = match channel.kind {
        ChannelKind::Email => (contact.and_then(|contact| contact.mail.as_deref()), "it has no address"),
        ChannelKind::Sms => (contact.and_then(|contact| contact.phone.as_deref()), "it has no number"),
        ChannelKind::Dashboard => (None, OUTSIDE),
        ChannelKind::Slack | ChannelKind::Webhook | ChannelKind::Pagerduty => (None, OURS),
    };
    own.map(Into::into).ok_or(missing)
}

/// Whether the channel reaches this contact at an address of their own.
pub(crate) fn reaches(state: &State, channel: &Channel, contact: &str) -> bool {
    own_address(state, channel, contact).is_ok()
}

/// Whether words to the outside have a way to this contact.
pub(crate) fn has_way(state: &State, severity: Severity, contact: &str) -> bool {
    let mut channels = state.content.channels.order(Reason::Statement, severity);
    channels.any(|channel| reaches(state, channel, contact))
}

fn begin(id: NoticeId, route: &Route, number: u32, attempt: u32, state: &State, context: &Context) -> Event {
    if route.here {
        return Event::Delivered { route: number, receipt: "it stands in the journal".into() };
    }
    let deadline = context.now.plus(route.timeout);
    let dedup_id = format!("{}-{id}", state.control.incarnation).into();
    Event::Sending { intent: Intent { route: number, attempt, epoch: context.epoch, deadline, dedup_id } }
}

/// Whether it may be sent now over the route in use.
fn has_room(state: &State, notice: &Notice) -> bool {
    let outside = notice.routes.get(notice.route as usize).filter(|route| !route.here);
    outside.is_none_or(|route| state.lines.room(&route.channel) > 0)
}

/// The next sending over this route, or the end where there is no such route.
fn go_on(notice: &Notice, route: u32, attempts: u32, state: &State, context: &Context) -> Vec<Event> {
    let Some(way) = notice.routes.get(route as usize) else {
        let last = notice.last_failure.as_deref().unwrap_or("there was none to try");
        let reason = format!("no channel took it; the last said: {last}");
        return vec![Event::Undeliverable { reason: clip(&reason) }];
    };
    vec![begin(notice.id, way, route, attempts.saturating_add(1), state, context)]
}

fn reported(notice: &Notice, outcome: Outcome, state: &State, context: &Context) -> Vec<Event> {
    let route = notice.route;
    let (reason, again) = match outcome {
        Outcome::Delivered { receipt } => {
            return vec![Event::Delivered { route, receipt: clip(&receipt) }];
        }
        Outcome::Refused { reason, retry } => (reason, retry),
        Outcome::Unknown { reason } => (reason, true),
    };
    let reason = clip(&reason);
    let most = notice.routes.get(route as usize).map_or(0, |way| way.attempts);
    if again && notice.route_attempts < most {
        let retry = Retry { attempts: most, delay: RETRY_DELAY, backoff: Backoff::Exponential, within: None };
        let key = notice.id.to_string();
        let delay = crate::action::retry_delay(&retry, &key, notice.route_attempts);
        return vec![Event::NotDelivered { route, reason, retry_at: Some(context.now.plus(delay)) }];
    }
    // What is left to try is the next route, at once or when it has room.
    let mut events = vec![Event::NotDelivered { route, reason: reason.clone(), retry_at: None }];
    let spent = Notice { last_failure: Some(reason), route: route + 1, ..notice.clone() };
    if has_room(state, &spent) {
        events.extend(go_on(&spent, route + 1, notice.attempt, state, context));
    }
    events
}
