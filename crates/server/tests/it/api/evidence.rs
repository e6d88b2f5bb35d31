//! Evidence over HTTP: what is taken at which level, what is kept of it, and who had it in hand.

use axum::{
    body::{Body, Bytes},
    http::{Request, header},
};
use domain::{control, control::SafeMode, event::Actor, flow, id::EvidenceId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::bench::{Answered, Bench};

const PNG: &[u8] = &[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13];
const ELF: &[u8] = &[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x3e, 0];

fn offer(bench: &Bench, incident: &str, name: &str, media: &str, body: impl Into<Body>) -> Answered {
    let target = format!("/api/v1/evidence?incident={incident}&kind=file&name={name}");
    let request = Request::builder().method("POST").uri(target);
    let request = request.header(header::AUTHORIZATION, format!("Bearer {}", bench.responder));
    bench.send(request.header(header::CONTENT_TYPE, media).body(body.into()).unwrap())
}

fn limit(bench: &Bench, level: SafeMode) {
    let reason = "a test".to_owned();
    let command = flow::Command::Control(control::Command::SetSafeMode { level, reason });
    bench.runtime.block_on(bench.handle().command(Actor::Platform, command)).unwrap();
}

fn list(bench: &Bench, incident: &str) -> Vec<Value> {
    let page = bench.get(&format!("/api/v1/evidence?incident={incident}")).expect(200);
    page["items"].as_array().unwrap().clone()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_file_is_kept_by_its_hash_and_every_hand_is_on_record() {
    let bench = Bench::new();
    let incident = bench.incident();
    let kept = offer(&bench, &incident, "node.log", "text/plain", "it stopped\n").expect(201);
    let id = kept["id"].as_str().unwrap();
    assert_eq!(kept["sha256"], sha256(b"it stopped\n"));
    assert_eq!(
        (&kept["bytes"], &kept["media"], &kept["source"]),
        (&json!(11), &json!("text/plain"), &json!("upload"))
    );
    assert!(kept["sealed_at"].is_string() && !kept.to_string().contains("blobs"), "no path: {kept}");

    let path = format!("/api/v1/evidence/{id}");
    let silent = bench.ask("GET", &format!("{path}/content"), &bench.responder, "");
    assert!(silent.problem(422, "invalid").contains("the reason is empty"));
    let content = bench.ask("GET", &format!("{path}/content?why=a+look"), &bench.responder, "");
    assert_eq!((content.status, content.body.as_str()), (200, "it stopped\n"));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-disposition", &format!("attachment; filename=\"{id}.bin\"")),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
    ] {
        assert_eq!(content.headers[name], *value, "{name}");
    }
    bench.ask("GET", &format!("{path}/content?why=x"), &bench.viewer, "").problem(403, "forbidden");
    let hand = json!({ "to": "Forensics Ltd", "why": "the disk", "receipt": "R-17" }).to_string();
    let given = bench.ask("POST", &format!("{path}/transfer"), &bench.responder, hand).expect(200);
    assert_eq!(given["custodian"], "Forensics Ltd");
    let checked = bench.ask("POST", &format!("{path}/verify"), &bench.responder, "").expect(200);
    assert!(checked["checked_at"].is_string() && checked["fault"].is_null(), "{checked}");

    let custody = bench.get(&format!("{path}/custody?limit=3")).expect(200);
    let kinds = |page: &Value| -> Vec<String> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["kind"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(kinds(&custody), ["evidence.collected", "evidence.sealed", "evidence.accessed"]);
    let rest = format!("{path}/custody?cursor={}", custody["next"].as_str().unwrap());
    let rest = bench.get(&rest).expect(200);
    assert_eq!((kinds(&rest), &rest["next"]), (vec!["evidence.transferred".to_owned()], &Value::Null));
    assert_eq!(rest["items"][0]["summary"], format!("{id}: to Forensics Ltd: the disk (receipt R-17)"));
}

#[test]
fn uploads_follow_the_level_and_notes_do_not() {
    // Text, an allowed type, another.
    for (level, taken) in [
        (SafeMode::Disabled, [201, 201, 201]),
        (SafeMode::Restricted, [201, 201, 423]),
        (SafeMode::Paranoid, [201, 423, 423]),
        (SafeMode::Emergency, [423, 423, 423]),
        (SafeMode::Lockdown, [423, 423, 423]),
    ] {
        let bench = Bench::new();
        let incident = bench.incident();
        if level != SafeMode::Disabled {
            limit(&bench, level);
        }
        let files: [(&str, &[u8]); 3] = [("a.txt", b"words"), ("a.png", PNG), ("a", ELF)];
        for ((name, bytes), status) in files.into_iter().zip(taken) {
            let got = offer(&bench, &incident, name, "application/octet-stream", bytes);
            assert_eq!(got.status, status, "{level} {name}: {}", got.body);
            let there = bench.handle().stored(&sha256(bytes)).unwrap().is_some();
            assert_eq!(there, status == 201, "{level} {name}: nothing is left of what is refused");
        }
        let note = json!({ "incident": incident, "name": "what I saw", "text": "a stranger" }).to_string();
        let note = bench.ask("POST", "/api/v1/evidence/notes", &bench.responder, note).expect(201);
        let id: EvidenceId = note["id"].as_str().unwrap().parse().unwrap();
        bench.until("the note is sealed", |bench| {
            bench.handle().reader().evidence(id).unwrap().unwrap().sealed_at.is_some()
        });
        let why = format!("/api/v1/evidence/{id}/content?why=x");
        assert_eq!(bench.ask("GET", &why, &bench.responder, "").body, "a stranger");
    }
}

