//! One connection and one exchange on it. hyper's state machine is polled by the exchange itself: no task outlives it.

use std::{
    error::Error as StdError,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::{Duration, SystemTime},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Request, Response,
    body::{Body, Bytes, Incoming},
    client::conn::http1,
    header::RETRY_AFTER,
};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::{Failure, connect::Stream, not_sent};

/// Longest head of an answer, in bytes, and most headers in it.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;
/// A system that asks for more patience than this is asked again all the same.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// The server says that it answers as it did to an earlier request with the same key.
    pub(crate) replayed: bool,
    /// The body, or why it is not whole.
    pub(crate) body: Result<Bytes, String>,
}

/// Why an exchange gave no answer.
pub(super) enum Lost {
    /// The request comes back; no byte of it was sent.
    Unsent(Box<Request<Full<Bytes>>>),
    Sent(String),
}

pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once it is closed.
    machine: Option<Pin<Box<Machine>>>,
    /// The last answer was read to its end.
    clean: bool,
    /// When it was last used.
    pub(super) used: Instant,
}

type Machine = http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>;

impl Connection {
    pub(super) async fn new(stream: Box<dyn Stream>) -> Result<Connection, Failure> {
        let (sender, machine) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| not_sent(&chain(&error)))?;
        Ok(Connection { sender, machine: Some(Box::pin(machine)), clean: true, used: Instant::now() })
    }

    pub(super) fn is_reusable(&self) -> bool {
        self.clean && self.machine.is_some() && !self.sender.is_closed()
    }

    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        deadline: Instant,
        body_max: usize,
    ) -> Result<Answer, Lost> {
        if !matches!(timeout_at(deadline, self.ready()).await, Ok(true)) {
            return Err(Lost::Unsent(Box::new(request)));
        }
        self.clean = false;
        let sending = self.sender.try_send_request(request);
        let response = match timeout_at(deadline, drive(&mut self.machine, sending)).await {
            Ok(Some(Ok(response))) => response,
            Ok(Some(Err(mut error))) => {
                return Err(match error.take_message() {
                    Some(request) => Lost::Unsent(Box::new(request)),
                    None => Lost::Sent(chain(error.error())),
                });
            }
            Ok(None) => return Err(Lost::Sent("the connection was closed before the answer".to_owned())),
            Err(_) => return Err(Lost::Sent("no answer in time".to_owned())),
        };
        Ok(self.read(response, deadline, body_max).await)
    }

    async fn read(&mut self, response: Response<Incoming>, deadline: Instant, body_max: usize) -> Answer {
        let (head, body) = response.into_parts();
        let body = match timeout_at(deadline, drive(&mut self.machine, collect(body, body_max))).await {
            Ok(Some(body)) => body,
            Ok(None) => Err("the answer broke off".to_owned()),
            Err(_) => Err("the answer did not end in time".to_owned()),
        };
        self.clean = body.is_ok();
        Answer {
            status: head.status.as_u16(),
            retry_after: retry_after(&head.headers),
            replayed: head.headers.get("idempotent-replayed").is_some_and(|value| value == "true"),
            body,
        }
    }

    /// Whether a request can be sent; finds out that the server has closed the connection meanwhile.
    async fn ready(&mut self) -> bool {
        let sender = &mut self.sender;
        let ready = drive(&mut self.machine, poll_fn(|context| sender.poll_ready(context))).await;
        matches!(ready, Some(Ok(())))
    }
}

/// Polls the machine until the step is done; `None` when the connection ended without it.
async fn drive<T>(machine: &mut Option<Pin<Box<Machine>>>, step: impl Future<Output = T>) -> Option<T> {
    let mut step = pin!(step);
    poll_fn(|context| {
        // Before the step, so that a connection which the server has closed is not used for it.
        if let Some(running) = machine
            && running.as_mut().poll(context).is_ready()
        {
            // Dropping it hands back what it had not sent.
            *machine = None;
        }
        if let Poll::Ready(done) = step.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        if machine.is_none() { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

async fn collect(mut body: Incoming, max: usize) -> Result<Bytes, String> {
    let too_long = || format!("the answer is longer than {max} bytes");
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max {
        return Err(too_long());
    }
    let mut whole = Vec::with_capacity(announced);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the answer broke off: {}", chain(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > max {
            return Err(too_long());
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.into())
}

/// `Retry-After` in either form of RFC 9110 section 10.2.3.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let then = httpdate::parse_http_date(text).ok()?;
            then.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// The error and what caused it, in one line.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
