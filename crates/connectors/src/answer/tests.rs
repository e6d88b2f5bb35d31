//! What a status and a body come to.

use std::time::Duration;

use hyper::body::Bytes;

use super::{artefact, failed};
use crate::{
    Config, Outcome, Secret,
    client::{Answer, Client},
    system_resolver,
};

fn client() -> Client {
    let mut config = Config::new("http://127.0.0.1:1".parse().unwrap());
    config.headers.push(("Authorization".to_owned(), Secret::new("Bearer s3cr3t-token")));
    Client::new(config, system_resolver()).unwrap()
}

fn answer(status: u16, body: &[u8]) -> Answer {
    let body = Ok(Bytes::copy_from_slice(body));
    Answer { status, retry_after: Some(Duration::from_secs(7)), replayed: false, body }
}

#[test]
fn only_what_is_said_before_acting_is_not_applied() {
    let text = |status, attempt| {
        let outcome = failed(&client(), &answer(status, b""), attempt);
        if matches!(outcome, Outcome::Unknown { .. }) {
            return "unknown";
        }
        let Outcome::NotApplied { retry, retry_after, .. } = outcome else { panic!("{status}: {outcome:?}") };
        assert_eq!(retry, retry_after.is_some(), "{status}");
        if retry { "later" } else { "no" }
    };
    for status in [400, 401, 403, 404, 405, 409, 410, 413, 422, 451, 499, 301, 304, 307, 308] {
        assert_eq!(text(status, 1), "no", "{status}");
    }
    for status in [408, 425, 429, 503] {
        assert_eq!(text(status, 1), "later", "{status}");
    }
    for status in [500, 501, 502, 504, 599, 302, 303, 200, 202, 204] {
        assert_eq!(text(status, 1), "unknown", "{status}");
    }
    assert_eq!(text(409, 2), "unknown");
}

#[test]
fn quotes_are_short_inert_and_without_secrets() {
    let mut body = b"\x1b[31mtoken s3cr3t-token, header Bearer s3cr3t-token\r\nfake log line\xff".to_vec();
    body.resize(5000, b'x');
    let Outcome::NotApplied { reason, .. } = failed(&client(), &answer(400, &body), 1) else {
        panic!("not applied")
    };
    assert!(!reason.contains("s3cr3t"), "{reason}");
    assert!(!reason.contains(char::is_control), "{reason:?}");
    assert!(reason.contains("token ***"), "{reason}");
    assert!(reason.chars().count() < 260, "{reason}");
}

#[test]
fn artefacts_are_small_json_without_secrets() {
    let client = client();
    let kept = artefact(&client, br#"{"id": 7, "sent": "Bearer s3cr3t-token"}"#).unwrap();
    assert_eq!(kept, serde_json::json!({"id": 7, "sent": "***"}));
    assert_eq!(artefact(&client, b""), None);
    assert_eq!(artefact(&client, b"<html>"), None);
    let long = format!("\"{}\"", "x".repeat(crate::ARTEFACT_BYTES_MAX));
    assert_eq!(artefact(&client, long.as_bytes()), None);
}
