//! `/api/v1/why/{id}`: why something is as it is, with the entries of the journal that prove each answer.

use axum::response::Response;
use domain::{
    action,
    event::Stream,
    id::{ActionId, AlertId, IncidentId, NoticeId, RunId, SilenceId},
    incident::{factors, people},
    time::Timestamp,
};
use engine::{Reader, TimelineEntry};
use schemars::JsonSchema;
use serde::Serialize;

use super::{missing, read, runs};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Route, schema},
    shared::Shared,
    view::{self, Entry},
};

/// Entries of an incident that are looked at.
const LOOK: usize = 1_000;
/// Entries that are shown as proof.
const PROOFS_MAX: usize = 100;

pub(crate) const ROUTES: &[Route] = &[read(
    "/api/v1/why/{id}",
    &[],
    Answer::Json(200, schema::<Why>),
    "Why an alert, silence, incident, run, action or notice is as it is, and the entries that prove it.",
    |call| Box::pin(why(call)),
)];

#[derive(Debug, Serialize, JsonSchema)]
struct Why {
    id: String,
    /// What it comes to, most important first.
    reasons: Vec<Reason>,
    /// Its entries in the journal, oldest first; at most a hundred.
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Reason {
    about: String,
    why: String,
    /// The entry that says so.
    position: Option<u64>,
}

fn reason(about: &str, why: impl Into<String>, position: Option<u64>) -> Reason {
    Reason { about: about.to_owned(), why: why.into(), position }
}

async fn why(call: Call) -> Result<Response, Error> {
    let id = call.text_param("id")?.to_owned();
    let shared = call.shared.clone();
    let asked = id.clone();
    let found = call.read(move |reader| explain(reader, &shared, &asked)).await?;
    let shown: String = id.chars().take(64).collect();
    ok(&found
        .ok_or_else(|| missing(format_args!("alert, silence, incident, run, action or notice `{shown}`")))?)
}

fn explain(reader: &Reader, shared: &Shared, id: &str) -> Result<Option<Why>, engine::Error> {
    let found = if let Ok(id) = id.parse::<AlertId>() {
        of_alert(reader, id)?
    } else if let Ok(id) = id.parse::<SilenceId>() {
        of_silence(reader, id, shared.now())?
    } else if let Ok(id) = id.parse::<IncidentId>() {
        of_incident(reader, id)?
    } else if let Ok(id) = id.parse::<RunId>() {
        of_run(reader, shared, id)?
    } else if let Ok(id) = id.parse::<ActionId>() {
        of_action(reader, id)?
    } else if let Ok(id) = id.parse::<NoticeId>() {
        of_notice(reader, id)?
    } else {
        None
    };
    Ok(found.map(|(reasons, entries)| Why {
        id: id.to_owned(),
        reasons,
        entries: entries.iter().take(PROOFS_MAX).map(Entry::from).collect(),
    }))
}

type Explained = Option<(Vec<Reason>, Vec<TimelineEntry>)>;

/// The entries of a stream: its first one, and those on the timeline of its incident.
fn entries(
    reader: &Reader,
    stream: Stream,
    created: u64,
    incident: Option<IncidentId>,
) -> Result<Vec<TimelineEntry>, engine::Error> {
    let mut found: Vec<TimelineEntry> = reader.entry(created)?.into_iter().collect();
    if let Some(incident) = incident {
        let name = stream.to_string();
        let timeline = reader.timeline(incident, 0, LOOK)?.entries;
        let own = |entry: &TimelineEntry| entry.envelope.stream == name && entry.envelope.position != created;
        found.extend(timeline.into_iter().filter(own));
    }
    found.sort_by_key(|entry| entry.envelope.position);
    Ok(found)
}

/// The newest entry of one of these kinds.
fn last(entries: &[TimelineEntry], kinds: &[&str]) -> Option<u64> {
    let matching = |entry: &&TimelineEntry| kinds.contains(&entry.envelope.kind.as_str());
    entries.iter().rev().find(matching).map(|entry| entry.envelope.position)
}

fn of_alert(reader: &Reader, id: AlertId) -> Result<Explained, engine::Error> {
    let Some(alert) = reader.alert(id)? else { return Ok(None) };
    let entries = entries(reader, Stream::Alert(id), id.0, alert.route.incident)?;
    let at = last(&entries, &["alert.routed", "alert.raised"]);
    let about = match (alert.route.incident, alert.route.silence) {
        (Some(incident), _) => format!("goes to {incident}"),
        (None, Some(silence)) => format!("muted by {silence}"),
        (None, None) => "opened nothing".to_owned(),
    };
    let mut reasons = vec![reason(&about, &*alert.route.why, at)];
    if let Some(by) = alert.resolved {
        let at = last(&entries, &["alert.resolved"]);
        reasons.push(reason("resolved", format!("by {}, at {}", view::name(&by), alert.ends_at), at));
    }
    Ok(Some((reasons, entries)))
}

fn of_silence(reader: &Reader, id: SilenceId, now: Timestamp) -> Result<Explained, engine::Error> {
    let Some(silence) = reader.silence(id)? else { return Ok(None) };
    let entries = entries(reader, Stream::Silence(id), id.0, None)?;
    let shown = view::Silence::of(&silence, now);
    let terms = format!(
        "set by {} for {}, from {} to {}: {}",
        shown.created_by,
        shown.matchers.join(", "),
        shown.starts_at,
        shown.ends_at,
        shown.comment
    );
    Ok(Some((vec![reason(&shown.state, terms, Some(id.0))], entries)))
}

fn of_incident(reader: &Reader, id: IncidentId) -> Result<Explained, engine::Error> {
    let Some(incident) = reader.incident(id)? else { return Ok(None) };
    let entries = entries(reader, Stream::Incident(id), id.0, Some(id))?;
    let mut reasons = vec![reason("opened", &*incident.why, Some(id.0))];
    for attention in &incident.attention {
        let about = format!("waits for a person, {}", view::about(&attention.about));
        let at = entries.iter().rev().find(|entry| {
            entry.envelope.kind == "incident.attention_raised"
                && entry.body.as_deref().is_some_and(|body| body.contains(&*attention.about))
        });
        reasons.push(reason(&about, &*attention.reason, at.map(|entry| entry.envelope.position)));
    }
    let standing = incident.standing();
    if standing.level > 0 {
        let clock = last(&entries, &["incident.clock_set", "incident.escalated"]);
        let next = standing.due.map_or_else(String::new, |due| format!("; the next is called at {due}"));
        reasons.push(reason(&format!("level {}", standing.level), format!("{}{next}", standing.why), clock));
    }
    reasons.extend(of_escalation(standing, &entries));
    if let Some(at) = last(&entries, &["incident.classified"]) {
        let said = entries.iter().find(|entry| entry.envelope.position == at).map(Entry::from);
        reasons.push(reason("classified", said.map(|entry| entry.summary).unwrap_or_default(), Some(at)));
    }
    if let Some(at) = incident.contained_at {
        reasons.push(reason("contained", format!("since {at}"), last(&entries, &["incident.contained"])));
    }
    if let Some(at) = incident.resolved_at {
        reasons.push(reason("resolved", format!("at {at}"), last(&entries, &["incident.resolved"])));
    }
    if let Some(disposition) = incident.disposition {
        reasons.push(reason("closed", view::name(&disposition), last(&entries, &["incident.closed"])));
    }
    Ok(Some((reasons, entries)))
}

/// What the present level was engaged with, factor by factor, and who of the crisis team has not answered.
fn of_escalation(standing: &people::Standing, entries: &[TimelineEntry]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let at = last(entries, &["incident.escalated"]);
    if let Some(weighed) = &standing.weighed {
        let rule = weighed.rule.as_ref().map_or_else(String::new, |rule| format!(" by `{rule}`"));
        let (called, urgency) = (weighed.called.join(", "), weighed.urgency.name());
        let text = format!("{called} called{rule}, urgency {urgency}; expected: {}", weighed.improvement);
        reasons.push(reason("escalated", text, at));
        let factor = |one: &factors::Factor| {
            reason(&format!("factor {}", one.name), format!("{}: {}", one.value, one.why), at)
        };
        reasons.extend(weighed.factors.iter().map(factor));
    }
    if let Some(crisis) = &standing.crisis {
        let at = last(entries, &["incident.crisis_answered", "incident.crisis_called"]);
        let open = crisis.open().collect::<Vec<_>>().join(", ");
        let text = match open.is_empty() {
            true => "all of them have answered".to_owned(),
            false => format!("no answer yet from {open}, asked for by {}", crisis.answer_by),
        };
        reasons.push(reason("crisis team", text, at));
    }
    reasons
}

fn of_run(reader: &Reader, shared: &Shared, id: RunId) -> Result<Explained, engine::Error> {
    let Some(run) = reader.run(id)? else { return Ok(None) };
    let entries = entries(reader, Stream::Run(id), id.0, Some(run.incident))?;
    let playbook = runs::pinned(reader, shared, &run)?;
    let run = view::Run::of(&run, playbook.as_deref());
    let started = format!("playbook {} {} for {}", run.playbook, run.version, run.incident);
    let newest = entries.last().map(|entry| entry.envelope.position);
    let status = run.reason.unwrap_or_else(|| format!("in stage {}", run.stage));
    let mut reasons = vec![reason(&run.status, status, newest), reason("started", started, Some(id.0))];
    for step in run.steps {
        if let Some(note) = step.note {
            reasons.push(reason(&format!("step {} {}", step.id, step.status), note, None));
        }
    }
    Ok(Some((reasons, entries)))
}

fn of_action(reader: &Reader, id: ActionId) -> Result<Explained, engine::Error> {
    let Some(found) = reader.action(id)? else { return Ok(None) };
    let entries = entries(reader, Stream::Action(id), id.0, Some(found.spec.incident))?;
    let shown = view::Action::from(&found);
    let newest = entries.last().map(|entry| entry.envelope.position);
    let status = shown.reason.unwrap_or_else(|| format!("{} on {}", shown.verb, shown.target.name));
    let mut reasons = vec![reason(&shown.status, status, newest)];
    let asked = match found.spec.origin {
        action::Origin::Run { run, step, .. } => format!("by step {} of {run}", step + 1),
        action::Origin::Person => "by a person".to_owned(),
        action::Origin::AtOnce => "at once, as strategies.yaml allows beforehand".to_owned(),
        action::Origin::Recovery { .. } => "by the recovery of its incident".to_owned(),
    };
    reasons.push(reason("asked for", asked, Some(id.0)));
    if let Some(strategy) = &found.spec.strategy {
        reasons.push(reason("strategy", &**strategy, Some(id.0)));
    }
    if let Some(at) = found.applied_at {
        let verified = match found.verified {
            Some(true) => "the read-back agrees",
            Some(false) => "the read-back does not agree",
            None => "without read-back",
        };
        reasons.push(reason("applied", format!("at {at}, {verified}"), last(&entries, &["action.applied"])));
    }
    if found.ends_with_incident() {
        let until = "until its incident is resolved and its watch is over".to_owned();
        reasons.push(reason("lease", until, last(&entries, &["action.applied"])));
    }
    if let Some(until) = found.lease_until {
        let ended = if found.lease_expired { "ended at" } else { "until" };
        let at = last(&entries, &["action.lease_expired", "action.lease_extended", "action.applied"]);
        reasons.push(reason("lease", format!("{ended} {until}"), at));
    }
    Ok(Some((reasons, entries)))
}

fn of_notice(reader: &Reader, id: NoticeId) -> Result<Explained, engine::Error> {
    let Some(found) = reader.notice(id)? else { return Ok(None) };
    let entries = entries(reader, Stream::Notice(id), id.0, found.incident)?;
    let shown = view::Notice::from(&found);
    let newest = entries.last().map(|entry| entry.envelope.position);
    let by = shown.channel.map(|channel| format!("by {channel}"));
    let words: Vec<String> = by.into_iter().chain(shown.detail).collect();
    let mut reasons = vec![reason(&shown.status, words.join(": "), newest)];
    reasons.push(reason("queued", format!("for {}: {}", shown.to, shown.about), Some(id.0)));
    let failed = |entry: &&TimelineEntry| entry.envelope.kind == "notice.not_delivered";
    for entry in entries.iter().filter(failed) {
        reasons.push(reason("not delivered", Entry::from(entry).summary, Some(entry.envelope.position)));
    }
    Ok(Some((reasons, entries)))
}
