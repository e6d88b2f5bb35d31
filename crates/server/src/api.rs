//! The API proper, one module a path. Each names its routes; [`ROUTES`] is all of them.

use axum::{http::StatusCode, response::Response};
use domain::access::Permission;
use serde::Serialize;

use crate::{
    Error, Problem,
    call::{self, Call},
    route::{Answer, Audit, Auth, COMMAND_MAX, Contract, Handler, Method, Parameter, Route, SchemaOf},
};

mod access;
mod alerts;
mod analysis;
mod approvals;
mod backups;
mod closing;
pub(crate) mod compliance;
mod containments;
mod content;
mod control;
mod duties;
mod emergency;
mod evidence;
mod exercises;
mod facts;
pub(crate) mod figures;
pub(crate) mod incidents;
mod intake;
mod load;
pub(crate) mod log;
mod notices;
mod operations;
mod options;
mod procedures;
mod quarantine;
pub(crate) mod queue;
mod records;
mod recovery;
mod reports;
mod restore;
mod reviews;
mod runs;
mod services;
mod silences;
mod sources;
mod statements;
mod tasks;
mod team;
mod tiles;
mod why;

pub(crate) const ROUTES: &[&[Route]] = &[
    alerts::ROUTES,
    sources::ROUTES,
    records::ROUTES,
    intake::ROUTES,
    silences::ROUTES,
    incidents::ROUTES,
    analysis::ROUTES,
    closing::ROUTES,
    recovery::ROUTES,
    runs::ROUTES,
    figures::ROUTES,
    compliance::ROUTES,
    procedures::ROUTES,
    reports::ROUTES,
    tasks::ROUTES,
    load::ROUTES,
    reviews::ROUTES,
    containments::ROUTES,
    options::ROUTES,
    evidence::ROUTES,
    quarantine::ROUTES,
    backups::ROUTES,
    restore::ROUTES,
    notices::ROUTES,
    approvals::ROUTES,
    control::ROUTES,
    emergency::ROUTES,
    access::ROUTES,
    content::ROUTES,
    services::ROUTES,
    duties::ROUTES,
    statements::ROUTES,
    exercises::ROUTES,
    team::ROUTES,
    why::ROUTES,
    log::ROUTES,
    facts::ROUTES,
    tiles::ROUTES,
    operations::ROUTES,
];

const LIMIT: Parameter =
    Parameter { name: "limit", about: "At most this many items, 1 to 1000; 100 if absent." };
const CURSOR: Parameter = Parameter { name: "cursor", about: "The `next` of the page before." };

/// A route that any person may read.
const fn read(
    path: &'static str,
    query: &'static [Parameter],
    answer: Answer,
    summary: &'static str,
    handler: Handler,
) -> Route {
    Route {
        method: Method::Get,
        path,
        contract: Contract::Native,
        auth: Auth::Token(Permission::Read),
        audit: Audit::Nothing,
        body_max: 0,
        query,
        request: None,
        answer,
        summary,
        handler,
    }
}

/// A route by which a person with this permission changes something; refusals are journaled.
const fn change(
    path: &'static str,
    permission: Permission,
    request: Option<SchemaOf>,
    answer: Answer,
    summary: &'static str,
    handler: Handler,
) -> Route {
    Route {
        method: Method::Post,
        path,
        contract: Contract::Native,
        auth: Auth::Token(permission),
        audit: Audit::Refusals,
        body_max: COMMAND_MAX,
        query: &[],
        request,
        answer,
        summary,
        handler,
    }
}

/// The answer to a change: the thing as it is now.
fn shown<T: Serialize>(status: StatusCode, found: Option<T>) -> Result<Response, Error> {
    match found {
        Some(found) => call::answer(status, &found),
        None => Err(Error::internal("reading back what was just written", &"it is not there")),
    }
}

pub(crate) fn missing(what: impl std::fmt::Display) -> Error {
    Error::new(Problem::NotFound, format!("there is no {what}"))
}

/// A change without fields takes no body, or an empty object.
fn no_fields(call: &Call) -> Result<(), Error> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    if call.body.is_empty() {
        return Ok(());
    }
    let Nothing {} = call.json()?;
    Ok(())
}

/// Which of two words a query parameter gives; the first if it is absent.
pub(crate) fn either(call: &Call, name: &str, words: [&str; 2]) -> Result<bool, Error> {
    let [first, second] = words;
    match call.query_one(name)? {
        None => Ok(false),
        Some(word) if word == first => Ok(false),
        Some(word) if word == second => Ok(true),
        Some(word) => {
            let word: String = word.chars().take(64).collect();
            let detail = format!("`{name}={word}` is neither {first} nor {second}");
            Err(Error::new(Problem::Malformed, detail))
        }
    }
}
