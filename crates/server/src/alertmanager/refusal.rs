//! Why a call of this API is refused, in the forms that Alertmanager's clients read.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::event::Rejected;
use engine::Refused;
use serde::Serialize;

use crate::{Error, call};

/// A required thing is missing, in the numbering of Alertmanager's framework.
const CODE_REQUIRED: u16 = 602;
/// A thing has the wrong type or form.
const CODE_FORM: u16 = 601;

#[derive(Debug)]
pub(super) enum Refusal {
    /// The body is this text as a JSON string.
    Text(StatusCode, String),
    /// The request does not have the declared shape.
    Shape { status: StatusCode, code: u16, message: String },
    /// Not found, without a body.
    Absent,
    /// Refused by the platform as a whole, in its own form.
    Platform(Error),
}

#[derive(Serialize)]
struct Shape<'a> {
    code: u16,
    message: &'a str,
}

impl Refusal {
    pub(super) fn bad_request(text: impl Into<String>) -> Refusal {
        Refusal::Text(StatusCode::BAD_REQUEST, text.into())
    }

    pub(super) fn required(what: &str) -> Refusal {
        let message = format!("{what} in body is required");
        Refusal::Shape { status: StatusCode::UNPROCESSABLE_ENTITY, code: CODE_REQUIRED, message }
    }

    pub(super) fn form(message: String) -> Refusal {
        Refusal::Shape { status: StatusCode::UNPROCESSABLE_ENTITY, code: CODE_FORM, message }
    }

    /// The body is not the JSON it should be.
    pub(super) fn unreadable(what: &str, error: &serde_json::Error) -> Refusal {
        let status = StatusCode::BAD_REQUEST;
        Refusal::Shape { status, code: status.as_u16(), message: format!("reading {what} failed: {error}") }
    }

    pub(super) fn answer(self) -> Result<Response, Error> {
        match self {
            Refusal::Text(status, text) => call::answer(status, &text),
            Refusal::Shape { status, code, message } => {
                call::answer(status, &Shape { code, message: &message })
            }
            Refusal::Absent => Ok(StatusCode::NOT_FOUND.into_response()),
            Refusal::Platform(error) => Err(error),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Platform(error)
    }
}

/// Refused commands as Alertmanager words their status; limits and overload stay the platform's.
impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Refusal {
        match refused {
            Refused::Rejected(Rejected::NotFound(text)) => Refusal::Text(StatusCode::NOT_FOUND, text),
            Refused::Rejected(Rejected::Invalid(text) | Rejected::Conflict(text)) => {
                Refusal::bad_request(text)
            }
            refused @ (Refused::Rejected(Rejected::Forbidden(_) | Rejected::Limited(_))
            | Refused::Busy { .. }
            | Refused::Unavailable { .. }) => Refusal::Platform(refused.into()),
        }
    }
}
