//! The gate that every call passes: who asks, whether they may, how much is read and for how long. Whatever goes
//! wrong in front of or behind it, panics included, is answered as a problem and, where the route says so,
//! journaled.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    task::Poll,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{FromRequestParts as _, Query, RawPathParams, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};
use domain::{access::Permission, event::Actor, flow::Command};
use engine::Principal;
use http_body_util::BodyExt as _;
use tokio::{sync::SemaphorePermit, time::timeout};

use crate::{
    Error, Problem,
    call::Call,
    replay::{Begun, Key},
    route::{Audit, Auth, Contract, Method, Reply, Route},
    shared::{LARGE_BODIES_KIB, RequestId, Shared, busy},
    source::{self, SIGNED_MAX, Source},
    token, web,
};

#[cfg(test)]
mod tests;

/// Bodies up to this many bytes are read without asking for room.
const SMALL: usize = 64 * 1024;
/// A body must have arrived after this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// A handler must have answered after this time; streams only begin within it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The same for a route that takes its body as it comes.
const STREAM_TIMEOUT: Duration = Duration::from_secs(2 * 3_600);
/// Most characters of a reason that are journaled.
const REASON_MAX: usize = 512;

/// Takes one call of a route to its answer.
pub(crate) async fn pass(shared: Arc<Shared>, route: &'static Route, request: Request) -> Response {
    let id = shared.next_request();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let mut who = None;
    let outcome = carry_out(&shared, route, parts, body, &mut who).await;
    let response = match outcome {
        Ok(response) => response,
        Err(error) => {
            journal(&shared, route, who, &error).await;
            report(&error, route.path, id);
            match route.contract {
                Contract::Page => web::refused(&error, &path, &id.to_string()),
                Contract::Native | Contract::Alertmanager | Contract::Log | Contract::Operations => {
                    error.answer(&id.to_string())
                }
            }
        }
    };
    finish(&shared, response)
}

/// Answers a path that no route has.
pub(crate) fn no_path(shared: &Shared, request: &Request) -> Response {
    let path: String = request.uri().path().chars().take(200).collect();
    let detail = format!("nothing is served at `{path}`; see /api/openapi.json");
    refuse(shared, &Error::new(Problem::NotFound, detail))
}

/// Answers a method that no route has at a path that exists.
pub(crate) fn no_method(shared: &Shared, request: &Request) -> Response {
    let path: String = request.uri().path().chars().take(200).collect();
    let detail = format!("`{path}` does not take {}", request.method());
    refuse(shared, &Error::new(Problem::MethodNotAllowed, detail))
}

fn refuse(shared: &Shared, error: &Error) -> Response {
    let id = shared.next_request();
    finish(shared, error.answer(&id.to_string()))
}

/// Logs what is not for the caller, once, under the name that the caller is told.
fn report(error: &Error, path: &str, id: RequestId) {
    if let Some(cause) = error.cause() {
        let why = cause.escape_debug();
        tracing::error!(request = %id, path, detail = error.detail(), %why, "a request failed inside");
    }
}

