//! An estate served on a thread of its own, and a plain HTTP/1.1 client with a deadline of its own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use estate::faults::{Faults, Rule};
use estate::ledger::{self, Line};
use estate::server::{Config, serve};
use estate::{Error, World};
use serde_json::Value;
use tokio::sync::oneshot;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) ledger: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
    _folder: tempfile::TempDir,
}

impl Served {
    pub(crate) fn with(rules: Vec<Rule>) -> Served {
        Served::configured(Faults { seed: 7, rules }, false)
    }

    pub(crate) fn configured(faults: Faults, sync: bool) -> Served {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger.jsonl");
        let config = Config { world: World::shipped(), ledger: ledger.clone(), sync, faults };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                serve(listener, config, async { drop(stopped.await) }).await
            })
        });
        Served { address, ledger, stop: Some(stop), thread: Some(thread), _folder: folder }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address, PATIENCE)
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        ledger::read(&self.ledger).unwrap().lines
    }

    /// Key, fault and effect of each line.
    pub(crate) fn story(&self) -> Vec<String> {
        let of = |line: Line| format!("{} {} {:?}", line.key, line.fault, line.effect);
        self.lines().into_iter().map(of).collect()
    }

    pub(crate) fn stop(mut self) -> Result<(), Error> {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr, deadline: Duration) -> Client {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        stream.set_read_timeout(Some(deadline)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client { stream: BufReader::new(stream) }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").unwrap()
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body).unwrap()
    }

    pub(crate) fn try_post(&mut self, path: &str, body: &Value) -> io::Result<Answer> {
        self.send("POST", path, &[], body.to_string().as_bytes())
    }

    /// Isolates validator-3 under a key.
    pub(crate) fn isolate(&mut self, key: &str) -> io::Result<Answer> {
        self.try_post("/v1/actions", &isolate(key))
    }

    pub(crate) fn isolated(&mut self) -> bool {
        self.post("/v1/read", &isolate("")).json()["holds"].as_bool().unwrap()
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &[u8],
    ) -> io::Result<Answer> {
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: estate\r\ncontent-length: {}\r\n", body.len());
        for header in headers {
            head += &format!("{header}\r\n");
        }
        head += "\r\n";
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.stream.get_mut().write_all(&request)?;
        let (status, headers) = self.head()?;
        let mut body = Vec::new();
        if headers.iter().any(|header| header == "transfer-encoding: chunked") {
            self.chunks(&mut body)?;
        } else {
            let length = headers.iter().find_map(|header| header.strip_prefix("content-length: "));
            body.resize(length.unwrap().parse().unwrap(), 0);
            self.stream.read_exact(&mut body)?;
        }
        Ok(Answer { status, headers, body })
    }

    fn head(&mut self) -> io::Result<(u16, Vec<String>)> {
        let status = self.line()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                let status = status.split(' ').nth(1).unwrap().parse().unwrap();
                return Ok((status, headers));
            }
            headers.push(line);
        }
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let size = u64::from_str_radix(&self.line()?, 16).unwrap();
            let mut chunk = (&mut self.stream).take(size);
            chunk.read_to_end(body)?;
            self.line()?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

pub(crate) fn isolate(key: &str) -> Value {
    serde_json::json!({
        "key": key,
        "verb": "node.isolate",
        "target_kind": "node",
        "target": "validator-3",
        "args": {"level": "full"},
    })
}
