//! HTTP/1.1 on one kept connection, without any library: what a sender knows is what it read from the socket.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Most bytes of an answer.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Connection {
    /// Connects; later answers must come within `patience`.
    pub(super) fn open(address: SocketAddr, patience: Duration) -> io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Connection { stream, buffer: Vec::new() })
    }

    pub(super) fn get(&mut self, path: &str, token: &str) -> io::Result<Answer> {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nhost: crash\r\nauthorization: Bearer {token}\r\n\r\n"))
    }

    pub(super) fn post(&mut self, path: &str, token: &str, body: &str) -> io::Result<Answer> {
        let length = body.len();
        self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nhost: crash\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }

    /// An answer counts only when it came as a whole.
    fn exchange(&mut self, request: &str) -> io::Result<Answer> {
        self.stream.write_all(request.as_bytes())?;
        self.buffer.clear();
        let mut chunk = [0; 64 * 1024];
        loop {
            let count = self.stream.read(&mut chunk)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(&chunk[..count]);
            if let Some(answer) = whole(&self.buffer)? {
                return Ok(answer);
            }
            if self.buffer.len() > ANSWER_MAX {
                return Err(malformed("an answer is too long"));
            }
        }
    }
}

fn whole(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.get(9..12).and_then(|digits| digits.parse().ok());
    let status = status.ok_or_else(|| malformed("an answer has no status"))?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    };
    let length = head.lines().find_map(header);
    let length = length.ok_or_else(|| malformed("an answer does not say how long it is"))?;
    let body = bytes.get(end + 4..end + 4 + length);
    Ok(body.map(|body| Answer { status, body: String::from_utf8_lossy(body).into_owned() }))
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
