//! A small HTTP server that knows nothing of Ringfence: it reads a request, asks a function what to do with the
//! connection, and keeps what it received.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// What becomes of the connection.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Status, further header lines, body.
    Whole(u16, String, String),
    /// These bytes, then the end of the connection.
    Raw(String),
    /// These bytes, then silence.
    Stall(String),
    /// These bytes, then the last of them again and again, as fast as they are taken.
    Endless(String),
    /// These bytes, then one more each few milliseconds.
    Trickle(String),
}

impl Answer {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Answer {
        Answer::Whole(status, "Content-Type: application/json\r\n".to_owned(), body.to_string())
    }

    pub(crate) fn empty(status: u16) -> Answer {
        Answer::Whole(status, String::new(), String::new())
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

type Decide = Arc<dyn Fn(&Received) -> Answer + Send + Sync>;

impl Server {
    pub(crate) async fn start(decide: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Server {
        Server::start_on(IpAddr::from([127, 0, 0, 1]), decide).await
    }

    pub(crate) async fn start_on(
        ip: IpAddr,
        decide: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let decide: Decide = Arc::new(decide);
        let (kept, count) = (Arc::clone(&received), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&decide), Arc::clone(&kept)));
            }
        });
        Server { address, received, connections, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection until either side ends it.
pub(crate) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    decide: Decide,
    received: Arc<Mutex<Vec<Received>>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        received.lock().unwrap().push(request.clone());
        if write(&mut stream, decide(&request)).await.is_none() {
            return;
        }
    }
}

async fn read(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Received> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let mut request = Received {
        method: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        ..Received::default()
    };
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        let name = name.to_ascii_lowercase();
        if name == "content-length" {
            length = value.parse().unwrap();
        }
        request.headers.push((name, value.to_owned()));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}

/// `None` ends the connection.
async fn write(stream: &mut (impl AsyncWrite + Unpin), answer: Answer) -> Option<()> {
    match answer {
        Answer::Whole(status, headers, body) => {
            let length =
                if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
            let text = format!("HTTP/1.1 {status} Text\r\n{headers}{length}\r\n{body}");
            stream.write_all(text.as_bytes()).await.ok()
        }
        Answer::Raw(text) => {
            stream.write_all(text.as_bytes()).await.ok()?;
            stream.shutdown().await.ok()?;
            None
        }
        Answer::Stall(text) => {
            stream.write_all(text.as_bytes()).await.ok()?;
            std::future::pending().await
        }
        Answer::Endless(text) => {
            stream.write_all(text.as_bytes()).await.ok()?;
            let last = text.as_bytes().last().copied().unwrap_or(b' ');
            loop {
                stream.write_all(&[last; 8192]).await.ok()?;
            }
        }
        Answer::Trickle(text) => {
            stream.write_all(text.as_bytes()).await.ok()?;
            let mut pace = tokio::time::interval(Duration::from_millis(5));
            loop {
                pace.tick().await;
                stream.write_all(b" ").await.ok()?;
            }
        }
    }
}
