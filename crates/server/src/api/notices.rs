//! `/api/v1/notices`: what was sent to whom, when, and why not.

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    event::Stream,
    flow::Command,
    id::{IncidentId, NoticeId},
    notice,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{CURSOR, LIMIT, change, either, missing, read, shown};
use crate::{
    Error, Problem,
    call::{Call, ok},
    json::Parsed,
    route::{Answer, Parameter, Route, schema},
    view::{Notice, Page},
};

/// Entries of an incident that are looked at for its notices.
const LOOK: usize = 1_000;
const STATE: Parameter = Parameter { name: "state", about: "`live` (if absent) or `past`." };
const INCIDENT: Parameter =
    Parameter { name: "incident", about: "Every notice of this incident, in any state, oldest first." };

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/notices",
        &[STATE, INCIDENT, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Notice>>),
        "Notices on their way or over, newest first.",
        |call| Box::pin(list(call)),
    ),
    read(
        "/api/v1/notices/{id}",
        &[],
        Answer::Json(200, schema::<Notice>),
        "One notice: its words, its ways, and what came of it.",
        |call| Box::pin(show(call)),
    ),
    change(
        "/api/v1/notices",
        Permission::Respond,
        Some(schema::<Send>),
        Answer::Json(201, schema::<Notice>),
        "Tell somebody how an open incident stands, over the channels of channels.yaml.",
        |call| Box::pin(send(call)),
    ),
    change(
        "/api/v1/channels/{name}/test",
        Permission::Respond,
        Some(schema::<Test>),
        Answer::Json(201, schema::<Notice>),
        "Send one notice of an open incident over this channel alone, to see whether it works.",
        |call| Box::pin(test(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Test {
    incident: Parsed<IncidentId>,
    /// Whom the channel should reach.
    to: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Send {
    incident: Parsed<IncidentId>,
    /// Who is told.
    to: String,
    /// What is said besides the state of the incident.
    about: String,
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "state", ["live", "past"])?;
    let page = call.page()?;
    let Some(incident) = call.query_one("incident")? else {
        let rows = call.read(move |reader| reader.notices(past, page)).await?;
        return ok(&Page::of(&rows, page.limit, |row| row.id.0, |row| Notice::from(row)));
    };
    let wrong = |_| Error::new(Problem::Malformed, "`incident` is not the id of an incident, such as INC-13");
    let incident: IncidentId = incident.parse().map_err(wrong)?;
    let rows = call.read(move |reader| of_incident(reader, incident)).await?;
    ok(&Page::whole(rows.iter().map(Notice::from).collect()))
}

fn of_incident(reader: &engine::Reader, incident: IncidentId) -> Result<Vec<notice::Notice>, engine::Error> {
    let mut notices = Vec::new();
    for stream in reader.streams_of(incident, LOOK)? {
        if let Stream::Notice(id) = stream {
            notices.extend(reader.notice(id)?);
        }
    }
    Ok(notices)
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: NoticeId = call.param("id")?;
    let found = call.read(move |reader| reader.notice(id)).await?;
    ok(&Notice::from(&found.ok_or_else(|| missing(format_args!("notice {id}")))?))
}

async fn send(call: Call) -> Result<Response, Error> {
    let Send { incident: Parsed(incident), to, about } = call.json()?;
    let reason = notice::Reason::Update;
    let command = notice::Command::Send { incident, reason, to: vec![to.into()], about: about.into() };
    queue(&call, command).await
}

async fn test(call: Call) -> Result<Response, Error> {
    let Test { incident: Parsed(incident), to } = call.json()?;
    let channel = call.text_param("name")?.into();
    queue(&call, notice::Command::Test { incident, channel, to: to.into() }).await
}

async fn queue(call: &Call, command: notice::Command) -> Result<Response, Error> {
    let receipt = call.command(Command::Notice(command)).await?;
    let Some(Stream::Notice(id)) = receipt.created("notice.queued") else {
        return Err(Error::internal("sending a notice", &"no fact names it"));
    };
    let found = call.read(move |reader| reader.notice(id)).await?;
    shown(StatusCode::CREATED, found.as_ref().map(Notice::from))
}
