//! HTTP/1.1 by hand: bytes as they are, and whatever comes back, also before all was sent.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Connection(TcpStream);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Connection {
    /// `address` is a URL without a path.
    pub(crate) fn open(address: &str) -> Connection {
        let stream = TcpStream::connect(address.trim().trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection(stream)
    }

    /// Sends the head; its last lines are of the caller.
    pub(crate) fn head(&mut self, method: &str, path: &str, token: &str, more: &str) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\n{more}\r\n"
        );
        self.0.write_all(head.as_bytes()).unwrap();
    }

    /// Sends bytes; false once the other side takes no more.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    pub(crate) fn answer(&mut self) -> io::Result<Answer> {
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
        loop {
            if let Some(answer) = whole(&bytes) {
                return Ok(answer);
            }
            match self.0.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => bytes.extend_from_slice(&chunk[..count]),
            }
        }
    }

    pub(crate) fn post(&mut self, path: &str, token: &str, body: &[u8]) -> Answer {
        self.head("POST", path, token, &format!("content-length: {}\r\n", body.len()));
        assert!(self.send(body), "the server takes the body of {path}");
        self.answer().unwrap()
    }

    /// A server that refuses by the head alone may end the connection while the body is still on its way, and the
    /// answer may be lost with it: then the answer to the head alone is given.
    pub(crate) fn post_early(&mut self, path: &str, token: &str, body: &[u8]) -> io::Result<Answer> {
        let length = format!("content-length: {}\r\n", body.len());
        self.head("POST", path, token, &length);
        let taken = self.send(body);
        match self.answer() {
            Err(_) if !taken => {
                let mut again = Connection(TcpStream::connect(self.0.peer_addr()?)?);
                again.0.set_read_timeout(Some(PATIENCE))?;
                again.head("POST", path, token, &length);
                again.answer()
            }
            answered => answered,
        }
    }

    pub(crate) fn get(&mut self, path: &str, token: &str) -> Answer {
        self.head("GET", path, token, "");
        self.answer().unwrap()
    }
}

fn whole(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let body = bytes.get(end + 4..end + 4 + length.unwrap_or(0))?;
    Some(Answer { status, body: String::from_utf8_lossy(body).into_owned() })
}
