//! The HTTP client of the command line: one request, one connection, one answer, with a blocking face.
//!
//! It speaks to the Ringfence server that the person named and to nothing else: no redirect is followed, no proxy
//! is used, and the token goes only where [`crate::session`] says that it belongs.

mod address;
mod problem;
mod sent;
#[cfg(test)]
mod tests;

use std::{io::Write, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use clap::ValueEnum;
use http_body_util::BodyExt as _;
use hyper::{
    Method, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

pub(crate) use address::Address;
pub(crate) use problem::Refusal;

use sent::Sent;

/// For each thing that is waited for. A server that needs longer to commit has told so before.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a busy server is asked for something to read, and how long apart.
const READS_MAX: u32 = 5;
const AGAIN: Duration = Duration::from_millis(500);
/// Largest answer that is kept in memory; tiles and pages are far below.
const BODY_BYTES_MAX: usize = 64 << 20;
/// As much of a refusal as is read where the answer itself goes elsewhere.
const REFUSAL_BYTES_MAX: usize = 64 << 10;

/// A token, which is never printed.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn new(text: &str) -> Token {
        Token(text.trim().to_owned())
    }
}

/// One server.
pub(crate) struct Client {
    runtime: tokio::runtime::Runtime,
    address: Address,
    token: Option<Token>,
    tls: Option<TlsConnector>,
}