fn finish(shared: &Shared, mut response: Response) -> Response {
    shared.answered.count(response.status());
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn carry_out(
    shared: &Arc<Shared>,
    route: &'static Route,
    mut parts: Parts,
    body: Body,
    who: &mut Option<Principal>,
) -> Result<Response, Error> {
    let signing = source::signing(shared, route, &parts);
    if signing.is_none() {
        *who = authenticate(shared, route, &parts.headers)?;
        authorise(route.auth, who.as_ref(), shared.public_log)?;
    }
    let query = query(route, &parts)?;
    let path = path_parameters(route, &mut parts).await?;
    let most = if signing.is_some() { route.body_max.min(SIGNED_MAX) } else { route.body_max };
    let (stream, body) = if route.streams() { (Some(body), Body::empty()) } else { (None, body) };
    if stream.is_some() {
        announced(most, &parts.headers)?;
    }
    let (body, _room) = read_body(shared, most, &parts.headers, body).await?;
    if let Some(source) = signing {
        *who = Some(source.verify(shared, &parts.headers, &body)?);
        authorise(route.auth, who.as_ref(), shared.public_log)?;
    }
    let claim = match idempotency_key(route, signing, &parts, who.as_ref())? {
        Some(key) => match shared.replays.begin(key, &body, Instant::now())? {
            Begun::Again(response) => return Ok(response),
            Begun::Fresh(claim) => Some(claim),
        },
        None => None,
    };
    let (shared, principal, headers) = (shared.clone(), who.clone(), parts.headers);
    let call = Call { shared, principal, path, query, headers, body, stream: Mutex::new(stream) };
    let answered = answer(route, call).await;
    match claim {
        None => answered,
        Some(claim) => Ok(claim.settle(answered?).await),
    }
}

/// Runs the handler: bounded in time, and a panic in it ends this call alone.
async fn answer(route: &Route, call: Call) -> Result<Response, Error> {
    let handler = route.handler;
    let begun = catch_unwind(AssertUnwindSafe(|| handler(call))).map_err(|panic| panicked(&*panic))?;
    let limit = if route.streams() { STREAM_TIMEOUT } else { ANSWER_TIMEOUT };
    match timeout(limit, caught(begun)).await {
        Ok(Ok(answered)) => answered,
        Ok(Err(panic)) => Err(panicked(&*panic)),
        Err(_) => {
            let detail = "there was no answer in time; it is not known whether the request was carried out";
            Err(Error::new(Problem::Unavailable, detail).retry_after(Duration::from_secs(5)))
        }
    }
}

async fn caught(mut reply: Reply) -> Result<Result<Response, Error>, Box<dyn Any + Send>> {
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| reply.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(answered)) => Poll::Ready(Ok(answered)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text =
        text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a text");
    Error::internal("the request", &format_args!("panic: {text}"))
}

fn authenticate(shared: &Shared, route: &Route, headers: &HeaderMap) -> Result<Option<Principal>, Error> {
    match route.auth {
        Auth::Public => return Ok(None),
        Auth::LogReader if shared.public_log => return Ok(None),
        Auth::LogReader | Auth::Source | Auth::Token(_) => {}
    }
    let hash = match route.contract {
        Contract::Page => web::session::cookie_hash(headers)?,
        Contract::Native | Contract::Alertmanager | Contract::Log | Contract::Operations => {
            token::bearer_hash(headers)?
        }
    };
    let principal = shared.handle.principal(&hash, shared.now());
    principal.map(Some).ok_or_else(Error::unauthenticated)
}

/// Refuses who lacks a permission that a body asks for beyond that of its route.
pub(crate) fn require(who: Option<&Principal>, needed: Permission) -> Result<(), Error> {
    authorise(Auth::Token(needed), who, false)
}

fn authorise(auth: Auth, who: Option<&Principal>, public_log: bool) -> Result<(), Error> {
    let needed = match auth {
        Auth::Public => return Ok(()),
        Auth::LogReader if public_log => return Ok(()),
        Auth::LogReader => Permission::Read,
        Auth::Source => Permission::Ingest,
        Auth::Token(permission) => permission,
    };
    let who = who.ok_or_else(Error::unauthenticated)?;
    if who.may(needed) {
        return Ok(());
    }
    let role = who.role.map_or_else(|| only(who), |role| role.name());
    let detail = format!("this needs the permission {}; `{}` is {role}", needed.name(), who.name);
    Err(Error::new(Problem::Forbidden, detail))
}

/// What holds a token without a role.
fn only(who: &Principal) -> &'static str {
    if who.may(Permission::Report) {
        "a form, which may only report"
    } else if who.may(Permission::Read) {
        "a browser, which may only read"
    } else {
        "a machine source, which may only send alerts"
    }
}

fn query(route: &Route, parts: &Parts) -> Result<Vec<(String, String)>, Error> {
    if parts.uri.query().is_none_or(str::is_empty) {
        return Ok(Vec::new());
    }
    let malformed = |detail: String| Error::new(Problem::Malformed, detail);
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
        .map_err(|_| malformed("the query of the address does not read".to_owned()))?;
    let declared = |name: &str| route.query.iter().any(|parameter| parameter.name == name);
    match route.contract {
        Contract::Alertmanager => Ok(pairs),
        Contract::Native | Contract::Log | Contract::Operations | Contract::Page => {
            match pairs.iter().find(|(name, _)| !declared(name)) {
                None => Ok(pairs),
                Some((name, _)) => {
                    let shown: String = name.chars().take(64).collect();
                    let known: Vec<&str> = route.query.iter().map(|parameter| parameter.name).collect();
                    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                    Err(malformed(format!("`{shown}` is not a query parameter here; known are: {known}")))
                }
            }
        }
    }
}

