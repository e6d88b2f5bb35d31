//! Health, metrics, and the API's description of itself.

use std::{fmt::Write as _, future::ready, sync::atomic::Ordering};

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use domain::access::Permission;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Error, Problem,
    call::{Call, ok},
    openapi,
    route::{Answer, Audit, Auth, Contract, Handler, Method, Route, schema},
};

pub(crate) const ROUTES: &[Route] = &[
    route("/healthz", Auth::Public, Answer::Json(200, schema::<Health>), "The process answers.", |_| {
        Box::pin(ready(health()))
    }),
    route("/readyz", Auth::Public, Answer::Json(200, schema::<Health>), "The platform takes work.", |call| {
        Box::pin(readiness(call))
    }),
    route(
        "/metrics",
        Auth::Token(Permission::Read),
        Answer::Other("text/plain; version=0.0.4; charset=utf-8"),
        "Counts for Prometheus.",
        |call| Box::pin(metrics(call)),
    ),
    route(
        "/api/openapi.json",
        Auth::Public,
        Answer::Other("application/json"),
        "This API in OpenAPI 3.1.",
        |_| Box::pin(ready(description())),
    ),
];

const fn route(
    path: &'static str,
    auth: Auth,
    answer: Answer,
    summary: &'static str,
    handler: Handler,
) -> Route {
    Route {
        method: Method::Get,
        path,
        contract: Contract::Operations,
        auth,
        audit: Audit::Nothing,
        body_max: 0,
        query: &[],
        request: None,
        answer,
        summary,
        handler,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    status: &'static str,
}

fn health() -> Result<Response, Error> {
    ok(&Health { status: "ok" })
}

async fn readiness(call: Call) -> Result<Response, Error> {
    if *call.shared.stopping.borrow() {
        return Err(Error::new(Problem::Unavailable, "the platform is stopping"));
    }
    call.read(|reader| reader.length()).await?;
    ok(&Health { status: "ready" })
}

async fn metrics(call: Call) -> Result<Response, Error> {
    let entries = call.read(|reader| reader.length()).await?;
    let kind = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    Ok(([kind], render(&call, entries)).into_response())
}

fn render(call: &Call, entries: u64) -> String {
    let counters = call.shared.handle.counters();
    let mut out = String::new();
    let counts = [
        ("records_received_total", "Records that rules looked at.", &counters.records_received),
        ("alerts_received_total", "Alerts taken, repeats included.", &counters.alerts_received),
        ("alerts_refused_total", "Alerts refused for what they say.", &counters.alerts_refused),
        ("busy_total", "Requests refused because too much was waiting.", &counters.refused_busy),
        ("batches_total", "Batches committed.", &counters.batches),
        ("calls_total", "Calls sent to connectors.", &counters.calls),
        ("calls_withdrawn_total", "Calls withdrawn just before sending.", &counters.withdrawn),
        ("recoveries_total", "Restarts of the decisions after a failed commit.", &counters.restarts),
        ("refusals_journaled_total", "Refusals put on record.", &call.shared.refusals.journaled),
        (
            "refusals_dropped_total",
            "Refusals beyond the rate that is put on record.",
            &call.shared.refusals.dropped,
        ),
    ];
    for (name, help, count) in counts {
        metric(&mut out, name, "counter", help, count.load(Ordering::Relaxed));
    }
    let gauges = [
        ("requests_waiting", "Requests waiting to be decided.", &counters.queued_requests),
        ("alerts_waiting", "Alerts waiting to be decided.", &counters.queued_alerts),
        ("alerts_firing", "Alerts that fire.", &counters.alerts_active),
        ("incidents_open", "Incidents that are not closed, drills left out.", &counters.incidents_open),
        ("containments", "Actions under way and containments in force.", &counters.containments),
    ];
    for (name, help, gauge) in gauges {
        metric(&mut out, name, "gauge", help, gauge.load(Ordering::Relaxed) as u64);
    }
    metric(&mut out, "log_entries", "gauge", "Entries of the journal.", entries);
    let sealed = counters.sealed_size.load(Ordering::Relaxed);
    metric(&mut out, "log_sealed_entries", "gauge", "Entries under the newest checkpoint.", sealed);
    metric(&mut out, "uptime_seconds", "gauge", "Since the server started.", call.shared.uptime().as_secs());
    head(&mut out, "http_answers_total", "counter", "Answers by class of status.");
    for (class, count) in call.shared.answered.classes() {
        // Writing to a text cannot fail.
        let _ = writeln!(out, "ringfence_http_answers_total{{status=\"{class}\"}} {count}");
    }
    out
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP ringfence_{name} {help}\n# TYPE ringfence_{name} {kind}");
}

fn metric(out: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    head(out, name, kind, help);
    let _ = writeln!(out, "ringfence_{name} {value}");
}

fn description() -> Result<Response, Error> {
    let kind = (header::CONTENT_TYPE, "application/json");
    Ok(([kind], openapi::text()).into_response())
}