/// What came back, whatever its status.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// Takes a part of an answer with this status.
type Take<'a> = dyn FnMut(u16, &[u8]) -> anyhow::Result<()> + 'a;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Client {
    /// `ca_pem` holds the certificates that may vouch for the server, in the place of the public ones.
    pub(crate) fn new(
        address: Address,
        token: Option<Token>,
        ca_pem: Option<&[u8]>,
    ) -> anyhow::Result<Client> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the client's runtime")?;
        let tls = if address.tls { Some(tls(ca_pem)?) } else { None };
        Ok(Client { runtime, address, token, tls })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.json(Method::GET, path, None)
    }

    /// The answer as it is, for what is not JSON.
    pub(crate) fn get_bytes(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        self.send(Method::GET, path, None)
    }

    /// Writes the answer to `out` as it comes, however long it is; returns its length.
    pub(crate) fn download(&self, path: &str, out: &mut dyn Write) -> anyhow::Result<u64> {
        let (mut length, mut refused) = (0, Vec::new());
        let status = self.runtime.block_on(self.exchange(Method::GET, path, None, &mut |status, part| {
            if !(200..300).contains(&status) {
                let room = REFUSAL_BYTES_MAX.saturating_sub(refused.len());
                refused.extend_from_slice(&part[..part.len().min(room)]);
                return Ok(());
            }
            length += part.len() as u64;
            out.write_all(part).context("cannot write what comes")
        }))?;
        if (200..300).contains(&status) {
            return Ok(length);
        }
        Err(Refusal::read(&format!("GET {path}"), status, &refused).into())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.json(Method::POST, path, Some(body))
    }

    /// Sends a file as it is, and gives the answer.
    pub(crate) fn upload(&self, path: &str, file: std::fs::File) -> anyhow::Result<Value> {
        let sent = Sent::file(file)?;
        let answer = self.sent(Method::POST, path, Some(sent))?;
        if !(200..300).contains(&answer.status) {
            return Err(Refusal::read(&format!("POST {path}"), answer.status, &answer.body).into());
        }
        serde_json::from_slice(&answer.body)
            .with_context(|| format!("{} answered `{path}` with something that is not JSON", self.address))
    }

    pub(crate) fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.json(Method::DELETE, path, None)
    }

    /// The items of a list that always comes as a whole.
    pub(crate) fn whole(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut answer = self.get(path)?;
        let items = answer.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
        items.with_context(|| format!("{} answered `{path}` with something that is no list", self.address))
    }

    /// All items of a list, page by page, at most `limit`.
    pub(crate) fn list(&self, path: &str, limit: usize) -> anyhow::Result<Vec<Value>> {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut items: Vec<Value> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = (limit - items.len()).min(1_000);
            let mut answer = self.get(&format!("{path}{join}limit={page}{cursor}"))?;
            if let Some(found) = answer.get_mut("items").and_then(Value::as_array_mut) {
                items.append(found);
            }
            match answer.get("next") {
                Some(Value::String(next)) if items.len() < limit => {
                    cursor = format!("&cursor={}", encode(next))
                }
                Some(Value::Number(next)) if items.len() < limit => cursor = format!("&cursor={next}"),
                Some(_) | None => break,
            }
        }
        items.truncate(limit);
        Ok(items)
    }

    fn json(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let bytes = self.send(method, path, body.map(Value::to_string))?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes)
            .with_context(|| format!("{} answered `{path}` with something that is not JSON", self.address))
    }

    fn send(&self, method: Method, path: &str, body: Option<String>) -> anyhow::Result<Vec<u8>> {
        let what = format!("{method} {path}");
        // Reading again changes nothing, so a server that is busy for a moment is asked again.
        let tries = if method == Method::GET { READS_MAX } else { 1 };
        for left in (0..tries).rev() {
            let answer = self.once(method.clone(), path, body.clone())?;
            if (200..300).contains(&answer.status) {
                return Ok(answer.body);
            }
            if left == 0 || !matches!(answer.status, 429 | 503) {
                return Err(Refusal::read(&what, answer.status, &answer.body).into());
            }
            self.runtime.block_on(async { tokio::time::sleep(AGAIN).await });
        }
        bail!("`{what}` was not tried")
    }

    fn once(&self, method: Method, path: &str, body: Option<String>) -> anyhow::Result<Answer> {
        self.sent(method, path, body.map(Sent::text))
    }

    fn sent(&self, method: Method, path: &str, body: Option<Sent>) -> anyhow::Result<Answer> {
        let mut kept = Vec::new();
        let status = self.runtime.block_on(self.exchange(method, path, body, &mut |_, part| {
            anyhow::ensure!(
                kept.len() + part.len() <= BODY_BYTES_MAX,
                "the answer is longer than {BODY_BYTES_MAX} bytes"
            );
            kept.extend_from_slice(part);
            Ok(())
        }))?;
        Ok(Answer { status, body: kept })
    }

    /// Sends the request once, hands the parts of the body to `take` as they come, and returns the status. No single
    /// wait is longer than [`TIMEOUT`].
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Sent>,
        take: &mut Take<'_>,
    ) -> anyhow::Result<u16> {
        // The answer to a file comes when all of it is there.
        let patience = body.as_ref().map_or(TIMEOUT, Sent::patience);
        let io = TokioIo::new(self.in_time(self.connect()).await??);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
            .await
            .with_context(|| format!("{} does not speak HTTP", self.address))?;
        let request = self.request(method, path, body)?;
        let exchange = async {
            let answer = timeout(patience, sender.send_request(request)).await;
            let answer = answer.map_err(|_| self.late())?.with_context(|| self.lost())?;
            let status = answer.status().as_u16();
            let mut body = answer.into_body();
            while let Some(frame) = self.in_time(body.frame()).await? {
                if let Ok(part) = frame.with_context(|| self.lost())?.into_data() {
                    take(status, &part)?;
                }
            }
            anyhow::Ok(status)
        };
        tokio::pin!(exchange);
        tokio::pin!(connection);
        tokio::select! {
            status = &mut exchange => status,
            ended = &mut connection => {
                ended.with_context(|| self.lost())?;
                exchange.await
            }
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> anyhow::Result<T> {
        timeout(TIMEOUT, work).await.map_err(|_| self.late())
    }

    fn late(&self) -> anyhow::Error {
        anyhow!("{} did not answer in time", self.address)
    }

    fn lost(&self) -> String {
        format!("{} broke off; it is not known whether the request was carried out", self.address)
    }

    async fn connect(&self) -> anyhow::Result<Box<dyn Stream>> {
        let Address { host, port, .. } = &self.address;
        let stream = TcpStream::connect((host.as_str(), *port)).await.with_context(|| {
            format!(
                "cannot reach a server at {}; start one with `ringfence serve`, or name another with --server",
                self.address
            )
        })?;
        // Only speed is lost without it.
        drop(stream.set_nodelay(true));
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let name =
            ServerName::try_from(host.clone()).with_context(|| format!("`{host}` is no name for TLS"))?;
        let stream = tls.connect(name, stream).await.with_context(|| {
            format!("no TLS with {}; a private authority is named with --ca-file", self.address)
        })?;
        Ok(Box::new(stream))
    }

    fn request(&self, method: Method, path: &str, body: Option<Sent>) -> anyhow::Result<Request<Sent>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address.base))
            .header(HOST, self.address.authority())
            .header(ACCEPT, "application/json, text/plain, */*")
            .header(USER_AGENT, concat!("ringfence/", env!("CARGO_PKG_VERSION")));
        if let Some(Token(token)) = &self.token {
            let value = HeaderValue::from_str(&format!("Bearer {token}"));
            let Ok(mut value) = value else { bail!("the token has characters that no token has") };
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(body) = &body {
            request = request.header(CONTENT_TYPE, body.media());
        }
        request.body(body.unwrap_or_default()).with_context(|| format!("`{path}` cannot be asked for"))
    }
}

/// A text as one part of a path or query.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A choice as the API spells it.
pub(crate) fn named(choice: impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().replace('-', "_")).unwrap_or_default()
}

fn tls(ca_pem: Option<&[u8]>) -> anyhow::Result<TlsConnector> {
    let roots = match ca_pem {
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.add(certificate.context("--ca-file: not a certificate in PEM")?)?;
            }
            roots
        }
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
