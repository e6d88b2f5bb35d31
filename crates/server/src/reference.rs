//! The reference of routes and errors as text, made from the same tables that serve; tests keep the files in
//! `docs/reference` equal to it.

use std::fmt::Write as _;

use crate::{
    Problem,
    openapi::tag,
    route::{Audit, Auth, Contract, table},
};

/// What a route says of itself, for tests and documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteFacts {
    pub method: &'static str,
    /// With `{name}` for parameters, `{*name}` for the rest of a path.
    pub path: &'static str,
    pub contract: &'static str,
    /// `None`: anybody may call.
    pub permission: Option<domain::access::Permission>,
    /// Served without a token when the log is public.
    pub log_reader: bool,
    pub refusals_journaled: bool,
    pub body_max: usize,
    pub takes_json: bool,
    pub summary: &'static str,
}

/// Every route that [`crate::router`] serves.
pub fn routes() -> Vec<RouteFacts> {
    let facts = |route: &'static crate::route::Route| RouteFacts {
        method: route.method.name(),
        path: route.path,
        contract: tag(route.contract),
        permission: match route.auth {
            Auth::Public => None,
            Auth::LogReader => Some(domain::access::Permission::Read),
            Auth::Source => Some(domain::access::Permission::Ingest),
            Auth::Token(permission) => Some(permission),
        },
        log_reader: route.auth == Auth::LogReader,
        refusals_journaled: route.audit == Audit::Refusals,
        body_max: route.body_max,
        takes_json: route.request.is_some(),
        summary: route.summary,
    };
    table().map(facts).collect()
}

/// `docs/reference/api.md`.
pub fn routes_reference() -> String {
    let mut out = String::from(API_HEAD);
    let routes = routes();
    let contracts =
        [Contract::Native, Contract::Alertmanager, Contract::Log, Contract::Operations, Contract::Page];
    for contract in contracts {
        let tag = tag(contract);
        // Writing to a text cannot fail.
        let _ = write!(out, "\n## {tag}\n\n| route | permission | body | what |\n|---|---|---|---|\n");
        for route in routes.iter().filter(|route| route.contract == tag) {
            let permission = match (route.permission, route.log_reader) {
                (None, _) => "none: public",
                (Some(_), true) => "read, or none where the log is public",
                (Some(permission), false) => permission.name(),
            };
            let body = match route.body_max {
                0 => String::new(),
                most => format!("{} KiB", most / 1024),
            };
            let _ = writeln!(
                out,
                "| `{} {}` | {permission} | {body} | {} |",
                route.method, route.path, route.summary
            );
        }
    }
    out
}

/// `docs/reference/errors.md`.
pub fn errors_reference() -> String {
    let mut out = String::from(ERRORS_HEAD);
    for problem in Problem::ALL {
        let (status, name, title) = (problem.status().as_u16(), problem.name(), problem.title());
        let _ = writeln!(out, "| {status} | `{name}` | {title} | {} |", advice(problem));
    }
    out.push_str(ERRORS_TAIL);
    out
}

/// `docs/reference/figures.md`.
pub fn figures_reference() -> String {
    let mut out = String::from(FIGURES_HEAD);
    for one in domain::figures::ALL {
        let (name, title, unit) = (one.name, one.title, one.unit.name());
        let bound = if one.less { "≤" } else { "≥" };
        let _ = writeln!(out, "| `{name}` | {title} | {unit} | {bound} | {} | {} |", one.formula, one.source);
    }
    out.push_str(FIGURES_TAIL);
    out
}

