//! The HTTP API of the Prometheus Alertmanager, version 2, so that what speaks to an Alertmanager (Prometheus,
//! amtool, Grafana) can speak to Ringfence unchanged. Refusals are JSON texts, as there.
//!
//! Where it differs: an alert that cannot be read refuses only itself, not the delivery; the groups are the open
//! incidents; there is one receiver, the platform; annotations of silences are not kept.

mod alerts;
mod fingerprint;
mod groups;
mod intake;
mod query;
mod refusal;
mod silence_id;
mod silences;
mod status;
mod time;

#[cfg(test)]
mod tests;

use axum::response::Response;
use domain::{access::Permission, time::Timestamp};

use self::refusal::Refusal;
use crate::{
    call::Call,
    route::{
        Answer, Audit, Auth, COMMAND_MAX, Contract, DELIVERY_MAX, Method, Parameter, Reply, Route, schema,
    },
};

/// The name of the only receiver.
const RECEIVER: &str = "ringfence";

const FILTER: Parameter = Parameter { name: "filter", about: "A matcher; may be given several times." };
const ACTIVE: Parameter = Parameter { name: "active", about: "False leaves active ones out." };
const SILENCED: Parameter = Parameter { name: "silenced", about: "False leaves silenced ones out." };
const INHIBITED: Parameter = Parameter { name: "inhibited", about: "False leaves inhibited ones out." };
const UNPROCESSED: Parameter = Parameter { name: "unprocessed", about: "Has no effect: all are processed." };
const MUTED: Parameter =
    Parameter { name: "muted", about: "False leaves out groups that are all suppressed." };
const EXPIRED: Parameter = Parameter { name: "expired", about: "False leaves expired silences out." };
const PENDING: Parameter = Parameter { name: "pending", about: "False leaves pending silences out." };
const BY_RECEIVER: Parameter =
    Parameter { name: "receiver", about: "An anchored expression on the receiver's name." };
const RECEIVER_MATCHERS: Parameter = Parameter {
    name: "receiver_matchers",
    about: "A matcher on the receiver's labels; the receiver has none.",
};

/// The routes of this API.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        query: &[],
        request: None,
        answer: Answer::Json(200, schema::<status::AlertmanagerStatus>),
        ..read("/api/v2/status", "Version, uptime and configuration, as Alertmanager shows them.", |call| {
            reply(call, status::status)
        })
    },
    Route {
        query: &[RECEIVER_MATCHERS],
        answer: Answer::Json(200, schema::<Vec<status::Receiver>>),
        ..read("/api/v2/receivers", "The one receiver.", |call| reply(call, status::receivers))
    },
    Route {
        query: &[FILTER, ACTIVE, SILENCED, INHIBITED, UNPROCESSED, BY_RECEIVER, RECEIVER_MATCHERS],
        answer: Answer::Json(200, schema::<Vec<alerts::GettableAlert>>),
        ..read("/api/v2/alerts", "Firing alerts.", |call| reply(call, alerts::list))
    },
    Route {
        query: &[FILTER, ACTIVE, SILENCED, INHIBITED, MUTED, BY_RECEIVER, RECEIVER_MATCHERS],
        answer: Answer::Json(200, schema::<Vec<groups::AlertGroup>>),
        ..read("/api/v2/alerts/groups", "Firing alerts by incident.", |call| reply(call, groups::list))
    },
    Route {
        auth: Auth::Token(Permission::Ingest),
        body_max: DELIVERY_MAX,
        request: Some(schema::<Vec<intake::PostableAlert>>),
        ..write(Method::Post, "/api/v2/alerts", "Take a delivery of alerts.", |call| {
            reply(call, intake::post)
        })
    },
    Route {
        query: &[FILTER, ACTIVE, EXPIRED, PENDING],
        answer: Answer::Json(200, schema::<Vec<silences::GettableSilence>>),
        ..read("/api/v2/silences", "Silences: active, pending and lately expired.", |call| {
            reply(call, silences::list)
        })
    },
    Route {
        body_max: COMMAND_MAX,
        request: Some(schema::<silences::PostableSilence>),
        answer: Answer::Json(200, schema::<silences::Posted>),
        ..write(Method::Post, "/api/v2/silences", "Make a silence, or change one.", |call| {
            reply(call, silences::post)
        })
    },
    Route {
        answer: Answer::Json(200, schema::<silences::GettableSilence>),
        ..read("/api/v2/silence/{silenceID}", "One silence.", |call| reply(call, silences::get))
    },
    write(Method::Delete, "/api/v2/silence/{silenceID}", "End a silence now.", |call| {
        reply(call, silences::delete)
    }),
];

/// What all reading routes share; each route names what it answers.
const fn read(path: &'static str, summary: &'static str, handler: fn(Call) -> Reply) -> Route {
    Route {
        method: Method::Get,
        path,
        contract: Contract::Alertmanager,
        auth: Auth::Token(Permission::Read),
        audit: Audit::Nothing,
        body_max: 0,
        query: &[],
        request: None,
        answer: Answer::Nothing,
        summary,
        handler,
    }
}

const fn write(
    method: Method,
    path: &'static str,
    summary: &'static str,
    handler: fn(Call) -> Reply,
) -> Route {
    Route {
        method,
        auth: Auth::Token(Permission::Respond),
        audit: Audit::Refusals,
        ..read(path, summary, handler)
    }
}

/// Answers refusals in this API's own form; what the platform as a whole refuses stays an `Error`.
fn reply<F>(call: Call, handler: fn(Call) -> F) -> Reply
where
    F: Future<Output = Result<Response, Refusal>> + Send + 'static,
{
    Box::pin(async move { handler(call).await.or_else(|refusal| refusal.answer()) })
}

/// Platform time, which stands still between decisions, brought forward by the wall clock.
fn now(call: &Call) -> Timestamp {
    call.shared.handle.now().max(Timestamp::from_jiff(jiff::Timestamp::now()))
}

/// An answer without a body.
fn done() -> Result<Response, Refusal> {
    Ok(axum::response::IntoResponse::into_response(axum::http::StatusCode::OK))
}

fn ok(value: &impl serde::Serialize) -> Result<Response, Refusal> {
    crate::call::ok(value).map_err(Refusal::from)
}
