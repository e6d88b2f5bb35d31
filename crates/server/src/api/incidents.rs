//! `/api/v1/incidents`: what is open, what happened in it, and what people do about it.

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    event::Stream,
    flow::Command,
    id::{IncidentId, PersonId},
    incident::{self, people::Ask},
    review,
    severity::Severity,
    time::Timestamp,
};
use engine::Reader;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{CURSOR, LIMIT, change, either, missing, no_fields, queue, read, runs, shown};
use crate::{
    Error, Problem,
    call::{Call, ok},
    json::Parsed,
    route::{Answer, Parameter, Route, SchemaOf, schema},
    shared::Shared,
    view::{Action, Alert, Analysis, Entry, Incident, IncidentPage, Lesson, Notice, Page, Run, Target, text},
};

/// Entries of an incident that are looked at for what belongs to it.
const LOOK: usize = 1_000;
/// Lessons that are shown at once.
const LESSONS: usize = 5;

const STATUS: Parameter =
    Parameter { name: "status", about: "`open` (if absent, resolved ones included) or `closed`." };

const ORDER: Parameter = Parameter {
    name: "order",
    about: "`newest` first (if absent), or `priority`: the most urgent of the open ones first.",
};

const LIST: Answer = Answer::Json(200, schema::<Page<Incident>>);
const ONE: Answer = Answer::Json(200, schema::<Incident>);

pub(crate) const ROUTES: &[Route] = &[
    read("/api/v1/incidents", &[STATUS, ORDER, LIMIT, CURSOR], LIST, "Incidents.", |call| {
        Box::pin(list(call))
    }),
    read(
        "/api/v1/incidents/{id}",
        &[],
        Answer::Json(200, schema::<IncidentPage>),
        "One incident with its alerts, runs and actions.",
        |call| Box::pin(show(call)),
    ),
    read(
        "/api/v1/incidents/{id}/timeline",
        &[LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Entry>>),
        "The journal's entries about an incident, oldest first.",
        |call| Box::pin(timeline(call)),
    ),
    change(
        "/api/v1/incidents",
        Permission::Respond,
        Some(schema::<Open>),
        Answer::Json(201, schema::<Incident>),
        "Open an incident by hand.",
        |call| Box::pin(open(call)),
    ),
    respond("/api/v1/incidents/{id}/ack", None, "Say that you have seen it.", |call| {
        Box::pin(acknowledge(call))
    }),
    respond("/api/v1/incidents/{id}/claim", None, "Take command of it.", |call| Box::pin(claim(call))),
    respond(
        "/api/v1/incidents/{id}/hand-over",
        Some(schema::<Assign>),
        "Offer the command to a person, who has to accept.",
        |call| Box::pin(hand_over(call)),
    ),
    respond("/api/v1/incidents/{id}/accept", None, "Accept the command that was offered to you.", |call| {
        Box::pin(accept(call))
    }),
    respond(
        "/api/v1/incidents/{id}/escalate",
        Some(schema::<Escalate>),
        "Call the next level, or the one that a level or a criterion names.",
        |call| Box::pin(escalate(call)),
    ),
    respond(
        "/api/v1/incidents/{id}/answer",
        Some(schema::<Answered>),
        "Answer for a member of the crisis team that the last level called.",
        |call| Box::pin(answer(call)),
    ),
    respond("/api/v1/incidents/{id}/assign", Some(schema::<Assign>), "Give it to a person.", |call| {
        Box::pin(assign(call))
    }),
    respond(
        "/api/v1/incidents/{id}/classify",
        Some(schema::<Classify>),
        "Change type or severity.",
        |call| Box::pin(classify(call)),
    ),
    respond("/api/v1/incidents/{id}/notes", Some(schema::<Note>), "Write something down.", |call| {
        Box::pin(note(call))
    }),
    respond("/api/v1/incidents/{id}/links", Some(schema::<Link>), "Link to something outside.", |call| {
        Box::pin(link(call))
    }),
    respond("/api/v1/incidents/{id}/resolve", Some(schema::<Resolve>), "Say that it is over.", |call| {
        Box::pin(resolve(call))
    }),
    change(
        "/api/v1/incidents/{id}/sign-off",
        Permission::Command,
        Some(schema::<SignOff>),
        ONE,
        "Say for the business that what was hurt works again.",
        |call| Box::pin(sign_off(call)),
    ),
    respond("/api/v1/incidents/{id}/close", Some(schema::<Close>), "Close it with a verdict.", |call| {
        Box::pin(close(call))
    }),
];

