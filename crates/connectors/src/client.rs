//! The HTTP/1.1 client of one connector: one endpoint, its credentials, a pool of connections, and limits on all that
//! a server can make long. Its errors keep apart what was never sent from what may have arrived.
//!
//! It stands on hyper's connections and not on a ready-made pool because a pool does not say, when a deadline strikes,
//! whether the request had left. A connection is driven by the call that uses it, so a call that is dropped takes its
//! connection along.

mod connect;
mod connection;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Uri,
    body::Bytes,
    header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

pub use connect::{Resolve, Resolving, system_resolver};
pub(crate) use connection::Answer;

use self::{
    connect::Dialer,
    connection::{Connection, Lost},
};
use crate::{endpoint::Endpoint, error::Error, network::IpNet, secret::Secret};

/// An unused connection is closed rather than used again after this time; most servers wait longer.
const IDLE_MAX: Duration = Duration::from_secs(15);
/// Shorter texts are not looked for in answers: they would be found everywhere.
const REDACTED_BYTES_MIN: usize = 6;

/// What differs from one connector to the next.
#[derive(Debug, Clone)]
pub struct Config {
    pub endpoint: Endpoint,
    /// The only networks that are reached. A range with a special meaning, such as loopback, private or link-local
    /// addresses, is opened only by a network that lies within it.
    pub allowed_networks: Vec<IpNet>,
    /// Sent with every request, such as `Authorization`.
    pub headers: Vec<(String, Secret)>,
    /// Certificates in PEM that may vouch for the endpoint, in the place of the public ones.
    pub trusted_ca_pem: Option<String>,
    /// For name resolution, connection and TLS.
    pub connect_timeout: Duration,
    /// The most for a whole call; a call's own timeout may be shorter.
    pub timeout: Duration,
    /// Largest body of an answer that is read, in bytes.
    pub body_max: usize,
    /// Most calls at the same time; more wait.
    pub concurrency_max: usize,
}

impl Config {
    /// The defaults: 2 s to connect, 30 s in all, 1 MiB an answer, 64 calls at the same time; no network is allowed.
    pub fn new(endpoint: Endpoint) -> Config {
        Config {
            endpoint,
            allowed_networks: Vec::new(),
            headers: Vec::new(),
            trusted_ca_pem: None,
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(30),
            body_max: 1024 * 1024,
            concurrency_max: 64,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Failure {
    /// No byte of the request was sent.
    NotSent { reason: String, retry: bool },
    /// It may have arrived.
    Lost { reason: String },
}

/// A request without what the client adds by itself.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    pub(crate) path_and_query: &'a str,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// JSON text.
    pub(crate) body: Option<Bytes>,
}

pub(crate) struct Client {
    dialer: Dialer,
    base: String,
    /// Sent with every request.
    headers: HeaderMap,
    /// What must not be seen in anything that is reported.
    secrets: Vec<Secret>,
    /// Oldest first.
    idle: Mutex<VecDeque<Connection>>,
    permits: Semaphore,
    connect_timeout: Duration,
    timeout: Duration,
    body_max: usize,
}

impl Client {
    pub(crate) fn new(config: Config, resolve: Resolve) -> Result<Client, Error> {
        if config.concurrency_max == 0 || config.concurrency_max > Semaphore::MAX_PERMITS {
            return Err(Error::Config("the number of calls at the same time must be at least 1".to_owned()));
        }
        let headers = common_headers(&config)?;
        let secrets = config.headers.iter().flat_map(|(_, secret)| forms(secret)).collect();
        let base = config.endpoint.base.clone();
        Ok(Client {
            base,
            headers,
            secrets,
            idle: Mutex::default(),
            permits: Semaphore::new(config.concurrency_max),
            connect_timeout: config.connect_timeout,
            timeout: config.timeout,
            body_max: config.body_max,
            dialer: Dialer::new(
                config.endpoint,
                config.allowed_networks,
                config.trusted_ca_pem.as_deref(),
                resolve,
            )?,
        })
    }

    /// When a call that begins now must have ended.
    pub(crate) fn deadline(&self, timeout: Duration) -> Instant {
        Instant::now() + timeout.min(self.timeout)
    }

    /// Sends the request once and reads the answer. A body that is too long, broken off or late is an error within
    /// the answer, whose status is known all the same.
    pub(crate) async fn send(&self, request: Outgoing<'_>, deadline: Instant) -> Result<Answer, Failure> {
        let mut request = self.complete(request)?;
        let Ok(permit) = timeout_at(deadline, self.permits.acquire()).await else {
            return Err(not_sent("too many calls to this system; none ended in time"));
        };
        let _permit = permit.map_err(|_| not_sent("the connector is shut down"))?;
        loop {
            let reused = self.take_idle();
            let fresh = reused.is_none();
            let mut connection = match reused {
                Some(connection) => connection,
                None => self.connect(deadline).await?,
            };
            match connection.exchange(request, deadline, self.body_max).await {
                Ok(answer) => {
                    self.keep(connection);
                    return Ok(answer);
                }
                Err(Lost::Unsent(back)) if !fresh && Instant::now() < deadline => request = *back,
                Err(Lost::Unsent(_)) => {
                    return Err(not_sent("the connection was closed before the request was sent"));
                }
                Err(Lost::Sent(reason)) => return Err(Failure::Lost { reason }),
            }
        }
    }

    /// The text with every secret of this connector blotted out.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.secrets {
            if text.contains(secret.expose()) {
                text = Cow::Owned(text.replace(secret.expose(), "***"));
            }
        }
        text
    }