fn advice(problem: Problem) -> &'static str {
    match problem {
        Problem::Malformed => "Correct the request; the detail names line, column and field.",
        Problem::Unauthenticated => "Send a valid token. The words are the same whatever was wrong with it.",
        Problem::Forbidden => "Ask somebody whose role allows it.",
        Problem::NotFound => "Check the id; each thing has exactly one spelling.",
        Problem::MethodNotAllowed => "Use a method of the reference.",
        Problem::Timeout => "Send the body faster.",
        Problem::Conflict => "Look at the thing as it is now and decide again.",
        Problem::TooLarge => "Send less at once.",
        Problem::Invalid => {
            "Correct what is asked for; the detail says what. Also: an `Idempotency-Key` used with another body."
        }
        Problem::Limited => "Kill switch, safe mode or a circuit breaker forbids it; see `/api/v1/control`.",
        Problem::Busy => "Send the same again after `Retry-After`; nothing was done.",
        Problem::Internal => "The platform's log has it under the request's `instance`.",
        Problem::Unavailable => {
            "Nothing was acknowledged. Send the same again after `Retry-After`, with the same `Idempotency-Key`."
        }
    }
}

const API_HEAD: &str = "\
# HTTP API

Made from the route table of the server; the machine-readable form is `/api/openapi.json`, kept in
[openapi.json](openapi.json). Send `Authorization: Bearer TOKEN`. Bodies are JSON under any content type; unknown
and repeated fields are refused, except under the Alertmanager API. Lists are `{\"items\": [...], \"next\": ...}`; give
`next` as `cursor` to go on. Refusals are problems ([errors.md](errors.md)).

A 2xx says that what was asked for is committed and synced to disk. `Idempotency-Key` is honoured on every `POST` under
`/api/v1` for ten minutes: a repeat with the same token, key and body gets the same answer and is not carried out again;
answers that hold a secret are not kept, and such a repeat is refused.

Permissions: each role has those of the roles before it. `viewer`: read. `responder`: respond, ingest. `commander`:
command. `admin`: administer. Machine sources may only ingest; tokens of forms and of places outside may only report, as
responders may too. Leaving a safe-mode level above `restricted` or the kill switch takes two people on every route.
";

const ERRORS_HEAD: &str = "\
# Errors

Every refusal is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail` and `instance`. The type
is `urn:ringfence:problem:` and the name below; decide by it and not by the words. `instance` names the request in the
platform's log. Under the Alertmanager API, refusals of what is asked for have that API's own form.

| status | name | meaning | what to do |
|---|---|---|---|
";

const ERRORS_TAIL: &str = "
A delivery of alerts with some wrong ones is answered with 422 after the others were taken; the detail says how many and
names the first wrong ones by their index.

Refusals with 401, 403 and 423 on routes that change something are journaled as `log.refused`, at most ten a second; how
many were left out stands in the next one.
";

const FIGURES_HEAD: &str = "\
# Figures

`ringfence report kpi`, `GET /api/v1/reports/kpi` and the page `/figures` show these over the incidents that were opened
in a window, all together, by severity and by category. Drills are in none of them.

A time has a mean, p50 and p95 (nearest rank: a value that was measured), and `n`, how many incidents it was measured on.
An incident that has not come to it yet is in no mean and no percentile: it is counted as `open`, with how long the oldest
waits. A share is a sum over a sum; where nothing was measured there is no figure. Each figure names the incidents that it
is made of, and each of those has its entries and their proofs on its timeline.

What it is held to stands in `figures` of `targets.yaml`: at most (≤) or at least (≥) the target is met.

| name | figure | unit | target | formula | read from |
|---|---|---|---|---|---|
";

const FIGURES_TAIL: &str = "
The time that a phase took: detect is `time_to_detect`; analyse is up to `time_to_contain`; contain is from there to
`time_to_verify`; recover is `time_to_recover`; review begins with the resolution and `time_to_close` ends it.

The dashboard of the report holds twelve of them: `average_detection_time`, `average_containment_time` and
`average_resolution_time` are the means of `time_to_detect`, `time_to_contain` and `time_to_resolve`;
`business_impact_minimization` is `impact_avoided`, `lessons_learned_applied` is `lessons_applied`; the others have the
names of their figures.

Every closed incident leaves one small row for this, written in the same commit as its end; open ones are read as they
stand. The rows follow from the journal alone, and `ringfence verify` compares them with it.
";
