//! A lean HTTP/1.1 client: one connection that is kept, requests that were rendered before, answers read only as
//! far as is needed to know where they end.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, bail};

/// A server that does not answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most bytes of an answer.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Where an answer's parts are in the buffer.
#[derive(Debug, PartialEq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) head: usize,
    pub(super) body: usize,
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends the request and gives the status of the answer.
    pub(super) fn status(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        Ok(self.exchange(request)?.status)
    }

    /// Sends the request and gives the answer's body, which must come with status 200.
    pub(super) fn body(&mut self, request: &[u8]) -> anyhow::Result<String> {
        let answer = self.exchange(request)?;
        let body = String::from_utf8_lossy(&self.buffer[answer.head..answer.head + answer.body]).into_owned();
        if answer.status != 200 {
            bail!("status {} for `{}`: {body}", answer.status, first_line(request));
        }
        Ok(body)
    }

    fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Head> {
        self.stream.write_all(request).context("send")?;
        self.buffer.clear();
        let mut chunk = [0_u8; 16 * 1024];
        loop {
            let count = self.stream.read(&mut chunk).context("receive")?;
            if count == 0 {
                bail!("the server closed the connection after `{}`", first_line(request));
            }
            self.buffer.extend_from_slice(&chunk[..count]);
            if let Some(head) = head(&self.buffer)?
                && self.buffer.len() >= head.head + head.body
            {
                return Ok(head);
            }
            if self.buffer.len() > ANSWER_MAX {
                bail!("the answer to `{}` is too long", first_line(request));
            }
        }
    }
}

/// Reads the head once it is complete.
pub(super) fn head(bytes: &[u8]) -> anyhow::Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end]).context("the head of an answer is not text")?;
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    let status: u16 = status.with_context(|| format!("no status in `{text}`"))?;
    let mut body = 0;
    for line in text.split("\r\n").skip(1) {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse().with_context(|| format!("header `{line}`"))?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("the answer comes in chunks, which this client does not read");
        }
    }
    Ok(Some(Head { status, head: end + 4, body }))
}

fn first_line(request: &[u8]) -> String {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

pub(super) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}

pub(super) fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
