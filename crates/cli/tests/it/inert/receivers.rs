//! The other ends of channels: a real mail server in a process of its own, and a web server that keeps what it got.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::support::Killed;

const AMPLE: Duration = Duration::from_secs(30);

pub(super) struct Mail {
    _process: Killed,
    pub(super) port: u16,
    folder: tempfile::TempDir,
}

impl Mail {
    pub(super) fn start() -> Mail {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("aiosmtpd")
            .args(["-n", "-l", &format!("127.0.0.1:{port}"), "-c", "aiosmtpd.handlers.Mailbox"])
            .arg(folder.path().join("box"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|why| panic!("aiosmtpd is needed (Debian: python3-aiosmtpd): {why}"));
        let mail = Mail { _process: Killed(process), port, folder };
        let until = Instant::now() + AMPLE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "the mail server did not begin to listen");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        mail
    }

    /// Every mail as it was taken, with lines that end as here.
    pub(super) fn taken(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.folder.path().join("box/new")) else { return Vec::new() };
        let read = |path| String::from_utf8(fs::read(path).unwrap()).unwrap().replace("\r\n", "\n");
        files.map(|file| read(file.unwrap().path())).collect()
    }
}

/// A mail server that takes no password, and repeats in its answer the line with which it was offered.
pub(super) fn repeating_mail() -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, offered) = (listener.local_addr().unwrap().port(), Arc::<Mutex<String>>::default());
    let keep = offered.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            drop(stream.write_all(b"220 here\r\n"));
            for line in lines.map_while(Result::ok) {
                let answer = match line.starts_with("EHLO") {
                    true => "250-here\r\n250 AUTH PLAIN\r\n".to_owned(),
                    false => format!("535 5.7.8 not taken: {line}\r\n"),
                };
                *keep.lock().unwrap() += &line;
                drop(stream.write_all(answer.as_bytes()));
            }
        }
    });
    (port, offered)
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) head: String,
    pub(super) body: String,
}

/// Takes requests until the test ends; its answer repeats what it got, as bad receivers do.
#[derive(Clone)]
pub(super) struct Hook {
    pub(super) address: String,
    got: Arc<Mutex<Vec<Request>>>,
}

impl Hook {
    pub(super) fn start(status: u16) -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let got = Arc::<Mutex<Vec<Request>>>::default();
        let keep = got.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&mut stream) else { continue };
                let echo = format!("{}\r\n\r\n{}", request.head, request.body);
                keep.lock().unwrap().push(request);
                let head = format!("HTTP/1.1 {status} no\r\ncontent-length: {}\r\n", echo.len());
                drop(stream.write_all(format!("{head}connection: close\r\n\r\n{echo}").as_bytes()));
            }
        });
        Hook { address, got }
    }

    pub(super) fn got(&self) -> Vec<Request> {
        self.got.lock().unwrap().clone()
    }
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(AMPLE)).unwrap();
    let (mut all, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        all.extend_from_slice(&buffer[..count]);
        let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |text| text.parse::<usize>().unwrap());
        if let Some(body) = all.get(end + 4..end + 4 + length) {
            return Some(Request { head, body: String::from_utf8(body.to_vec()).unwrap() });
        }
    }
}
