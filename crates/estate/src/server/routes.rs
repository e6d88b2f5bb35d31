//! The routes: actions, reads, and what tools and tests look at.

use std::fs::File;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::answer::{self, json};
use super::{Core, Estate, now_us};
use crate::call::{Call, Reading, Reply, Status};
use crate::faults::{Faults, Mode, Route};
use crate::ledger::{self, Effect, Line};

/// Header in which a caller says which of its lives sends the call; it is noted in the ledger.
pub const EPOCH_HEADER: &str = "ringfence-epoch";

const KEY_HEADER: &str = "idempotency-key";
const KEY_BYTES_MAX: usize = 512;
const BODY_BYTES_MAX: usize = 1 << 20;
const LEDGER_PAGE: usize = 10_000;

pub(super) fn router(estate: Arc<Estate>) -> Router {
    Router::new()
        .route("/v1/actions", post(act))
        .route("/v1/read", post(look))
        .route("/v1/state", get(state))
        .route("/v1/events", get(events))
        .route("/v1/ledger", get(page))
        .route("/v1/faults", get(faults).post(set_faults))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(estate)
}

async fn act(State(estate): State<Arc<Estate>>, headers: HeaderMap, body: Bytes) -> Response {
    let received = Received::new(Route::Action, &headers, &body);
    let Taken { mode, answer: reply } = match take(&estate, received, perform).await {
        Ok(taken) => taken,
        Err(problem) => return problem,
    };
    answer::with_fault(mode, answer::reply(&reply)).await
}

async fn look(State(estate): State<Arc<Estate>>, headers: HeaderMap, body: Bytes) -> Response {
    let received = Received::new(Route::Read, &headers, &body);
    let Taken { mode, answer: reading } = match take(&estate, received, observe).await {
        Ok(taken) => taken,
        Err(problem) => return problem,
    };
    answer::with_fault(mode, answer::reading(&reading)).await
}

