//! Notices as a receiver sees them: bodies, signatures, what each status means, and mail that is never sent in the
//! clear or to a network that is not allowed.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread::JoinHandle,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use connectors::{Channel, Config, Delivery, Encoding, Secret, Smtp, SmtpTls, TextMessage};
use domain::{
    id::NoticeId,
    notice::{Message, Outcome, Reason},
    severity::Severity,
    time::Timestamp,
};
use hmac::{Hmac, Mac as _};
use serde_json::Value;

pub(crate) const HOSTILE: &str = "a\r\nBcc: x@example.org <!channel> {{ 7 * 7 }}";

pub(crate) fn delivery(reason: Reason) -> Delivery {
    let severity = Some(Severity::Critical);
    Delivery {
        notice: NoticeId::from_number(7),
        attempt: 1,
        epoch: 1,
        channel: "c".to_owned(),
        address: "duty@example.org".to_owned(),
        dedup_id: "home-NTC-7".to_owned(),
        incident: "home-INC-3".to_owned(),
        reason,
        message: Message { subject: HOSTILE.into(), text: HOSTILE.into(), severity },
        at: Timestamp(1_800_000_000_000_000),
        timeout: Duration::from_secs(5),
    }
}

/// Takes one request, answers with this status, and gives head and body back.
fn receiver(status: u16) -> (String, JoinHandle<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let taking = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut all, mut buffer) = (Vec::new(), [0; 4_096]);
        let (head, length) = loop {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "the request ended early");
            all.extend_from_slice(&buffer[..read]);
            let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8(all[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let length = end + 4 + length.parse::<usize>().unwrap();
            if all.len() >= length {
                break (head, end + 4);
            }
        };
        write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        (head, all[length..].to_vec())
    });
    (address, taking)
}

fn config(address: &str, path: &str) -> Config {
    let mut config = Config::new(format!("http://{address}{path}").parse().unwrap());
    config.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    config
}

#[tokio::test]
async fn a_webhook_is_signed_by_the_standard() {
    let (address, taking) = receiver(202);
    let key = [7_u8; 32];
    let secret = Secret::new(format!("whsec_{}", BASE64_STANDARD.encode(key)));
    let channel = Channel::webhook(config(&address, "/hook"), &secret).unwrap();
    let outcome = channel.deliver(&delivery(Reason::Opened)).await;
    assert_eq!(outcome, Outcome::Delivered { receipt: "status 202".to_owned() });
    let (head, body) = taking.join().unwrap();
    assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
    };
    assert_eq!(
        (header("webhook-id"), header("webhook-timestamp")),
        ("home-NTC-7".into(), "1800000000".into())
    );
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(b"home-NTC-7.1800000000.");
    mac.update(&body);
    assert_eq!(
        header("webhook-signature"),
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    );
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["data"]["text"], HOSTILE);
    assert_eq!(body["data"]["severity"], "critical");
}

#[tokio::test]
async fn a_room_reads_no_marks_and_a_refusal_hides_the_secret_path() {
    let (address, taking) = receiver(403);
    let path = Secret::new("/services/T/B/canary-0451");
    let channel = Channel::slack(config(&address, ""), path).unwrap();
    let outcome = channel.deliver(&delivery(Reason::Opened)).await;
    assert_eq!(outcome, Outcome::Refused { reason: "refused with status 403".to_owned(), retry: false });
    let (head, body) = taking.join().unwrap();
    assert!(head.starts_with("POST /services/T/B/canary-0451 HTTP/1.1\r\n"), "{head}");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("&lt;!channel&gt;") && !text.contains("<!channel>"), "{text}");
}

#[tokio::test]
async fn a_pager_is_triggered_acknowledged_and_resolved_by_incident() {
    for (reason, action) in
        [(Reason::Opened, "trigger"), (Reason::Acknowledged, "acknowledge"), (Reason::Resolved, "resolve")]
    {
        let (address, taking) = receiver(202);
        let channel = Channel::pagerduty(config(&address, ""), Secret::new("canary-routing-key")).unwrap();
        let outcome = channel.deliver(&delivery(reason)).await;
        assert_eq!(outcome, Outcome::Delivered { receipt: "status 202".to_owned() });
        let (head, body) = taking.join().unwrap();
        assert!(head.starts_with("POST /v2/enqueue HTTP/1.1\r\n"), "{head}");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["event_action"], &body["dedup_key"]), (&action.into(), &"home-INC-3".into()));
        assert_eq!(body["routing_key"], "canary-routing-key");
        assert_eq!(
            body.get("payload").map(|payload| &payload["severity"]),
            (action == "trigger").then(|| &body["payload"]["severity"])
        );
    }
}

#[tokio::test]
async fn what_a_status_means() {
    let secret = || Secret::new("/x");
    for (status, retry) in [(400, false), (404, false), (429, true), (503, true)] {
        let (address, taking) = receiver(status);
        let channel = Channel::slack(config(&address, ""), secret()).unwrap();
        match channel.deliver(&delivery(Reason::Opened)).await {
            Outcome::Refused { retry: said, .. } => assert_eq!(said, retry, "{status}"),
            other @ (Outcome::Delivered { .. } | Outcome::Unknown { .. }) => panic!("{status}: {other:?}"),
        }
        taking.join().unwrap();
    }
    let (address, taking) = receiver(500);
    let channel = Channel::slack(config(&address, ""), secret()).unwrap();
    assert!(matches!(channel.deliver(&delivery(Reason::Opened)).await, Outcome::Unknown { .. }));
    taking.join().unwrap();
}

