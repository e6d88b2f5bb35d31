//! The one route table. A route is a value that says everything about itself: who may call it, what is kept
//! of refusals, how much body it takes, what it answers. The router, the OpenAPI document and the reference are
//! made from this table and from nothing else, so what is not declared here is not served.

use std::pin::Pin;

use axum::response::Response;
use domain::access::Permission;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{Error, call::Call};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    /// Anybody. The tests hold a frozen list of these.
    Public,
    /// A bearer token, on pages a cookie, whose holder has this permission.
    Token(Permission),
    /// A token whose holder may ingest, or the proof of the source that the end of the path names.
    Source,
    /// As `Token(Read)`, unless the log is configured to be public.
    LogReader,
}

/// What is journaled when a call is refused for who asks (401, 403) or for the limits in force (423).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audit {
    /// Nothing: the call reads what any person may read.
    Nothing,
    /// The refusal is journaled, at most a few a second.
    Refusals,
}

/// Whose contract the route follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contract {
    /// Ours: unknown query parameters are refused.
    Native,
    /// Alertmanager API v2: unknown query parameters and fields are ignored.
    Alertmanager,
    /// C2SP tlog-tiles.
    Log,
    /// Health, metrics, the API's own description.
    Operations,
    /// Pages for people: a cookie in place of a bearer token, and refusals as pages.
    Page,
}

/// What a successful call answers.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// JSON with this status.
    Json(u16, SchemaOf),
    /// Another media type, with status 200.
    Other(&'static str),
    /// Status 200 without a body.
    Nothing,
}

/// Gives the schema of a type: `schema::<Incident>`.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

pub(crate) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A query parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

pub(crate) type Reply = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

/// Written in the table as `|call| Box::pin(list(call))`.
pub(crate) type Handler = fn(Call) -> Reply;

/// One route. Deliberately without `Default`: a route that does not declare everything does not compile.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// In axum's form: `/api/v1/incidents/{id}`.
    pub(crate) path: &'static str,
    pub(crate) contract: Contract,
    pub(crate) auth: Auth,
    pub(crate) audit: Audit,
    /// Most bytes of body that are read; 0 where a body makes no sense.
    pub(crate) body_max: usize,
    pub(crate) query: &'static [Parameter],
    /// The JSON body, if any.
    pub(crate) request: Option<SchemaOf>,
    pub(crate) answer: Answer,
    /// One line for the reference.
    pub(crate) summary: &'static str,
    pub(crate) handler: Handler,
}

/// Bodies of commands: a few fields of text.
pub(crate) const COMMAND_MAX: usize = 64 * 1024;
/// Bodies of deliveries of alerts.
pub(crate) const DELIVERY_MAX: usize = 8 * 1024 * 1024;
/// Files: larger than any delivery, and never read into memory.
pub(crate) const FILE_MAX: usize = 4 * 1024 * 1024 * 1024;

impl Route {
    /// A body that may be so large is handed to the route as it comes.
    pub(crate) fn streams(&self) -> bool {
        self.body_max > DELIVERY_MAX
    }
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
    }
}

/// Every route there is.
pub(crate) fn table() -> impl Iterator<Item = &'static Route> {
    let api = crate::api::ROUTES.iter().copied().flatten();
    api.chain(crate::alertmanager::ROUTES).chain(crate::web::ROUTES)
}
