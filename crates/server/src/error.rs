//! The one error of the API and how it is answered: problem+json (RFC 9457). What each means and what a
//! caller does about it stands in `docs/reference/errors.md`; a test compares the two.

use std::{fmt, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::event::Rejected;
use engine::Refused;
use serde::Serialize;

/// Why a call failed, by what its caller does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    Malformed,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Timeout,
    Conflict,
    TooLarge,
    Invalid,
    Limited,
    Busy,
    Internal,
    Unavailable,
}

impl Problem {
    pub const ALL: [Problem; 13] = [
        Problem::Malformed,
        Problem::Unauthenticated,
        Problem::Forbidden,
        Problem::NotFound,
        Problem::MethodNotAllowed,
        Problem::Timeout,
        Problem::Conflict,
        Problem::TooLarge,
        Problem::Invalid,
        Problem::Limited,
        Problem::Busy,
        Problem::Internal,
        Problem::Unavailable,
    ];

    /// The last part of the problem's type.
    pub fn name(self) -> &'static str {
        match self {
            Problem::Malformed => "malformed",
            Problem::Unauthenticated => "unauthenticated",
            Problem::Forbidden => "forbidden",
            Problem::NotFound => "not_found",
            Problem::MethodNotAllowed => "method_not_allowed",
            Problem::Timeout => "timeout",
            Problem::Conflict => "conflict",
            Problem::TooLarge => "too_large",
            Problem::Invalid => "invalid",
            Problem::Limited => "limited",
            Problem::Busy => "busy",
            Problem::Internal => "internal",
            Problem::Unavailable => "unavailable",
        }
    }

    pub fn status(self) -> StatusCode {
        match self {
            Problem::Malformed => StatusCode::BAD_REQUEST,
            Problem::Unauthenticated => StatusCode::UNAUTHORIZED,
            Problem::Forbidden => StatusCode::FORBIDDEN,
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Problem::Timeout => StatusCode::REQUEST_TIMEOUT,
            Problem::Conflict => StatusCode::CONFLICT,
            Problem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Problem::Limited => StatusCode::LOCKED,
            Problem::Busy => StatusCode::TOO_MANY_REQUESTS,
            Problem::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Problem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Problem::Malformed => "the request cannot be read",
            Problem::Unauthenticated => "a valid token is needed",
            Problem::Forbidden => "the token's holder may not do this",
            Problem::NotFound => "there is no such thing",
            Problem::MethodNotAllowed => "this path does not take this method",
            Problem::Timeout => "the request did not arrive in time",
            Problem::Conflict => "this does not fit the present state",
            Problem::TooLarge => "the body is too large",
            Problem::Invalid => "the request is wrong",
            Problem::Limited => "the limits in force do not allow this now",
            Problem::Busy => "too much is waiting",
            Problem::Internal => "something failed inside",
            Problem::Unavailable => "the platform cannot do this now",
        }
    }
}

/// What is answered instead of success. The detail is shown to the caller; what is not meant for callers is
/// logged where it happens and never stands here.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    problem: Problem,
    detail: Box<str>,
    retry_after: Option<Duration>,
    /// For the log of the platform only.
    cause: Option<Box<str>>,
}

impl Error {
    pub(crate) fn new(problem: Problem, detail: impl Into<Box<str>>) -> Error {
        Error { problem, detail: detail.into(), retry_after: None, cause: None }
    }

    pub(crate) fn retry_after(mut self, after: Duration) -> Error {
        self.retry_after = Some(after);
        self
    }

    /// The same words whatever was wrong with the token.
    pub(crate) fn unauthenticated() -> Error {
        let detail = "send `Authorization: Bearer TOKEN` with a token that is neither revoked nor expired";
        Error::new(Problem::Unauthenticated, detail)
    }

    /// Tells the caller only that something failed; the gate logs why.
    pub(crate) fn internal(operation: &str, why: &dyn fmt::Display) -> Error {
        let detail = format!("{operation} failed; the log of the platform says why");
        let cause = Some(why.to_string().into());
        Error { cause, ..Error::new(Problem::Internal, detail) }
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    pub fn problem(&self) -> Problem {
        self.problem
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The answer. `instance` is the id under which the call stands in the log.
    pub(crate) fn answer(&self, instance: &str) -> Response {
        let body = Body {
            kind: Kind(self.problem),
            title: self.problem.title(),
            status: self.problem.status().as_u16(),
            detail: &self.detail,
            instance,
        };
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let content_type = (header::CONTENT_TYPE, "application/problem+json");
        let mut response = (self.problem.status(), [content_type], bytes).into_response();
        if self.problem == Problem::Unauthenticated {
            let challenge = HeaderValue::from_static("Bearer realm=\"ringfence\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(after) = self.retry_after {
            let seconds = after.as_millis().div_ceil(1000).clamp(1, 3600) as u64;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {}

/// The body of a refusal, by RFC 9457 section 3.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
}

struct Kind(Problem);

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("urn:ringfence:problem:{}", self.0.name()))
    }
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Error {
        match rejected {
            Rejected::NotFound(detail) => Error::new(Problem::NotFound, detail),
            Rejected::Conflict(detail) => Error::new(Problem::Conflict, detail),
            Rejected::Invalid(detail) => Error::new(Problem::Invalid, detail),
            Rejected::Forbidden(detail) => Error::new(Problem::Forbidden, detail),
            Rejected::Limited(detail) => Error::new(Problem::Limited, detail),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        let text = refused.to_string();
        match refused {
            Refused::Rejected(rejected) => rejected.into(),
            Refused::Busy { retry_after } => Error::new(Problem::Busy, text).retry_after(retry_after),
            Refused::Unavailable { retry_after, .. } => {
                Error::new(Problem::Unavailable, text).retry_after(retry_after)
            }
        }
    }
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Error {
        Error::internal("reading the store", &chain(&error))
    }
}

/// An error with everything that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
