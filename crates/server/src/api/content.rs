//! `/api/v1/content` and `/api/v1/playbooks`: what is in force.

use std::{collections::BTreeMap, future::ready};

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    content::{ActionSpec, Pinned},
    flow::Command,
    playbook::{self, Life, Playbook},
    upkeep::{self, Upkeep},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CURSOR, LIMIT, change, missing, read, shown};
use crate::{
    Error, Problem,
    call::{Call, ok},
    route::{Answer, Handler, Parameter, Route, schema},
    view::{self, Line, Page, name, text},
};

const RESPONSE: Parameter = Parameter {
    name: "response",
    about: "Only playbooks of this kind of response: `immediate`, `tactical`, `strategic` or `recovery`.",
};
const PROCEDURE: Parameter = Parameter {
    name: "procedure",
    about: "Only playbooks for this kind of procedure: `detection`, `analysis`, `response` or `recovery`.",
};

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/content",
        &[],
        Answer::Json(200, schema::<InForce>),
        "The content in force: its hash and the hash of each file.",
        |call| Box::pin(ready(in_force(&call))),
    ),
    read(
        "/api/v1/content/actions",
        &[],
        Answer::Json(200, schema::<Page<Verb>>),
        "The verbs that may be asked for.",
        |call| Box::pin(ready(actions(&call))),
    ),
    read(
        "/api/v1/playbooks",
        &[RESPONSE, PROCEDURE, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<PlaybookHead>>),
        "The playbooks in force, by name.",
        |call| Box::pin(playbooks(call)),
    ),
    read(
        "/api/v1/playbooks/{id}",
        &[],
        Answer::Json(200, schema::<PlaybookText>),
        "One playbook with its text.",
        |call| Box::pin(playbook(call)),
    ),
    life(
        "/api/v1/playbooks/{id}/review",
        Permission::Respond,
        "Have a draft looked at, or a retired one again.",
        |call| Box::pin(shift(call, Life::Review)),
    ),
    life("/api/v1/playbooks/{id}/activate", Permission::Command, "Let it start runs.", |call| {
        Box::pin(shift(call, Life::Active))
    }),
    life("/api/v1/playbooks/{id}/retire", Permission::Command, "Let it start no run any more.", |call| {
        Box::pin(shift(call, Life::Retired))
    }),
];

