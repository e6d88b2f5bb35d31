//! `/api/v1/approvals`: what waits for people. Looking changes nothing; only a POST with the hash of what was
//! looked at approves.

use axum::response::Response;
use domain::{access::Permission, approval, flow::Command, id::ApprovalId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{CURSOR, LIMIT, change, either, missing, no_fields, read};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Parameter, Route, schema},
    view::{Approval, Page},
};

const STATE: Parameter = Parameter { name: "state", about: "`open` (if absent) or `past`." };
const ONE: Answer = Answer::Json(200, schema::<Approval>);

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/approvals",
        &[STATE, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Approval>>),
        "What waits for the approval of people, newest first.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/approvals/{id}", &[], ONE, "Exactly what would be done.", |call| Box::pin(show(call))),
    change(
        "/api/v1/approvals/{id}/approve",
        Permission::Respond,
        Some(schema::<Approve>),
        ONE,
        "Allow what has this hash. The request says which role it takes.",
        |call| Box::pin(approve(call)),
    ),
    change(
        "/api/v1/approvals/{id}/deny",
        Permission::Respond,
        Some(schema::<Deny>),
        ONE,
        "Refuse it for good, and say why.",
        |call| Box::pin(deny(call)),
    ),
    change(
        "/api/v1/approvals/{id}/ask",
        Permission::Respond,
        None,
        ONE,
        "Have it asked again after nobody answered.",
        |call| Box::pin(ask(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Approve {
    /// As the request shows it.
    hash: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Deny {
    why: String,
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "state", ["open", "past"])?;
    let page = call.page()?;
    let rows = call.read(move |reader| reader.approvals(past, page)).await?;
    ok(&Page::of(&rows, page.limit, |row| row.id.0, |row| Approval::from(row)))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    one(&call, id).await
}

async fn one(call: &Call, id: ApprovalId) -> Result<Response, Error> {
    let found = call.read(move |reader| reader.approval(id)).await?;
    ok(&Approval::from(&found.ok_or_else(|| missing(format_args!("approval {id}")))?))
}

async fn approve(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Approve { hash } = call.json()?;
    call.command(Command::Approval(approval::Command::Approve { id, hash })).await?;
    one(&call, id).await
}

async fn deny(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Deny { why } = call.json()?;
    call.command(Command::Approval(approval::Command::Deny { id, why })).await?;
    one(&call, id).await
}

async fn ask(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    no_fields(&call)?;
    call.command(Command::Approval(approval::Command::Renew { id })).await?;
    one(&call, id).await
}
