//! Mail through a real mail server in a process of its own: taken, put off, refused, and gone.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use connectors::{Channel, Secret, Smtp, SmtpTls};
use domain::notice::{Outcome, Reason};

use crate::notify::{HOSTILE, delivery, mail};

const PASSWORD: &str = "canary-0451";

struct Server {
    process: Child,
    port: u16,
    mails: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        assert!(ended.is_ok(), "the mail server does not end: {ended:?}");
    }
}

impl Server {
    fn start() -> Server {
        Server::begin(&[], "")
    }

    /// Takes mail from `duty` alone, over TLS alone, with a certificate for `localhost`; and who vouches for it.
    fn secure(tls: SmtpTls) -> (Server, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("certificate"), folder.path().join("key"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        let extra = match tls {
            SmtpTls::Implicit => ["--smtpscert", certificate, "--smtpskey", key],
            SmtpTls::Starttls => ["--tlscert", certificate, "--tlskey", key],
            SmtpTls::None => panic!("that is not private"),
        };
        (Server::begin(&extra, PASSWORD), made.cert.pem())
    }

    fn begin(extra: &[&str], password: &str) -> Server {
        let mails = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let box_folder = mails.path().join("box");
        let process = Command::new("aiosmtpd")
            .args(["-n", "-l", &format!("127.0.0.1:{port}"), "-c", "mail_handler.Handler"])
            .args(extra)
            .arg(&box_folder)
            .env("MAIL_PASSWORD", password)
            .env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|why| {
                panic!("aiosmtpd is needed (Debian: python3-aiosmtpd); `cargo xtask test` installs it: {why}")
            });
        let server = Server { process, port, mails };
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "the mail server did not begin to listen");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        server
    }

    fn taken(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.mails.path().join("box/new")).unwrap();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }
}

#[tokio::test]
async fn a_mail_arrives_with_its_id_and_no_header_but_ours() {
    let server = Server::start();
    let sent = delivery(Reason::Opened);
    let outcome = mail("127.0.0.1", server.port, &["127.0.0.0/8"]).deliver(&sent).await;
    assert!(matches!(&outcome, Outcome::Delivered { receipt } if receipt.starts_with("250 ")), "{outcome:?}");
    let taken = server.taken();
    let [mail] = &taken[..] else { panic!("not one mail: {taken:?}") };
    let mail = mail.replace("\r\n", "\n");
    let (head, body) = mail.split_once("\n\n").unwrap();
    assert!(head.contains("Message-ID: <home-NTC-7@ringfence>"), "{head}");
    assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    assert!(head.contains("To: duty@example.org"), "{head}");
    assert!(body.contains("{{ 7 * 7 }}") && HOSTILE.contains("{{ 7 * 7 }}"), "{body}");
}

#[tokio::test]
async fn put_off_is_tried_again_and_refused_is_not() {
    let server = Server::start();
    for (address, retry) in [("later@example.org", true), ("never@example.org", false)] {
        let mut sent = delivery(Reason::Opened);
        sent.address = address.to_owned();
        let outcome = mail("127.0.0.1", server.port, &["127.0.0.0/8"]).deliver(&sent).await;
        let Outcome::Refused { retry: said, reason } = outcome else { panic!("{address}: {outcome:?}") };
        assert_eq!(said, retry, "{address}: {reason}");
    }
    assert!(server.taken().is_empty());
}

#[tokio::test]
async fn a_server_that_is_gone_is_never_taken_for_delivery() {
    let port = Server::start().port;
    let outcome = mail("127.0.0.1", port, &["127.0.0.0/8"]).deliver(&delivery(Reason::Opened)).await;
    assert!(matches!(outcome, Outcome::Unknown { .. } | Outcome::Refused { retry: true, .. }), "{outcome:?}");
}

/// Mail over TLS as `duty` with this password; `trusted` vouches for the server.
fn private(port: u16, tls: SmtpTls, host: &str, password: &str, trusted: Option<&str>) -> Channel {
    let login = Some(("duty".to_owned(), Secret::new(password)));
    let networks = vec!["127.0.0.0/8".parse().unwrap()];
    let smtp = Smtp::new(host.to_owned(), port, tls, "ringfence@example.org", login, networks).unwrap();
    Channel::smtp(match trusted {
        Some(pem) => smtp.trusting(pem).unwrap(),
        None => smtp,
    })
}