pub(crate) fn mail(host: &str, port: u16, networks: &[&str]) -> Channel {
    let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
    Channel::smtp(
        Smtp::new(host.to_owned(), port, SmtpTls::None, "ringfence@example.org", None, networks).unwrap(),
    )
}

#[tokio::test]
async fn mail_reaches_no_network_that_is_not_allowed_and_leaves_loopback_only_with_tls() {
    for (host, networks) in [("127.0.0.1", vec![]), ("198.51.100.7", vec!["198.51.100.0/24"])] {
        let outcome = mail(host, 9, &networks).deliver(&delivery(Reason::Opened)).await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{host}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_address_with_a_line_break_is_refused_before_anything_is_sent() {
    let mut hostile = delivery(Reason::Opened);
    hostile.address = "a@example.org\r\nRCPT TO:<b@example.org>".to_owned();
    let outcome = mail("127.0.0.1", 9, &["127.0.0.0/8"]).deliver(&hostile).await;
    let reason = "the recipient has no usable address of mail".to_owned();
    assert_eq!(outcome, Outcome::Refused { reason, retry: false });
}

fn fields(fields: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test]
async fn a_text_message_goes_by_the_request_of_any_provider_and_its_words_stay_words() {
    let own =
        fields(&[("To", "{to}"), ("From", "+12025550199"), ("Body", "{text}"), ("Ref", "{id}/{incident}")]);
    let hostile = Message {
        subject: "{to} a&From=+1&x=".into(),
        text: "\"}, {\"To\": \"+666\"".into(),
        severity: None,
    };
    let number = "+1-202-555-0100".to_owned();
    let delivery = Delivery { address: number.clone(), message: hostile, ..delivery(Reason::Opened) };
    let words = "{to} a&From=+1&x=\n\"}, {\"To\": \"+666\"";
    for (encoding, user, credentials) in [
        (Encoding::Json, None, "Bearer canary-5511".to_owned()),
        (Encoding::Form, Some("me"), format!("Basic {}", BASE64_STANDARD.encode("me:canary-5511"))),
    ] {
        let (address, taking) = receiver(201);
        let secret = Secret::new("canary-5511");
        let message = TextMessage::new(encoding, own.clone(), user, &secret).unwrap();
        let channel = Channel::text(config(&address, "/send"), message).unwrap();
        let outcome = channel.deliver(&delivery).await;
        assert_eq!(outcome, Outcome::Delivered { receipt: "status 201".to_owned() });
        let (head, body) = taking.join().unwrap();
        assert!(head.starts_with("POST /send HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("authorization: {credentials}")), "{head}");
        assert!(head.contains("idempotency-key: home-NTC-7"), "{head}");
        let body = String::from_utf8(body).unwrap();
        assert!(!body.contains("canary"), "{body}");
        match encoding {
            Encoding::Json => {
                let body: Value = serde_json::from_str(&body).unwrap();
                let wanted = serde_json::json!({
                    "To": number, "From": "+12025550199", "Body": words, "Ref": "home-NTC-7/home-INC-3",
                });
                assert_eq!(body, wanted);
            }
            Encoding::Form => {
                let names: Vec<&str> = body.split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
                assert_eq!(names, ["Body", "From", "Ref", "To"], "{body}");
                assert!(body.contains("Body=%7Bto%7D+a%26From%3D%2B1"), "{body}");
            }
        }
    }
}

#[tokio::test]
async fn a_text_message_that_cannot_be_meant_is_refused() {
    let secret = Secret::new("canary-5511");
    for (body, why) in [
        (fields(&[("To", "{to}")]), "`{to}` and `{text}`"),
        (fields(&[("To", "{to}"), ("Body", "{text} {secret}")]), "`{secret}` is not known"),
        (fields(&[("To", "{to}"), ("Body", "{text} {")]), "not closed"),
    ] {
        let error = TextMessage::new(Encoding::Json, body, None, &secret).err().unwrap().to_string();
        assert!(error.contains(why) && !error.contains("canary"), "{error}");
    }
    let broken = Secret::new("canary\r\nx: y");
    let good = fields(&[("To", "{to}"), ("Body", "{text}")]);
    let error = TextMessage::new(Encoding::Json, good.clone(), None, &broken).err().unwrap().to_string();
    assert!(!error.contains("canary"), "{error}");
    let message = TextMessage::new(Encoding::Json, good, None, &secret).unwrap();
    let channel = Channel::text(config("127.0.0.1:9", ""), message).unwrap();
    let outcome = channel.deliver(&delivery(Reason::Opened)).await;
    assert!(
        matches!(outcome, Outcome::Refused { retry: false, .. }),
        "a mail address is no number: {outcome:?}"
    );
}