    fn complete(&self, outgoing: Outgoing<'_>) -> Result<Request<Full<Bytes>>, Failure> {
        let Outgoing { method, path_and_query, headers, body } = outgoing;
        let target = if self.base.is_empty() {
            path_and_query.parse::<Uri>()
        } else {
            format!("{}{path_and_query}", self.base).parse::<Uri>()
        };
        let target =
            target.map_err(|error| Failure::NotSent { reason: format!("path: {error}"), retry: false })?;
        let json = body.is_some() && !headers.iter().any(|(name, _)| name == CONTENT_TYPE);
        let mut request = Request::new(Full::new(body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = target;
        // Those of the configuration come last, so that nothing overrides them.
        request.headers_mut().extend(headers);
        for (name, value) in &self.headers {
            request.headers_mut().insert(name, value.clone());
        }
        if json {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }

    async fn connect(&self, deadline: Instant) -> Result<Connection, Failure> {
        let by = deadline.min(Instant::now() + self.connect_timeout);
        match timeout_at(by, self.dialer.open(self.connect_timeout)).await {
            Ok(opened) => Connection::new(opened?).await,
            Err(_) => Err(not_sent("no connection was made in time")),
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.lock();
        while idle.front().is_some_and(|connection| connection.used.elapsed() > IDLE_MAX) {
            idle.pop_front();
        }
        idle.pop_back()
    }

    fn keep(&self, mut connection: Connection) {
        if connection.is_reusable() {
            connection.used = Instant::now();
            self.lock().push_back(connection);
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_sent(reason: &str) -> Failure {
    Failure::NotSent { reason: reason.to_owned(), retry: true }
}

fn common_headers(config: &Config) -> Result<HeaderMap, Error> {
    const USER: HeaderValue = HeaderValue::from_static(concat!("ringfence/", env!("CARGO_PKG_VERSION")));
    let mut headers = HeaderMap::new();
    for (name, secret) in &config.headers {
        let wrong = |why: &str| Error::Config(format!("header `{name}`: {why}"));
        let header =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("not the name of a header"))?;
        let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| {
            wrong("the secret has characters that a header cannot have, such as a line break")
        })?;
        if value.is_empty() {
            return Err(wrong("the secret is empty"));
        }
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    let host = HeaderValue::from_str(&config.endpoint.authority)
        .map_err(|_| Error::Config(format!("endpoint `{}`: the host cannot be sent", config.endpoint)))?;
    headers.insert(HOST, host);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, USER);
    Ok(headers)
}

/// A secret as it may come back: whole, and without the scheme before it, as in `Bearer …`.
fn forms(secret: &Secret) -> impl Iterator<Item = Secret> {
    let whole = secret.expose();
    let last = whole.rsplit(' ').next().filter(|last| last.len() < whole.len());
    let forms = std::iter::once(whole).chain(last).filter(|form| form.len() >= REDACTED_BYTES_MIN);
    forms.map(Secret::new).collect::<Vec<_>>().into_iter()
}
