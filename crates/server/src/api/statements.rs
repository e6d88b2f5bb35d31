//! `/api/v1/statements`: words to the outside, from the draft to what was sent.

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    event::Stream,
    flow::Command,
    id::{IncidentId, StatementId},
    statement::{self, Status},
};
use engine::{Page as Part, Reader};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CURSOR, LIMIT, change, either, missing, no_fields, read, shown};
use crate::{
    Error,
    call::{Call, ok},
    json::Parsed,
    route::{Answer, Parameter, Route, schema},
    view::{Page, text},
};

const STATE: Parameter =
    Parameter { name: "state", about: "`draft` (if absent), with those that are on their way, or `over`." };

const ONE: Answer = Answer::Json(200, schema::<Statement>);
/// Most requests for approval that are looked through for that of a statement.
const LOOK: usize = 1_000;

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/statements",
        &[STATE, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Statement>>),
        "Words to the outside, newest first.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/statements/{id}", &[], ONE, "One statement, and the request that waits for it.", |call| {
        Box::pin(show(call))
    }),
    change(
        "/api/v1/statements",
        Permission::Respond,
        Some(schema::<Draft>),
        Answer::Json(201, schema::<Statement>),
        "Draft one from the template of its kind.",
        |call| Box::pin(draft(call)),
    ),
    change(
        "/api/v1/statements/{id}/edit",
        Permission::Respond,
        Some(schema::<Edit>),
        ONE,
        "Change its words; a request for approval is void by that.",
        |call| Box::pin(edit(call)),
    ),
    change(
        "/api/v1/statements/{id}/submit",
        Permission::Respond,
        None,
        ONE,
        "Have it asked whether it may go out as it stands.",
        |call| Box::pin(submit(call)),
    ),
    change(
        "/api/v1/statements/{id}/withdraw",
        Permission::Respond,
        Some(schema::<Withdraw>),
        ONE,
        "Let it not go out.",
        |call| Box::pin(withdraw(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StatementDraft")]
struct Draft {
    incident: Parsed<IncidentId>,
    /// Of statements.yaml, such as `media`.
    kind: String,
    /// A contact of contacts.yaml that is external.
    to: String,
}

/// What is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StatementEdit")]
struct Edit {
    subject: Option<String>,
    text: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StatementWithdraw")]
struct Withdraw {
    why: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Statement {
    id: String,
    incident: String,
    kind: String,
    to: String,
    subject: String,
    text: String,
    authors: Vec<String>,
    drafted_at: String,
    /// `draft`, `sending`, `sent` once its contact has it, `undelivered` or `withdrawn`.
    status: String,
    /// The request that waits, or by which it was sent.
    approval: Option<String>,
    /// What approving takes: the SHA-256 of kind, recipient and words.
    hash: String,
    sent_at: Option<String>,
    withdrawn_at: Option<String>,
    /// Why it did not come, or was withdrawn.
    why: Option<String>,
}

impl Statement {
    fn of(made: &statement::Statement, waits: Option<String>) -> Statement {
        let (status, why) = match &made.status {
            Status::Draft => ("draft", None),
            Status::Sent { awaited: true, .. } => ("sending", None),
            Status::Sent { awaited: false, .. } => ("sent", None),
            Status::Undelivered { why, .. } => ("undelivered", Some(why.to_string())),
            Status::Withdrawn { why, .. } => ("withdrawn", Some(why.to_string())),
        };
        let (approval, sent_at, withdrawn_at) = match &made.status {
            Status::Draft => (waits, None, None),
            Status::Sent { approval, at, .. } => (Some(text(approval)), Some(text(at)), None),
            // It may be asked for again.
            Status::Undelivered { approval, at, .. } => {
                (Some(waits.unwrap_or_else(|| text(approval))), Some(text(at)), None)
            }
            Status::Withdrawn { at, .. } => (None, None, Some(text(at))),
        };
        Statement {
            id: text(made.id),
            incident: text(made.incident),
            kind: made.kind.to_string(),
            to: made.to.to_string(),
            subject: made.subject.to_string(),
            text: made.text.to_string(),
            authors: made.authors.iter().map(text).collect(),
            drafted_at: text(made.drafted_at),
            status: status.to_owned(),
            approval,
            hash: made.subject().hash().to_string(),
            sent_at,
            withdrawn_at,
            why,
        }
    }
}

/// One with the request that waits for it.
fn one(reader: &Reader, id: StatementId) -> Result<Option<Statement>, engine::Error> {
    let Some(made) = reader.statement(id)? else { return Ok(None) };
    let asked = reader.approvals(false, Part { before: None, limit: LOOK })?;
    let waits = asked.iter().find(|asked| asked.statement == Some(id)).map(|asked| text(asked.id));
    Ok(Some(Statement::of(&made, waits)))
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "state", ["draft", "over"])?;
    let page = call.page()?;
    let (rows, asked) = call
        .read(move |reader| {
            Ok((reader.statements(past, page)?, reader.approvals(false, Part { before: None, limit: LOOK })?))
        })
        .await?;
    let waits = |made: &statement::Statement| {
        asked.iter().find(|asked| asked.statement == Some(made.id)).map(|asked| text(asked.id))
    };
    ok(&Page::of(&rows, page.limit, |row| row.id.0, |row| Statement::of(row, waits(row))))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: StatementId = call.param("id")?;
    let found = call.read(move |reader| one(reader, id)).await?;
    ok(&found.ok_or_else(|| missing(format_args!("statement {id}")))?)
}

async fn draft(call: Call) -> Result<Response, Error> {
    let Draft { incident: Parsed(incident), kind, to } = call.json()?;
    let receipt = call.command(Command::Statement(statement::Command::Draft { incident, kind, to })).await?;
    let Some(Stream::Statement(id)) = receipt.created("statement.drafted") else {
        return Err(Error::internal("drafting a statement", &"no fact names it"));
    };
    shown(StatusCode::CREATED, call.read(move |reader| one(reader, id)).await?)
}

async fn edit(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Edit { subject, text } = call.json()?;
    changed(call, id, statement::Command::Edit { id, subject, text }).await
}

async fn submit(call: Call) -> Result<Response, Error> {
    no_fields(&call)?;
    let id = call.param("id")?;
    changed(call, id, statement::Command::Submit { id }).await
}

async fn withdraw(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Withdraw { why } = call.json()?;
    changed(call, id, statement::Command::Withdraw { id, why }).await
}

async fn changed(call: Call, id: StatementId, command: statement::Command) -> Result<Response, Error> {
    call.command(Command::Statement(command)).await?;
    shown(StatusCode::OK, call.read(move |reader| one(reader, id)).await?)
}