#[test]
fn a_file_that_is_not_what_it_is_said_to_be_is_kept_out_of_reach_and_opens_an_incident() {
    for (name, media, bytes) in [
        ("holiday.jpg", "application/octet-stream", ELF),
        ("invoice.pdf", "application/octet-stream", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff".as_slice()),
        ("a", "image/png", b"<?php system($_GET['c']);"),
        ("readme.txt", "application/octet-stream", PNG),
        ("image.png", "application/octet-stream", b"just words"),
        ("report.odd", "application/octet-stream", ELF),
        ("a", "text/plain", PNG),
    ] {
        let bench = Bench::new();
        let incident = bench.incident();
        let why = offer(&bench, &incident, name, media, bytes).problem(422, "invalid");
        assert!(why.contains(&format!("in quarantine as sha256:{}", sha256(bytes))), "{name}: {why}");
        let newest = &bench.get("/api/v1/incidents?limit=1").expect(200)["items"][0];
        assert_eq!(newest["incident_type"], "malicious_file", "{newest}");
        let kept = &list(&bench, &incident)[0];
        assert_eq!(kept["quarantined"], true);
        let path = format!("/api/v1/evidence/{}/content?why=x", kept["id"].as_str().unwrap());
        let refused = bench.ask("GET", &path, &bench.admin, "").problem(409, "conflict");
        assert!(refused.contains("is in quarantine"), "{refused}");
    }
}

#[test]
fn honest_names_pass() {
    let bench = Bench::new();
    let incident = bench.incident();
    let zip: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0";
    for (name, media, bytes) in [
        ("shot.PNG", "image/png", PNG),
        ("tool", "application/octet-stream", ELF),
        ("letter.docx", "application/octet-stream", zip),
        ("old.doc", "application/msword", &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0]),
        ("wire.pcap", "application/vnd.tcpdump.pcap", &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]),
        ("events.json", "application/json", br#"{"a": 1}"#),
        ("core.dump2", "application/octet-stream", &[1, 2, 3, 0, 255]),
        ("page.html", "text/html; charset=utf-8", b"<!DOCTYPE html><p>caf\xc3\xa9</p>"),
    ] {
        let kept = offer(&bench, &incident, name, media, bytes);
        assert_eq!(kept.status, 201, "{name}: {}", kept.body);
    }
    let again = offer(&bench, &incident, "shot.PNG", "image/png", PNG).problem(409, "conflict");
    assert!(again.contains("is kept as EVD-"), "{again}");
}

#[test]
fn wrong_offers_are_refused_before_anything_is_kept() {
    let bench = Bench::new();
    let incident = bench.incident();
    let ask = |query: &str| bench.ask("POST", &format!("/api/v1/evidence{query}"), &bench.responder, "x");
    for (query, status, problem) in [
        ("", 400, "malformed"),
        ("?incident=INC-x&kind=file&name=a", 400, "malformed"),
        (&*format!("?incident={incident}&kind=treasure&name=a"), 400, "malformed"),
        (&*format!("?incident={incident}&kind=file&name="), 422, "invalid"),
        (&*format!("?incident={incident}&kind=file&name=a&path=/etc"), 400, "malformed"),
        ("?incident=INC-999&kind=file&name=a", 404, "not_found"),
    ] {
        ask(query).problem(status, problem);
    }
    for id in ["EVD-99999", "EVD-01", "..%2f..%2fblobs", "%2e%2e", "evd-1"] {
        bench.get(&format!("/api/v1/evidence/{id}")).problem(404, "not_found");
    }
    assert!(bench.handle().stored(&sha256(b"x")).unwrap().is_none());
    let journal = bench.journal();
    assert!(!journal.lines().any(|line| line.starts_with("evidence.")), "{journal}");
}

#[test]
fn a_file_that_breaks_off_leaves_nothing() {
    struct Cut(u8);
    impl hyper::body::Body for Cut {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
            self.0 += 1;
            let part = hyper::body::Frame::data(Bytes::from_static(b"part"));
            let cut = || Err(std::io::ErrorKind::ConnectionReset.into());
            std::task::Poll::Ready(Some(if self.0 < 3 { Ok(part) } else { cut() }))
        }
    }
    let bench = Bench::new();
    let incident = bench.incident();
    let why = offer(&bench, &incident, "a.txt", "text/plain", Body::new(Cut(0))).problem(400, "malformed");
    assert!(why.contains("broke off"), "{why}");
    assert!(list(&bench, &incident).is_empty());
    assert!(bench.handle().stored(&sha256(b"partpart")).unwrap().is_none());
}
