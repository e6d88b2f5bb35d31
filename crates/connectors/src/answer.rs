//! What the answer of an HTTP server means for a call, and what does not depend on the system that gave it.

#[cfg(test)]
mod tests;

use domain::request::excerpt;
use serde_json::Value;

use crate::{
    ARTEFACT_BYTES_MAX,
    call::Outcome,
    client::{Answer, Client, Failure},
};

/// Most characters of an answer that are quoted.
const QUOTED_CHARS: usize = 200;

impl Failure {
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Failure::NotSent { reason, retry } => Outcome::NotApplied { reason, retry, retry_after: None },
            Failure::Lost { reason } => Outcome::unknown(reason),
        }
    }

    pub(crate) fn into_reason(self) -> String {
        match self {
            Failure::NotSent { reason, .. } | Failure::Lost { reason } => reason,
        }
    }
}

/// The outcome of a change whose answer has a status that does not mean success.
///
/// Only what a server says before it acts counts as not applied. A 409 to a repeated call may mean that the first is
/// still under way, a 302 or 303 is how some servers end what they have done, and after any 5xx but 503 nobody knows.
pub(crate) fn failed(client: &Client, answer: &Answer, attempt: u32) -> Outcome {
    let said = quoted(client, answer);
    let status = answer.status;
    match status {
        408 | 425 | 429 | 503 => Outcome::NotApplied {
            reason: format!("refused for now with status {status}{said}"),
            retry: true,
            retry_after: answer.retry_after,
        },
        409 if attempt > 1 => {
            Outcome::unknown(format!("status 409 to a repeated call, whose first may be under way{said}"))
        }
        302 | 303 => Outcome::unknown(format!("status {status}, a redirect, which is not followed{said}")),
        300..=399 => Outcome::refused(format!("status {status}, a redirect, which is not followed{said}")),
        400..=499 => Outcome::refused(format!("refused with status {status}{said}")),
        _ => Outcome::unknown(format!("status {status}{said}")),
    }
}

/// The beginning of the body, without control characters and secrets, to be put behind a message.
pub(crate) fn quoted(client: &Client, answer: &Answer) -> String {
    match &answer.body {
        Ok(body) if body.is_empty() => String::new(),
        Ok(body) => {
            // More than is quoted, so that a secret at the cut is still found whole.
            let head = String::from_utf8_lossy(&body[..body.len().min(64 * QUOTED_CHARS)]);
            format!(": `{}`", excerpt(client.redact(&head).trim(), QUOTED_CHARS))
        }
        Err(reason) => format!(" ({reason})"),
    }
}

/// The body as something to keep: JSON of bounded size, without the connector's secrets.
pub(crate) fn artefact(client: &Client, body: &[u8]) -> Option<Value> {
    if body.is_empty() || body.len() > ARTEFACT_BYTES_MAX {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    serde_json::from_str(&client.redact(text)).ok()
}