/// A step in the life of a procedure.
const fn life(path: &'static str, permission: Permission, summary: &'static str, handler: Handler) -> Route {
    change(
        path,
        permission,
        Some(schema::<Shift>),
        Answer::Json(200, schema::<PlaybookHead>),
        summary,
        handler,
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProcedureMove")]
struct Shift {
    why: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct InForce {
    hash: String,
    /// Path to SHA-256.
    files: BTreeMap<String, String>,
}

/// What may be asked of a connector.
#[derive(Debug, Serialize, JsonSchema)]
struct Verb {
    verb: String,
    summary: String,
    /// The kind of its target.
    target: String,
    args: Vec<Argument>,
    connector: String,
    class: String,
    risk: String,
    containment: bool,
    /// The verb that takes it back.
    revert: Option<String>,
    /// Whether the connector reads back that it holds.
    verify: bool,
    blast_radius_max: u32,
    timeout: String,
    side_effects: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Argument {
    name: String,
    kind: String,
    required: bool,
    default: Option<serde_json::Value>,
    one_of: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PlaybookHead {
    id: String,
    name: String,
    version: String,
    hash: String,
    types: Vec<String>,
    min_severity: String,
    /// `immediate`, `tactical`, `strategic` or `recovery`.
    response: String,
    /// `detection`, `analysis`, `response` or `recovery`.
    procedure: String,
    /// `draft`, `review`, `active` or `retired`: what its text says, or what a person said since. Only an active one
    /// starts runs.
    status: String,
    /// Who said so, if a person did.
    status_by: Option<String>,
    status_at: Option<String>,
    status_why: Option<String>,
    unit: Option<String>,
    owner: Option<String>,
    /// `low`, `medium`, `high` or `critical`.
    criticality: Option<String>,
    reviewers: Vec<String>,
    tags: Vec<String>,
    related: Vec<String>,
    created: Option<String>,
    updated: Option<String>,
    roles: Vec<String>,
    /// Step ids by stage, in order.
    stages: Vec<StageHead>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct StageHead {
    id: String,
    name: String,
    steps: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PlaybookText {
    #[serde(flatten)]
    head: PlaybookHead,
    /// The document as it was read.
    text: String,
    /// The pieces that it calls, path to text.
    pieces: BTreeMap<String, String>,
    /// The steps by stage, as they stand inside of one another.
    outline: BTreeMap<String, Vec<Line>>,
}

impl From<&ActionSpec> for Verb {
    fn from(action: &ActionSpec) -> Verb {
        let argument = |(named, arg): (&String, &domain::content::ArgSpec)| Argument {
            name: named.clone(),
            kind: name(&arg.kind),
            required: arg.required,
            default: arg.default.clone(),
            one_of: arg.one_of.clone(),
        };
        Verb {
            verb: action.verb.clone(),
            summary: action.summary.clone(),
            target: action.target.clone(),
            args: action.args.iter().map(argument).collect(),
            connector: action.connector.clone(),
            class: name(&action.class),
            risk: action.risk.name().to_owned(),
            containment: action.containment,
            revert: action.revert.clone(),
            verify: action.verify,
            blast_radius_max: action.blast_radius_max,
            timeout: text(action.timeout),
            side_effects: action.side_effects.clone(),
        }
    }
}

impl PlaybookHead {
    fn of(playbook: &Playbook, upkeep: &Upkeep) -> PlaybookHead {
        let stage = |stage: &domain::playbook::Stage| StageHead {
            id: stage.id.clone(),
            name: stage.name.clone(),
            steps: stage.steps.iter().map(|step| step.id.clone()).collect(),
        };
        let (charter, moved) = (&playbook.charter, upkeep.moved(playbook));
        PlaybookHead {
            id: playbook.id.clone(),
            name: playbook.name.clone(),
            version: playbook.version.clone(),
            hash: playbook.hash.to_string(),
            types: playbook.types.clone(),
            min_severity: text(playbook.min_severity),
            response: name(&playbook.response),
            procedure: name(&playbook.procedure),
            status: name(&upkeep.life(playbook)),
            status_by: moved.and_then(|moved| moved.by).map(text),
            status_at: moved.map(|moved| text(moved.at)),
            status_why: moved.map(|moved| moved.why.to_string()).filter(|why| !why.is_empty()),
            unit: charter.unit.clone(),
            owner: charter.owner.clone(),
            criticality: charter.criticality.as_ref().map(name),
            reviewers: charter.reviewers.clone(),
            tags: charter.tags.clone(),
            related: charter.related.clone(),
            created: charter.created.clone(),
            updated: charter.updated.clone(),
            roles: playbook.roles.clone(),
            stages: playbook.stages.iter().map(stage).collect(),
        }
    }
}

fn in_force(call: &Call) -> Result<Response, Error> {
    let content = call.shared.content();
    let files = content.files.iter().map(|(path, hash)| (path.clone(), hash.to_string())).collect();
    ok(&InForce { hash: content.hash.to_string(), files })
}

fn actions(call: &Call) -> Result<Response, Error> {
    let content = call.shared.content();
    let verbs = content.actions.values().map(|action| Verb::from(&**action)).collect();
    ok(&Page::whole(verbs))
}

/// Pages by position in the order of names; a reload between pages may shift it.
async fn playbooks(call: Call) -> Result<Response, Error> {
    let page = call.page()?;
    let from = usize::try_from(page.before.unwrap_or(0)).unwrap_or(usize::MAX);
    let response = word(&call, "response", &playbook::Response::ALL)?;
    let procedure = word(&call, "procedure", &playbook::Procedure::ALL)?;
    let upkeep = call.read(|reader| reader.upkeep()).await?;
    let content = call.shared.content();
    let wanted = |playbook: &&Playbook| {
        response.is_none_or(|wanted| playbook.response == wanted)
            && procedure.is_none_or(|wanted| playbook.procedure == wanted)
    };
    let found: Vec<&Playbook> =
        content.playbooks.values().map(|playbook| &**playbook).filter(wanted).collect();
    let heads = found.iter().map(|playbook| PlaybookHead::of(playbook, &upkeep));
    let items: Vec<PlaybookHead> = heads.skip(from).take(page.limit).collect();
    let end = from.saturating_add(items.len());
    let next = (end < found.len() && !items.is_empty()).then(|| end.to_string());
    ok(&Page { items, next })
}

/// A word of the query, out of all that there are.
fn word<T: Copy + Serialize>(call: &Call, parameter: &str, all: &[T]) -> Result<Option<T>, Error> {
    let Some(asked) = call.query_one(parameter)? else { return Ok(None) };
    if let Some(found) = all.iter().find(|one| name(*one) == asked) {
        return Ok(Some(*found));
    }
    let asked: String = asked.chars().take(64).collect();
    let all: Vec<String> = all.iter().map(name).collect();
    let detail = format!("`{parameter}={asked}` is none of {}", all.join(", "));
    Err(Error::new(Problem::Malformed, detail))
}

async fn playbook(call: Call) -> Result<Response, Error> {
    let upkeep = call.read(|reader| reader.upkeep()).await?;
    let id = call.text_param("id")?.to_owned();
    let content = call.shared.content();
    let shown: String = id.chars().take(64).collect();
    let found = content.playbooks.get(&id).ok_or_else(|| missing(format_args!("playbook `{shown}`")))?;
    let text = content.playbook_texts.get(&found.hash).map(|text| Pinned::of(text));
    let Pinned { playbook: text, pieces } = text.unwrap_or_default();
    let mut first = 0;
    let mut outline = BTreeMap::new();
    for stage in &found.stages {
        outline.insert(stage.id.clone(), view::outline(stage, first));
        first += stage.steps.len() as u32;
    }
    ok(&PlaybookText { head: PlaybookHead::of(found, &upkeep), text, pieces, outline })
}

async fn shift(call: Call, to: Life) -> Result<Response, Error> {
    let playbook = call.text_param("id")?.to_owned();
    let Shift { why } = if call.body.is_empty() { Shift { why: None } } else { call.json()? };
    let asks = upkeep::Command::Move { playbook: playbook.clone(), to, why: why.unwrap_or_default() };
    call.command(Command::Upkeep(asks)).await?;
    let upkeep = call.read(|reader| reader.upkeep()).await?;
    let content = call.shared.content();
    shown(StatusCode::OK, content.playbooks.get(&playbook).map(|found| PlaybookHead::of(found, &upkeep)))
}