async fn state(State(estate): State<Arc<Estate>>) -> Response {
    json(StatusCode::OK, &estate.lock().world.snapshot())
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn events(State(estate): State<Arc<Estate>>, Query(Since { since }): Query<Since>) -> Response {
    json(StatusCode::OK, &estate.lock().world.events_since(since))
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

/// Up to 10,000 lines with numbers above `after`, as a JSON array.
async fn page(State(estate): State<Arc<Estate>>, Query(After { after }): Query<After>) -> Response {
    let path = estate.ledger.clone();
    match tokio::task::spawn_blocking(move || ledger::read_after(&path, after, LEDGER_PAGE)).await {
        Ok(Ok(ledger)) => json(StatusCode::OK, &ledger.lines),
        Ok(Err(error)) => answer::problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(error) => answer::problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn faults(State(estate): State<Arc<Estate>>) -> Response {
    json(StatusCode::OK, &estate.lock().faults)
}

/// Puts these faults in the place of those before.
async fn set_faults(State(estate): State<Arc<Estate>>, body: Bytes) -> Response {
    let faults: Faults = match serde_json::from_slice(&body) {
        Ok(faults) => faults,
        Err(error) => return answer::problem(StatusCode::BAD_REQUEST, &format!("faults: {error}")),
    };
    if let Err(error) = faults.check() {
        return answer::problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string());
    }
    estate.lock().faults = faults.clone();
    json(StatusCode::OK, &faults)
}

/// A request as it came in.
struct Received {
    /// What it asks, or why that cannot be read.
    call: Result<Call, String>,
    line: Line,
}

impl Received {
    fn new(route: Route, headers: &HeaderMap, body: &[u8]) -> Received {
        let time_us = now_us();
        let call = read_call(headers, body, time_us);
        let (key, verb, target) = match &call {
            Ok(call) => (call.key.clone(), call.verb.clone(), call.target.clone()),
            Err(_) => Default::default(),
        };
        let epoch =
            headers.get(EPOCH_HEADER).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let line = Line {
            n: 0,
            time_us,
            route,
            key,
            verb,
            target,
            body_sha256: hex(&Sha256::digest(body)),
            epoch,
            fault: Mode::Ok.name().to_owned(),
            effect: Effect::Malformed,
        };
        Received { call, line }
    }
}

/// A call that is in the ledger, with the fault that meets it.
struct Taken<T> {
    mode: Mode,
    answer: T,
}

/// Draws the fault, lets the world see the call as often as the fault says, and writes the ledger line: all before
/// anything is answered.
async fn take<T>(
    estate: &Estate,
    received: Received,
    work: impl FnOnce(&mut Core, Mode, &Call) -> (T, Effect),
) -> Result<Taken<T>, Response> {
    let (taken, file) = {
        let mut core = estate.lock();
        if core.ledger.is_none() {
            return Err(answer::problem(StatusCode::SERVICE_UNAVAILABLE, "the ledger cannot be written"));
        }
        let Received { call, mut line } = received;
        let taken = match call {
            Ok(call) => {
                let mode = core.faults.draw(line.route, &call.verb);
                let (answer, effect) = work(&mut core, mode, &call);
                line.fault = mode.name().to_owned();
                line.effect = effect;
                Ok(Taken { mode, answer })
            }
            Err(reason) => Err(answer::problem(StatusCode::BAD_REQUEST, &reason)),
        };
        (taken, note(&mut core, line).ok_or_else(answer::cut)?)
    };
    if estate.sync && !matches!(tokio::task::spawn_blocking(move || file.sync_data()).await, Ok(Ok(()))) {
        estate.lock().ledger = None;
        return Err(answer::cut());
    }
    taken
}

/// Writes the line. If that fails, this call is never answered and no further call is taken.
fn note(core: &mut Core, line: Line) -> Option<Arc<File>> {
    let writer = core.ledger.as_mut()?;
    if writer.append(line).is_err() {
        core.ledger = None;
        return None;
    }
    Some(writer.file())
}

fn perform(core: &mut Core, mode: Mode, call: &Call) -> (Reply, Effect) {
    let mut last = None;
    let mut effect = Effect::NotDelivered;
    for _ in 0..mode.deliveries() {
        let reply = core.world.apply(call);
        if last.is_none() {
            effect = effect_of(&reply);
        }
        last = Some(reply);
    }
    (last.unwrap_or_else(|| pretended(core, call)), effect)
}

fn observe(core: &mut Core, _mode: Mode, call: &Call) -> (Reading, Effect) {
    (core.world.read(&call.verb, &call.target_kind, &call.target, &call.args), Effect::Looked)
}

fn effect_of(reply: &Reply) -> Effect {
    match reply.status {
        _ if reply.duplicate => Effect::Duplicate,
        Status::Applied => Effect::Applied,
        Status::Refused => Effect::Refused,
    }
}

/// The success that a call would be told that never reached the world.
fn pretended(core: &Core, call: &Call) -> Reply {
    Reply {
        status: Status::Applied,
        refusal: None,
        reason: None,
        duplicate: false,
        state: core.world.state_of(&call.target_kind, &call.target),
        artefact: None,
    }
}

/// The key may stand in the header, in the body or in both if they agree. The time is ours.
fn read_call(headers: &HeaderMap, body: &[u8], time_us: u64) -> Result<Call, String> {
    let mut call: Call = serde_json::from_slice(body).map_err(|error| format!("call: {error}"))?;
    if let Some(value) = headers.get(KEY_HEADER) {
        let key = value.to_str().map_err(|_| "header `Idempotency-Key`: not plain text".to_owned())?;
        if !call.key.is_empty() && call.key != key {
            return Err("the idempotency key in the header is not the one in the body; send one".to_owned());
        }
        key.clone_into(&mut call.key);
    }
    if call.key.len() > KEY_BYTES_MAX {
        return Err(format!("idempotency key: longer than {KEY_BYTES_MAX} bytes"));
    }
    call.time_us = time_us;
    Ok(call)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
