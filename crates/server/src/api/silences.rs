//! `/api/v1/silences`.

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    event::Stream,
    flow::Command,
    id::SilenceId,
    matcher,
    silence::{self, Terms},
    time::{Span, Timestamp},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{CURSOR, LIMIT, change, either, missing, read, shown};
use crate::{
    Error, Problem,
    call::{Call, ok},
    json::Parsed,
    route::{Answer, Method, Parameter, Route, schema},
    view::{Page, Silence},
};

const STATE: Parameter =
    Parameter { name: "state", about: "`live` (if absent: pending and active) or `expired`." };

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/silences",
        &[STATE, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Silence>>),
        "Silences, newest first.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/silences/{id}", &[], Answer::Json(200, schema::<Silence>), "One silence.", |call| {
        Box::pin(show(call))
    }),
    change(
        "/api/v1/silences",
        Permission::Respond,
        Some(schema::<NewSilence>),
        Answer::Json(201, schema::<Silence>),
        "Mute the alerts that match all matchers, for a time.",
        |call| Box::pin(set(call)),
    ),
    Route {
        method: Method::Delete,
        body_max: 0,
        ..change(
            "/api/v1/silences/{id}",
            Permission::Respond,
            None,
            Answer::Json(200, schema::<Silence>),
            "End a silence now.",
            |call| Box::pin(expire(call)),
        )
    },
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSilence {
    /// Such as `node="validator-3"` or `severity=~"low|medium"`; all must match.
    matchers: Vec<String>,
    /// Now if absent.
    starts_at: Option<Parsed<Timestamp>>,
    ends_at: Option<Parsed<Timestamp>>,
    /// In place of `ends_at`: how long, such as `2h`.
    #[serde(rename = "for")]
    lasts: Option<Parsed<Span>>,
    comment: String,
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "state", ["live", "expired"])?;
    let (page, now) = (call.page()?, call.now());
    let rows = call.read(move |reader| reader.silences(past, page)).await?;
    ok(&Page::of(&rows, page.limit, |row| row.id.0, |row| Silence::of(row, now)))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: SilenceId = call.param("id")?;
    let (found, now) = (call.read(move |reader| reader.silence(id)).await?, call.now());
    let found = found.ok_or_else(|| missing(format_args!("silence {id}")))?;
    ok(&Silence::of(&found, now))
}

async fn set(call: Call) -> Result<Response, Error> {
    let asked: NewSilence = call.json()?;
    let invalid = |detail: String| Error::new(Problem::Invalid, detail);
    let matchers =
        asked.matchers.iter().map(|text| matcher::parse(text)).collect::<Result<_, _>>().map_err(invalid)?;
    let now = call.now();
    let starts_at = asked.starts_at.map_or(now, |Parsed(at)| at);
    let ends_at = match (asked.ends_at, asked.lasts) {
        (Some(Parsed(at)), None) => at,
        (None, Some(Parsed(span))) => starts_at.plus(span),
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid("a silence needs either `ends_at` or `for`".to_owned()));
        }
    };
    let created_by = call.principal.as_ref().map_or_else(String::new, |who| who.name.to_string());
    let terms = Terms { matchers, starts_at, ends_at, created_by, comment: asked.comment };
    let receipt = call.command(Command::Silence(silence::Command::Set { id: None, terms })).await?;
    let Some(Stream::Silence(id)) = receipt.created("silence.set") else {
        return Err(Error::internal("setting a silence", &"no fact names it"));
    };
    let found = call.read(move |reader| reader.silence(id)).await?;
    shown(StatusCode::CREATED, found.map(|silence| Silence::of(&silence, call.now())))
}

async fn expire(call: Call) -> Result<Response, Error> {
    let id: SilenceId = call.param("id")?;
    call.command(Command::Silence(silence::Command::Expire { id })).await?;
    let found = call.read(move |reader| reader.silence(id)).await?;
    shown(StatusCode::OK, found.map(|silence| Silence::of(&silence, call.now())))
}
