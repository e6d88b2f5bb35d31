//! `/api/v1/containments`: actions under way and containments in force, and the limits of both.

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    action,
    event::Stream,
    flow::Command,
    id::{ActionId, IncidentId},
    playbook::{Lease, OnExpiry},
    time::Span,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{CURSOR, LIMIT, change, either, missing, no_fields, read, shown};
use crate::{
    Error,
    call::{Call, ok},
    json::{Args, Parsed},
    route::{Answer, Parameter, Route, schema},
    view::{Action, Page},
};

const STATE: Parameter = Parameter { name: "state", about: "`live` (if absent) or `past`." };
const ONE: Answer = Answer::Json(200, schema::<Action>);

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/containments",
        &[STATE, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Action>>),
        "Actions under way and containments in force, newest first.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/containments/{id}", &[], ONE, "One action or containment.", |call| Box::pin(show(call))),
    change(
        "/api/v1/containments",
        Permission::Command,
        Some(schema::<Apply>),
        Answer::Json(201, schema::<Action>),
        "Ask for an action on a target, for an incident.",
        |call| Box::pin(apply(call)),
    ),
    change(
        "/api/v1/containments/{id}/release",
        Permission::Command,
        None,
        ONE,
        "Take a containment back.",
        |call| Box::pin(release(call)),
    ),
    change(
        "/api/v1/containments/{id}/settle",
        Permission::Command,
        Some(schema::<Settle>),
        ONE,
        "Say what became of an action in doubt.",
        |call| Box::pin(settle(call)),
    ),
    change(
        "/api/v1/containments/{id}/extend",
        Permission::Command,
        Some(schema::<Extend>),
        ONE,
        "Let a lease run this long from now.",
        |call| Box::pin(extend(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Apply {
    incident: Parsed<IncidentId>,
    /// As in `actions.yaml`.
    verb: String,
    target: String,
    #[serde(default)]
    args: Args,
    /// Such as `4h`; when it ends while the incident is open, a person is asked.
    lease: Option<Parsed<Span>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settle {
    verdict: Verdict,
    why: String,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Applied,
    NotApplied,
    Retry,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Extend {
    /// Such as `4h`.
    #[serde(rename = "for")]
    lasts: Parsed<Span>,
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "state", ["live", "past"])?;
    let page = call.page()?;
    let rows = call.read(move |reader| reader.actions(past, page)).await?;
    ok(&Page::of(&rows, page.limit, |row| row.id.0, |row| Action::from(row)))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: ActionId = call.param("id")?;
    let found = call.read(move |reader| reader.action(id)).await?;
    ok(&Action::from(&found.ok_or_else(|| missing(format_args!("action {id}")))?))
}

async fn apply(call: Call) -> Result<Response, Error> {
    let Apply { incident: Parsed(incident), verb, target, args: Args(args), lease } = call.json()?;
    let lease = lease.map(|Parsed(span)| Lease { span: Some(span), on_expiry: OnExpiry::Ask });
    let command = action::Command::Apply { incident, verb, target, args, lease };
    let receipt = call.command(Command::Action(command)).await?;
    let created = receipt.created("action.intended").or_else(|| receipt.created("action.held"));
    let Some(Stream::Action(id)) = created else {
        return Err(Error::internal("asking for an action", &"no fact names it"));
    };
    let found = call.read(move |reader| reader.action(id)).await?;
    shown(StatusCode::CREATED, found.as_ref().map(Action::from))
}

async fn carry_out(call: &Call, id: ActionId, command: action::Command) -> Result<Response, Error> {
    call.command(Command::Action(command)).await?;
    let found = call.read(move |reader| reader.action(id)).await?;
    shown(StatusCode::OK, found.as_ref().map(Action::from))
}

async fn release(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    no_fields(&call)?;
    carry_out(&call, id, action::Command::Release { id }).await
}

async fn settle(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Settle { verdict, why } = call.json()?;
    let verdict = match verdict {
        Verdict::Applied => action::Verdict::Applied,
        Verdict::NotApplied => action::Verdict::NotApplied,
        Verdict::Retry => action::Verdict::Retry,
    };
    carry_out(&call, id, action::Command::Settle { id, verdict, why }).await
}

async fn extend(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Extend { lasts: Parsed(span) } = call.json()?;
    carry_out(&call, id, action::Command::Extend { id, span }).await
}