#[tokio::test]
async fn mail_goes_over_tls_with_a_password_to_a_server_that_is_vouched_for() {
    for tls in [SmtpTls::Implicit, SmtpTls::Starttls] {
        let (server, ca) = Server::secure(tls);
        let sent = delivery(Reason::Opened);
        let send = async |channel: Channel| channel.deliver(&sent).await;
        let wrong = send(private(server.port, tls, "localhost", "another", Some(&ca))).await;
        let Outcome::Refused { reason, retry: false } = &wrong else { panic!("{tls:?}: {wrong:?}") };
        assert!(reason.contains("535") || reason.contains("invalid"), "{tls:?}: {reason}");
        // A certificate that nobody vouches for, or for another name: nothing is said to that server.
        let unknown = send(private(server.port, tls, "localhost", PASSWORD, None)).await;
        let another = send(private(server.port, tls, "127.0.0.1", PASSWORD, Some(&ca))).await;
        for outcome in [unknown, another] {
            let Outcome::Unknown { reason } = &outcome else { panic!("{tls:?}: {outcome:?}") };
            assert!(reason.contains("certificate") && !reason.contains(PASSWORD), "{tls:?}: {reason}");
        }
        assert!(server.taken().is_empty(), "{tls:?}: mail arrived that nobody could be sure of");
        let done = send(private(server.port, tls, "localhost", PASSWORD, Some(&ca))).await;
        assert!(matches!(&done, Outcome::Delivered { .. }), "{tls:?}: {done:?}");
        assert_eq!(server.taken().len(), 1, "{tls:?}");
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_neither_password_nor_mail() {
    let server = Server::start();
    let channel = private(server.port, SmtpTls::Starttls, "localhost", PASSWORD, None);
    let outcome = channel.deliver(&delivery(Reason::Opened)).await;
    assert!(!matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
    assert!(server.taken().is_empty());
}

/// A server that takes no password, and repeats in its answer the lines with which it was offered.
fn repeating(mechanism: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        stream.write_all(b"220 here\r\n").unwrap();
        let mut asked = 0;
        for line in lines.map_while(Result::ok) {
            let answer = match (line.split(' ').next().unwrap(), mechanism) {
                ("EHLO", _) => format!("250-here\r\n250 AUTH {mechanism}\r\n"),
                ("AUTH", "LOGIN") if line == "AUTH LOGIN" => "334 VXNlcm5hbWU6\r\n".to_owned(),
                (_, "LOGIN") if asked == 1 => "334 UGFzc3dvcmQ6\r\n".to_owned(),
                (_, _) => format!("535 5.7.8 not taken: {line}\r\n"),
            };
            asked += usize::from(!line.starts_with("EHLO"));
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    port
}

#[tokio::test]
async fn a_server_that_repeats_the_password_is_quoted_without_it() {
    for (mechanism, offered) in [("PLAIN", "\0duty\0canary-0451"), ("LOGIN", "canary-0451")] {
        let login = Some(("duty".to_owned(), Secret::new("canary-0451")));
        let networks = vec!["127.0.0.0/8".parse().unwrap()];
        let (port, from) = (repeating(mechanism), "ringfence@example.org");
        let smtp = Smtp::new("127.0.0.1".to_owned(), port, SmtpTls::None, from, login, networks).unwrap();
        let outcome = Channel::smtp(smtp).deliver(&delivery(Reason::Opened)).await;
        let Outcome::Refused { reason, .. } = &outcome else { panic!("{mechanism}: {outcome:?}") };
        let encoded = BASE64_STANDARD.encode(offered);
        assert!(reason.contains("not taken") && reason.contains("***"), "{mechanism}: {reason}");
        assert!(!reason.contains("canary") && !reason.contains(encoded.trim_end_matches('=')), "{reason}");
    }
}
