//! Any JSON source by a mapping of the content. What cannot be read is kept as it came, for a person to look at.

use std::time::Instant;

use axum::{http::HeaderMap, response::Response};
use domain::{
    event::{Actor, Stream},
    flow::Command,
    intake,
    mapping::{Headers, Mapping},
    text,
};
use serde_json::Value;

use super::alerts::{Taken, deliver};
use crate::{
    Error, Problem,
    call::Call,
    json,
    kept::BODY_MAX,
    route::{Answer, Audit, Auth, Contract, DELIVERY_MAX, Method, Route, schema},
};

/// Headers whose name has one of these may hold a secret, so no mapping sees them.
const SECRET: [&str; 7] = ["auth", "cookie", "token", "secret", "signature", "key", "password"];

pub(crate) const ROUTES: &[Route] = &[Route {
    method: Method::Post,
    path: "/api/v1/alerts/{id}",
    contract: Contract::Native,
    auth: Auth::Source,
    audit: Audit::Refusals,
    body_max: DELIVERY_MAX,
    query: &[],
    request: Some(schema::<Value>),
    answer: Answer::Json(200, schema::<Taken>),
    summary: "Take what a source sends, by the mapping of the name that stands for `id`.",
    handler: |call| Box::pin(take(call)),
}];

async fn take(call: Call) -> Result<Response, Error> {
    let content = call.shared.content();
    let name = call.text_param("id")?;
    speaks_for(&call, name)?;
    let mapped_by = call.shared.sources.get(name).map_or(name, |source| &source.mapping);
    let Some(mapping) = content.mappings.get(mapped_by) else {
        return Err(Error::new(Problem::NotFound, "there is no mapping for a source of this name"));
    };
    let mapped = match read(mapping, &call.body) {
        Ok(body) => mapping.map(body, &headers(&call.headers), call.now()).map_err(|why| why.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match mapped {
        Ok(alerts) => deliver(&call, alerts).await,
        Err(reason) => Err(keep(&call, name, reason).await),
    }
}

/// A token that was made for one source speaks for no other; one of another name may feed several.
fn speaks_for(call: &Call, name: &str) -> Result<(), Error> {
    let machine = call.principal.as_ref().filter(|principal| matches!(principal.actor, Actor::Source(_)));
    let Some(own) = machine.map(|principal| &*principal.name).filter(|own| *own != name) else {
        return Ok(());
    };
    if !call.shared.content().mappings.contains_key(own) && !call.shared.sources.contains_key(own) {
        return Ok(());
    }
    let detail = format!("the token is that of the source `{own}`; `{name}` needs one of its own");
    Err(Error::new(Problem::Forbidden, detail))
}

fn read(mapping: &Mapping, body: &[u8]) -> Result<Value, Error> {
    match json::read(body) {
        Err(_) if mapping.any_body => Ok(Value::String(String::from_utf8_lossy(body).into_owned())),
        read => read,
    }
}

/// Headers by lower-case name, without those that hold secrets; of several of one name the first.
fn headers(sent: &HeaderMap) -> Headers {
    let secret = |name: &str| SECRET.iter().any(|word| name.contains(word));
    let plain = sent.keys().filter(|name| !secret(name.as_str()));
    plain
        .filter_map(|name| Some((name.as_str().to_owned(), sent.get(name)?.to_str().ok()?.to_owned())))
        .collect()
}

/// Keeps a body that could not be read, without its headers, and says where it is.
async fn keep(call: &Call, source: &str, reason: String) -> Error {
    let body = text::cut_off(String::from_utf8_lossy(&call.body).into_owned(), BODY_MAX);
    if !call.shared.kept.admit(body.len(), Instant::now()) {
        let detail = format!("{reason}; the body was not kept, because too much was in this hour");
        return Error::new(Problem::Malformed, detail);
    }
    let keep = intake::Command::Keep { source: source.to_owned(), reason: reason.clone(), body };
    match call.command(Command::Intake(keep)).await {
        Err(error) => error,
        Ok(receipt) => match receipt.created("intake.kept") {
            Some(Stream::Raw(id)) => {
                Error::new(Problem::Malformed, format!("{reason}; the body is kept as {id}"))
            }
            Some(_) | None => Error::new(Problem::Malformed, reason),
        },
    }
}