async fn path_parameters(route: &Route, parts: &mut Parts) -> Result<Vec<(Box<str>, Box<str>)>, Error> {
    if !route.path.contains('{') {
        return Ok(Vec::new());
    }
    let parameters = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| Error::new(Problem::NotFound, "the path does not read"))?;
    Ok(parameters.iter().map(|(name, value)| (name.into(), value.into())).collect())
}

/// Reads at most what the route takes, counting what arrives and not what was announced.
async fn read_body<'a>(
    shared: &'a Shared,
    most: usize,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, Option<SemaphorePermit<'a>>), Error> {
    if body.is_end_stream() {
        return Ok((Bytes::new(), None));
    }
    announced(most, headers)?;
    match timeout(BODY_TIMEOUT, collect(shared, most, body)).await {
        Ok(read) => read,
        Err(_) => {
            let detail = format!("the body did not arrive within {} s", BODY_TIMEOUT.as_secs());
            Err(Error::new(Problem::Timeout, detail))
        }
    }
}

/// What its head already says against a body.
fn announced(most: usize, headers: &HeaderMap) -> Result<(), Error> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        let detail = "bodies with a Content-Encoding are not read; send it uncompressed";
        return Err(Error::new(Problem::Malformed, detail));
    }
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large(most));
    }
    Ok(())
}

async fn collect(
    shared: &Shared,
    most: usize,
    mut body: Body,
) -> Result<(Bytes, Option<SemaphorePermit<'_>>), Error> {
    let broken = |_| Error::new(Problem::Malformed, "the body broke off");
    let mut first = Bytes::new();
    let mut all: Vec<u8> = Vec::new();
    let mut room = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        let length = first.len() + all.len() + data.len();
        if length > most {
            return Err(too_large(most));
        }
        if length > SMALL && room.is_none() {
            let kib = u32::try_from(most.div_ceil(1024).min(LARGE_BODIES_KIB)).unwrap_or(u32::MAX);
            let permit = shared.large_bodies.try_acquire_many(kib);
            room = Some(permit.map_err(|_| busy("too many large bodies are being read"))?);
        }
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&data);
        }
    }
    Ok((if all.is_empty() { first } else { all.into() }, room))
}

fn too_large(most: usize) -> Error {
    let detail = match most {
        0 => "this request takes no body".to_owned(),
        most => format!("the body is longer than {most} bytes"),
    };
    Error::new(Problem::TooLarge, detail)
}

/// What makes a repeat known: the sender's own key, or the id that a source signed.
fn idempotency_key(
    route: &Route,
    signing: Option<&Source>,
    parts: &Parts,
    who: Option<&Principal>,
) -> Result<Option<Key>, Error> {
    let native = route.method == Method::Post && route.contract == Contract::Native;
    let named = match signing {
        Some(source) => source.delivery(&parts.headers),
        None => parts.headers.get("idempotency-key"),
    };
    let (true, Some(who), Some(header)) = (native, who, named) else {
        return Ok(None);
    };
    let path = parts.uri.path_and_query().map_or(route.path, |path| path.as_str());
    Key::of(header, who.token.0, path).map(Some)
}

/// Puts a refusal on record where the route says so and not too many came just now.
async fn journal(shared: &Shared, route: &Route, who: Option<Principal>, error: &Error) {
    let recorded = match error.problem() {
        Problem::Unauthenticated | Problem::Forbidden | Problem::Limited => route.audit == Audit::Refusals,
        Problem::Malformed
        | Problem::NotFound
        | Problem::MethodNotAllowed
        | Problem::Timeout
        | Problem::Conflict
        | Problem::TooLarge
        | Problem::Invalid
        | Problem::Busy
        | Problem::Internal
        | Problem::Unavailable => false,
    };
    if !recorded {
        return;
    }
    let Some(before) = shared.refusals.admit(Instant::now()) else { return };
    let mut reason: String = error.detail().chars().take(REASON_MAX).collect();
    if before > 0 {
        reason.push_str(&format!(" ({before} refusals before this one were not recorded)"));
    }
    let actor = who.map_or(Actor::Platform, |who| who.actor);
    let command = format!("{} {}", route.method.name(), route.path);
    let record = Command::RecordRefusal { command, reason };
    if let Err(refused) = shared.handle.command(actor, record).await {
        tracing::warn!(path = route.path, why = %refused.to_string().escape_debug(), "a refusal is not on record");
    }
}
