//! Answers, and how faults spoil them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use serde::Serialize;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::call::{Reading, Refusal, Reply};
use crate::faults::Mode;

/// Longest that a call hangs; no client of ours waits that long.
const HANG: Duration = Duration::from_secs(3600);
const CHUNK: &[u8] = &[b' '; 1 << 16];

/// Marks an answer that must not be sent: the connection is closed instead.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("connection closed by a fault")]
pub(super) struct Cut;

pub(super) fn cut() -> Response {
    let mut answer = Response::default();
    answer.extensions_mut().insert(Cut);
    answer
}

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => (status, [(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

pub(super) fn problem(status: StatusCode, reason: &str) -> Response {
    let text = serde_json::json!({"status": status.as_u16(), "detail": reason}).to_string();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], text).into_response()
}

pub(super) fn reply(reply: &Reply) -> Response {
    json(status(reply.refusal), reply)
}

pub(super) fn reading(reading: &Reading) -> Response {
    json(status(reading.refusal), reading)
}

fn status(refusal: Option<Refusal>) -> StatusCode {
    match refusal {
        None => StatusCode::OK,
        Some(Refusal::UnknownVerb | Refusal::UnknownTarget) => StatusCode::NOT_FOUND,
        Some(Refusal::BadArguments) => StatusCode::UNPROCESSABLE_ENTITY,
        Some(Refusal::KeyReused | Refusal::Impossible) => StatusCode::CONFLICT,
    }
}

/// The answer as the fault lets it through.
pub(super) async fn with_fault(mode: Mode, answer: Response) -> Response {
    match mode {
        Mode::Ok | Mode::AnswerTwice | Mode::WrongSuccess => answer,
        Mode::Error { .. } => problem(StatusCode::INTERNAL_SERVER_ERROR, "the estate fails on purpose"),
        Mode::Slow { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            answer
        }
        Mode::Hang { .. } => {
            tokio::time::sleep(HANG).await;
            cut()
        }
        Mode::DropBefore | Mode::ApplyThenDrop => cut(),
        Mode::TooMany { retry_after_s } => {
            let mut answer = problem(StatusCode::TOO_MANY_REQUESTS, "too many calls on purpose");
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
            answer
        }
        Mode::Trickle { ms } => trickle(answer, Duration::from_millis(ms)).await,
        Mode::Huge { bytes } => answer.map(|_| Body::new(Huge { left: bytes })),
    }
}

async fn trickle(answer: Response, pause: Duration) -> Response {
    let (parts, body) = answer.into_parts();
    match axum::body::to_bytes(body, usize::MAX).await {
        Ok(bytes) => Response::from_parts(parts, Body::new(Trickle::new(bytes, pause))),
        Err(_) => cut(),
    }
}

/// One byte after each pause.
struct Trickle {
    left: Bytes,
    pause: Duration,
    next: Pin<Box<Sleep>>,
}

impl Trickle {
    fn new(left: Bytes, pause: Duration) -> Trickle {
        Trickle { left, pause, next: Box::pin(sleep_until(Instant::now() + pause)) }
    }
}

impl HttpBody for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.next.as_mut().poll(context));
        let then = Instant::now() + self.pause;
        self.next.as_mut().reset(then);
        Poll::Ready(Some(Ok(Frame::data(self.left.split_to(1)))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

/// White space without a length given in advance.
struct Huge {
    left: u64,
}

impl HttpBody for Huge {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(CHUNK.len());
        self.left -= length as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&CHUNK[..length])))))
    }
}