const fn respond(
    path: &'static str,
    request: Option<SchemaOf>,
    summary: &'static str,
    handler: crate::route::Handler,
) -> Route {
    change(path, Permission::Respond, request, ONE, summary, handler)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Open {
    title: String,
    incident_type: String,
    severity: Parsed<Severity>,
    #[serde(default)]
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Assign {
    person: Parsed<PersonId>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Escalate {
    level: Option<u8>,
    /// Of `escalation.yaml`.
    criterion: Option<String>,
    why: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Answered {
    /// The member of the crisis team; whoever asks if absent.
    contact: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Classify {
    incident_type: Option<String>,
    severity: Option<Parsed<Severity>>,
    /// When it really began.
    onset: Option<Parsed<Timestamp>>,
    why: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    text: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Link {
    title: String,
    /// Of http or https.
    url: String,
    /// People meet there: notices name it.
    #[serde(default)]
    room: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Resolve {
    summary: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignOff {
    note: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Close {
    disposition: Disposition,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Disposition {
    TruePositive,
    FalsePositive,
    Benign,
    Duplicate,
}

impl From<Disposition> for incident::Disposition {
    fn from(disposition: Disposition) -> Self {
        match disposition {
            Disposition::TruePositive => incident::Disposition::TruePositive,
            Disposition::FalsePositive => incident::Disposition::FalsePositive,
            Disposition::Benign => incident::Disposition::Benign,
            Disposition::Duplicate => incident::Disposition::Duplicate,
        }
    }
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "status", ["open", "closed"])?;
    let urgent = either(&call, "order", ["newest", "priority"])?;
    let page = call.page()?;
    if urgent {
        if past {
            let detail = "`order=priority` is for open incidents; leave out `status=closed`";
            return Err(Error::new(Problem::Malformed, detail));
        }
        return ok(&call.read(move |reader| queue::page(reader, page)).await?);
    }
    let rows = call.read(move |reader| reader.incidents(past, page)).await?;
    ok(&Page::of(&rows, page.limit, |row| row.id.0, |row| Incident::from(row)))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    let shared = call.shared.clone();
    let found = call.read(move |reader| page(reader, &shared, id)).await?;
    ok(&found.ok_or_else(|| missing(format_args!("incident {id}")))?)
}

/// An incident with all that belongs to it.
pub(crate) fn page(
    reader: &Reader,
    shared: &Shared,
    id: IncidentId,
) -> Result<Option<IncidentPage>, engine::Error> {
    let Some(incident) = reader.incident(id)? else { return Ok(None) };
    let (mut raised_by, mut runs, mut actions) = (Vec::new(), Vec::new(), Vec::new());
    let mut notices = Vec::new();
    for stream in reader.streams_of(id, LOOK)? {
        match stream {
            Stream::Alert(id) => raised_by.extend(reader.alert(id)?.as_ref().map(Alert::from)),
            Stream::Run(id) => {
                if let Some(run) = reader.run(id)? {
                    runs.push(Run::of(&run, runs::pinned(reader, shared, &run)?.as_deref()));
                }
            }
            Stream::Action(id) => actions.extend(reader.action(id)?.as_ref().map(Action::from)),
            Stream::Notice(id) => notices.extend(reader.notice(id)?.as_ref().map(Notice::from)),
            Stream::Silence(_)
            | Stream::Incident(_)
            | Stream::Control
            | Stream::Person(_)
            | Stream::Token(_)
            | Stream::Approval(_)
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
            | Stream::Log => {}
        }
    }
    let lessons = lessons(reader, &incident)?;
    let analysis = Analysis::from(incident.analysis());
    let incident = Incident::from(&incident);
    Ok(Some(IncidentPage { incident, analysis, raised_by, runs, actions, notices, lessons }))
}

/// What reviews of similar incidents taught, the newest first; one that shares targets before one of the same type.
fn lessons(reader: &Reader, incident: &incident::Incident) -> Result<Vec<Lesson>, engine::Error> {
    let marks = review::marks(&incident.targets);
    let mut found: Vec<(bool, Lesson)> = Vec::new();
    for one in reader.lookbacks(Timestamp(0), LOOK)? {
        if one.drill && !incident.drill || one.incident == incident.id {
            continue;
        }
        let why = one.is_like(&incident.incident_type, &marks);
        if let Some((lessons, why)) = one.lessons.as_ref().zip(why) {
            let shares = marks.iter().any(|mark| one.targets.contains(mark));
            let (review, of) = (text(one.id), text(one.incident));
            found.push((
                !shares,
                Lesson { review, incident: of, why: why.to_owned(), text: lessons.to_string() },
            ));
        }
    }
    found.sort_by_key(|(later, _)| *later);
    Ok(found.into_iter().take(LESSONS).map(|(_, lesson)| lesson).collect())
}

async fn timeline(call: Call) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    let page = call.page()?;
    let found = call
        .read(move |reader| {
            let known = reader.incident(id)?.is_some();
            Ok(if known { Some(reader.timeline(id, page.before.unwrap_or(0), page.limit)?) } else { None })
        })
        .await?;
    let found = found.ok_or_else(|| missing(format_args!("incident {id}")))?;
    let items = found.entries.iter().map(Entry::from).collect();
    ok(&Page { items, next: found.next.map(|position| position.to_string()) })
}

/// Carries a command out and answers with the incident as it is then.
async fn carry_out(call: &Call, id: IncidentId, command: incident::Command) -> Result<Response, Error> {
    call.command(Command::Incident(command)).await?;
    shown_now(call, id).await
}

pub(super) async fn shown_now(call: &Call, id: IncidentId) -> Result<Response, Error> {
    let found = call.read(move |reader| reader.incident(id)).await?;
    shown(StatusCode::OK, found.as_ref().map(Incident::from))
}

async fn open(call: Call) -> Result<Response, Error> {
    let asked: Open = call.json()?;
    let Parsed(severity) = asked.severity;
    let targets = asked.targets.into_iter().map(|target| (target.kind, target.name)).collect();
    let (title, incident_type) = (asked.title, asked.incident_type);
    let command = incident::Command::Open { title, incident_type, severity, targets };
    let receipt = call.command(Command::Incident(command)).await?;
    let Some(Stream::Incident(id)) = receipt.created("incident.opened") else {
        return Err(Error::internal("opening an incident", &"no fact names it"));
    };
    let found = call.read(move |reader| reader.incident(id)).await?;
    shown(StatusCode::CREATED, found.as_ref().map(Incident::from))
}

async fn acknowledge(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    no_fields(&call)?;
    carry_out(&call, id, incident::Command::Acknowledge { id }).await
}

async fn claim(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    no_fields(&call)?;
    carry_out(&call, id, people(id, Ask::Claim)).await
}

async fn hand_over(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Assign { person: Parsed(to) } = call.json()?;
    carry_out(&call, id, people(id, Ask::HandOver { to })).await
}

async fn accept(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    no_fields(&call)?;
    carry_out(&call, id, people(id, Ask::Accept)).await
}

async fn answer(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Answered { contact } = if call.body.is_empty() { Answered { contact: None } } else { call.json()? };
    carry_out(&call, id, people(id, Ask::Answer { contact })).await
}

async fn escalate(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Escalate { level, criterion, why } = call.json()?;
    carry_out(&call, id, people(id, Ask::Escalate { level, criterion, why })).await
}

fn people(id: IncidentId, ask: Ask) -> incident::Command {
    incident::Command::People { id, ask }
}

async fn assign(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Assign { person: Parsed(person) } = call.json()?;
    carry_out(&call, id, incident::Command::Assign { id, person }).await
}

async fn classify(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Classify { incident_type, severity, onset, why } = call.json()?;
    let severity = severity.map(|Parsed(severity)| severity);
    let onset = onset.map(|Parsed(onset)| onset);
    carry_out(&call, id, incident::Command::Classify { id, incident_type, severity, onset, why }).await
}

async fn note(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Note { text } = call.json()?;
    carry_out(&call, id, incident::Command::Note { id, text }).await
}

async fn link(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Link { title, url, room } = call.json()?;
    carry_out(&call, id, incident::Command::Link { id, title, url, room }).await
}

async fn resolve(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Resolve { summary } = call.json()?;
    carry_out(&call, id, incident::Command::Resolve { id, summary }).await
}

async fn sign_off(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let SignOff { note } = call.json()?;
    carry_out(&call, id, incident::Command::SignOff { id, note }).await
}

async fn close(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Close { disposition } = call.json()?;
    if matches!(disposition, Disposition::TruePositive) {
        super::closing::prove(&call, id).await?;
    }
    carry_out(&call, id, incident::Command::Close { id, disposition: disposition.into() }).await
}
