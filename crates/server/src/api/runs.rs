//! `/api/v1/runs`: executions of playbooks, and what a person may ask of one.

use std::{collections::BTreeMap, sync::Arc};

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    content,
    event::Stream,
    flow::Command,
    id::{IncidentId, RunId},
    playbook::Playbook,
    run,
};
use engine::Reader;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{CURSOR, LIMIT, change, either, missing, no_fields, read, shown};
use crate::{
    Error,
    call::{Call, ok},
    json::Parsed,
    route::{Answer, Handler, Parameter, Route, SchemaOf, schema},
    shared::Shared,
    view::{Outcome, Page, Run},
};

/// Entries of an incident that are looked at for the calls of its run.
const LOOK: usize = 10_000;

const STATE: Parameter = Parameter { name: "state", about: "`live` (if absent) or `ended`." };
const ONE: Answer = Answer::Json(200, schema::<Run>);

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/runs",
        &[STATE, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Run>>),
        "Runs, newest first.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/runs/{id}", &[], ONE, "One run with its steps.", |call| Box::pin(show(call))),
    change(
        "/api/v1/runs",
        Permission::Respond,
        Some(schema::<Start>),
        Answer::Json(201, schema::<Run>),
        "Start a playbook for an incident.",
        |call| Box::pin(start(call)),
    ),
    respond("/api/v1/runs/{id}/pause", None, "Begin no further step.", |call| Box::pin(pause(call))),
    respond("/api/v1/runs/{id}/resume", None, "Go on with a paused or blocked run.", |call| {
        Box::pin(resume(call))
    }),
    respond(
        "/api/v1/runs/{id}/cancel",
        Some(schema::<Cancel>),
        "End a run; with `undo` take back what it applied.",
        |call| Box::pin(cancel(call)),
    ),
    respond(
        "/api/v1/runs/{id}/update",
        Some(schema::<Update>),
        "Complete open tasks and make open decisions; all of it or nothing.",
        |call| Box::pin(update(call)),
    ),
    respond("/api/v1/runs/{id}/skip", Some(schema::<Skip>), "Leave a step out.", |call| Box::pin(skip(call))),
    respond("/api/v1/runs/{id}/retry", Some(schema::<Retry>), "Begin a failed step anew.", |call| {
        Box::pin(retry(call))
    }),
];

const fn respond(
    path: &'static str,
    request: Option<SchemaOf>,
    summary: &'static str,
    handler: Handler,
) -> Route {
    change(path, Permission::Respond, request, ONE, summary, handler)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Start {
    incident: Parsed<IncidentId>,
    /// The one that fits the incident if absent.
    playbook: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Cancel {
    #[serde(default)]
    undo: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    /// Ids of manual steps.
    #[serde(default)]
    complete: Vec<String>,
    /// The option chosen, by the id of the decision.
    #[serde(default)]
    decide: BTreeMap<String, String>,
    note: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Skip {
    step: String,
    why: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Retry {
    step: String,
}

/// The playbook version that a run is pinned to, if its text is known.
pub(super) fn pinned(
    reader: &Reader,
    shared: &Shared,
    run: &run::Run,
) -> Result<Option<Arc<Playbook>>, engine::Error> {
    let content = shared.content();
    if let Some(playbook) = content.playbooks.values().find(|playbook| playbook.hash == run.hash) {
        return Ok(Some(playbook.clone()));
    }
    let Some(text) = reader.content_text(&run.hash)? else { return Ok(None) };
    let (playbook, _) = content::read_playbook(&run.playbook, &text, &content);
    Ok(playbook.map(Arc::new))
}

fn view(reader: &Reader, shared: &Shared, id: RunId) -> Result<Option<Run>, engine::Error> {
    let Some(run) = reader.run(id)? else { return Ok(None) };
    let playbook = pinned(reader, shared, &run)?;
    let mut view = Run::of(&run, playbook.as_deref());
    if let Some(incident) = reader.incident(run.incident)? {
        view = view.with_team(&incident);
    }
    if let Some(playbook) = &playbook {
        view.result = Some(result(reader, shared, &run, playbook)?);
    }
    Ok(Some(view))
}

/// From its steps and its calls.
fn result(
    reader: &Reader,
    shared: &Shared,
    run: &run::Run,
    playbook: &Playbook,
) -> Result<Outcome, engine::Error> {
    let mut actions = Vec::new();
    for stream in reader.streams_of(run.incident, LOOK)? {
        if let Stream::Action(id) = stream {
            actions.extend(reader.action(id)?.filter(|action| action.spec.origin.run() == Some(run.id)));
        }
    }
    let incident = reader.incident(run.incident)?;
    let plan = incident.as_ref().and_then(|incident| incident.recovery.as_deref());
    Ok(Outcome::of(run, playbook, &actions, &shared.content().actions, plan, shared.now()))
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "state", ["live", "ended"])?;
    let page = call.page()?;
    let content = call.shared.content();
    let rows = call.read(move |reader| reader.runs(past, page)).await?;
    let playbook = |run: &run::Run| content.playbooks.values().find(|playbook| playbook.hash == run.hash);
    let view = |run: &run::Run| Run::of(run, playbook(run).map(|playbook| &**playbook));
    ok(&Page::of(&rows, page.limit, |row| row.id.0, view))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: RunId = call.param("id")?;
    let shared = call.shared.clone();
    let found = call.read(move |reader| view(reader, &shared, id)).await?;
    ok(&found.ok_or_else(|| missing(format_args!("run {id}")))?)
}

async fn start(call: Call) -> Result<Response, Error> {
    let Start { incident: Parsed(incident), playbook } = call.json()?;
    let receipt = call.command(Command::Run(run::Command::Start { incident, playbook })).await?;
    let Some(Stream::Run(id)) = receipt.created("run.started") else {
        return Err(Error::internal("starting a run", &"no fact names it"));
    };
    let shared = call.shared.clone();
    shown(StatusCode::CREATED, call.read(move |reader| view(reader, &shared, id)).await?)
}

async fn carry_out(call: &Call, id: RunId, command: run::Command) -> Result<Response, Error> {
    call.command(Command::Run(command)).await?;
    let shared = call.shared.clone();
    shown(StatusCode::OK, call.read(move |reader| view(reader, &shared, id)).await?)
}

async fn pause(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    no_fields(&call)?;
    carry_out(&call, id, run::Command::Pause { id }).await
}

async fn resume(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    no_fields(&call)?;
    carry_out(&call, id, run::Command::Resume { id }).await
}

async fn cancel(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Cancel { undo } = call.json()?;
    if undo {
        // It takes containments back, which is for those who may.
        crate::gate::require(call.principal.as_ref(), Permission::Command)?;
    }
    carry_out(&call, id, run::Command::Cancel { id, undo }).await
}

async fn update(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Update { complete, decide, note } = call.json()?;
    carry_out(&call, id, run::Command::Update { id, complete, decide, note }).await
}

async fn skip(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Skip { step, why } = call.json()?;
    carry_out(&call, id, run::Command::Skip { id, step, why }).await
}

async fn retry(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Retry { step } = call.json()?;
    carry_out(&call, id, run::Command::Retry { id, step }).await
}
